//! Path patterns. Owns their meaning; never looks at a file system.
//!
//! # What a pattern means
//!
//! Patterns read like lines of a `.gitignore`, against paths relative to the repository's root with `/`:
//!
//! - A pattern names a file or a folder; a folder's name covers everything below it.
//! - Without a `/` (other than one at its end) it holds at any depth: `*.py`, `.env`, `README.md`.
//! - With a leading or inner `/` it holds from the root only: `/x.py`, `docs/**`, `tools/*/README.md`.
//! - A `/` at the end means a folder: `output/` covers `output/x` and `a/output/x`, not `myoutput/x`.
//! - `*`, `?`, `[a-z]` and `[!a-z]` stay within one name, `**/` spans any number of folders including none,
//!   `/**` everything below. `{a,b}` chooses. A backslash takes the next character literally.
//! - A pattern also covers the path that it spells, character by character: `app/[id]/page.tsx` is a real name in many
//!   repositories.
//! - A name must match whole: `.env` is not `config.env.py`, `README.md` is not `README.md.bak`.
//! - Case counts, on every system, so that one tree gives one report everywhere.
//! - There is no negation (`!`): a risk rule has `allow_pattern` for that.
//!
//! A renamed file counts under its old and under its new name.

use crate::domain::shown::hidden;
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Longest pattern that is taken; real ones are far shorter, and compiled patterns cost memory.
pub const MAX_PATTERN_CHARS: usize = 512;

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
    /// A control character, or another one that shows nothing.
    #[error("the pattern contains a character that nobody sees")]
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
    pub(super) directory_only: bool,
    literal: Option<String>,
    /// What it spells, where that is not covered by its own glob for sure.
    spelt: Option<Spelt>,
    prefix: String,
}

/// What makes a name look like a pattern and is none of the wildcards that also stand for themselves.
const ODD: [char; 5] = ['[', ']', '{', '}', '\\'];

/// No path holds this character.
const NOTHING: &str = "\0";

/// A name with brackets, braces or backslashes.
#[derive(Clone, Debug)]
struct Spelt {
    text: String,
    /// From the root, or a name at any depth.
    anchored: bool,
}

impl Spelt {
    fn is(&self, path: &[u8]) -> bool {
        let text = self.text.as_bytes();
        match path.strip_suffix(text) {
            Some(before) => before.is_empty() || (!self.anchored && before.ends_with(b"/")),
            None => false,
        }
    }
}

impl PathPattern {
    /// Parses `text`; the module's documentation says what it means.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::TooLong);
        }
        if text.chars().any(char::is_control) || hidden(text).next().is_some() {
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
        let glob = glob(&expression)?;
        let is_odd = body.contains(ODD);
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
            spelt: is_odd.then(|| Spelt {
                text: body.to_owned(),
                anchored,
            }),
        })
    }

    /// The pattern for exactly the path that `text` spells, and what is below it; for a name that is no pattern at all,
    /// such as `a[b`.
    ///
    /// # Errors
    /// When `text` is no path inside the repository.
    pub fn spelling(text: &str) -> Result<Self, PatternError> {
        // One that needs no escape says where it holds; what it covers, the text itself says.
        let like = Self::parse(&text.replace(ODD, "_"))?;
        let body = text.strip_prefix("./").unwrap_or(text);
        let body = body.trim_end_matches('/').trim_start_matches('/');
        Ok(Self {
            source: text.to_owned(),
            glob: glob(&globset::escape(body)).or_else(|_| glob(NOTHING))?,
            literal: None,
            // As far as it reads like any other name.
            prefix: match like.prefix.is_empty() {
                true => String::new(),
                false => body.split(ODD).next().unwrap_or_default().to_owned(),
            },
            spelt: Some(Spelt {
                text: body.to_owned(),
                anchored: text.trim_end_matches('/').contains('/'),
            }),
            ..like
        })
    }

    /// Whether it is read in two ways: as the name that it spells, and as a pattern.
    pub fn is_ambiguous(&self) -> bool {
        self.spelt.is_some()
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

fn glob(expression: &str) -> Result<globset::Glob, PatternError> {
    GlobBuilder::new(&within_a_name(expression))
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| PatternError::Glob(error.kind().to_string()))
}

/// The same with each class of "anything but" holding `/` as well: a class stands for one character of a name, as it does for Git.
fn within_a_name(expression: &str) -> String {
    let mut within = String::with_capacity(expression.len() + 1);
    let mut rest = expression.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        within.push(c);
        match c {
            '\\' if !in_class => within.extend(rest.next()),
            '[' if !in_class => {
                in_class = true;
                if let Some(but) = rest.next_if(|c| matches!(c, '!' | '^')) {
                    within.push(but);
                    // At the beginning of a class these are themselves, and behind `/` they would not be.
                    within.extend(rest.next_if(|c| matches!(c, ']' | '-')));
                    within.push('/');
                } else {
                    within.extend(rest.next_if_eq(&']'));
                }
            }
            ']' => in_class = false,
            _ => {}
        }
    }
    within
}

/// Many patterns, matched together.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    globs: GlobSet,
    patterns: Vec<PathPattern>,
    /// Positions of the patterns that may be names.
    spelt: Vec<usize>,
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
        let spelt = (0..patterns.len()).filter(|at| patterns[*at].spelt.is_some());
        Ok(Self {
            globs,
            spelt: spelt.collect(),
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
            found.extend(self.spelt.iter().copied().filter(|at| {
                let spelt = self.patterns[*at].spelt.as_ref();
                spelt.is_some_and(|spelt| spelt.is(&path[..end]))
            }));
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
