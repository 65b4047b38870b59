//! Reads what a start did not: the journal before the snapshot, and the copy.
//!
//! Damage there changes nothing now, and everything on the day on which a start has to read it. So it is told while there may be a
//! sound copy.

use crate::core::Core;
use crate::domain::sentence::say;
use crate::journal::{self, CopyVerdict};
use std::sync::Arc;
use std::thread;

/// Begins to read, on a thread that gives way to everything.
pub(super) fn begin(core: &Arc<Core>) {
    let core = Arc::downgrade(core);
    let looked = thread::Builder::new()
        .name("look-back".to_owned())
        .spawn(move || {
            give_way();
            // The core is not kept for it: a server that ends does not wait.
            let Some(places) = core.upgrade().map(|core| core.place.clone()) else {
                return;
            };
            let (journal, copy) = (places.journal(), places.audit_copy());
            let report = match journal::verify(&journal, Some(&copy)) {
                Ok(report) => report,
                Err(error) => {
                    tracing::warn!(%error, "the journal before the snapshot cannot be read");
                    return;
                }
            };
            if let CopyVerdict::Differs { line } = report.copy {
                tracing::warn!(
                    line,
                    "the audit copy differs from the journal: somebody changed it"
                );
            }
            if let Some(bad) = report.bad {
                let (path, line, fault) = (journal.display(), bad.line, bad.fault);
                let reason = say!("reason.old_damage", line, path, fault).to_string();
                tracing::error!(reason, "the journal is damaged before the snapshot");
                if let Some(core) = core.upgrade() {
                    // Only this thread sets it.
                    let _ = core.damage.set(reason);
                }
            }
        });
    if let Err(error) = looked {
        tracing::warn!(%error, "there is no thread to read the journal before the snapshot");
    }
}

/// A journal of a year takes seconds of a processor, and nobody waits for them.
fn give_way() {
    // Elsewhere it would be the whole process that gives way.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(19) {
        tracing::debug!(%error, "the thread keeps its priority");
    }
}
