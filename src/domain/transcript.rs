//! What was said and done in a thread, turn by turn and row by row, as a person reads it.
//!
//! Codex keeps the history; nothing here is stored. What Codex does not keep (what it asked, who decided) comes from us and is put
//! between its rows by [`put_in`].

pub mod export;
pub mod ours;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// Bytes of one text that are shown; the rest is fetched by itself.
pub const TEXT_BYTES: usize = 64 << 10;

/// Characters of a command's output that Codex keeps: its beginning and its end, with a line of its own between.
pub const OUTPUT_KEPT: usize = 65_536;

/// A text, as far as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// What is shown.
    pub text: String,
    /// Which side of it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// Bytes that are missing.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// The missing side of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Its beginning: of an output the end matters.
    Beginning,
    /// Its end.
    End,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Text {
    /// The beginning of a text, at most so many bytes of it.
    pub fn beginning(text: &str, bytes: usize) -> Self {
        let mut end = bytes.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self::part(text, &text[..end], Cut::End)
    }

    /// The end of a text, at most so many bytes of it.
    pub fn end(text: &str, bytes: usize) -> Self {
        let mut from = text.len().saturating_sub(bytes);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        Self::part(text, &text[from..], Cut::Beginning)
    }

    fn part(whole: &str, shown: &str, cut: Cut) -> Self {
        let left_out = whole.len() - shown.len();
        Self {
            text: shown.to_owned(),
            cut: (left_out > 0).then_some(cut),
            left_out,
        }
    }

    /// Makes it shorter still, on the side that is cut already, else at its end.
    pub fn shorten(&mut self, bytes: usize) {
        let before = self.left_out;
        let shorter = match self.cut {
            Some(Cut::Beginning) => Self::end(&self.text, bytes),
            _ => Self::beginning(&self.text, bytes),
        };
        if shorter.left_out > 0 {
            *self = shorter;
            self.left_out += before;
        }
    }
}

/// One turn: what followed from one message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// Its id in Codex.
    pub id: String,
    /// How it stands: `in_progress`, `completed`, `interrupted`, `failed`, or a word of another version.
    pub status: String,
    /// When it began, to the second.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, to the second.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Its rows, in their order.
    pub rows: Vec<Row>,
    /// Whether it has rows before the first that are not here: so many no page shows.
    pub rows_left_out: bool,
}

impl Turn {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.status == "in_progress"
    }

    /// Bytes of all texts in it.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(Row::bytes).sum()
    }

    /// Shortens every text in it to so many bytes.
    pub fn shorten(&mut self, bytes: usize) {
        for row in &mut self.rows {
            row.what.shorten(bytes);
        }
    }
}

/// One thing that was said or done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `<turn>/<item>`: names it for ever, so that it can be linked to.
    pub id: String,
    /// When it began.
    pub at: Option<DateTime<Utc>>,
    /// When it was complete; none while it goes on.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// Which door a message came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The launcher sent it: its own words, or a person's by page or command line.
    Zhongshu,
    /// Somebody typed it into a terminal.
    Terminal,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// Words to the model.
    Message {
        /// How they came.
        via: Via,
        /// The launcher's own name for them: a message's id, or the session's for its task.
        client_id: Option<String>,
        /// The words.
        text: Text,
    },
    /// Words of the model.
    Answer {
        /// The words, as Markdown.
        text: Text,
    },
    /// The model's thoughts, as far as it tells.
    Reasoning {
        /// The summary, as Markdown.
        text: Text,
    },
    /// A command.
    Command {
        /// Its line.
        command: Text,
        /// Where it ran.
        cwd: String,
        /// `in_progress`, `completed`, `failed` or `declined`.
        status: String,
        /// What it ended with.
        exit_code: Option<i64>,
        /// How long it ran.
        duration_ms: Option<u64>,
        /// What it printed.
        output: Text,
        /// Whether Codex has kept no more than [`OUTPUT_KEPT`] characters of it.
        output_at_limit: bool,
    },
    /// Changes to files.
    Patch {
        /// `in_progress`, `completed`, `failed` or `declined`.
        status: String,
        /// The files.
        files: Vec<PatchedFile>,
        /// More files than are listed.
        files_left_out: usize,
    },
    /// A plan of the model.
    Plan {
        /// The plan, as Markdown.
        text: Text,
    },
    /// A call of a tool.
    Tool {
        /// Whose tool it is; empty when nobody says.
        server: String,
        /// The tool.
        tool: String,
        /// `in_progress`, `completed` or `failed`.
        status: String,
        /// How long it took.
        duration_ms: Option<u64>,
        /// What was passed, as JSON.
        arguments: Text,
        /// What came back.
        result: Text,
        /// Why it failed.
        error: Option<Text>,
    },
    /// A look into the web.
    WebSearch {
        /// What was looked for.
        query: Text,
    },
    /// A picture was looked at, or made.
    Image {
        /// Its file; empty when it has none.
        path: String,
    },
    /// A review began or ended.
    Review {
        /// Whether it began.
        begins: bool,
        /// What is reviewed, or what was found.
        text: Text,
    },
    /// The thread was made shorter: from here on the model knows only a summary of what came before.
    Compaction,
    /// The turn failed.
    TurnFailed {
        /// Why.
        reason: Text,
        /// The kind of error in Codex's words; empty when it has none.
        cause: String,
    },
    /// The turn was interrupted, by a person or by the end of Codex.
    TurnInterrupted,
    /// Codex asked, and somebody decided or nobody did.
    Ask {
        /// Our id of it.
        ask_id: String,
        /// What it was about, in its own words (a command line, a question).
        text: Text,
        /// What was decided; none while it waits.
        decision: Option<String>,
        /// By whom or by what, and where.
        by: Option<String>,
        /// What was answered, or said with the decision.
        words: Option<String>,
    },
    /// Something of another version of Codex.
    Unknown {
        /// Its type.
        item_type: String,
        /// All of it, as JSON.
        raw: Text,
    },
}

/// One file of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatchedFile {
    /// Its path.
    pub path: String,
    /// Where it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// `add`, `update` or `delete`.
    pub change: String,
    /// Lines of a unified difference; of a file that was added or deleted its text.
    pub diff: Text,
}

impl What {
    /// Shows every text in it.
    pub fn texts(&self, look: &mut dyn FnMut(&Text)) {
        match self {
            Self::Message { text, .. }
            | Self::Answer { text }
            | Self::Reasoning { text }
            | Self::Plan { text }
            | Self::Review { text, .. }
            | Self::Ask { text, .. }
            | Self::WebSearch { query: text }
            | Self::TurnFailed { reason: text, .. }
            | Self::Unknown { raw: text, .. } => look(text),
            Self::Command {
                command, output, ..
            } => [command, output].into_iter().for_each(look),
            Self::Patch { files, .. } => files.iter().for_each(|file| look(&file.diff)),
            Self::Tool {
                arguments,
                result,
                error,
                ..
            } => [arguments, result].into_iter().chain(error).for_each(look),
            Self::Image { .. } | Self::Compaction | Self::TurnInterrupted => {}
        }
    }

    fn texts_mut(&mut self, change: &mut dyn FnMut(&mut Text)) {
        match self {
            Self::Message { text, .. }
            | Self::Answer { text }
            | Self::Reasoning { text }
            | Self::Plan { text }
            | Self::Review { text, .. }
            | Self::Ask { text, .. }
            | Self::WebSearch { query: text }
            | Self::TurnFailed { reason: text, .. }
            | Self::Unknown { raw: text, .. } => change(text),
            Self::Command {
                command, output, ..
            } => {
                change(command);
                // Of an output the end matters, also of one that was whole until now.
                output.cut = output.cut.or(Some(Cut::Beginning));
                change(output);
                output.cut = output.cut.filter(|_| output.left_out > 0);
            }
            Self::Patch { files, .. } => files.iter_mut().for_each(|file| change(&mut file.diff)),
            Self::Tool {
                arguments,
                result,
                error,
                ..
            } => [arguments, result]
                .into_iter()
                .chain(error)
                .for_each(change),
            Self::Image { .. } | Self::Compaction | Self::TurnInterrupted => {}
        }
    }

    /// Shortens every text in it to so many bytes.
    pub fn shorten(&mut self, bytes: usize) {
        self.texts_mut(&mut |text| text.shorten(bytes));
    }

    /// Whether any text of it is cut.
    pub fn is_cut(&self) -> bool {
        let mut cut = false;
        self.texts(&mut |text| cut |= text.left_out > 0);
        cut
    }
}

/// A row of ours, and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct OurRow {
    /// The turn that it was part of, where that is known.
    pub turn_id: Option<String>,
    /// The item that it was about: it stands behind that one.
    pub item_id: Option<String>,
    /// The row.
    pub row: Row,
}

/// Puts rows of ours between those of Codex: behind the item that they are about, else by their time. A row whose turn is not among
/// these, and that is older than all of them or has none to stand in, is left out: it belongs to another page.
pub fn put_in(turns: &mut [Turn], ours: Vec<OurRow>) {
    for OurRow {
        turn_id,
        item_id,
        row,
    } in ours
    {
        let turn = match &turn_id {
            Some(id) => turns.iter_mut().find(|turn| turn.id == *id),
            None => {
                let began = |turn: &&mut Turn| turn.started_at.is_some_and(|at| Some(at) <= row.at);
                turns
                    .iter_mut()
                    .filter(began)
                    .max_by_key(|turn| turn.started_at)
            }
        };
        let Some(turn) = turn else {
            continue;
        };
        let about = item_id.map(|item| format!("{}/{item}", turn.id));
        let behind = about.and_then(|id| turn.rows.iter().rposition(|it| it.id == id));
        let place = match behind {
            Some(at) => at + 1,
            None => {
                let later = |it: &Row| it.at.is_some_and(|at| Some(at) > row.at);
                let end = turn.rows.iter().position(|it| later(it) || it.is_end());
                end.unwrap_or(turn.rows.len())
            }
        };
        turn.rows.insert(place, row);
    }
}

impl Row {
    /// How much its texts hold.
    pub fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.what.texts(&mut |text| bytes += text.text.len());
        bytes
    }

    fn is_end(&self) -> bool {
        matches!(self.what, What::TurnFailed { .. } | What::TurnInterrupted)
    }
}

/// JSON as people read it; a text stands for itself.
pub fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
