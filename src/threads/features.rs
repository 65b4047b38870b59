//! What the installed Codex cannot do, found once and asked before something is tried.

use super::Threads;
use crate::codex::features::{Feature, Lack};
use crate::codex::schema::Schema;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// What is known of Codex's abilities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Abilities {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// Codex does not tell; everything is tried.
    Untold(String),
    /// All but these.
    AllBut(Vec<Lack>),
}

/// What this Codex may be called for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// The methods, by name.
    pub methods: BTreeSet<String>,
    /// When it told.
    pub found_at: DateTime<Utc>,
}

impl Threads {
    /// Looks what this Codex can do, unless that is known. `scratch` is a folder of ours for what it prints.
    pub async fn look_for_abilities(&self, scratch: &Path) {
        if matches!(self.abilities(), Abilities::AllBut(_)) {
            return;
        }
        self.look_again_for_abilities(scratch).await;
    }

    /// Looks what this Codex can do, also when that is known: the program may be another one meanwhile.
    pub async fn look_again_for_abilities(&self, scratch: &Path) {
        let found = match Schema::of(&self.program, scratch).await {
            Ok(schema) => {
                let lacks = schema.lacks();
                let calls = Arc::new(Calls {
                    methods: schema.calls,
                    found_at: Utc::now(),
                });
                *self.calls.lock().unwrap_or_else(PoisonError::into_inner) = Some(calls);
                Abilities::AllBut(lacks)
            }
            Err(error) => Abilities::Untold(say!("reason.failed", error).to_string()),
        };
        match &found {
            Abilities::AllBut(lacks) => {
                for Lack { feature, methods } in lacks {
                    let (feature, loss) = (feature.name(), feature.loss().to_string());
                    tracing::warn!(%feature, ?methods, %loss, "this Codex lacks something");
                }
            }
            Abilities::Untold(reason) => {
                tracing::warn!(%reason, "it is not known what this Codex can do");
            }
            Abilities::Unknown => {}
        }
        *self
            .abilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// What this Codex may be called for; `None` while nobody knows.
    pub fn calls(&self) -> Option<Arc<Calls>> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What is known of Codex's abilities.
    pub fn abilities(&self) -> Abilities {
        self.abilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether something can be done with this Codex. What is not known is tried.
    pub fn can(&self, feature: Feature) -> bool {
        match &*self
            .abilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Abilities::AllBut(lacks) => lacks.iter().all(|lack| lack.feature != feature),
            Abilities::Unknown | Abilities::Untold(_) => true,
        }
    }
}
