//! Passes of extensions: each is good while its extension handles an event of a session, for reading that session, and for nothing else.
//! In memory only.

use super::lease::{Holder, Lease};
use super::secret::{Digest, Secret};
use super::{Access, Caller, Grant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Passes that are good now.
#[derive(Clone, Default)]
pub struct Passes(Arc<Mutex<Vec<Pass>>>);

struct Pass {
    digest: Digest,
    agent_id: String,
    session_id: String,
    ended: CancellationToken,
}

/// While this lives, a pass is good.
pub struct Admission {
    passes: Passes,
    ended: CancellationToken,
}

impl Passes {
    /// From now on whoever shows this may read this session, in the name of this extension.
    pub fn admit(&self, secret: &Secret, agent_id: &str, session_id: &str) -> Admission {
        let ended = CancellationToken::new();
        self.lock().push(Pass {
            digest: secret.digest(),
            agent_id: agent_id.to_owned(),
            session_id: session_id.to_owned(),
            ended: ended.clone(),
        });
        Admission {
            passes: self.clone(),
            ended,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pass>> {
        // Nothing panics between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.ended.cancel();
        // A pass whose token is cancelled is the one that this belongs to, or is over as well.
        self.passes.lock().retain(|it| !it.ended.is_cancelled());
    }
}

impl Access {
    /// Passes of extensions.
    pub fn passes(&self) -> &Passes {
        &self.passes
    }

    /// What a pass is worth.
    pub(super) fn check_pass(&self, token: &str) -> Option<Grant> {
        let presented = Digest::of(token);
        let passes = self.passes.lock();
        let pass = passes.iter().find(|it| it.digest.matches(&presented))?;
        Some(Grant {
            caller: Caller::Extension {
                agent_id: pass.agent_id.clone(),
                session_id: pass.session_id.clone(),
            },
            lease: Lease {
                ended: pass.ended.clone(),
                holder: Holder::Extension {
                    agent_id: pass.agent_id.clone(),
                },
            },
        })
    }
}
