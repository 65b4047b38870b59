//! Names of the things that the journal speaks about.
//!
//! An id is a prefix that a person recognises, a dash, and a UUIDv7: it sorts by the time it was made and is safe as
//! a file name. Ids are never secrets and never prove who is speaking.

use super::sentence::{Sentence, say};
use super::shown;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// An id that came from outside and cannot be one of ours.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub struct InvalidId {
    shown: String,
}

impl InvalidId {
    /// What it is, and what an id has to be.
    pub fn sentence(&self) -> Sentence {
        say!(
            "refusal.invalid_id",
            shown = self.shown,
            max_length = MAX_LENGTH
        )
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

/// Long enough for any prefix of ours plus a UUID; short enough for a file name with a suffix.
const MAX_LENGTH: usize = 96;

fn check(text: &str) -> Result<(), InvalidId> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > MAX_LENGTH || !text.chars().all(plain) {
        let shown = shown::short(text);
        return Err(InvalidId { shown });
    }
    Ok(())
}

fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::now_v7().simple())
}

/// Compares what stands behind the last dash, which holds the time, and only then the prefix.
fn by_age(a: &str, b: &str) -> Ordering {
    fn made(id: &str) -> &str {
        id.rsplit('-').next().unwrap_or(id)
    }
    made(a).cmp(made(b)).then_with(|| a.cmp(b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Sorts by age, whatever the prefix: lists of several departments' sessions stand in the order they began.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id with the given prefix; later ids sort after earlier ones.
            pub fn fresh(prefix: &str) -> Self {
                Self(fresh(prefix))
            }

            /// Accepts an id from outside.
            ///
            /// # Errors
            /// When the text could not be a file name of ours.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.to_owned()))
            }

            /// The id as it is written in the API and in file names.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                by_age(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// A planner (`zhongshu-…`) or a department session (`<department key>-…`).
    SessionId
);
id!(
    /// One assignment, from the moment a person confirmed it.
    AssignmentId
);
id!(
    /// A department's report; its revisions share the id.
    ReportId
);
id!(
    /// One terminal, that is, one sidecar process.
    TerminalId
);
id!(
    /// Something the launcher owes a session: a notification, a reminder, a person's input.
    MessageId
);
id!(
    /// Something that Codex asks (`ask-…`).
    AskId
);
id!(
    /// A rule that answers what Codex asks (`rule-…`).
    RuleId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_as_file_names() {
        let first = SessionId::fresh("zhongshu");
        let second = SessionId::fresh("zhongshu");
        assert!(first < second);
        assert!(SessionId::parse(first.as_str()).is_ok());
    }

    #[test]
    fn the_prefix_does_not_come_before_the_age() {
        let ids = ["zhongshu", "menxia", "lingyubu", "zhongshu", "menxia"].map(SessionId::fresh);
        assert!(ids.is_sorted(), "{ids:?}");
        let alike = ["a-1", "b-1"].map(|id| SessionId::parse(id).expect("valid"));
        assert_ne!(alike[0].cmp(&alike[1]), Ordering::Equal);
    }

    #[test]
    fn ids_from_outside_cannot_be_paths() {
        for text in [
            "",
            "../x",
            "a/b",
            "a\\b",
            "a\0",
            "．．／",
            "a b",
            &"x".repeat(97),
        ] {
            assert!(SessionId::parse(text).is_err(), "{text:?}");
        }
    }
}
