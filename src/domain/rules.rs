//! Path patterns and risk rules. Owns their meaning; never looks at a file system.
//!
//! # What a pattern means
//!
//! Patterns read like lines of a `.gitignore`, against paths relative to the repository's root with `/`:
//!
//! - A pattern names a file or a folder; a folder's name covers everything below it.
//! - Without a `/` (other than one at its end) it holds at any depth: `*.py`, `.env`, `README.md`.
//! - With a leading or inner `/` it holds from the root only: `/x.py`, `docs/**`, `tools/*/README.md`.
//! - A `/` at the end means a folder: `output/` covers `output/x` and `a/output/x`, not `myoutput/x`.
//! - `*`, `?` and `[a-z]` stay within one name, `**/` spans any number of folders including none,
//!   `/**` everything below. `{a,b}` chooses. A backslash takes the next character literally.
//! - A name must match whole: `.env` is not `config.env.py`, `README.md` is not `README.md.bak`.
//! - Case counts, on every system, so that one tree gives one report everywhere.
//! - There is no negation (`!`): a risk rule has `allow_pattern` for that.
//!
//! A renamed file counts under its old and under its new name.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::department::Localized;

/// Longest pattern that is taken; real ones are far shorter, and compiled patterns cost memory.
pub const MAX_PATTERN_CHARS: usize = 512;

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

/// A rule that turns a changed path into a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskRule {
    /// Stable name, shown with each finding.
    pub name: String,
    /// Level of its findings.
    pub level: RiskLevel,
    /// Path patterns, any of which hits.
    pub pattern: Vec<String>,
    /// Sentence shown with a finding.
    pub message: Localized,
    /// Path patterns that are exempt.
    pub allow_pattern: Vec<String>,
    /// A locked rule guards the rules themselves: a repository's own file cannot weaken it.
    pub locked: bool,
}

/// Why a text is no path pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing left to match.
    #[error("the pattern is empty")]
    Empty,
    /// Far longer than a path.
    #[error("the pattern is longer than {MAX_PATTERN_CHARS} characters")]
    TooLong,
    /// `!x`.
    #[error(
        "patterns cannot be negated with \"!\"; use allow_pattern (or \"\\!\" for a name that starts so)"
    )]
    Negated,
    /// A control character.
    #[error("the pattern contains a control character")]
    Control,
    /// `..` as a component.
    #[error("\"..\" leaves the repository; patterns start at its root")]
    Parent,
    /// The glob itself is malformed.
    #[error("{0}")]
    Glob(String),
}

/// One parsed pattern.
#[derive(Clone, Debug)]
pub struct PathPattern {
    source: String,
    glob: globset::Glob,
    directory_only: bool,
    literal: Option<String>,
    prefix: String,
}

impl PathPattern {
    /// Parses `text`; the module's documentation says what it means.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        if text.starts_with('!') {
            return Err(PatternError::Negated);
        }
        let trimmed = text.strip_prefix("./").unwrap_or(text);
        let directory_only = trimmed.ends_with('/');
        let body = trimmed.trim_end_matches('/');
        let anchored = body.contains('/');
        let body = body.trim_start_matches('/');
        if body.is_empty() || body == "." {
            return Err(PatternError::Empty);
        }
        if body.split('/').any(|part| part == "..") {
            return Err(PatternError::Parent);
        }
        let expression = if anchored {
            body.to_owned()
        } else {
            format!("**/{body}")
        };
        let glob = GlobBuilder::new(&expression)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| PatternError::Glob(error.kind().to_string()))?;
        let is_wild = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
        let prefix = if anchored {
            body.split(is_wild).next().unwrap_or_default().to_owned()
        } else {
            String::new()
        };
        Ok(Self {
            source: text.to_owned(),
            glob,
            directory_only,
            literal: (!body.contains(is_wild)).then(|| body.to_owned()),
            prefix,
        })
    }

    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The path or name it stands for when it has no wildcard at all.
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// What every path that it matches starts with; empty when it holds at any depth.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// Many patterns, matched together.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    globs: GlobSet,
    patterns: Vec<PathPattern>,
    /// Set when every pattern is anchored: a path that starts with none of the prefixes cannot match.
    all_anchored: bool,
}

impl PatternSet {
    /// Compiles `patterns`; results refer to their positions.
    pub fn new(patterns: Vec<PathPattern>) -> Result<Self, PatternError> {
        let mut builder = GlobSetBuilder::new();
        for pattern in &patterns {
            builder.add(pattern.glob.clone());
        }
        let globs = builder
            .build()
            .map_err(|error| PatternError::Glob(error.kind().to_string()))?;
        let all_anchored = patterns.iter().all(|pattern| !pattern.prefix.is_empty());
        Ok(Self {
            globs,
            patterns,
            all_anchored,
        })
    }

    /// Parses and compiles `texts`.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, PatternError> {
        let patterns = texts
            .iter()
            .map(|text| PathPattern::parse(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(patterns)
    }

    /// The patterns in their order.
    pub fn patterns(&self) -> &[PathPattern] {
        &self.patterns
    }

    /// Positions of the patterns that cover `path`, ascending. A `/` at the end of `path` says that it is a folder
    /// (a submodule or a repository inside this one).
    pub fn matches(&self, path: &[u8]) -> Vec<usize> {
        let mut hits = Vec::new();
        if self.patterns.is_empty() || (self.all_anchored && !self.may_match(path)) {
            return hits;
        }
        let mut found = Vec::new();
        let (path, is_folder) = match path.strip_suffix(b"/") {
            Some(path) => (path, true),
            None => (path, false),
        };
        // As in Git: a path is covered when it or one of its folders is named.
        let ends = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| (at, true))
            .chain([(path.len(), is_folder)]);
        for (end, is_folder) in ends {
            self.globs
                .matches_candidate_into(&Candidate::from_bytes(&path[..end]), &mut found);
            hits.extend(
                found
                    .iter()
                    .copied()
                    .filter(|index| is_folder || !self.patterns[*index].directory_only),
            );
        }
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    /// Whether any pattern covers `path`.
    pub fn is_match(&self, path: &[u8]) -> bool {
        !self.matches(path).is_empty()
    }

    /// A cheap test before the real one: most paths of a large repository are far from a few anchored patterns.
    fn may_match(&self, path: &[u8]) -> bool {
        self.patterns
            .iter()
            .any(|pattern| path.starts_with(pattern.prefix.as_bytes()))
    }
}

/// Departments' and risk rules' patterns, compiled once per governance file.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    departments: Owned,
    risks: Owned,
    allowed: Owned,
}

/// A pattern set whose patterns belong to numbered owners.
#[derive(Clone, Debug, Default)]
struct Owned {
    set: PatternSet,
    owners: Vec<usize>,
}

impl Owned {
    fn new<'a>(groups: impl Iterator<Item = &'a [String]>) -> Result<Self, PatternError> {
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (owner, group) in groups.enumerate() {
            for text in group {
                patterns.push(PathPattern::parse(text)?);
                owners.push(owner);
            }
        }
        Ok(Self {
            set: PatternSet::new(patterns)?,
            owners,
        })
    }

    fn owners_of(&self, path: &[u8]) -> Vec<usize> {
        let mut owners: Vec<usize> = self
            .set
            .matches(path)
            .into_iter()
            .map(|index| self.owners[index])
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

impl Rulebook {
    /// Compiles the patterns of both kinds; results refer to positions in the slices given here.
    pub fn new(
        departments: &[super::department::Department],
        risks: &[RiskRule],
    ) -> Result<Self, PatternError> {
        Ok(Self {
            departments: Owned::new(departments.iter().map(|d| d.globs.as_slice()))?,
            risks: Owned::new(risks.iter().map(|rule| rule.pattern.as_slice()))?,
            allowed: Owned::new(risks.iter().map(|rule| rule.allow_pattern.as_slice()))?,
        })
    }

    /// Positions of the departments that own `path`.
    pub fn departments_of(&self, path: &[u8]) -> Vec<usize> {
        self.departments.owners_of(path)
    }

    /// Positions of the risk rules that `path` hits and that do not exempt it.
    pub fn risks_of(&self, path: &[u8]) -> Vec<usize> {
        let mut hits = self.risks.owners_of(path);
        if !hits.is_empty() {
            let allowed = self.allowed.owners_of(path);
            hits.retain(|rule| !allowed.contains(rule));
        }
        hits
    }

    /// Positions of the risk rules with a wildcard-free pattern that `pattern` would cover: what somebody who may
    /// touch everything under `pattern` may also touch.
    pub fn risks_within(&self, pattern: &PatternSet) -> Vec<usize> {
        let mut hits: Vec<usize> = self
            .risks
            .set
            .patterns()
            .iter()
            .zip(&self.risks.owners)
            .filter(|(risk, _)| {
                risk.literal().is_some_and(|literal| {
                    let folder = format!("{literal}/");
                    pattern.is_match(literal.as_bytes())
                        || (risk.directory_only && pattern.is_match(folder.as_bytes()))
                })
            })
            .map(|(_, owner)| *owner)
            .collect();
        hits.sort_unstable();
        hits.dedup();
        hits
    }
}
