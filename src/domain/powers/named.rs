//! Files that a command line names where agents can write: in the repository, and in folders that the sandbox leaves open. So a yes
//! to the command line is one to what they hold, too.

use crate::domain::shown::shown_line;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was found where a word of a command line leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seal {
    /// A file with this content (lower-case hexadecimal).
    Sha256(String),
    /// A link that leaves all that agents can write for this path.
    Outside(String),
    /// What was not read: too large, too many, not readable, or no ordinary file. Nobody can approve it.
    Unread,
}

/// Files that one command line names, by where its words end: from the repository's root, or absolute outside of it.
pub type Seals = BTreeMap<String, Seal>;

/// How such a file stands to the last yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileNews {
    /// As it was.
    Same,
    /// It was not named, or not there.
    New,
    /// It holds something else.
    Changed,
    /// It is there no more.
    Gone,
    /// It was not read, and so is never approved.
    Unread,
}

impl Seal {
    /// For people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Sha256(digest) => format!("sha256 {digest}"),
            Self::Outside(path) => format!("→ {}", shown_line(path)),
            Self::Unread => "?".to_owned(),
        }
    }
}

impl FileNews {
    /// Every file of `now` and of `before` with what became of it.
    pub(super) fn of<'a>(now: &'a Seals, before: &'a Seals) -> BTreeMap<&'a str, Self> {
        let names: BTreeSet<&str> = now
            .keys()
            .chain(before.keys())
            .map(String::as_str)
            .collect();
        let news = names.into_iter().map(|name| {
            let news = match (now.get(name), before.get(name)) {
                (Some(Seal::Unread), _) => Self::Unread,
                (None, _) => Self::Gone,
                (_, None) => Self::New,
                (now, before) if now == before => Self::Same,
                _ => Self::Changed,
            };
            (name, news)
        });
        news.collect()
    }
}
