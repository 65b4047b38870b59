//! What a start finds about the journal, in sentences: they stand in `server_started`.

use crate::domain::sentence::say;
use crate::journal::{CopyOutcome, Opened, Unused};

/// What a person should know about the journal as it was found.
pub(super) fn of<S>(opened: &Opened<S>) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(torn) = &opened.torn {
        let moved = torn.moved_to.display();
        findings.push(say!("reason.torn_line", bytes = torn.bytes, moved).to_string());
    }
    if let CopyOutcome::Diverged { moved_to } = &opened.copy {
        findings.push(say!("reason.copy_changed", path = moved_to.display()).to_string());
    }
    findings.extend(unused_snapshots(opened));
    findings
}

/// Snapshots that something is wrong with. Those of another version are only logged: after an update there are some.
fn unused_snapshots<S>(opened: &Opened<S>) -> Vec<String> {
    let mut findings = Vec::new();
    for Unused { path, fault } in &opened.unused {
        let path = path.display();
        if fault.is_expected() {
            tracing::info!(%path, %fault, "a snapshot of the journal is not used");
            continue;
        }
        tracing::warn!(%path, %fault, "a snapshot of the journal is not used");
        findings.push(say!("reason.snapshot_unused", path, fault).to_string());
    }
    findings
}
