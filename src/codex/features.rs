//! Owns which of our abilities need which methods of Codex, so that another version switches off what it cannot do, by name.

use serde::Serialize;

use super::schema::Schema;
use crate::domain::sentence::{Sentence, say};

/// Something that we can do with Codex, if it has the methods for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Threads are opened, resumed, given messages and ended.
    Sessions,
    /// It is known which message has arrived.
    Receipts,
    /// What a thread did is read.
    Transcript,
    /// Approvals of commands are answered here.
    CommandApprovals,
    /// Approvals of patches are answered here.
    PatchApprovals,
    /// Wishes for more permissions are answered here.
    Permissions,
    /// Questions of the model are answered here.
    Questions,
    /// Forms and approvals of tool servers are answered here.
    ToolServers,
    /// What a command left running in the background ends with its session.
    BackgroundCommands,
    /// The models on offer are known.
    Models,
    /// It is known whether there is a login.
    Login,
    /// Tokens are counted, and limits of the account known.
    Usage,
    /// Threads are made shorter.
    Compaction,
    /// The last turns of a thread are taken back.
    Reverts,
    /// A thread is copied, to go on from there.
    Forks,
    /// Threads of sessions that are over are archived and deleted.
    Removal,
    /// Model, effort, approvals and sandbox of a running thread are changed.
    ThreadSettings,
    /// Codex reviews what changed.
    Reviews,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Sessions,
        Self::Receipts,
        Self::Transcript,
        Self::CommandApprovals,
        Self::PatchApprovals,
        Self::Permissions,
        Self::Questions,
        Self::ToolServers,
        Self::BackgroundCommands,
        Self::Models,
        Self::Login,
        Self::Usage,
        Self::Compaction,
        Self::Reverts,
        Self::Forks,
        Self::Removal,
        Self::ThreadSettings,
        Self::Reviews,
    ];

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Receipts => "receipts",
            Self::Transcript => "transcript",
            Self::CommandApprovals => "command_approvals",
            Self::PatchApprovals => "patch_approvals",
            Self::Permissions => "permissions",
            Self::Questions => "questions",
            Self::ToolServers => "tool_servers",
            Self::BackgroundCommands => "background_commands",
            Self::Models => "models",
            Self::Login => "login",
            Self::Usage => "usage",
            Self::Compaction => "compaction",
            Self::Reverts => "reverts",
            Self::Forks => "forks",
            Self::Removal => "removal",
            Self::ThreadSettings => "thread_settings",
            Self::Reviews => "reviews",
        }
    }

    /// The methods without which it does not work.
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Sessions => &[
                "initialize",
                "thread/start",
                "thread/resume",
                "thread/name/set",
                "thread/read",
                "thread/unsubscribe",
                "turn/start",
                "turn/interrupt",
                "turn/started",
                "turn/completed",
                "thread/status/changed",
                "item/started",
                "item/completed",
            ],
            Self::Receipts => &["thread/items/list"],
            Self::Transcript => &["thread/turns/list", "thread/items/list"],
            Self::CommandApprovals => &[
                "item/commandExecution/requestApproval",
                "serverRequest/resolved",
            ],
            Self::PatchApprovals => &["item/fileChange/requestApproval", "serverRequest/resolved"],
            Self::Permissions => &["item/permissions/requestApproval", "serverRequest/resolved"],
            Self::Questions => &["item/tool/requestUserInput", "serverRequest/resolved"],
            Self::ToolServers => &["mcpServer/elicitation/request", "serverRequest/resolved"],
            Self::BackgroundCommands => &["thread/backgroundTerminals/clean"],
            Self::Models => &["model/list"],
            Self::Login => &["account/read"],
            Self::Usage => &[
                "thread/tokenUsage/updated",
                "account/rateLimits/updated",
                "account/rateLimits/read",
            ],
            Self::Compaction => &["thread/compact/start"],
            Self::Reverts => &["thread/revert", "thread/reverted"],
            Self::Forks => &["thread/fork"],
            Self::Removal => &["thread/archive", "thread/unarchive", "thread/delete"],
            Self::ThreadSettings => &["thread/settings/update", "thread/settings/updated"],
            Self::Reviews => &["review/start"],
        }
    }

    /// What it means when it is switched off.
    pub fn loss(self) -> Sentence {
        match self {
            Self::Sessions => say!("reason.codex.loss.sessions"),
            Self::Receipts => say!("reason.codex.loss.receipts"),
            Self::Transcript => say!("reason.codex.loss.transcript"),
            Self::CommandApprovals => say!("reason.codex.loss.command_approvals"),
            Self::PatchApprovals => say!("reason.codex.loss.patch_approvals"),
            Self::Permissions => say!("reason.codex.loss.permissions"),
            Self::Questions => say!("reason.codex.loss.questions"),
            Self::ToolServers => say!("reason.codex.loss.tool_servers"),
            Self::BackgroundCommands => say!("reason.codex.loss.background_commands"),
            Self::Models => say!("reason.codex.loss.models"),
            Self::Login => say!("reason.codex.loss.login"),
            Self::Usage => say!("reason.codex.loss.usage"),
            Self::Compaction => say!("reason.codex.loss.compaction"),
            Self::Reverts => say!("reason.codex.loss.reverts"),
            Self::Forks => say!("reason.codex.loss.forks"),
            Self::Removal => say!("reason.codex.loss.removal"),
            Self::ThreadSettings => say!("reason.codex.loss.thread_settings"),
            Self::Reviews => say!("reason.codex.loss.reviews"),
        }
    }
}

/// A feature that this Codex cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which.
    pub feature: Feature,
    /// The methods that are not there.
    pub methods: Vec<&'static str>,
}

impl Schema {
    /// What cannot be done with this Codex.
    pub fn lacks(&self) -> Vec<Lack> {
        let has = |method: &&str| {
            let all = [&self.calls, &self.notifications, &self.requests];
            all.iter().any(|methods| methods.contains(*method))
        };
        let lacks = Feature::ALL.map(|feature| Lack {
            feature,
            methods: feature
                .methods()
                .iter()
                .copied()
                .filter(|method| !has(method))
                .collect(),
        });
        lacks
            .into_iter()
            .filter(|lack| !lack.methods.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_the_rest_goes_on() {
        let every = Feature::ALL.iter().flat_map(|it| it.methods());
        let mut schema = Schema {
            calls: every.map(ToString::to_string).collect(),
            ..Schema::default()
        };
        assert_eq!(schema.lacks(), []);
        schema.calls.remove("thread/items/list");
        let lacks = schema.lacks();
        let lacks: Vec<_> = lacks
            .iter()
            .map(|it| (it.feature, &it.methods[..]))
            .collect();
        let gone = &["thread/items/list"][..];
        assert_eq!(
            lacks,
            [(Feature::Receipts, gone), (Feature::Transcript, gone)]
        );
    }
}
