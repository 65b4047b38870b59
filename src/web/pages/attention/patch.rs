//! Differences that Codex tells as text, taken apart into the lines that the review page shows.

use crate::domain::ask::PatchedFile;
use crate::git::diff::{Hunk, Line, LineKind};

/// Lines that are shown of one file; the difference of a patch can be of any length.
const MAX_LINES: usize = 2_000;
/// Longest line that is shown, in characters.
const MAX_CHARS: usize = 2_000;

/// The changed places of a file: of a unified difference, or of the whole content of a new or deleted file.
pub(super) fn hunks(file: &PatchedFile) -> Vec<Hunk> {
    let whole = match file.kind.as_str() {
        "add" => Some(LineKind::Added),
        "delete" => Some(LineKind::Deleted),
        _ => None,
    };
    match whole {
        Some(kind) if !file.diff.lines().any(|line| line.starts_with("@@ ")) => {
            let lines = file.diff.lines().take(MAX_LINES).zip(1..);
            let lines = lines.map(|(text, number)| match kind {
                LineKind::Deleted => line(kind, Some(number), None, text),
                _ => line(kind, None, Some(number), text),
            });
            vec![Hunk {
                header: String::new(),
                lines: lines.collect(),
            }]
        }
        _ => unified(&file.diff),
    }
}

fn unified(diff: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old, mut new) = (1, 1);
    for text in diff.lines().take(MAX_LINES) {
        if text.starts_with("@@") {
            (old, new) = numbers(text).unwrap_or((1, 1));
            hunks.push(Hunk {
                header: text.to_owned(),
                lines: Vec::new(),
            });
            continue;
        }
        let Some(hunk) = hunks.last_mut() else {
            // The names of both files stand before the first place.
            if text.starts_with("---") || text.starts_with("+++") || text.starts_with("diff ") {
                continue;
            }
            hunks.push(Hunk {
                header: String::new(),
                lines: vec![line(LineKind::Same, None, None, text)],
            });
            continue;
        };
        match (text.chars().next(), text.get(1..)) {
            (Some('+'), Some(rest)) => {
                hunk.lines
                    .push(line(LineKind::Added, None, Some(new), rest));
                new += 1;
            }
            (Some('-'), Some(rest)) => {
                hunk.lines
                    .push(line(LineKind::Deleted, Some(old), None, rest));
                old += 1;
            }
            (Some('\\'), _) => {
                if let Some(last) = hunk.lines.last_mut() {
                    last.no_newline = true;
                }
            }
            (Some(' '), Some(rest)) => {
                hunk.lines
                    .push(line(LineKind::Same, Some(old), Some(new), rest));
                (old, new) = (old + 1, new + 1);
            }
            _ => {
                hunk.lines
                    .push(line(LineKind::Same, Some(old), Some(new), text));
                (old, new) = (old + 1, new + 1);
            }
        }
    }
    hunks
}

/// Where a place begins, by its header `@@ -1,2 +3,4 @@`.
fn numbers(header: &str) -> Option<(u32, u32)> {
    let mut words = header.split(' ').skip(1);
    let mut number = |sign: char| {
        let word = words.next()?.strip_prefix(sign)?;
        word.split(',').next()?.parse().ok()
    };
    Some((number('-')?, number('+')?))
}

fn line(kind: LineKind, old: Option<u32>, new: Option<u32>, text: &str) -> Line {
    let end = text.char_indices().nth(MAX_CHARS).map(|(at, _)| at);
    let shown = &text[..end.unwrap_or(text.len())];
    Line {
        kind,
        old,
        new,
        text: shown.to_owned(),
        left_out: text[shown.len()..].chars().count(),
        no_newline: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, diff: &str) -> Vec<String> {
        let file = PatchedFile {
            path: "a".to_owned(),
            kind: kind.to_owned(),
            diff: diff.to_owned(),
            moved_to: None,
        };
        let hunks = hunks(&file);
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        let number = |it: Option<u32>| it.map_or_else(String::new, |it| it.to_string());
        let word = |line: &Line| match line.kind {
            LineKind::Same => " ",
            LineKind::Added => "+",
            LineKind::Deleted => "-",
        };
        lines
            .map(|line| {
                format!(
                    "{}|{}|{}{}",
                    number(line.old),
                    number(line.new),
                    word(line),
                    line.text
                )
            })
            .collect()
    }

    #[test]
    fn a_unified_difference_has_its_numbers_and_a_new_file_is_all_new() {
        let diff = "--- a/x\n+++ b/x\n@@ -3,2 +3,3 @@ fn x\n same\n-gone\n+new\n+ü\n\\ No newline at end of file\n";
        assert_eq!(
            shown("update", diff),
            ["3|3| same", "4||-gone", "|4|+new", "|5|+ü"]
        );
        assert_eq!(shown("add", "one\ntwo\n"), ["|1|+one", "|2|+two"]);
        assert_eq!(shown("delete", "one\n"), ["1||-one"]);
        assert_eq!(shown("update", ""), [""; 0]);
        assert_eq!(
            shown("update", "no difference\nat all"),
            ["|| no difference", "1|1| at all"]
        );
    }
}
