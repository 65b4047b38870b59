//! Requests that their sender may repeat: whoever lost the answer sends the same again, and it happens once.
//!
//! The sender gives each request a key of its own. The key goes into the event that grants the request, so that it is known after
//! a crash exactly when the work is.

use super::ids::{AssignmentId, MessageId, SessionId};
use super::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Requests that are remembered. Whoever repeats one does so within seconds; at a hundred bytes each a tenth would save nothing.
const KEPT: usize = 1000;
/// Longest key, in bytes.
const MAX_KEY: usize = 128;

/// What its sender calls a request: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestKey(String);

impl TryFrom<String> for RequestKey {
    type Error = Sentence;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match (1..=MAX_KEY).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            true => Ok(Self(text)),
            false => Err(say!("refusal.key.form")),
        }
    }
}

impl From<RequestKey> for String {
    fn from(key: RequestKey) -> Self {
        key.0
    }
}

/// A request that came with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The key.
    pub key: RequestKey,
    /// Digest of what was asked for: the same key with anything else is a mistake.
    pub sha256: String,
}

/// What a request made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// A session.
    Session(SessionId),
    /// Assignments, in the order of their lines.
    Assignments(Vec<AssignmentId>),
    /// A message.
    Message(MessageId),
}

/// The newest requests that came with a key, and what they made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    granted: BTreeMap<RequestKey, (String, Made)>,
    oldest_first: VecDeque<RequestKey>,
}

impl Requests {
    /// Notes what a request made; one without a key leaves no trace.
    pub fn note(&mut self, request: Option<&Request>, made: impl FnOnce() -> Made) {
        let Some(Request { key, sha256 }) = request else {
            return;
        };
        let before = self.granted.insert(key.clone(), (sha256.clone(), made()));
        if before.is_none() {
            self.oldest_first.push_back(key.clone());
        }
        if self.oldest_first.len() > KEPT
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.granted.remove(&oldest);
        }
    }

    /// What this very request has made before, if it was granted before.
    ///
    /// # Errors
    /// When its key stands for another request.
    pub fn made(&self, request: Option<&Request>) -> Result<Option<&Made>, Refusal> {
        let granted = request.and_then(|it| Some((it, self.granted.get(&it.key)?)));
        match granted {
            Some((request, (sha256, _))) if request.sha256 != *sha256 => Err(Refusal::conflict(
                "idempotency_key_reused",
                say!("refusal.key.reused"),
            )),
            Some((_, (_, made))) => Ok(Some(made)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(key: usize, sha256: &str) -> Request {
        Request {
            key: format!("key-{key}").try_into().unwrap(),
            sha256: sha256.to_owned(),
        }
    }

    fn made(number: usize) -> Made {
        Made::Message(MessageId::parse(&format!("message-{number}")).unwrap())
    }

    #[test]
    fn a_key_stands_for_one_request_and_the_oldest_are_forgotten() {
        let mut requests = Requests::default();
        requests.note(None, || unreachable!("nobody can ask for it"));
        for number in 0..=KEPT {
            requests.note(Some(&request(number, "a")), || made(number));
        }
        let newest = request(KEPT, "a");
        assert_eq!(requests.made(Some(&newest)).unwrap(), Some(&made(KEPT)));
        assert_eq!(requests.made(Some(&request(0, "a"))).unwrap(), None);
        assert_eq!(requests.made(None).unwrap(), None);
        let refusal = requests.made(Some(&request(KEPT, "b"))).unwrap_err();
        assert_eq!(refusal.code, "idempotency_key_reused");
        assert_eq!(requests.granted.len(), KEPT);
        assert_eq!(requests.oldest_first.len(), KEPT);
    }

    #[test]
    fn a_key_is_short_visible_ascii() {
        for text in ["a", "\"quoted\"", "x".repeat(128).as_str()] {
            assert!(RequestKey::try_from(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", "a b", "ü", "a\n", "x".repeat(129).as_str()] {
            assert!(RequestKey::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
