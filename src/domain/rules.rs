//! Risk rules: what they look at, and how much attention their findings need. Owns the vocabulary; `pattern` says what a
//! path pattern covers, `lines` finds things in text, `expressions` and `secrets` say what, `book` compiles the rules of a
//! repository, and `strictness` has two versions of them judge together.

pub mod book;
pub mod expressions;
pub mod lines;
pub mod pattern;
mod secrets;
pub mod strictness;

use serde::{Deserialize, Serialize};

use super::department::Localized;

pub use book::{Rulebook, Verdict};
pub use pattern::{MAX_PATTERN_CHARS, PathPattern, PatternError, PatternSet};

/// How much attention a finding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Worth knowing.
    Low,
    /// A person should look.
    Medium,
    /// A person has to look.
    High,
}

impl RiskLevel {
    /// The name used in files and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The name of a changed path.
    Path,
    /// The lines that a change adds: one of these regular expressions hits.
    Expressions(Vec<String>),
    /// The lines that a change adds, by a test that is built in.
    Lines(LineTest),
    /// What kind of change it is.
    Change(ChangeTest),
}

/// The built-in tests of added lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineTest {
    /// A private key.
    PrivateKey,
    /// A token whose issuer can be told from its form.
    AccessToken,
    /// A JSON web token.
    WebToken,
    /// A value that is given to something called a password, a secret or a token; or a password in an address.
    Password,
    /// What a merge writes into a file that it could not merge.
    ConflictMarker,
    /// Characters that show a text in another order than it is read in, or that nobody sees.
    HiddenCharacter,
}

/// The built-in tests of a change as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeTest {
    /// A new file that is no text.
    NewBinary,
    /// A file that is new or has grown, and is now larger than this.
    LargeFile {
        /// The largest size that is no finding.
        limit_bytes: u64,
    },
    /// A file that can be run and could not before.
    NewExecutable,
    /// A symbolic link that leads out of the repository.
    OutsideLink,
    /// Another repository inside of this one, added or moved to another commit.
    Submodule,
    /// A file that only names content that is kept elsewhere (Git LFS).
    LfsPointer,
}

/// A rule that turns a change into findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskRule {
    /// Stable name, shown with each finding.
    pub name: String,
    /// Level of its findings.
    pub level: RiskLevel,
    /// What it looks at.
    pub subject: Subject,
    /// Path patterns, any of which hits. Rules that look at more than the path hold everywhere when there is none.
    pub pattern: Vec<String>,
    /// Sentence shown with a finding; `{what}` in it stands for what a built-in test recognised.
    pub message: Localized,
    /// Path patterns that are exempt.
    pub allow_pattern: Vec<String>,
    /// A locked rule guards the rules themselves: a repository's own file cannot weaken it.
    pub locked: bool,
}
