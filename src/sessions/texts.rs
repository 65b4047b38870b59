//! Small texts around a session: its prompt file, its readable transcript, one-line summaries.

use crate::domain::sentence::say;
use crate::domain::session::Brief;
use crate::paths::inside::Inside;
use crate::threads::wire::{Item, UserInput};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// Writes a prompt file below `repo`; only the user can read it.
///
/// # Errors
/// When a link stands in place of its folder, or what the system says, with the path.
pub fn write_prompt(repo: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    Inside::find(repo, path)
        .and_then(|place| place.replace(text.as_bytes()))
        .map_err(|error| {
            std::io::Error::other(
                say!("reason.prompt_not_written", path = path.display(), error).to_string(),
            )
        })
}

/// Adds to a session's transcript below `repo`.
///
/// # Errors
/// When something else than an ordinary file of the user stands there, or what the system says.
pub fn append_transcript(repo: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    Inside::find(repo, path)?
        .append()?
        .write_all(text.as_bytes())
}

/// The last bytes of a session's transcript below `repo`, as text without escape sequences. Reads no more than it
/// shows; empty when it cannot be read or is not what it should be.
pub fn tail(repo: &Path, path: &Path, bytes: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        use std::io::Read;
        let mut file = Inside::find(repo, path)?.read()?;
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
                    UserInput::Text { text } => Some(text.as_str()),
                    UserInput::Other(_) => None,
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
        Item::Reasoning { .. }
        | Item::DynamicToolCall { .. }
        | Item::Plan { .. }
        | Item::WebSearch { .. }
        | Item::ImageView { .. }
        | Item::EnteredReviewMode { .. }
        | Item::ExitedReviewMode { .. }
        | Item::ContextCompaction { .. }
        | Item::Other(_) => return None,
    };
    Some(format!("{}\n\n", plain(&text)))
}

/// What a session's thread is called until somebody calls it something else.
pub fn thread_name(brief: &Brief) -> String {
    format!("{} · {}", brief.title, first_line(&brief.task, 60))
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
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::time::Duration;

    #[test]
    fn transcripts_lose_their_escapes_and_nothing_else() {
        let text = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c\r\nd\u{8}";
        assert_eq!(plain(text), "aredbc\nd");
    }

    #[test]
    fn first_line_is_cut_by_characters() {
        assert_eq!(first_line("\n 门下省复核\nmore", 3), "门下省…");
    }

    /// A repository, with a file beside it that nobody may touch.
    struct Ground {
        folder: tempfile::TempDir,
        repo: PathBuf,
        log: PathBuf,
        victim: PathBuf,
    }

    impl Ground {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repo = folder.path().join("repo");
            let log = repo.join(".tmp/logs/s.log");
            let victim = folder.path().join("victim");
            fs::create_dir_all(log.parent().unwrap()).unwrap();
            fs::write(&victim, "precious").unwrap();
            Self {
                folder,
                repo,
                log,
                victim,
            }
        }

        /// Appending is refused, nothing is shown, nothing hangs and the file is as it was.
        fn is_refused(&self) {
            let (repo, log) = (self.repo.clone(), self.log.clone());
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            std::thread::spawn(move || {
                let refused = append_transcript(&repo, &log, "more").is_err();
                done.send((refused, tail(&repo, &log, 100))).unwrap();
            });
            let got = wait.recv_timeout(Duration::from_secs(20));
            assert_eq!(got.expect("it hangs"), (true, String::new()));
            assert_eq!(fs::read_to_string(&self.victim).unwrap(), "precious");
        }
    }

    #[test]
    fn a_transcript_grows_and_its_end_is_shown() {
        let ground = Ground::new();
        fs::remove_dir_all(ground.repo.join(".tmp")).unwrap();
        for text in ["one\n", "two\n"] {
            append_transcript(&ground.repo, &ground.log, text).unwrap();
        }
        assert_eq!(tail(&ground.repo, &ground.log, 4), "two\n");
        let mode = fs::metadata(&ground.log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_link_in_place_of_the_transcript_is_refused() {
        let ground = Ground::new();
        symlink(&ground.victim, &ground.log).unwrap();
        ground.is_refused();
    }

    #[test]
    fn a_second_name_of_another_file_is_refused() {
        let ground = Ground::new();
        fs::hard_link(&ground.victim, &ground.log).unwrap();
        ground.is_refused();
    }

    #[test]
    fn a_fifo_in_place_of_the_transcript_is_refused() {
        let ground = Ground::new();
        let made = std::process::Command::new("mkfifo")
            .arg(&ground.log)
            .status();
        assert!(made.unwrap().success());
        ground.is_refused();
        // With somebody at its other end it can be opened, and is refused all the same.
        let _other_end = fs::File::options()
            .read(true)
            .write(true)
            .open(&ground.log)
            .unwrap();
        ground.is_refused();
    }

    #[test]
    fn a_link_in_place_of_a_folder_is_refused() {
        for folder in [".tmp", ".tmp/logs"] {
            let ground = Ground::new();
            let elsewhere = ground.folder.path().join("elsewhere");
            fs::rename(ground.repo.join(folder), &elsewhere).unwrap();
            symlink(&elsewhere, ground.repo.join(folder)).unwrap();
            ground.is_refused();
            assert!(write_prompt(&ground.repo, &ground.log, "x").is_err());
            let files = walkdir::WalkDir::new(&elsewhere).into_iter();
            assert!(files.flatten().all(|entry| entry.file_type().is_dir()));
        }
    }

    #[test]
    fn a_path_that_leads_out_of_the_repository_is_refused() {
        let mut ground = Ground::new();
        ground.log = ground.repo.join("../victim");
        ground.is_refused();
        ground.log = ground.victim.clone();
        ground.is_refused();
    }

    #[test]
    fn a_prompt_takes_the_place_of_a_link() {
        let ground = Ground::new();
        symlink(&ground.victim, &ground.log).unwrap();
        write_prompt(&ground.repo, &ground.log, "task").unwrap();
        assert!(fs::symlink_metadata(&ground.log).unwrap().is_file());
        assert_eq!(fs::read_to_string(&ground.log).unwrap(), "task");
        assert_eq!(fs::read_to_string(&ground.victim).unwrap(), "precious");
        let names = fs::read_dir(ground.log.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "no draft is left");
    }
}
