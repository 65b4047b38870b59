//! What the installed Codex can do for clients. It tells that itself, in the schema that it prints; no method is called to find out.

use super::Harness;
use crate::domain::sentence::{Sentence, say};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The methods behind the operations of the harness.
pub const METHODS: [&str; 42] = [
    "account/login/cancel",
    "account/login/start",
    "account/logout",
    "account/rateLimits/read",
    "account/read",
    "app/list",
    "collaborationMode/list",
    "command/exec",
    "config/batchWrite",
    "config/mcpServer/reload",
    "config/read",
    "config/value/write",
    "configRequirements/read",
    "experimentalFeature/list",
    FEEDBACK,
    "mcpServer/oauth/login",
    "mcpServerStatus/list",
    "model/list",
    "review/start",
    "skills/config/write",
    "skills/list",
    "skills/remote/read",
    "skills/remote/write",
    "thread/archive",
    "thread/backgroundTerminals/clean",
    "thread/compact/start",
    "thread/delete",
    "thread/fork",
    "thread/list",
    "thread/name/set",
    "thread/read",
    "thread/resume",
    "thread/revert",
    "thread/sample",
    "thread/settings/update",
    "thread/start",
    "thread/turns/list",
    "thread/unarchive",
    "thread/unsubscribe",
    "turn/interrupt",
    "turn/start",
    "turn/steer",
];

/// What Codex has and a person has not allowed.
const FEEDBACK: &str = "feedback/upload";
/// More features than this are not read.
const MAX_PAGES: usize = 10;

/// Whether a method may be used.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Codex has it.
    Available,
    /// Codex has it not, or nobody may use it; with the reason.
    Disabled(Sentence),
    /// Codex does not tell; with the reason.
    Unknown(Sentence),
}

/// What is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// When Codex told of its methods.
    pub last_updated_at: Option<DateTime<Utc>>,
    /// Every method that Codex has or that an operation needs.
    pub methods: BTreeMap<String, Standing>,
    /// Every experimental feature, and whether it is on. Empty while Codex cannot be asked.
    pub features: BTreeMap<String, bool>,
}

impl Harness {
    /// What Codex can do; with `refresh` it is asked anew for its methods.
    pub async fn capabilities(&self, refresh: bool) -> Capabilities {
        let scratch = &self.core.place.state;
        match refresh {
            true => self.threads.look_again_for_abilities(scratch).await,
            false => self.threads.look_for_abilities(scratch).await,
        }
        let calls = self.threads.calls();
        let needed = METHODS.iter().map(|method| (*method).to_owned());
        let told = calls.iter().flat_map(|calls| calls.methods.iter().cloned());
        let names: BTreeSet<String> = needed.chain(told).collect();
        let may_send = self.core.policy().ceilings.feedback;
        let standing = |method: &str| match &calls {
            None => Standing::Unknown(say!("refusal.harness.methods_untold")),
            Some(calls) if !calls.methods.contains(method) => {
                Standing::Disabled(say!("refusal.harness.not_supported", method))
            }
            Some(_) if method == FEEDBACK && !may_send => {
                Standing::Disabled(say!("refusal.harness.feedback_off"))
            }
            Some(_) => Standing::Available,
        };
        let methods = names.into_iter().map(|method| {
            let standing = standing(&method);
            (method, standing)
        });
        Capabilities {
            last_updated_at: calls.as_ref().map(|calls| calls.found_at),
            methods: methods.collect(),
            features: self.features().await,
        }
    }

    async fn features(&self) -> BTreeMap<String, bool> {
        let mut features = BTreeMap::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let params = json!({"cursor": cursor, "limit": 200});
            let Ok(page) = self.listed("experimentalFeature/list", params).await else {
                break;
            };
            let found = page.data.iter().filter_map(|feature| {
                let name = feature["name"].as_str()?.to_owned();
                Some((name, feature["enabled"] == Value::Bool(true)))
            });
            features.extend(found);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        features
    }
}
