//! What the launcher itself saw when it ran an assignment's verify commands, beside what the department claims.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum End {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// By a signal.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// The launcher ended it: it took too long.
    TimedOut {
        /// The limit.
        after_seconds: u64,
    },
    /// The launcher ended it: it wrote too much.
    TooMuchOutput {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// It never ran.
    NotStarted {
        /// A sentence for people.
        reason: String,
    },
}

/// One verify command, run by the launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The command as it was confirmed.
    pub command: String,
    /// Program and arguments as they were started.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: PathBuf,
    /// Digest of the working tree before it ran.
    #[serde(default)]
    pub tree: Option<String>,
    /// Whether the tree was another one when it ended: the result holds for neither of the two for sure.
    #[serde(default)]
    pub tree_moved: bool,
    /// How it ended.
    pub end: End,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The end of what it wrote to both of its outputs; bytes that are no UTF-8 are shown as U+FFFD.
    pub output_tail: String,
    /// How much it wrote, in bytes.
    pub output_bytes: u64,
    /// SHA-256 of all it wrote, in hexadecimal.
    pub output_sha256: String,
}

/// What a claim is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Claimed, and it holds.
    Confirmed,
    /// Claimed, and it does not hold.
    Refuted,
    /// Not claimed, and it holds.
    Holds,
    /// Not claimed, and it does not hold.
    Fails,
    /// The launcher did not run it.
    NotRun,
}

impl Verdict {
    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotRun => "not_run",
        }
    }
}

impl Run {
    /// Whether the command says that the work holds.
    pub fn passed(&self) -> bool {
        self.end == End::Exited { code: 0 }
    }

    /// What this says about a claim that the command passes.
    pub fn verdict(&self, claimed: bool) -> Verdict {
        match (&self.end, claimed, self.passed()) {
            (End::NotStarted { .. }, ..) => Verdict::NotRun,
            (_, true, true) => Verdict::Confirmed,
            (_, true, false) => Verdict::Refuted,
            (_, false, true) => Verdict::Holds,
            (_, false, false) => Verdict::Fails,
        }
    }
}

/// The entry of a report that says this command was run, if there is one. Agents write the command into a sentence, with
/// other blanks and quotes around it.
pub fn claim<'a>(command: &str, verifications_run: &'a [String]) -> Option<&'a str> {
    let wanted = plain(command);
    let found = verifications_run
        .iter()
        .find(|entry| !wanted.is_empty() && plain(entry).contains(&wanted));
    found.map(String::as_str)
}

fn plain(text: &str) -> String {
    let words = text.split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(end: End) -> Run {
        Run {
            command: "true".to_owned(),
            argv: Vec::new(),
            cwd: PathBuf::new(),
            tree: None,
            tree_moved: false,
            end,
            started_at: DateTime::UNIX_EPOCH,
            duration_ms: 0,
            output_tail: String::new(),
            output_bytes: 0,
            output_sha256: String::new(),
        }
    }

    #[test]
    fn a_claim_is_confirmed_refuted_or_open() {
        let failed = run(End::Exited { code: 1 });
        assert_eq!(
            run(End::Exited { code: 0 }).verdict(true),
            Verdict::Confirmed
        );
        assert_eq!(failed.verdict(true), Verdict::Refuted);
        assert_eq!(failed.verdict(false), Verdict::Fails);
        assert_eq!(
            run(End::TimedOut { after_seconds: 1 }).verdict(true),
            Verdict::Refuted
        );
        let missing = run(End::NotStarted {
            reason: String::new(),
        });
        assert_eq!(missing.verdict(true), Verdict::NotRun);
    }

    #[test]
    fn a_claim_is_found_inside_a_sentence() {
        let ran = [
            "`cargo  test` passed, 12 tests".to_owned(),
            "looked at it".to_owned(),
        ];
        assert_eq!(claim("cargo test", &ran), Some(ran[0].as_str()));
        assert_eq!(claim("cargo clippy", &ran), None);
        assert_eq!(claim(" ", &ran), None);
    }
}
