//! Small texts around a session: its prompt file, its readable transcript, one-line summaries.

use crate::codex::items::Item;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a prompt file; only the user can read it.
///
/// # Errors
/// What the system says, with the path.
pub fn write_prompt(path: &Path, text: &str) -> std::io::Result<()> {
    crate::paths::write_private(path, text.as_bytes()).map_err(|error| {
        std::io::Error::other(format!(
            "the prompt file {} could not be written: {error}",
            path.display()
        ))
    })
}

/// Adds to a session's transcript.
///
/// # Errors
/// What the system says.
pub fn append_transcript(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        crate::paths::make_private(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// The last bytes of a file as text without escape sequences. Reads no more than it shows.
pub fn tail(path: &Path, bytes: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        use std::io::Read;
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
        let mut tail = Vec::new();
        file.take(bytes).read_to_end(&mut tail)?;
        Ok(tail)
    };
    plain(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// A completed item of a turn, for people; `None` when it says nothing to them.
pub fn of_item(item: &Item) -> Option<String> {
    let text = match item {
        Item::UserMessage { content, .. } => {
            let parts: Vec<&str> = content
                .iter()
                .filter_map(|part| match part {
                    crate::codex::items::UserInput::Text { text } => Some(text.as_str()),
                    crate::codex::items::UserInput::Other(_) => None,
                })
                .collect();
            format!("› {}", parts.join("\n"))
        }
        Item::AgentMessage { text, .. } => format!("• {text}"),
        Item::CommandExecution {
            command,
            exit_code,
            aggregated_output,
            ..
        } => {
            let output = aggregated_output.as_deref().unwrap_or_default().trim_end();
            let code = exit_code.map_or_else(|| "?".to_owned(), |code| code.to_string());
            format!("$ {command}\n{output}\n[exit {code}]")
        }
        Item::FileChange {
            changes, status, ..
        } => {
            let paths: Vec<String> = changes
                .iter()
                .map(|change| change.path.display().to_string())
                .collect();
            format!("± {} ({status})", paths.join(", "))
        }
        Item::McpToolCall {
            server,
            tool,
            status,
            ..
        } => format!("⚙ {server}.{tool} ({status})"),
        Item::Reasoning { .. } | Item::Other(_) => return None,
    };
    Some(format!("{}\n\n", plain(&text)))
}

/// The first line, cut to so many characters.
pub fn first_line(text: &str, chars: usize) -> String {
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    let mut short: String = line.chars().take(chars).collect();
    if line.chars().count() > chars {
        short.push('…');
    }
    short
}

/// Text without escape sequences and control characters, except line ends and tabs.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        // CSI: parameters, then one final byte.
        Some('[') => {
            while chars
                .next()
                .is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c))
            {}
        }
        // OSC, DCS, PM, APC: until BEL or ST.
        Some(']' | 'P' | '^' | '_') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        // Character sets take one more byte; everything else is complete.
        Some('(' | ')' | '#') => {
            chars.next();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_lose_their_escapes_and_nothing_else() {
        let text = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c\r\nd\u{8}";
        assert_eq!(plain(text), "aredbc\nd");
    }

    #[test]
    fn first_line_is_cut_by_characters() {
        assert_eq!(first_line("\n 门下省复核\nmore", 3), "门下省…");
    }
}
