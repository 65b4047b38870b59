//! Named bearer tokens for scripts, in `<state>/tokens.json`: only their digests, mode 0600, replaced whole.
//!
//! The file is the truth and may be changed by the command line while a server runs: both lock `tokens.lock` around a
//! change, and the server looks again when the file is another one. A damaged file is an error, never "no tokens".

use super::lease::{Holder, Lease};
use super::secret::{Digest, NoEntropy, Secret};
use crate::domain::sentence::{Sentence, say};
use crate::paths::write_private;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Starts every token, so that people and secret scanners recognise one.
pub const PREFIX: &str = "zhongshu_";

/// More names than anybody keeps apart; every one of them is compared on each request.
const MAX_TOKENS: usize = 100;

/// A hundred tokens need a fifth of it.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything, change nothing.
    Read,
    /// Look at everything, and drive threads through the harness API. It confirms nothing, and makes no tokens.
    Harness,
    /// Everything that the person at the dashboard may do.
    Human,
}

impl Scope {
    /// Its name in files, events and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Harness => "harness",
            Self::Human => "human",
        }
    }
}

/// What is known about a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    scope: Scope,
    created_at: DateTime<Utc>,
    sha256: Digest,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    tokens: Vec<Record>,
}

/// Why tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A name that cannot be one.
    Name,
    /// The name is taken.
    Exists(String),
    /// No such token.
    Unknown(String),
    /// Too many.
    Full,
    /// The file holds something else.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No random numbers.
    NoEntropy(#[from] NoEntropy),
}

impl TokenError {
    /// What is wrong, and what to do.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Name => say!("refusal.token.name"),
            Self::Exists(name) => say!("refusal.token.exists", name),
            Self::Unknown(name) => say!("refusal.token.unknown", name),
            Self::Full => say!("refusal.token.full", max_tokens = MAX_TOKENS),
            Self::Damaged { path, reason } => {
                say!("refusal.token.damaged", path = path.display(), reason)
            }
            Self::Io { path, source } => {
                Sentence::verbatim(format!("{}: {source}", path.display()))
            }
            Self::NoEntropy(source) => Sentence::verbatim(source.to_string()),
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

/// Which file was read: another one has another fingerprint.
type Fingerprint = Option<(u64, u64, i64, i64, u64)>;

struct Live {
    record: Record,
    lease: CancellationToken,
}

impl Live {
    fn lease(&self) -> Lease {
        Lease {
            ended: self.lease.clone(),
            holder: Holder::Token {
                name: self.record.name.clone(),
                print: self.record.sha256.print(),
            },
        }
    }
}

#[derive(Default)]
struct Cache {
    fingerprint: Option<Fingerprint>,
    tokens: Vec<Live>,
}

/// The tokens of one state folder.
pub struct TokenStore {
    folder: PathBuf,
    cache: Mutex<Cache>,
    /// Ends every lease, when the server stops.
    closing: CancellationToken,
}

impl TokenStore {
    /// The tokens in this state folder.
    ///
    /// # Errors
    /// When there is a file that holds no tokens: a server must not start on it.
    pub fn open(folder: &Path) -> Result<Self, TokenError> {
        let store = Self {
            folder: folder.to_owned(),
            cache: Mutex::default(),
            closing: CancellationToken::new(),
        };
        store.refresh(&mut store.lock())?;
        Ok(store)
    }

    /// The same tokens, with leases that also end when `closing` is cancelled.
    pub(super) fn ending_with(mut self, closing: &CancellationToken) -> Self {
        self.closing = closing.clone();
        for token in &mut self.lock().tokens {
            token.lease = closing.child_token();
        }
        self
    }

    /// Makes a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the name is taken or cannot be one, or the file cannot be written.
    pub fn create(
        &self,
        name: &str,
        scope: Scope,
        now: DateTime<Utc>,
    ) -> Result<Secret, TokenError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(TokenError::Name);
        }
        let secret = Secret::generate(PREFIX)?;
        self.change(|tokens| {
            if tokens.iter().any(|token| token.name == name) {
                return Err(TokenError::Exists(name.to_owned()));
            }
            if tokens.len() >= MAX_TOKENS {
                return Err(TokenError::Full);
            }
            tokens.push(Record {
                name: name.to_owned(),
                scope,
                created_at: now,
                sha256: secret.digest(),
            });
            Ok(())
        })?;
        Ok(secret)
    }

    /// Takes a token away; what it has open ends.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be written.
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            if tokens.len() == before {
                return Err(TokenError::Unknown(name.to_owned()));
            }
            Ok(())
        })
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, TokenError> {
        let mut cache = self.lock();
        self.refresh(&mut cache)?;
        let listed = cache.tokens.iter().map(|token| Listed {
            name: token.record.name.clone(),
            scope: token.record.scope,
            created_at: token.record.created_at,
        });
        Ok(listed.collect())
    }

    /// The tokens that there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn leases(&self) -> Result<Vec<Lease>, TokenError> {
        let mut cache = self.lock();
        self.refresh(&mut cache)?;
        Ok(cache.tokens.iter().map(Live::lease).collect())
    }

    /// What this token is good for, whose it is, and what ends when it is revoked.
    ///
    /// # Errors
    /// When the file cannot be read; nobody gets in then.
    pub(super) fn check(&self, presented: &str) -> Result<Option<(Scope, Lease)>, TokenError> {
        let presented = Digest::of(presented);
        let mut cache = self.lock();
        self.refresh(&mut cache)?;
        let mut found = None;
        // All of them, so that the time does not tell which one came close.
        for token in &cache.tokens {
            if token.record.sha256.matches(&presented) {
                found = Some((token.record.scope, token.lease()));
            }
        }
        Ok(found)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("tokens.json")
    }

    fn change(
        &self,
        edit: impl FnOnce(&mut Vec<Record>) -> Result<(), TokenError>,
    ) -> Result<(), TokenError> {
        let lock_path = self.folder.join("tokens.lock");
        let io_error = |path: &Path| {
            let path = path.to_owned();
            move |source| TokenError::Io { path, source }
        };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(io_error(&lock_path))?;
        lock.lock().map_err(io_error(&lock_path))?;
        let mut cache = self.lock();
        self.refresh(&mut cache)?;
        let mut tokens: Vec<Record> = cache.tokens.iter().map(|t| t.record.clone()).collect();
        edit(&mut tokens)?;
        let path = self.path();
        write(&path, &Contents { tokens }).map_err(io_error(&path))?;
        self.refresh(&mut cache)
    }

    /// Reads the file again if it is another one than last time.
    fn refresh(&self, cache: &mut Cache) -> Result<(), TokenError> {
        let path = self.path();
        let io_error = |source| TokenError::Io {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error(error)),
        };
        let fingerprint: Fingerprint = match &file {
            None => None,
            Some(file) => {
                let is = file.metadata().map_err(io_error)?;
                Some((is.dev(), is.ino(), is.mtime(), is.mtime_nsec(), is.len()))
            }
        };
        if cache.fingerprint == Some(fingerprint) {
            return Ok(());
        }
        let contents = match file {
            None => Contents::default(),
            Some(file) => {
                let mut text = String::new();
                file.take(MAX_FILE_BYTES)
                    .read_to_string(&mut text)
                    .map_err(io_error)?;
                serde_json::from_str(&text).map_err(|error| TokenError::Damaged {
                    path: path.clone(),
                    reason: error.to_string(),
                })?
            }
        };
        let mut old = std::mem::take(&mut cache.tokens);
        for record in contents.tokens {
            let known = old
                .iter()
                .position(|live| live.record.sha256.matches(&record.sha256));
            let live = match known {
                // Its scope may have been changed by hand: what was opened under the old one ends.
                Some(index) if old[index].record.scope == record.scope => old.swap_remove(index),
                _ => Live {
                    record,
                    lease: self.closing.child_token(),
                },
            };
            cache.tokens.push(live);
        }
        for gone in old {
            gone.lease.cancel();
        }
        cache.fingerprint = Some(fingerprint);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(path: &Path, contents: &Contents) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(contents)?;
    bytes.push(b'\n');
    write_private(path, &bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_works_until_it_is_revoked_even_by_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let server = TokenStore::open(folder.path()).unwrap();
        let command = TokenStore::open(folder.path()).unwrap();
        let secret = command.create("ci", Scope::Read, Utc::now()).unwrap();
        let (scope, lease) = server.check(secret.reveal()).unwrap().unwrap();
        assert_eq!(scope, Scope::Read);
        assert!(lease.holder.to_string().starts_with("token:ci:"));
        let standing = server.leases().unwrap();
        assert_eq!(standing.len(), 1);
        assert_eq!(standing[0].holder, lease.holder);
        let lease = lease.ended;
        let text = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        assert!(!text.contains(secret.reveal()));
        let mode = std::fs::metadata(folder.path().join("tokens.json")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        assert!(!lease.is_cancelled());
        command.revoke("ci").unwrap();
        assert!(server.check(secret.reveal()).unwrap().is_none());
        assert!(lease.is_cancelled());
    }

    #[test]
    fn names_are_checked_and_unique() {
        let folder = tempfile::tempdir().unwrap();
        let store = TokenStore::open(folder.path()).unwrap();
        for wrong in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
            assert!(matches!(
                store.create(wrong, Scope::Read, Utc::now()),
                Err(TokenError::Name)
            ));
        }
        store.create("ci", Scope::Read, Utc::now()).unwrap();
        assert!(matches!(
            store.create("ci", Scope::Human, Utc::now()),
            Err(TokenError::Exists(_))
        ));
        assert!(matches!(store.revoke("x"), Err(TokenError::Unknown(_))));
    }

    #[test]
    fn a_blank_or_damaged_file_is_refused() {
        for text in ["", "{}", "[]", "{\"tokens\":[{\"name\":\"a\"}]}"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("tokens.json"), text).unwrap();
            assert!(
                matches!(
                    TokenStore::open(folder.path()),
                    Err(TokenError::Damaged { .. })
                ),
                "{text:?}"
            );
        }
    }
}
