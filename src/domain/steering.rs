//! What a person does to a session's thread without its terminal, and what is known of the thread besides what is said in it.

use super::department::{Approval, Sandbox};
use serde::{Deserialize, Serialize};

/// What a person does to a session, or to its thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// The turn that runs is broken off.
    Interrupt {
        /// Whether commands that it left in the background end with it.
        background: bool,
    },
    /// The model sums the thread up, and goes on from that.
    Compact {
        /// Whether a turn that runs may be broken off.
        interrupt: bool,
    },
    /// A turn is taken back, with all after it. Files stay as they are.
    Revert {
        /// The first turn that goes.
        turn_id: String,
        /// Whether a turn that runs may be broken off.
        interrupt: bool,
    },
    /// The thread is copied.
    Fork,
    /// The thread gets another name.
    Rename {
        /// The name.
        title: String,
    },
    /// The thread is put away.
    Archive,
    /// A thread is deleted for good.
    Delete {
        /// A copy of the thread; `None` is the thread itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fork_id: Option<String>,
    },
    /// Other settings hold from the next turn on.
    Settings {
        /// Which.
        #[serde(flatten)]
        wish: Wish,
        /// In what they allow more than the session was confirmed with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        wider: Vec<Wider>,
    },
    /// Codex reviews what changed.
    Review {
        /// What is reviewed.
        #[serde(flatten)]
        target: Target,
        /// Whether a turn that runs may be broken off.
        interrupt: bool,
    },
    /// Its terminal shows the session's own thread again.
    Back,
}

/// Settings that somebody wants; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// When it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What its commands may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
}

impl Wish {
    /// In what it allows more than a session was confirmed with.
    pub fn wider_than(&self, approval: Approval, sandbox: Sandbox) -> Vec<Wider> {
        let mut wider = Vec::new();
        wider.extend((self.approval > Some(approval)).then_some(Wider::Approval));
        wider.extend((self.sandbox > Some(sandbox)).then_some(Wider::Sandbox));
        wider
    }
}

/// In what settings allow more than a session was confirmed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wider {
    /// It asks less often.
    Approval,
    /// Its commands may touch more.
    Sandbox,
    /// Its commands reach the network.
    Network,
}

impl Wider {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Sandbox => "sandbox",
            Self::Network => "network",
        }
    }
}

/// What Codex reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum Target {
    /// What is staged, not staged and new.
    Uncommitted,
    /// What differs from where this branch left another one.
    BaseBranch {
        /// The other one.
        branch: String,
    },
    /// One commit.
    Commit {
        /// Its id.
        commit: String,
    },
    /// Whatever this says.
    Custom {
        /// What to do.
        instructions: String,
    },
}

/// Reviews by Codex that a session asked for itself, each a turn of its own in the session's thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReviews {
    /// How many it has asked for since it was started or resumed.
    pub asked: u32,
    /// The one that is not over.
    pub open: Option<OwnReview>,
}

/// A review that a session asked for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnReview {
    /// It waits for the end of the turn in which it was asked for.
    Waits(Target),
    /// Codex was told to begin.
    Begun,
}

impl OwnReviews {
    /// Whether there never was one.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What is in force in a thread, in Codex's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The model.
    pub model: String,
    /// How long it thinks; `None` leaves that to the model.
    #[serde(default)]
    pub effort: Option<String>,
    /// When it asks: a name of [`Approval`], or of something finer.
    pub approval: String,
    /// What its commands may do: a name of [`Sandbox`], or of something else.
    pub sandbox: String,
    /// Whether its commands reach the network from within the sandbox.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
}

impl Settings {
    /// In what they allow more than a session was confirmed with. What cannot be compared counts as more.
    pub fn wider_than(&self, approval: Approval, sandbox: Sandbox) -> Vec<Wider> {
        let asks = Approval::named(&self.approval);
        let touches = Sandbox::named(&self.sandbox);
        let mut wider = Vec::new();
        wider.extend(
            asks.is_none_or(|it| it > approval)
                .then_some(Wider::Approval),
        );
        wider.extend(
            touches
                .is_none_or(|it| it > sandbox)
                .then_some(Wider::Sandbox),
        );
        let network = self.network && sandbox != Sandbox::DangerFullAccess;
        wider.extend(network.then_some(Wider::Network));
        wider
    }

    /// Whether these are what a session was confirmed with, as far as that says anything.
    pub fn are_as_confirmed(
        &self,
        model: Option<&str>,
        approval: Approval,
        sandbox: Sandbox,
    ) -> bool {
        model.is_none_or(|model| model == self.model)
            && self.approval == approval.name()
            && self.sandbox == sandbox.name()
            && (!self.network || sandbox == Sandbox::DangerFullAccess)
    }
}

/// What became of a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is there.
    #[default]
    Kept,
    /// It is put away, and can be fetched back.
    Archived,
    /// It is gone for good.
    Deleted,
}

impl Fate {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        }
    }
}

/// Copies of one thread. Nobody keeps more apart, and each may hold its history for good.
pub const MAX_FORKS: usize = 20;

/// What is known of a session's thread besides what is said in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadState {
    /// What somebody called it, here or in its terminal.
    #[serde(default)]
    pub name: Option<String>,
    /// What is in force in it, once that was changed.
    #[serde(default)]
    pub settings: Option<Settings>,
    /// Its copies that are there, oldest first.
    #[serde(default)]
    pub forks: Vec<String>,
    /// What became of it.
    #[serde(default)]
    pub fate: Fate,
}

impl ThreadState {
    /// Whether nothing is known that would have to be kept.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(approval: &str, sandbox: &str, network: bool) -> Settings {
        Settings {
            model: "m".to_owned(),
            effort: None,
            approval: approval.to_owned(),
            sandbox: sandbox.to_owned(),
            network,
        }
    }

    #[test]
    fn what_allows_more_than_was_confirmed_is_named() {
        let wider = |it: Settings| it.wider_than(Approval::OnRequest, Sandbox::WorkspaceWrite);
        assert_eq!(wider(settings("on-request", "workspace-write", false)), []);
        assert_eq!(wider(settings("untrusted", "read-only", false)), []);
        let all = [Wider::Approval, Wider::Sandbox];
        assert_eq!(wider(settings("never", "danger-full-access", false)), all);
        assert_eq!(wider(settings("granular", "externalSandbox", false)), all);
        let network = wider(settings("on-request", "workspace-write", true));
        assert_eq!(network, [Wider::Network]);
    }

    #[test]
    fn whoever_reaches_the_network_unasked_is_not_as_confirmed() {
        let (asks, touches) = (Approval::OnRequest, Sandbox::WorkspaceWrite);
        let is_as_confirmed = |it: Settings| it.are_as_confirmed(None, asks, touches);
        let of = |network| settings("on-request", "workspace-write", network);
        assert!(is_as_confirmed(of(false)));
        assert!(!is_as_confirmed(of(true)));
    }

    #[test]
    fn a_wish_is_wider_only_in_what_it_asks_for() {
        let confirmed = (Approval::OnRequest, Sandbox::ReadOnly);
        let wish = |approval, sandbox| Wish {
            approval,
            sandbox,
            ..Wish::default()
        };
        let wider = |it: Wish| it.wider_than(confirmed.0, confirmed.1);
        assert_eq!(wider(wish(None, None)), []);
        assert_eq!(wider(wish(Some(Approval::Untrusted), None)), []);
        let more = wider(wish(Some(Approval::Never), Some(Sandbox::WorkspaceWrite)));
        assert_eq!(more, [Wider::Approval, Wider::Sandbox]);
    }
}
