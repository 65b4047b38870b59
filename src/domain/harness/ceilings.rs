//! What a person lets clients of the harness have at most. No request passes it: not by asking for more, and not by driving a thread that has
//! more. The person themself is bound by the folders and by `feedback` only.

use super::controls::{ApprovalPolicy, Controls, FilesystemSandbox, NetworkAccess};
use super::extension::mode::Mode;
use super::worker;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The most that is given. As [`Default`] it is what holds when nobody says anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ceilings {
    /// The widest sandbox.
    pub sandbox: FilesystemSandbox,
    /// Whether commands may reach the network.
    pub network: NetworkAccess,
    /// The policy that asks least.
    pub approval: ApprovalPolicy,
    /// Folders, besides the repository, in which threads may begin; absolute, or from the repository's root.
    pub folders: Vec<PathBuf>,
    /// Whether commands may be run without a thread.
    pub exec: bool,
    /// Whether Codex's configuration may be written.
    pub config_writes: bool,
    /// Whether Codex may be logged in and out.
    pub account: bool,
    /// Whether something may be sent to Codex's makers.
    pub feedback: bool,
    /// Whether extensions run, and how strictly their word is held.
    #[serde(skip_serializing_if = "is_disabled")]
    pub extensions: Mode,
    /// Folders, besides the repository's own, in which extensions lie; absolute.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension_folders: Vec<PathBuf>,
    /// Whether workers work.
    #[serde(skip_serializing_if = "is_off")]
    pub workers: worker::Mode,
    /// Tokens that each of them may take.
    #[serde(skip_serializing_if = "is_usual")]
    pub worker_tokens: u64,
}

fn is_disabled(mode: &Mode) -> bool {
    *mode == Mode::Disabled
}

fn is_off(mode: &worker::Mode) -> bool {
    *mode == worker::Mode::Off
}

fn is_usual(tokens: &u64) -> bool {
    *tokens == worker::MAX_TOKENS
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            sandbox: FilesystemSandbox::WorkspaceWrite,
            network: NetworkAccess::Restricted,
            approval: ApprovalPolicy::OnRequest,
            folders: Vec::new(),
            exec: false,
            config_writes: false,
            account: false,
            feedback: false,
            extensions: Mode::Disabled,
            extension_folders: Vec::new(),
            workers: worker::Mode::Off,
            worker_tokens: worker::MAX_TOKENS,
        }
    }
}

/// Something that is above a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Above {
    /// A wider sandbox.
    Sandbox(FilesystemSandbox),
    /// The network.
    Network,
    /// A policy that asks less.
    Approval(ApprovalPolicy),
    /// A folder elsewhere.
    Folder,
    /// A command without a thread.
    Exec,
    /// A change of Codex's configuration.
    ConfigWrites,
    /// A login or logout.
    Account,
    /// Something for Codex's makers.
    Feedback,
}

impl Above {
    /// Its key under `harness` in `governance.yaml`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Sandbox(_) => "sandbox",
            Self::Network => "network",
            Self::Approval(_) => "approval",
            Self::Folder => "folders",
            Self::Exec => "exec",
            Self::ConfigWrites => "config_writes",
            Self::Account => "account",
            Self::Feedback => "feedback",
        }
    }

    /// What was asked for, in the words of the file.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sandbox(sandbox) => sandbox.for_codex(),
            Self::Network => NetworkAccess::Enabled.name(),
            Self::Approval(policy) => policy.name(),
            Self::Folder => "another folder",
            Self::Exec | Self::ConfigWrites | Self::Account | Self::Feedback => "true",
        }
    }

    /// Whether it binds the person as well.
    pub fn binds_everybody(self) -> bool {
        matches!(self, Self::Folder | Self::Feedback)
    }
}

/// What a client wants that is either given or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// To run a command without a thread.
    Exec,
    /// To write Codex's configuration.
    ConfigWrites,
    /// To log Codex in or out.
    Account,
    /// To send something to Codex's makers.
    Feedback,
}

impl Ceilings {
    /// What of these controls is above, if something is. `bound`: the caller is not the person.
    ///
    /// # Errors
    /// The first thing that is.
    pub fn check(&self, bound: bool, controls: &Controls) -> Result<(), Above> {
        let above = [
            (controls.filesystem_sandbox > self.sandbox)
                .then_some(Above::Sandbox(controls.filesystem_sandbox)),
            (controls.network_access > self.network).then_some(Above::Network),
            (controls.approval_policy > self.approval)
                .then_some(Above::Approval(controls.approval_policy)),
        ];
        match above.into_iter().flatten().next() {
            Some(above) if bound => Err(above),
            _ => Ok(()),
        }
    }

    /// Whether this may be done.
    ///
    /// # Errors
    /// What it is above.
    pub fn check_act(&self, bound: bool, act: Act) -> Result<(), Above> {
        let (given, above) = match act {
            Act::Exec => (self.exec, Above::Exec),
            Act::ConfigWrites => (self.config_writes, Above::ConfigWrites),
            Act::Account => (self.account, Above::Account),
            Act::Feedback => (self.feedback, Above::Feedback),
        };
        match given || !(bound || above.binds_everybody()) {
            true => Ok(()),
            false => Err(above),
        }
    }

    /// Whether a yes may give this.
    ///
    /// # Errors
    /// The same, when it is above.
    pub fn check_gift(&self, bound: bool, gift: Above) -> Result<(), Above> {
        let is_above = match gift {
            Above::Sandbox(sandbox) => sandbox > self.sandbox,
            Above::Network => self.network < NetworkAccess::Enabled,
            Above::Approval(policy) => policy > self.approval,
            Above::Folder => true,
            Above::Exec => !self.exec,
            Above::ConfigWrites => !self.config_writes,
            Above::Account => !self.account,
            Above::Feedback => !self.feedback,
        };
        match is_above && (bound || gift.binds_everybody()) {
            true => Err(gift),
            false => Ok(()),
        }
    }

    /// Whether a thread may begin in this folder; both paths absolute and without links.
    ///
    /// # Errors
    /// [`Above::Folder`].
    pub fn check_folder(&self, repo: &Path, folder: &Path) -> Result<(), Above> {
        let mut roots = self.folders.iter().map(|it| repo.join(it));
        match folder.starts_with(repo) || roots.any(|root| folder.starts_with(root)) {
            true => Ok(()),
            false => Err(Above::Folder),
        }
    }

    /// The lower of the two in each part.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let shared = |own: &[PathBuf], others: &[PathBuf]| {
            let both = own.iter().filter(|it| others.contains(it));
            both.cloned().collect()
        };
        Self {
            sandbox: self.sandbox.min(other.sandbox),
            network: self.network.min(other.network),
            approval: self.approval.min(other.approval),
            folders: shared(&self.folders, &other.folders),
            exec: self.exec && other.exec,
            config_writes: self.config_writes && other.config_writes,
            account: self.account && other.account,
            feedback: self.feedback && other.feedback,
            extensions: self.extensions.min(other.extensions),
            extension_folders: shared(&self.extension_folders, &other.extension_folders),
            workers: self.workers.min(other.workers),
            worker_tokens: self.worker_tokens.min(other.worker_tokens),
        }
    }

    /// The same where it gives more than nobody has to say yes to, and that elsewhere: what needs a yes.
    #[must_use]
    pub fn beyond_default(&self) -> Self {
        let safe = Self::default();
        Self {
            sandbox: self.sandbox.max(safe.sandbox),
            network: self.network.max(safe.network),
            approval: self.approval.max(safe.approval),
            worker_tokens: self.worker_tokens.max(safe.worker_tokens),
            ..self.clone()
        }
    }

    /// Whether it is what holds without a yes.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `wanted` gives no more than this.
    pub fn covers(&self, wanted: &Self) -> bool {
        self.and(wanted) == *wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide() -> Ceilings {
        Ceilings {
            sandbox: FilesystemSandbox::DangerFullAccess,
            network: NetworkAccess::Enabled,
            approval: ApprovalPolicy::Never,
            folders: vec!["/srv/other".into()],
            exec: true,
            config_writes: true,
            account: true,
            feedback: true,
            extensions: Mode::Warn,
            extension_folders: vec!["/srv/agents".into()],
            workers: worker::Mode::On,
            worker_tokens: 2 * worker::MAX_TOKENS,
        }
    }

    #[test]
    fn the_person_is_bound_by_folders_and_feedback_alone() {
        let safe = Ceilings::default();
        let open = Controls {
            filesystem_sandbox: FilesystemSandbox::DangerFullAccess,
            ..Controls::default()
        };
        assert_eq!(
            safe.check(true, &open),
            Err(Above::Sandbox(FilesystemSandbox::DangerFullAccess))
        );
        assert_eq!(safe.check(false, &open), Ok(()));
        for act in [Act::Exec, Act::ConfigWrites, Act::Account] {
            assert!(safe.check_act(true, act).is_err(), "{act:?}");
            assert!(safe.check_act(false, act).is_ok(), "{act:?}");
        }
        for bound in [true, false] {
            assert_eq!(safe.check_act(bound, Act::Feedback), Err(Above::Feedback));
            assert_eq!(wide().check_act(bound, Act::Feedback), Ok(()));
        }
        let (repo, within) = (Path::new("/r/repo"), Path::new("/r/repo/a"));
        assert_eq!(safe.check_folder(repo, within), Ok(()));
        for outside in ["/r/repository", "/r", "/srv/other/b"] {
            let outside = Path::new(outside);
            assert_eq!(safe.check_folder(repo, outside), Err(Above::Folder));
        }
        assert_eq!(wide().check_folder(repo, Path::new("/srv/other/b")), Ok(()));
    }

    #[test]
    fn each_control_has_its_ceiling() {
        let safe = Ceilings::default();
        assert_eq!(safe.check(true, &Controls::default()), Ok(()));
        let network = Controls {
            network_access: NetworkAccess::Enabled,
            ..Controls::default()
        };
        assert_eq!(safe.check(true, &network), Err(Above::Network));
        let never = Controls {
            approval_policy: ApprovalPolicy::Never,
            ..Controls::default()
        };
        let above = Above::Approval(ApprovalPolicy::Never);
        assert_eq!(safe.check(true, &never), Err(above));
        assert_eq!(wide().check(true, &never), Ok(()));
    }

    #[test]
    fn what_gives_more_is_asked_about_and_what_narrows_is_not() {
        let safe = Ceilings::default();
        let narrow = Ceilings {
            sandbox: FilesystemSandbox::ReadOnly,
            ..Ceilings::default()
        };
        assert!(narrow.beyond_default().is_default());
        assert!(!safe.covers(&wide()) && wide().covers(&safe) && wide().covers(&wide()));
    }
}
