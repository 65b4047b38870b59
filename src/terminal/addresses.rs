//! Whose address of a terminal is whose. Kept in memory alone: a sandboxed agent can read the state folder. Knows no
//! sidecar; `link` tells them.

use crate::access::{Holder, Lease};
use crate::domain::ids::TerminalId;
use codex_terminal::token::{self, Mode, TokenHash};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One for each terminal, way to open it and credential, made when it is first asked for: the same page gets the same
/// address again. There are no more than that.
#[derive(Default)]
pub(super) struct Addresses {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    given: HashMap<(TerminalId, Mode, Holder), Given>,
    /// Those whose end somebody waits for.
    watched: HashSet<Holder>,
}

struct Given {
    token: String,
    sha256: TokenHash,
    lease: Lease,
}

/// A token that somebody may be given.
pub(super) struct Made {
    /// The token.
    pub(super) token: String,
    /// Whether nobody waits yet for the end of this credential.
    pub(super) first: bool,
}

impl Addresses {
    /// The token of this credential for this terminal; `None` when it has ended, or the system has no random numbers.
    pub(super) fn token(&self, id: &TerminalId, mode: Mode, lease: &Lease) -> Option<Made> {
        let mut books = self.lock();
        // Looked at under the lock that its end takes: nothing is made after that.
        if lease.ended.is_cancelled() {
            return None;
        }
        let key = (id.clone(), mode, lease.holder.clone());
        let token = match books.given.get(&key) {
            Some(given) => given.token.clone(),
            None => {
                let token = token::generate()
                    .inspect_err(|error| tracing::error!(%error, "no address could be made"))
                    .ok()?;
                let given = Given {
                    sha256: TokenHash::of(&token),
                    token: token.clone(),
                    lease: lease.clone(),
                };
                books.given.insert(key, given);
                token
            }
        };
        let first = books.watched.insert(lease.holder.clone());
        Some(Made { token, first })
    }

    /// Whether nobody waits yet for the end of this credential; the caller does from now on.
    pub(super) fn watch(&self, holder: &Holder) -> bool {
        self.lock().watched.insert(holder.clone())
    }

    /// Whose token this is, if it is one of this terminal.
    pub(super) fn whose(&self, id: &TerminalId, presented: &TokenHash) -> Option<(Lease, Mode)> {
        let books = self.lock();
        let of_terminal = books.given.iter().filter(|((known, ..), _)| known == id);
        let mut found = None;
        // All of them, so that the time does not tell which one came close.
        for ((_, mode, _), given) in of_terminal {
            if given.sha256.matches(presented) {
                found = Some((given.lease.clone(), *mode));
            }
        }
        found
    }

    /// A terminal is gone.
    pub(super) fn forget(&self, id: &TerminalId) {
        self.lock().given.retain(|(known, ..), _| known != id);
    }

    /// A credential has ended.
    pub(super) fn end(&self, holder: &Holder) {
        let mut books = self.lock();
        books.given.retain(|(_, _, known), _| known != holder);
        books.watched.remove(holder);
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn an_address_is_the_same_until_its_credential_ends_and_nobody_elses() {
        let addresses = Addresses::default();
        let lease = |number| Lease {
            ended: CancellationToken::new(),
            holder: Holder::Browser { boot: 7, number },
        };
        let (mine, other) = (lease(1), lease(2));
        let (id, far) = (TerminalId::fresh("terminal"), TerminalId::fresh("terminal"));
        let token = |id, mode, lease| addresses.token(id, mode, lease).unwrap();
        let first = token(&id, Mode::Write, &mine);
        assert!(first.first);
        let again = token(&id, Mode::Write, &mine);
        assert_eq!((&again.token, again.first), (&first.token, false));
        for other in [
            token(&id, Mode::Read, &mine),
            token(&id, Mode::Write, &other),
            token(&far, Mode::Write, &mine),
        ] {
            assert_ne!(other.token, first.token);
        }
        let hash = TokenHash::of(&first.token);
        let (lease, mode) = addresses.whose(&id, &hash).unwrap();
        assert_eq!((lease.holder, mode), (mine.holder.clone(), Mode::Write));
        assert!(addresses.whose(&far, &hash).is_none());
        mine.ended.cancel();
        assert!(addresses.token(&id, Mode::Write, &mine).is_none());
        addresses.end(&mine.holder);
        assert!(addresses.whose(&id, &hash).is_none());
        addresses.forget(&id);
        assert_eq!(addresses.lock().given.len(), 0);
    }
}
