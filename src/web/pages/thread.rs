//! The transcript of a thread: turns with their rows, oldest at the top. Pure functions from rows to text. What is for driving it is `steer`'s
//! where it is a session's thread, else `chat`'s.

mod chat;
mod code;
mod difference;
mod prose;
mod steer;

use super::Words;
use super::review::lines::{self, HunkRows, Span};
use crate::domain::language::Language;
use crate::domain::transcript::{PatchedFile, Row, Text, Turn, Via, What};
use crate::git::diff::Hunk;
use crate::threads::ModelChoice;
use crate::web::views::{ChatView, DoingView, SessionView};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use prose::{Kind, Piece};

/// Lines of an output that stand open; longer ones are folded.
const OPEN_LINES: usize = 12;
/// Bytes of a text that the page holds before somebody asks for more: a browser lays this out in a moment.
const PAGE_BYTES: usize = 16 << 10;

/// What `GET /ui/thread` shows.
#[derive(Debug, Clone, Copy)]
pub struct Thread<'a> {
    /// Language of the words around the data.
    pub language: Language,
    /// The session.
    pub session_id: &'a str,
    /// Its name.
    pub title: &'a str,
    /// Its state, as `/api/status` has it.
    pub status: &'a str,
    /// What it is doing, while it lives.
    pub doing: Option<&'a DoingView>,
    /// Its turns, oldest first.
    pub turns: &'a [Turn],
    /// Where older ones go on.
    pub older: Option<&'a str>,
    /// Why there is nothing to show, as a sentence.
    pub reason: Option<&'a str>,
    /// The session, where the thread is its own: what can be done to it.
    pub session: Option<&'a SessionView>,
    /// The models that it may be given.
    pub models: &'a [ModelChoice],
    /// The thread, where it is no session's: what can be done to it.
    pub chat: Option<&'a ChatView>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct Page<'a> {
    t: Words,
    v: Thread<'a>,
    turns: Vec<TurnView<'a>>,
}

struct TurnView<'a> {
    turn: &'a Turn,
    rows: Vec<RowView<'a>>,
}

struct RowView<'a> {
    t: Words,
    row: &'a Row,
    prose: Vec<Piece>,
    files: Vec<FileView<'a>>,
}

struct FileView<'a> {
    file: &'a PatchedFile,
    hunks: Vec<Hunk>,
    left_out: usize,
}

#[derive(Template)]
#[template(path = "thread/row.html")]
struct One<'a> {
    t: Words,
    r: RowView<'a>,
}

/// Renders `GET /ui/thread`.
///
/// # Errors
/// Only when the template engine fails.
pub fn render(thread: Thread<'_>) -> Result<String, askama::Error> {
    let t = Words::of(thread.language);
    let turns = thread.turns.iter().map(|turn| TurnView {
        turn,
        rows: turn.rows.iter().map(|row| RowView::of(row, t)).collect(),
    });
    let turns = turns.collect();
    Page {
        t,
        v: thread,
        turns,
    }
    .render()
}

/// Renders `GET /ui/thread/item`: one row with its texts whole.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_row(row: &Row, language: Language) -> Result<String, askama::Error> {
    let t = Words::of(language);
    let r = RowView::of(row, t);
    One { t, r }.render()
}

/// Makes texts as short as a page has them.
pub fn shorten(turns: &mut [Turn]) {
    for turn in turns {
        turn.shorten(PAGE_BYTES);
    }
}

fn stamp(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Page<'_> {
    fn badge(&self, turn: &Turn) -> &'static str {
        match turn.status.as_str() {
            "in_progress" => "ask",
            "failed" => "bad",
            "interrupted" => "warn",
            _ => "",
        }
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        stamp(at)
    }
}

impl<'a> RowView<'a> {
    fn of(row: &'a Row, t: Words) -> Self {
        let prose = match &row.what {
            // What somebody said stands as they said it.
            What::Answer { text }
            | What::Reasoning { text }
            | What::Plan { text }
            | What::Review { text, .. } => prose::pieces(&text.text),
            _ => Vec::new(),
        };
        let files = match &row.what {
            What::Patch { files, .. } => files.iter().map(FileView::of).collect(),
            _ => Vec::new(),
        };
        Self {
            t,
            row,
            prose,
            files,
        }
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        stamp(at)
    }

    /// The word for its kind in the dictionary, and in the style sheet.
    fn kind(&self) -> &'static str {
        match &self.row.what {
            What::Message {
                via: Via::Terminal, ..
            } => "message_typed",
            What::Message { .. } => "message",
            What::Answer { .. } => "answer",
            What::Reasoning { .. } => "reasoning",
            What::Command { .. } => "command",
            What::Patch { .. } => "patch",
            What::Plan { .. } => "plan",
            What::Tool { .. } => "tool",
            What::WebSearch { .. } => "web_search",
            What::Image { .. } => "image",
            What::Review { begins: true, .. } => "review_begins",
            What::Review { .. } => "review_ends",
            What::Compaction => "compaction",
            What::TurnFailed { .. } => "turn_failed",
            What::TurnInterrupted => "turn_interrupted",
            What::Ask { .. } => "ask",
            What::Unknown { .. } => "unknown",
        }
    }

    /// How it stands, where that is worth a word.
    /// Whether it is being done. What Codex asks waits, and says so itself.
    fn runs(&self) -> bool {
        self.row.ended_at.is_none() && !matches!(self.row.what, What::Ask { .. })
    }

    fn status(&self) -> Option<&str> {
        match &self.row.what {
            What::Command { status, .. }
            | What::Patch { status, .. }
            | What::Tool { status, .. } => (status != "completed").then_some(status.as_str()),
            _ => None,
        }
    }

    fn status_badge(&self) -> &'static str {
        match self.status() {
            Some("failed" | "declined") => "bad",
            _ => "ask",
        }
    }

    /// What a person takes along when they copy it.
    fn copied(&self) -> Option<&str> {
        match &self.row.what {
            What::Message { text, .. }
            | What::Answer { text }
            | What::Reasoning { text }
            | What::Plan { text }
            | What::Review { text, .. }
            | What::Ask { text, .. }
            | What::WebSearch { query: text }
            | What::TurnFailed { reason: text, .. }
            | What::Unknown { raw: text, .. } => Some(&text.text),
            What::Command { command, .. } => Some(&command.text),
            What::Tool { arguments, .. } => Some(&arguments.text),
            What::Image { path } => Some(path),
            What::Patch { .. } | What::Compaction | What::TurnInterrupted => None,
        }
    }

    fn is_long(&self, text: &Text) -> bool {
        text.text.lines().count() > OPEN_LINES
    }

    fn lines(&self, text: &Text) -> usize {
        text.text.lines().count()
    }

    fn first_line<'t>(&self, text: &'t Text) -> &'t str {
        let mut lines = text.text.lines().map(str::trim);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// What is missing of a text, as a sentence.
    fn missing(&self, text: &Text) -> Option<String> {
        use crate::domain::transcript::Cut;
        let t = self.t;
        match (text.cut?, text.left_out) {
            (Cut::Beginning, 0) => Some(t.get("thread.cut_unknown").to_owned()),
            (Cut::Beginning, bytes) => Some(t.one("thread.cut_beginning", bytes)),
            (Cut::End, bytes) => Some(t.one("thread.cut_end", bytes)),
        }
    }

    /// Milliseconds as people read them.
    fn took(&self, ms: &u64) -> String {
        match *ms {
            0..1_000 => format!("{ms} ms"),
            1_000..60_000 => format!("{:.1} s", *ms as f64 / 1000.0),
            _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
        }
    }
}

impl<'a> FileView<'a> {
    fn of(file: &'a PatchedFile) -> Self {
        let (hunks, left_out) = difference::hunks(file);
        Self {
            file,
            hunks,
            left_out,
        }
    }

    fn rows(&self) -> Vec<HunkRows<'_>> {
        lines::rows(&self.hunks, &[])
    }

    fn count(&self, kind: &str) -> usize {
        use crate::git::diff::LineKind;
        let wanted = match kind {
            "plus" => LineKind::Added,
            _ => LineKind::Deleted,
        };
        let lines = self.hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.kind == wanted).count()
    }

    fn is_long(&self) -> bool {
        self.hunks
            .iter()
            .map(|hunk| hunk.lines.len())
            .sum::<usize>()
            > 60
    }
}

#[cfg(test)]
mod tests;
