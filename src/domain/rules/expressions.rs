//! Regular expressions of rules, checked and compiled. Owns what may be written in `content:`; `lines` looks for them.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::Look;

use super::secrets::Check;

/// Longest expression of a rule that is taken.
pub const MAX_EXPRESSION_CHARS: usize = 1000;

/// Expressions of one repository's rules, all together. They are looked for in every added line.
pub const MAX_EXPRESSIONS: usize = 64;

/// Size of one compiled expression. A line of the longest piece then takes a fraction of a second at worst.
const MAX_COMPILED_BYTES: usize = 256 << 10;

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Nothing to look for.
    #[error("the expression is empty")]
    Empty,
    /// Far longer than a line.
    #[error("the expression is longer than {MAX_EXPRESSION_CHARS} characters")]
    TooLong,
    /// It hits everything.
    #[error("the expression also matches nothing at all, so it would hit every line")]
    MatchesNothing,
    /// `\A` or `\z`.
    #[error("lines are looked at one by one: use ^ and $ for their ends instead of \\A and \\z")]
    TextAnchor,
    /// Not a regular expression.
    #[error("at character {at}: {reason}")]
    Syntax {
        /// Where, from 1.
        at: usize,
        /// What is wrong.
        reason: String,
    },
    /// It needs too much memory.
    #[error("the expression is too large when compiled; use smaller repetitions")]
    TooLarge,
    /// Too many of them.
    #[error("there are more than {MAX_EXPRESSIONS} content expressions in all")]
    TooMany,
}

/// Expressions that are looked for together.
#[derive(Clone, Debug)]
pub(super) struct Bank {
    pub set: RegexSet,
    pub tests: Vec<Test>,
}

#[derive(Clone, Debug)]
pub(super) struct Test {
    pub check: Check,
    expression: String,
    is_unicode: bool,
    /// Compiled when it hits for the first time, which most never do.
    regex: OnceLock<Regex>,
}

impl Test {
    pub fn new(expression: &str, is_unicode: bool, check: Check) -> Self {
        Self {
            check,
            expression: expression.to_owned(),
            is_unicode,
            regex: OnceLock::new(),
        }
    }

    pub fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| {
            builder(&self.expression, self.is_unicode)
                .build()
                .expect("the set of all expressions was compiled")
        })
    }
}

impl Bank {
    pub fn new(tests: Vec<Test>, is_unicode: bool) -> Result<Self, regex::Error> {
        let set = RegexSetBuilder::new(tests.iter().map(|test| &test.expression))
            .unicode(is_unicode)
            .multi_line(true)
            .crlf(true)
            .size_limit(MAX_COMPILED_BYTES * (tests.len() + 1))
            .build()?;
        Ok(Self { set, tests })
    }
}

fn builder(expression: &str, is_unicode: bool) -> RegexBuilder {
    let mut builder = RegexBuilder::new(expression);
    builder
        .unicode(is_unicode)
        .multi_line(true)
        .crlf(true)
        .size_limit(MAX_COMPILED_BYTES);
    builder
}

/// Checks an expression of a rule: it is matched against single lines, `^` and `$` are their ends.
pub fn check_expression(expression: &str) -> Result<(), LineError> {
    if expression.is_empty() {
        return Err(LineError::Empty);
    }
    if expression.chars().count() > MAX_EXPRESSION_CHARS {
        return Err(LineError::TooLong);
    }
    let parsed = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .multi_line(true)
        .crlf(true)
        .build()
        .parse(expression);
    let parsed = parsed.map_err(|error| {
        let (offset, reason) = match &error {
            regex_syntax::Error::Parse(error) => {
                (error.span().start.offset, error.kind().to_string())
            }
            regex_syntax::Error::Translate(error) => {
                (error.span().start.offset, error.kind().to_string())
            }
            other => (0, other.to_string()),
        };
        LineError::Syntax {
            at: expression.get(..offset).unwrap_or("").chars().count() + 1,
            reason: reason.lines().next().unwrap_or_default().to_owned(),
        }
    })?;
    let looks = parsed.properties().look_set();
    if looks.contains(Look::Start) || looks.contains(Look::End) {
        return Err(LineError::TextAnchor);
    }
    if parsed.properties().minimum_len().unwrap_or(0) == 0 {
        return Err(LineError::MatchesNothing);
    }
    builder(expression, true)
        .build()
        .map(drop)
        .map_err(|_| LineError::TooLarge)
}
