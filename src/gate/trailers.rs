//! Trailers in commit messages: `Zhongshu-Report:` and `Zhongshu-Plan:`. Owns where in a message they stand; works on
//! bytes, because a message may be in any encoding. An earlier value is replaced, so that amending leaves no duplicates.

use std::path::Path;

use crate::domain::review::Approval;

/// Longest message that gets trailers.
const MAX_MESSAGE_BYTES: u64 = 1 << 20;

/// Names the report under which the commit's tree was approved.
pub const REPORT: &str = "Zhongshu-Report";

/// Names a plan that the change belongs to.
pub const PLAN: &str = "Zhongshu-Plan";

/// What Git itself puts below the scissors line is no part of the message.
const SCISSORS: &[u8] = b" ------------------------ >8 ------------------------";

/// The trailers of an approval.
pub fn of(approval: &Approval) -> Vec<String> {
    let plans = approval.plans.iter().map(|plan| format!("{PLAN}: {plan}"));
    std::iter::once(format!("{REPORT}: {}", approval.report_id))
        .chain(plans)
        .collect()
}

/// The message with these trailers in the place of earlier ones of ours; without any when there are none.
///
/// `comment` is what Git's own comment lines begin with; `None` when the message was not edited, and every line is text.
/// A message without text stays as it is: Git shall refuse it.
pub fn set(message: &[u8], trailers: &[String], comment: Option<&[u8]>) -> Vec<u8> {
    let is_comment = |line: &[u8]| comment.is_some_and(|prefix| line.starts_with(prefix));
    let is_cut =
        |line: &[u8]| comment.is_some_and(|prefix| line.strip_prefix(prefix) == Some(SCISSORS));
    let lines: Vec<&[u8]> = message.split_inclusive(|byte| *byte == b'\n').collect();
    let ends = |line: &[u8]| is_cut(without_end(line));
    let cut = lines
        .iter()
        .position(|line| ends(line))
        .unwrap_or(lines.len());
    let says_something = |line: &&[u8]| !is_blank(line) && !is_comment(line);
    let Some(last) = lines[..cut].iter().rposition(says_something) else {
        return message.to_owned();
    };
    let (text, rest) = lines.split_at(last + 1);
    let mut text: Vec<Vec<u8>> = text
        .iter()
        .filter(|line| !is_ours(line) || is_comment(line))
        .map(|line| [without_end(line), b"\n"].concat())
        .collect();
    while text.last().is_some_and(|line| is_blank(line)) {
        text.pop();
    }
    if !trailers.is_empty() && !ends_in_trailers(&text, &is_comment) {
        text.push(b"\n".to_vec());
    }
    text.extend(trailers.iter().map(|line| format!("{line}\n").into_bytes()));
    text.extend(rest.iter().map(|line| line.to_vec()));
    text.concat()
}

/// Writes them into a message file.
///
/// # Errors
/// What the file system says, or that the message is too long.
pub fn write(path: &Path, lines: &[String], comment: Option<&[u8]>) -> std::io::Result<()> {
    if std::fs::metadata(path)?.len() > MAX_MESSAGE_BYTES {
        return Err(std::io::Error::other("the message is too long"));
    }
    let message = std::fs::read(path)?;
    let edited = set(&message, lines, comment);
    if edited != message {
        std::fs::write(path, edited)?;
    }
    Ok(())
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn is_ours(line: &[u8]) -> bool {
    name_of(line).is_some_and(|name| {
        [REPORT, PLAN]
            .iter()
            .any(|ours| name.eq_ignore_ascii_case(ours.as_bytes()))
    })
}

/// The name of a trailer: letters, digits and dashes up to the colon.
fn name_of(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (!name.is_empty() && name.iter().all(plain)).then_some(name)
}

/// Whether the last paragraph is one of trailers, as `git interpret-trailers` sees it; the first one never is.
fn ends_in_trailers(text: &[Vec<u8>], is_comment: &impl Fn(&[u8]) -> bool) -> bool {
    let Some(before) = text.iter().rposition(|line| is_blank(line)) else {
        return false;
    };
    let paragraph: Vec<&[u8]> = text[before + 1..]
        .iter()
        .map(|line| without_end(line))
        .filter(|line| !is_comment(line))
        .collect();
    let (mut trailers, mut others, mut of_git) = (0_usize, 0_usize, false);
    for line in &paragraph {
        let known = [&b"Signed-off-by: "[..], b"(cherry picked from commit "];
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        if known.iter().any(|start| line.starts_with(start)) {
            of_git = true;
            trailers += 1;
        } else if name_of(line).is_some() {
            trailers += 1;
        } else if !(continues && trailers > 0) {
            others += 1;
        }
    }
    trailers > 0 && (others == 0 || (of_git && trailers * 3 >= others))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn edited(message: &str, trailers: &[&str]) -> String {
        let trailers: Vec<String> = trailers.iter().map(|it| (*it).to_owned()).collect();
        String::from_utf8(set(message.as_bytes(), &trailers, Some(b"#"))).unwrap()
    }

    const R1: &str = "Zhongshu-Report: report-1";
    const R2: &str = "Zhongshu-Report: report-2";
    const P1: &str = "Zhongshu-Plan: zhongshu-1/2";

    #[test]
    fn trailers_stand_where_git_looks_for_them() {
        for (message, expected) in [
            ("one\n", "one\n\nZhongshu-Report: report-1\n"),
            ("one", "one\n\nZhongshu-Report: report-1\n"),
            ("one: two\n", "one: two\n\nZhongshu-Report: report-1\n"),
            (
                "one\n\nbody: no trailer\nmore of it\n",
                "one\n\nbody: no trailer\nmore of it\n\nZhongshu-Report: report-1\n",
            ),
            (
                "one\n\nSigned-off-by: a <a@b>\n",
                "one\n\nSigned-off-by: a <a@b>\nZhongshu-Report: report-1\n",
            ),
            (
                "one\n\nFixes: 1\n and 2\nAcked-by: c\n\n\n",
                "one\n\nFixes: 1\n and 2\nAcked-by: c\nZhongshu-Report: report-1\n\n\n",
            ),
            (
                "one\n\n# Please enter the message\n#\n",
                "one\n\nZhongshu-Report: report-1\n\n# Please enter the message\n#\n",
            ),
            (
                "one\n# ------------------------ >8 ------------------------\ndiff: x\n",
                "one\n\nZhongshu-Report: report-1\n# ------------------------ >8 ------------------------\ndiff: x\n",
            ),
        ] {
            assert_eq!(edited(message, &[R1]), expected);
            // Once more, as an amended commit: nothing is added, and what changed is replaced.
            assert_eq!(edited(expected, &[R1]), expected);
            assert_eq!(edited(expected, &[R2]), expected.replace(R1, R2));
        }
    }

    #[test]
    fn an_empty_message_stays_empty_and_old_trailers_go() {
        for message in ["", "\n\n", "# only comments\n", "\n# x\n"] {
            assert_eq!(edited(message, &[R1, P1]), message);
        }
        let with = edited("one\n\nbody\n", &[R1, P1]);
        assert_eq!(with, format!("one\n\nbody\n\n{R1}\n{P1}\n"));
        assert_eq!(edited(&with, &[]), "one\n\nbody\n");
        assert_eq!(
            edited("one\n\nzhongshu-report : old\nAcked-by: c\n", &[R1]),
            format!("one\n\nAcked-by: c\n{R1}\n")
        );
    }

    #[test]
    fn without_an_editor_every_line_is_text() {
        let message = b"one\n\n# a heading\n";
        let set = set(message, &[R1.to_owned()], None);
        assert_eq!(
            String::from_utf8(set).unwrap(),
            format!("one\n\n# a heading\n\n{R1}\n")
        );
        let latin = b"caf\xe9\n";
        let set = super::set(latin, &[R1.to_owned()], None);
        assert!(set.starts_with(latin));
    }
}
