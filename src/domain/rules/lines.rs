//! Finds what the rules look for in the lines of a text. Owns when a line counts; what secrets look like stands in
//! `secrets`. Pure and bounded: a text is looked at in pieces, and between two of them the caller may stop it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::{Captures, Match};

use super::expressions::{Bank, LineError, MAX_EXPRESSIONS, Test, check_expression};
use super::secrets::{self, Check, KNOWN, Known, Mark};
use super::{LineTest, RiskRule, Subject};

/// Text that is looked at in one go, and so the longest line that is seen whole.
const PIECE_BYTES: usize = 64 << 10;

/// What two pieces of a longer line share, so that nothing at their border is missed.
const OVERLAP_BYTES: usize = 2 << 10;

/// Hits of one rule in one file; more of the same tell a person nothing new.
const MAX_HITS: usize = 20;

/// Lines of a key that make it the change's own, counted from its first one. Real keys have at most some sixty.
const KEY_LINES: usize = 100;

/// Something found in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Position of the rule.
    pub rule: usize,
    /// Line, from 1.
    pub line: u64,
    /// What was recognised, a key of the dictionary; none for a rule's own expression.
    pub what: Option<&'static str>,
}

/// What was found in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineHits {
    /// The hits, by line.
    pub hits: Vec<Hit>,
    /// Further hits that are not listed, because their rule, by its position, has so many.
    pub left_out: BTreeMap<usize, usize>,
}

/// The caller wants to go on no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What a caller says about a text.
pub struct Page<'a> {
    /// Its path; some tests depend on the kind of file.
    pub path: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// Whether a line, from 1, belongs to the change. Asked about lines with a hit only.
    pub is_added: &'a mut dyn FnMut(u64) -> bool,
    /// Asked between two pieces.
    pub go_on: &'a dyn Fn() -> bool,
}

static BUILT_IN: LazyLock<Bank> = LazyLock::new(|| {
    let tests = KNOWN
        .iter()
        .map(|known| Test::new(known.expression, false, known.check))
        .collect();
    Bank::new(tests, false).expect("the built-in expressions are valid")
});

/// Looks for everything that the rules of one repository want found.
#[derive(Clone, Debug, Default)]
pub struct LineScanner {
    /// Rules by built-in test.
    built_in: Vec<(LineTest, usize)>,
    own: Option<Own>,
}

#[derive(Clone, Debug)]
struct Own {
    bank: Bank,
    /// The rule of each expression.
    rules: Vec<usize>,
}

impl LineScanner {
    /// Compiles the expressions of `rules`; hits refer to positions in it.
    pub fn new(rules: &[RiskRule]) -> Result<Self, LineError> {
        let mut scanner = Self::default();
        let mut tests = Vec::new();
        let mut owners = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            match &rule.subject {
                Subject::Lines(test) => scanner.built_in.push((*test, at)),
                Subject::Expressions(expressions) => {
                    for expression in expressions {
                        check_expression(expression)?;
                        owners.push(at);
                        tests.push(Test::new(expression, true, Check::None));
                    }
                }
                Subject::Path | Subject::Change(_) => {}
            }
        }
        if tests.len() > MAX_EXPRESSIONS {
            return Err(LineError::TooMany);
        }
        if !tests.is_empty() {
            scanner.own = Some(Own {
                bank: Bank::new(tests, true).map_err(|_| LineError::TooLarge)?,
                rules: owners,
            });
        }
        Ok(scanner)
    }

    /// Looks through `page`.
    pub fn scan(&self, page: Page<'_>) -> Result<LineHits, Stopped> {
        let mut search = Search {
            scanner: self,
            page,
            found: LineHits::default(),
            conflict: None,
        };
        search.run()?;
        Ok(search.found)
    }
}

/// One text being looked through.
struct Search<'a, 'p> {
    scanner: &'a LineScanner,
    page: Page<'p>,
    found: LineHits,
    /// A conflict that has begun: its first line, and the line in its middle once it has come.
    conflict: Option<(u64, Option<u64>)>,
}

impl Search<'_, '_> {
    fn run(&mut self) -> Result<(), Stopped> {
        let text = self.page.text;
        let (mut start, mut number) = (0, 1);
        while start < text.len() {
            if !(self.page.go_on)() {
                return Err(Stopped);
            }
            let window = &text[start..text.len().min(start + PIECE_BYTES)];
            let is_last = start + window.len() == text.len();
            let cut = window.iter().rposition(|byte| *byte == b'\n');
            let piece = match cut {
                Some(end) if !is_last => &window[..=end],
                _ => window,
            };
            if self.may_hit(piece) {
                self.lines(start, piece, number);
            }
            number += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
            start += piece.len();
            if cut.is_none() && !is_last {
                start -= OVERLAP_BYTES;
            }
        }
        Ok(())
    }

    /// Most texts have nothing of interest, and this says so in one pass.
    fn may_hit(&self, piece: &[u8]) -> bool {
        let own = self.scanner.own.as_ref();
        (!self.scanner.built_in.is_empty() && BUILT_IN.set.is_match(piece))
            || own.is_some_and(|own| own.bank.set.is_match(piece))
    }

    /// `number` is the line in which `piece` begins, which is at `start` of the text.
    fn lines(&mut self, start: usize, piece: &[u8], number: u64) {
        let mut at = start;
        for (line, number) in piece.split(|byte| *byte == b'\n').zip(number..) {
            let end = at + line.len();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.built_in(line, number, end);
            self.own(line, number);
            at = end + 1;
        }
    }

    fn own(&mut self, line: &[u8], number: u64) {
        let Some(own) = &self.scanner.own else {
            return;
        };
        for index in own.bank.set.matches(line) {
            if (self.page.is_added)(number) {
                self.found.add(own.rules[index], number, None);
            }
        }
    }

    fn built_in(&mut self, line: &[u8], number: u64, end: usize) {
        for index in BUILT_IN.set.matches(line) {
            let known = &KNOWN[index];
            match known.check {
                Check::Mark(mark) => self.mark(mark, number, known),
                Check::KeyFollows => {
                    if let Some(length) = self.key_at(index, line, end) {
                        self.hit(known, number, number..=number + length);
                    }
                }
                _ if is_hit(index, line, self.page.path) => self.hit(known, number, [number]),
                _ => {}
            }
        }
    }

    /// How many lines the key has that begins in `line`, besides that one; none when there is no key. `end` is where the
    /// line ends.
    fn key_at(&self, index: usize, line: &[u8], end: usize) -> Option<u64> {
        let header = BUILT_IN.tests[index].regex().find(line)?;
        let is_alone = line[..header.start()].trim_ascii().is_empty();
        let rest = &line[header.end()..];
        let next = self.page.text.get(end + 1..).unwrap_or_default();
        let next = next.split(|byte| *byte == b'\n').take(KEY_LINES);
        if !secrets::key_follows(is_alone, rest, next.clone()) {
            return None;
        }
        let is_last = |line: &[u8]| {
            line.windows(6)
                .any(|part| part == b"-- END" || part == b"---END")
        };
        if is_last(rest) {
            return Some(0);
        }
        let to_its_end = next.clone().position(is_last).map(|at| at as u64 + 1);
        Some(to_its_end.unwrap_or_else(|| next.count().min(secrets::KEY_HEAD_LINES) as u64))
    }

    fn mark(&mut self, mark: Mark, number: u64, known: &Known) {
        match (mark, self.conflict) {
            (Mark::Begin, _) => self.conflict = Some((number, None)),
            (Mark::Middle, Some((begin, None))) => self.conflict = Some((begin, Some(number))),
            (Mark::End, Some((begin, Some(middle)))) => {
                self.hit(known, begin, [begin, middle, number]);
                self.conflict = None;
            }
            _ => {}
        }
    }

    /// Records a hit when one of the lines that belong to it is the change's own.
    fn hit(&mut self, known: &Known, number: u64, lines: impl IntoIterator<Item = u64>) {
        let rules = &self.scanner.built_in;
        let is_wanted = rules.iter().any(|(test, _)| *test == known.test);
        if !is_wanted || !lines.into_iter().any(|line| (self.page.is_added)(line)) {
            return;
        }
        for (_, rule) in rules.iter().filter(|(test, _)| *test == known.test) {
            self.found.add(*rule, number, Some(known.what));
        }
    }
}

impl LineHits {
    fn add(&mut self, rule: usize, line: u64, what: Option<&'static str>) {
        let of_rule = || self.hits.iter().filter(|hit| hit.rule == rule);
        // A line is one finding of a rule, whatever it says; two pieces of one line may both show it.
        if of_rule().any(|hit| hit.line == line) {
            return;
        }
        if of_rule().count() >= MAX_HITS {
            *self.left_out.entry(rule).or_default() += 1;
        } else {
            self.hits.push(Hit { rule, line, what });
        }
    }
}

/// Whether what stands in `line` passes the test beside the expression.
fn is_hit(index: usize, line: &[u8], path: &[u8]) -> bool {
    let test = &BUILT_IN.tests[index];
    if test.check == Check::None {
        return true;
    }
    if test.check == Check::BareValue && !secrets::is_settings_file(path) {
        return false;
    }
    test.regex().captures_iter(line).any(|captures| {
        secret_in(&captures).is_some_and(|secret| is_secret(test.check, secret.as_bytes()))
    })
}

/// The first group of a match, else all of it.
fn secret_in<'l>(captures: &Captures<'l>) -> Option<Match<'l>> {
    captures
        .iter()
        .skip(1)
        .flatten()
        .next()
        .or_else(|| captures.get(0))
}

fn is_secret(check: Check, secret: &[u8]) -> bool {
    match check {
        Check::Token => !secrets::is_token_placeholder(secret),
        Check::Random => secrets::is_random(secret),
        Check::Value | Check::BareValue => secrets::is_secret_value(secret),
        Check::Address => secrets::is_address_password(secret),
        Check::None | Check::KeyFollows | Check::Mark(_) => true,
    }
}

/// `line` with every secret in it that is recognised by its form replaced, so that it can be shown.
pub fn masked(line: &str) -> Cow<'_, str> {
    let bytes = line.as_bytes();
    let mut ranges = Vec::new();
    for index in BUILT_IN.set.matches(bytes) {
        let check = KNOWN[index].check;
        if !matches!(check, Check::None | Check::KeyFollows | Check::Mark(_)) {
            let captures = BUILT_IN.tests[index].regex().captures_iter(bytes);
            ranges.extend(
                captures
                    .filter_map(|captures| secret_in(&captures))
                    .filter(|secret| is_secret(check, secret.as_bytes())),
            );
        }
    }
    if ranges.is_empty() {
        return Cow::Borrowed(line);
    }
    ranges.sort_by_key(|range| (range.start(), std::cmp::Reverse(range.end())));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for range in ranges {
        if range.start() >= at {
            out.extend_from_slice(&bytes[at..range.start()]);
            out.extend_from_slice(b"***");
        }
        at = at.max(range.end());
    }
    out.extend_from_slice(&bytes[at..]);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
