//! Lines of a difference as the page shows them: what changed within a line is marked, findings stand at their line, and
//! characters that a reader would not see, or that would change what is seen, are spelled out.

use crate::domain::report::Finding;
use crate::domain::shown;
use crate::git::diff::{Hunk, Line, LineKind};

/// A line is compared with its counterpart only up to this length; beyond it the marks would help nobody.
const MAX_MARKED_CHARS: usize = 400;

/// A changed place.
pub(in crate::web::pages) struct HunkRows<'a> {
    pub header: &'a str,
    pub rows: Vec<Row<'a>>,
}

/// One line.
pub(in crate::web::pages) struct Row<'a> {
    pub class: &'static str,
    pub sign: &'static str,
    pub old: Option<u32>,
    pub new: Option<u32>,
    pub spans: Vec<Span>,
    pub left_out: usize,
    pub no_newline: bool,
    pub findings: Vec<&'a Finding>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web::pages) enum Span {
    /// Text.
    Plain(String),
    /// Text that its counterpart does not have.
    Marked(String),
    /// A character that is spelled out.
    Odd(String),
}

/// The rows of all hunks.
pub(in crate::web::pages) fn rows<'a>(
    hunks: &'a [Hunk],
    findings: &[&'a Finding],
) -> Vec<HunkRows<'a>> {
    hunks
        .iter()
        .map(|hunk| HunkRows {
            header: &hunk.header,
            rows: rows_of(&hunk.lines, findings),
        })
        .collect()
}

fn rows_of<'a>(lines: &'a [Line], findings: &[&'a Finding]) -> Vec<Row<'a>> {
    let marks = marks(lines);
    lines
        .iter()
        .zip(marks)
        .map(|(line, mark)| {
            let (class, sign) = match line.kind {
                LineKind::Same => ("same", ""),
                LineKind::Added => ("added", "+"),
                LineKind::Deleted => ("deleted", "−"),
            };
            let here = findings.iter().filter(|finding| {
                finding.line.is_some() && finding.line == line.new.map(u64::from)
            });
            Row {
                class,
                sign,
                old: line.old,
                new: line.new,
                spans: spans(&line.text, mark),
                left_out: line.left_out,
                no_newline: line.no_newline,
                findings: here.copied().collect(),
            }
        })
        .collect()
}

/// Which characters of each line are new to it: where as many lines went as came, they are taken for the same lines.
fn marks(lines: &[Line]) -> Vec<Option<(usize, usize)>> {
    let mut marks = vec![None; lines.len()];
    let run = |from: usize, kind: LineKind| {
        let same = lines[from..].iter().take_while(|line| line.kind == kind);
        from + same.count()
    };
    let mut at = 0;
    while at < lines.len() {
        let deleted = run(at, LineKind::Deleted);
        let added = run(deleted, LineKind::Added);
        if deleted > at && added - deleted == deleted - at {
            for (old, new) in (at..deleted).zip(deleted..added) {
                if let Some((of_old, of_new)) = differing(&lines[old].text, &lines[new].text) {
                    marks[old] = Some(of_old);
                    marks[new] = Some(of_new);
                }
            }
        }
        at = added.max(at + 1);
    }
    marks
}

/// The differing middle of two lines in characters, `(from, to)` for each; none when they have little in common.
fn differing(old: &str, new: &str) -> Option<((usize, usize), (usize, usize))> {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if old.len().max(new.len()) > MAX_MARKED_CHARS {
        return None;
    }
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - start;
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(room)
        .take_while(|(a, b)| a == b)
        .count();
    let shared = start + end;
    let alike = shared * 3 >= old.len().max(new.len()) && shared > 0;
    alike.then(|| ((start, old.len() - end), (start, new.len() - end)))
}

fn spans(text: &str, mark: Option<(usize, usize)>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (position, (c, stays)) in shown::pieces(text).enumerate() {
        if !stays {
            spans.push(Span::Odd(shown::number(c)));
            continue;
        }
        let marked = mark.is_some_and(|(from, to)| (from..to).contains(&position));
        match (spans.last_mut(), marked) {
            (Some(Span::Marked(text)), true) | (Some(Span::Plain(text)), false) => text.push(c),
            (_, true) => spans.push(Span::Marked(c.into())),
            (_, false) => spans.push(Span::Plain(c.into())),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(kind: LineKind, text: &str) -> Line {
        Line {
            kind,
            old: None,
            new: Some(1),
            text: text.to_owned(),
            left_out: 0,
            no_newline: false,
        }
    }

    fn plain(text: &str) -> Span {
        Span::Plain(text.to_owned())
    }

    fn marked(text: &str) -> Span {
        Span::Marked(text.to_owned())
    }

    #[test]
    fn what_changed_within_a_line_is_marked() {
        let lines = [
            line(LineKind::Same, "fn main() {"),
            line(LineKind::Deleted, "    let x = 1;"),
            line(LineKind::Added, "    let x = 22;"),
            line(LineKind::Same, "}"),
        ];
        let rows = rows_of(&lines, &[]);
        assert_eq!(rows[0].spans, [plain("fn main() {")]);
        assert_eq!(
            rows[1].spans,
            [plain("    let x = "), marked("1"), plain(";")]
        );
        assert_eq!(
            rows[2].spans,
            [plain("    let x = "), marked("22"), plain(";")]
        );
        // Another number of lines, or lines that have little in common, are not taken for the same.
        let uneven = [
            line(LineKind::Deleted, "abc"),
            line(LineKind::Added, "abd"),
            line(LineKind::Added, "abe"),
        ];
        assert!(marks(&uneven).iter().all(Option::is_none));
        assert_eq!(differing("alpha", "omega"), None);
        assert_eq!(differing("", ""), None);
        assert_eq!(differing("aaa", "aaaa"), Some(((3, 3), (3, 4))));
    }

    #[test]
    fn what_a_reader_would_not_see_is_spelled_out() {
        let spans = spans("if admin\u{202e} \u{200b}x\r\t", None);
        let odd: Vec<_> = spans
            .iter()
            .filter(|span| matches!(span, Span::Odd(_)))
            .collect();
        let expected = ["U+202E", "U+200B", "U+000D"].map(|text| Span::Odd(text.to_owned()));
        assert_eq!(odd, expected.iter().collect::<Vec<_>>());
        assert_eq!(spans.last(), Some(&plain("\t")));
    }

    #[test]
    fn findings_stand_at_their_line() {
        use crate::domain::rules::RiskLevel;
        let finding = Finding {
            rule: "secret".to_owned(),
            level: RiskLevel::High,
            path: "a".to_owned(),
            line: Some(1),
            message: String::new(),
            how_to_silence: String::new(),
        };
        let lines = [line(LineKind::Added, "key"), line(LineKind::Same, "other")];
        let mut lines = lines.to_vec();
        lines[1].new = Some(2);
        let rows = rows_of(&lines, &[&finding]);
        assert_eq!(rows[0].findings.len(), 1);
        assert!(rows[1].findings.is_empty());
    }
}
