//! Who may do what: one-time login keys, browser sessions, named tokens.
//!
//! Owns every credential (as digests) and says whose one is. It never sees a request: `web::guard` asks it, `web::login`
//! hands out what it makes. No browser session survives a restart, on purpose: what could be replayed is not on disk.

mod address;
mod bearer;
mod caller;
mod clock;
mod expiry;
mod heard;
mod lease;
mod limit;
mod login_error;
mod passes;
mod proof;
mod secret;
pub mod tokens;
mod tool_servers;

pub use address::Address;
pub use caller::{Caller, Via};
pub use clock::{Clock, boot_clock};
pub use heard::{AccessEvent, Observer};
pub use lease::{Holder, Lease};
pub use login_error::LoginError;
pub use passes::{Admission, Passes};
pub use secret::{NoEntropy, Secret};
pub use tokens::{Scope, TokenError, TokenStore};
pub use tool_servers::Kin;

use limit::Bucket;
pub(crate) use proof::ProofKey;
use secret::Digest;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tool_servers::ToolServers;

/// The key that the server prints at its start.
pub const PRINTED_KEY_LIFE: Duration = Duration::from_secs(10 * 60);

/// The key that `zhongshu open` asks for: long enough for a browser to start.
pub const OPEN_KEY_LIFE: Duration = Duration::from_secs(60);

/// A dashboard that nobody used for a day is logged out; a tenth would end a night's pause, ten times as much would
/// keep a forgotten tab alive for days.
pub const SESSION_IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// However busy it is, a browser logs in again after a week.
pub const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Keys that wait for their first use; the oldest gives way.
const MAX_KEYS: usize = 16;

/// Browsers that are logged in; the one unused for longest gives way.
const MAX_SESSIONS: usize = 32;

/// Spent keys that are remembered, to notice when one comes back.
const MAX_SPENT: usize = 256;

/// The person, in a browser.
const BROWSER: Caller = Caller::Person { via: Via::Browser };

/// A browser that has just logged in.
pub struct Granted {
    /// Its secret: shown with every request.
    pub secret: Secret,
    /// What it believes our answers by, a public key: see `proof`.
    pub proof_key: String,
    /// After this much idleness it is logged out.
    pub idle: Duration,
    /// After this it is logged out in any case.
    pub life: Duration,
}

/// What a credential is worth.
pub(crate) struct Grant {
    pub(crate) caller: Caller,
    pub(crate) lease: Lease,
}

struct Key {
    digest: Digest,
    expires_at: Duration,
}

struct Session {
    id: u64,
    digest: Digest,
    proof: ProofKey,
    created_at: Duration,
    used_at: Duration,
    lease: Lease,
}

struct Spent {
    digest: Digest,
    session: u64,
}

struct Inner {
    keys: Vec<Key>,
    spent: Vec<Spent>,
    sessions: Vec<Session>,
    /// When this server was started: its sessions are told from those of another by it.
    boot: i64,
    next_session: u64,
    wrong_keys: Bucket,
    refusals: Bucket,
    untold_refusals: u64,
}

/// Every credential of one running server.
pub struct Access {
    address: Address,
    clock: Clock,
    tokens: TokenStore,
    closing: CancellationToken,
    observer: Observer,
    tool_servers: ToolServers,
    passes: Passes,
    inner: Mutex<Inner>,
}

impl Access {
    /// The access rules of the server at `address`. `closing` ends everything that is open.
    pub fn new(
        address: Address,
        tokens: TokenStore,
        closing: CancellationToken,
        observer: Observer,
    ) -> Self {
        Self::with_clock(address, tokens, closing, observer, boot_clock())
    }

    /// [`new`](Self::new) with another clock.
    pub fn with_clock(
        address: Address,
        tokens: TokenStore,
        closing: CancellationToken,
        observer: Observer,
        clock: Clock,
    ) -> Self {
        let now = clock();
        let inner = Inner {
            keys: Vec::new(),
            spent: Vec::new(),
            sessions: Vec::new(),
            boot: chrono::Utc::now().timestamp_micros(),
            next_session: 0,
            // A person mistypes nothing here, so a few wrong keys are noise already.
            wrong_keys: Bucket::new(10, 0.5, now),
            // The journal is for people: ten lines, then one every six seconds.
            refusals: Bucket::new(10, 1.0 / 6.0, now),
            untold_refusals: 0,
        };
        Self {
            address,
            clock,
            tokens: tokens.ending_with(&closing),
            closing,
            observer,
            tool_servers: ToolServers::default(),
            passes: Passes::default(),
            inner: Mutex::new(inner),
        }
    }

    /// Where this server is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The dashboard with a login key in its fragment: under its own name where browsers find that, else (and when `by_address`
    /// asks for it) under the address, which some program may have had before us.
    pub fn login_url(&self, key: &Secret, by_address: bool) -> String {
        let page = match by_address || !self.address.is_known_to_browsers() {
            true => self.address.url(),
            false => self.address.page_url(),
        };
        format!("{page}#key={}", key.reveal())
    }

    /// Cancelled when the server stops.
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Makes a key that one browser can log in with, once.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn mint_login_key(&self, life: Duration) -> Result<Secret, NoEntropy> {
        let key = Secret::generate("")?;
        let now = (self.clock)();
        let mut inner = self.lock();
        inner.keys.retain(|key| key.expires_at > now);
        if inner.keys.len() >= MAX_KEYS {
            inner.keys.remove(0);
        }
        inner.keys.push(Key {
            digest: key.digest(),
            expires_at: now + life,
        });
        Ok(key)
    }

    /// Exchanges a key for a browser session.
    ///
    /// # Errors
    /// When the key is wrong, late or was used before.
    pub fn login(&self, key: &str) -> Result<Granted, LoginError> {
        let presented = Digest::of(key);
        let now = (self.clock)();
        let mut inner = self.lock();
        if let Some(index) = find(&inner.keys, |key| &key.digest, &presented) {
            let key = inner.keys.remove(index);
            if key.expires_at <= now {
                return Err(LoginError::Expired);
            }
            let secret = Secret::generate("")?;
            let proof = ProofKey::generate()?;
            let proof_key = proof.public();
            let session = Session {
                id: inner.next_session,
                digest: secret.digest(),
                proof,
                created_at: now,
                used_at: now,
                lease: Lease {
                    ended: self.closing.child_token(),
                    holder: Holder::Browser {
                        boot: inner.boot,
                        number: inner.next_session,
                    },
                },
            };
            let evicted = inner.add_session(session, presented);
            drop(inner);
            self.tell_ended(evicted, None);
            self.tell(AccessEvent::Granted {
                to: "browser".to_owned(),
                scope: Scope::Human.word(),
                by: BROWSER.actor(),
            });
            return Ok(Granted {
                secret,
                proof_key,
                idle: SESSION_IDLE,
                life: SESSION_LIFE,
            });
        }
        if let Some(index) = find(&inner.spent, |spent| &spent.digest, &presented) {
            let session = inner.spent[index].session;
            let revoked = inner.end_sessions(|one| one.id == session);
            drop(inner);
            self.tell_ended(revoked, None);
            return Err(LoginError::Spent);
        }
        // Only wrong keys are counted, so nobody can keep the person with the right one out.
        if inner.wrong_keys.take(now) {
            Err(LoginError::Unknown)
        } else {
            Err(LoginError::TooMany)
        }
    }

    /// Ends the browser session with this secret.
    pub fn logout(&self, secret: &str) {
        let presented = Digest::of(secret);
        let ended = self
            .lock()
            .end_sessions(|session| session.digest.matches(&presented));
        self.tell_ended(ended, Some(BROWSER.actor()));
    }

    /// The named tokens.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// Makes a named token, as `by` wishes.
    ///
    /// # Errors
    /// See [`TokenStore::create`].
    pub fn create_token(
        &self,
        by: &Caller,
        name: &str,
        scope: Scope,
    ) -> Result<Secret, TokenError> {
        let secret = self.tokens.create(name, scope, chrono::Utc::now())?;
        self.tell(AccessEvent::Granted {
            to: name.to_owned(),
            scope: scope.word(),
            by: by.actor(),
        });
        Ok(secret)
    }

    /// Takes a named token away, as `by` wishes, and ends what it has open.
    ///
    /// # Errors
    /// See [`TokenStore::revoke`].
    pub fn revoke_token(&self, by: &Caller, name: &str) -> Result<(), TokenError> {
        self.tokens.revoke(name)?;
        self.tell(AccessEvent::Revoked {
            to: name.to_owned(),
            by: Some(by.actor()),
        });
        Ok(())
    }

    /// What the secret of a browser session is worth.
    pub(crate) fn check_session(&self, secret: &str) -> Option<Grant> {
        let presented = Digest::of(secret);
        let now = (self.clock)();
        self.end_expired();
        let mut inner = self.lock();
        let index = find(&inner.sessions, |session| &session.digest, &presented)?;
        let session = &mut inner.sessions[index];
        session.used_at = now;
        Some(Grant {
            caller: BROWSER,
            lease: session.lease.clone(),
        })
    }

    /// What answers to the browser session with this secret are signed with.
    pub(crate) fn proof_key(&self, secret: &str) -> Option<ProofKey> {
        let presented = Digest::of(secret);
        let inner = self.lock();
        let index = find(&inner.sessions, |session| &session.digest, &presented)?;
        Some(inner.sessions[index].proof.clone())
    }

    /// What the unix socket is worth.
    pub fn command_line(&self) -> Lease {
        Lease {
            ended: self.closing.clone(),
            holder: Holder::CommandLine,
        }
    }

    /// Which credentials of an earlier server are still good: the command line's, and the named tokens that there are.
    /// With tokens that cannot be read, none of theirs is.
    pub fn standing(&self) -> Vec<Lease> {
        let mut standing = vec![self.command_line()];
        match self.tokens.leases() {
            Ok(leases) => standing.extend(leases),
            Err(error) => tracing::error!(%error, "the named tokens cannot be read"),
        }
        standing
    }

    /// Reports a refusal, of `by` where that is known, unless there were too many lately.
    pub(crate) fn refused(&self, by: Option<String>, reason: &str, path: &str) {
        let now = (self.clock)();
        let mut inner = self.lock();
        if !inner.refusals.take(now) {
            inner.untold_refusals += 1;
            return;
        }
        let untold = std::mem::take(&mut inner.untold_refusals);
        drop(inner);
        let mut reason = reason.to_owned();
        if untold > 0 {
            reason.push_str(&format!(" (and {untold} more refusals before this one)"));
        }
        self.tell(AccessEvent::Refused {
            reason,
            path: path.chars().take(200).collect(),
            by,
        });
    }

    fn tell(&self, event: AccessEvent) {
        (self.observer)(event);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics between two changes that belong together.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Returns whether another browser had to give way.
    fn add_session(&mut self, session: Session, key: Digest) -> bool {
        let mut evicted = false;
        if self.sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = self.sessions.iter().min_by_key(|one| one.used_at)
        {
            let oldest = oldest.id;
            evicted = self.end_sessions(|one| one.id == oldest);
        }
        self.next_session += 1;
        let id = session.id;
        self.sessions.push(session);
        if self.spent.len() >= MAX_SPENT {
            self.spent.remove(0);
        }
        self.spent.push(Spent {
            digest: key,
            session: id,
        });
        evicted
    }

    fn end_sessions(&mut self, mut which: impl FnMut(&Session) -> bool) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| {
            let ends = which(session);
            if ends {
                session.lease.ended.cancel();
            }
            !ends
        });
        self.sessions.len() != before
    }
}

/// Compares with all of them, so that the time does not tell which one came close.
fn find<T>(all: &[T], digest: impl Fn(&T) -> &Digest, presented: &Digest) -> Option<usize> {
    let mut found = None;
    for (index, one) in all.iter().enumerate() {
        if digest(one).matches(presented) {
            found = Some(index);
        }
    }
    found
}

#[cfg(test)]
mod tests;
