//! A difference as Codex writes it down, as lines of the review page.

use crate::domain::transcript::PatchedFile;
use crate::git::diff::{Hunk, Line, LineKind};

/// Lines of one file; longer ones are fetched by themselves.
const MOST_LINES: usize = 400;
/// Characters of one line.
const MOST_CHARS: usize = 1000;

/// The changed places, and lines that are not among them.
pub(super) fn hunks(file: &PatchedFile) -> (Vec<Hunk>, usize) {
    let text = &file.diff.text;
    let is_unified = text.starts_with("@@") || text.contains("\n@@");
    let whole = match file.change.as_str() {
        _ if is_unified => None,
        "add" => Some(LineKind::Added),
        "delete" => Some(LineKind::Deleted),
        _ => None,
    };
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old, mut new) = (1_u32, 1_u32);
    let mut left_out = 0;
    for (count, line) in text.lines().enumerate() {
        if line.starts_with("@@") && whole.is_none() {
            (old, new) = starts(line).unwrap_or((old, new));
            hunks.push(Hunk {
                header: line.chars().take(MOST_CHARS).collect(),
                lines: Vec::new(),
            });
            continue;
        }
        let (kind, shown) = match (whole, line.as_bytes().first()) {
            (Some(kind), _) => (kind, line),
            (None, Some(b'+')) => (LineKind::Added, &line[1..]),
            (None, Some(b'-')) => (LineKind::Deleted, &line[1..]),
            (None, Some(b' ')) => (LineKind::Same, &line[1..]),
            (None, Some(b'\\')) => {
                let last = hunks.last_mut().and_then(|hunk| hunk.lines.last_mut());
                last.into_iter().for_each(|line| line.no_newline = true);
                continue;
            }
            (None, _) => (LineKind::Same, line),
        };
        if count >= MOST_LINES {
            left_out += 1;
            continue;
        }
        if hunks.is_empty() {
            hunks.push(Hunk {
                header: String::new(),
                lines: Vec::new(),
            });
        }
        let made = Line {
            kind,
            old: (kind != LineKind::Added).then_some(old),
            new: (kind != LineKind::Deleted).then_some(new),
            text: shown.chars().take(MOST_CHARS).collect(),
            left_out: shown.chars().count().saturating_sub(MOST_CHARS),
            no_newline: false,
        };
        old = old.saturating_add(u32::from(made.old.is_some()));
        new = new.saturating_add(u32::from(made.new.is_some()));
        if let Some(hunk) = hunks.last_mut() {
            hunk.lines.push(made);
        }
    }
    (hunks, left_out)
}

/// The first lines of `@@ -1,2 +3,4 @@`.
fn starts(header: &str) -> Option<(u32, u32)> {
    let number = |sign: char| {
        let from = header.find(sign)? + 1;
        let digits = header[from..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    Some((number('-')?, number('+')?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::transcript::Text;

    fn file(change: &str, diff: &str) -> PatchedFile {
        PatchedFile {
            path: "a".to_owned(),
            moved_to: None,
            change: change.to_owned(),
            diff: Text::beginning(diff, 1 << 20),
        }
    }

    fn shown(file: &PatchedFile) -> Vec<String> {
        let (hunks, _) = hunks(file);
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        let lines = lines.map(|line| {
            let number = |n: Option<u32>| n.map_or("-".to_owned(), |n| n.to_string());
            format!("{} {} {}", number(line.old), number(line.new), line.text)
        });
        lines.collect()
    }

    #[test]
    fn lines_have_their_numbers() {
        let update = file(
            "update",
            "@@ -3,2 +3,2 @@ fn x\n same\n-old\n+new\n\\ No newline at end of file\n",
        );
        assert_eq!(shown(&update), ["3 3 same", "4 - old", "- 4 new"]);
        assert_eq!(shown(&file("add", "one\n-two\n")), ["- 1 one", "- 2 -two"]);
        assert_eq!(shown(&file("delete", "one\n")), ["1 - one"]);
        assert_eq!(shown(&file("update", "")), [""; 0]);
        let long = file("add", &"x\n".repeat(1000));
        assert_eq!(hunks(&long).1, 600);
        let odd = file("update", "@@ -99999999999 +4294967295 @@\n a\n b\n二\n");
        assert_eq!(shown(&odd).len(), 3);
    }
}
