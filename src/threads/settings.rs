//! What is in force in a thread: from the words of the protocol into ours, and back.

use crate::codex::calls::{ApprovalPolicy, SandboxMode, SandboxPolicy, ThreadOpened};
use crate::codex::events::ThreadSettings;
use crate::codex::wire::ThreadId;
use crate::domain::department::{Approval, Sandbox};
use crate::domain::steering::Settings;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Who waits for an answer that says what is in force in a thread: whatever Codex says of that by itself meanwhile is newer.
#[derive(Debug, Default)]
pub(super) struct Awaited(Mutex<Vec<(ThreadId, Weak<AtomicBool>)>>);

/// Whether something newer was heard than what is asked for.
#[derive(Debug, Clone)]
pub struct Overtaken(Arc<AtomicBool>);

impl Overtaken {
    /// Whether it was.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Awaited {
    /// From now on, for as long as the answer to this is kept.
    pub(super) fn begin(&self, id: &ThreadId) -> Overtaken {
        let overtaken = Arc::new(AtomicBool::new(false));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, it)| it.strong_count() > 0);
        all.push((id.clone(), Arc::downgrade(&overtaken)));
        Overtaken(overtaken)
    }

    /// Codex says by itself what is in force in this thread.
    pub(super) fn heard(&self, id: &ThreadId) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = all.iter().filter(|(thread, _)| thread == id);
        for overtaken in mine.filter_map(|(_, it)| it.upgrade()) {
            overtaken.store(true, Ordering::SeqCst);
        }
    }
}

/// What a notification says of all of them.
pub fn in_force(settings: &ThreadSettings) -> Settings {
    let (sandbox, network) = touches(&settings.sandbox_policy);
    Settings {
        model: settings.model.clone(),
        effort: settings.effort.clone(),
        approval: asks(&settings.approval_policy),
        sandbox,
        network,
    }
}

/// What was in force when a thread was opened or resumed, where Codex says so.
pub(super) fn at_opening(opened: &ThreadOpened) -> Option<Settings> {
    let (sandbox, network) = touches(&opened.sandbox);
    Some(Settings {
        model: opened.model.clone(),
        effort: opened.reasoning_effort.clone(),
        approval: asks(opened.approval_policy.as_ref()?),
        sandbox,
        network,
    })
}

fn asks(policy: &ApprovalPolicy) -> String {
    match policy {
        ApprovalPolicy::Untrusted => Approval::Untrusted.name().to_owned(),
        ApprovalPolicy::OnRequest => Approval::OnRequest.name().to_owned(),
        ApprovalPolicy::Never => Approval::Never.name().to_owned(),
        ApprovalPolicy::Other(Value::String(name)) => name.clone(),
        // An object has its kind as its key.
        ApprovalPolicy::Other(finer) => match finer.as_object().and_then(|it| it.keys().next()) {
            Some(kind) => kind.clone(),
            None => finer.to_string(),
        },
    }
}

/// The sandbox's name, and whether commands in it reach the network.
fn touches(policy: &Value) -> (String, bool) {
    match serde_json::from_value(policy.clone()) {
        Ok(SandboxPolicy::ReadOnly { network_access }) => {
            (Sandbox::ReadOnly.name().to_owned(), network_access)
        }
        Ok(SandboxPolicy::WorkspaceWrite { network_access, .. }) => {
            (Sandbox::WorkspaceWrite.name().to_owned(), network_access)
        }
        Ok(SandboxPolicy::DangerFullAccess) => (Sandbox::DangerFullAccess.name().to_owned(), false),
        Err(_) => {
            let kind = policy["type"].as_str();
            (kind.unwrap_or("unknown").to_owned(), false)
        }
    }
}

pub(super) fn sandbox(mode: Sandbox) -> SandboxMode {
    match mode {
        Sandbox::ReadOnly => SandboxMode::ReadOnly,
        Sandbox::WorkspaceWrite => SandboxMode::WorkspaceWrite,
        Sandbox::DangerFullAccess => SandboxMode::DangerFullAccess,
    }
}

/// The sandbox in full. Beyond the repository and temporary folders nothing is written, and the network is out of reach.
pub(super) fn sandbox_in_full(mode: Sandbox) -> SandboxPolicy {
    match mode {
        Sandbox::ReadOnly => SandboxPolicy::ReadOnly {
            network_access: false,
        },
        Sandbox::WorkspaceWrite => SandboxPolicy::WorkspaceWrite {
            writable_roots: Vec::new(),
            network_access: false,
        },
        Sandbox::DangerFullAccess => SandboxPolicy::DangerFullAccess,
    }
}

pub(super) fn approval(policy: Approval) -> ApprovalPolicy {
    match policy {
        Approval::Untrusted => ApprovalPolicy::Untrusted,
        Approval::OnRequest => ApprovalPolicy::OnRequest,
        Approval::Never => ApprovalPolicy::Never,
    }
}
