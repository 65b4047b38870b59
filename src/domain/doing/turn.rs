//! What was heard of a session's turn, one thing after the other: what runs in it, what the model does, when the last sign of life came,
//! and what repeats itself. Pure: whoever hears something brings the moment along.

use super::Moment;
use crate::domain::shown::shown_line;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

/// Longest name of a tool that is shown, in characters: some words of a command.
const TOOL_CHARS: usize = 60;
/// More items than this never run at once; of a Codex that never says that one has ended, the oldest are forgotten.
const MAX_RUNNING: usize = 64;

/// What the model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It was asked, and has said nothing yet.
    Asked,
    /// It thinks.
    Thinking,
    /// It writes.
    Writing,
}

/// A part of a turn that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Something runs, by its name.
    Tool(String),
    /// The model says something.
    Model(Flow),
    /// Something that takes no time.
    Note,
}

/// A command that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran<'a> {
    /// The command line.
    pub command: &'a str,
    /// Its exit code; none when it did not run.
    pub exit_code: Option<i64>,
    /// What it printed.
    pub output: &'a str,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Well.
    Completed,
    /// Somebody interrupted it.
    Interrupted,
    /// Codex ended in it.
    CodexEnded,
    /// It failed.
    Failed {
        /// Why, as a sentence.
        reason: String,
        /// Whether the provider refuses more for now.
        is_limit: bool,
    },
}

/// Something that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    id: String,
    /// Its name.
    pub tool: String,
    /// Since when; none where it ran before anybody listened.
    pub since: Option<Moment>,
}

/// Commands that are the same as the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Repeated {
    command: String,
    /// Of command line, exit code and output.
    digest: u64,
    times: usize,
    since: Moment,
}

/// What was heard of the newest turn of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// What the model does, since when, and when it said so last.
    flow: Option<(Flow, Moment, Moment)>,
    /// What runs, oldest first.
    running: Vec<Running>,
    sign: Option<Moment>,
    failing: Option<(String, Moment)>,
    repeated: Option<Repeated>,
    end: Option<End>,
    /// Whether it ran before anybody listened.
    is_resumed: bool,
}

impl Turn {
    /// It begins.
    pub fn begins(&mut self, now: Moment) {
        *self = Self {
            flow: Some((Flow::Asked, now, now)),
            sign: Some(now),
            ..Self::default()
        };
    }

    /// Codex was lost, or nobody listened: what was heard is void. The clock of silence starts anew, now.
    pub fn is_void(&mut self, now: Moment) {
        *self = Self {
            sign: Some(now),
            is_resumed: true,
            ..Self::default()
        };
    }

    /// What runs in it although nobody heard it begin. Whatever was heard meanwhile is newer.
    pub fn runs(&mut self, tools: impl IntoIterator<Item = (String, String)>) {
        if self.flow.is_none() && self.end.is_none() && self.running.is_empty() {
            let tools = tools.into_iter().take(MAX_RUNNING);
            self.running = tools
                .map(|(id, tool)| Running {
                    id,
                    tool: named(&tool),
                    since: None,
                })
                .collect();
        }
    }

    /// A sign of life, whatever it says.
    pub fn sign(&mut self, now: Moment) {
        self.sign = Some(now);
        self.failing = None;
    }

    /// A part of it begins.
    pub fn part_begins(&mut self, id: &str, part: Part, now: Moment) {
        self.goes_on(now);
        match part {
            Part::Tool(tool) => {
                self.running.retain(|it| it.id != id);
                if self.running.len() == MAX_RUNNING {
                    self.running.remove(0);
                }
                self.running.push(Running {
                    id: id.to_owned(),
                    tool: named(&tool),
                    since: Some(now),
                });
            }
            Part::Model(flow) => self.flows(flow, now),
            Part::Note => {}
        }
    }

    /// A piece of what the model says.
    pub fn says(&mut self, flow: Flow, now: Moment) {
        self.goes_on(now);
        self.flows(flow, now);
    }

    /// A part of it is complete; `ran` says what, if it is a command. One may end after its turn.
    pub fn part_ends(&mut self, id: &str, ran: Option<Ran<'_>>, now: Moment) {
        self.sign(now);
        self.running.retain(|it| it.id != id);
        if self.end.is_some() {
            return;
        }
        if self.running.is_empty() {
            self.flow = Some((Flow::Asked, now, now));
        }
        if let Some(ran) = ran {
            self.repeat(ran, now);
        }
    }

    /// The provider failed, and Codex tries again.
    pub fn tries_again(&mut self, reason: String, now: Moment) {
        self.sign(now);
        self.failing = Some((reason, now));
    }

    /// It is over.
    pub fn ends(&mut self, end: End, now: Moment) {
        *self = Self {
            sign: Some(now),
            end: Some(end),
            ..Self::default()
        };
    }

    /// It was over before anybody listened.
    pub fn ended(&mut self, end: End) {
        self.end = Some(end);
    }

    /// When the last sign of life came.
    pub fn last_sign(&self) -> Option<Moment> {
        self.sign
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Whether it was heard to go on, and its end was not heard.
    pub(super) fn is_open(&self) -> bool {
        self.flow.is_some() && self.end.is_none()
    }

    pub(super) fn flow(&self) -> Option<(Flow, Moment)> {
        self.flow.map(|(flow, since, _)| (flow, since))
    }

    pub(super) fn failing(&self) -> Option<(&str, Moment)> {
        let (reason, since) = self.failing.as_ref()?;
        Some((reason, *since))
    }

    pub(super) fn newest_running(&self) -> Option<&Running> {
        self.running.last()
    }

    /// What runs, unless the model speaks meanwhile: it went on while its command works in the background.
    pub(super) fn shown_tool(&self, silent_after: Duration, now: Moment) -> Option<&Running> {
        let running = self.newest_running()?;
        let speaks = self.flow.is_some_and(|(flow, _, said)| {
            let is_newer = running.since.is_none_or(|since| said.ticks > since.ticks);
            flow != Flow::Asked && is_newer && said.age(now) < silent_after
        });
        (!speaks).then_some(running)
    }

    /// The command that came to the same end at least `often` times in a row: which, how often, since when.
    pub(super) fn repeats(&self, often: usize) -> Option<(&str, usize, Moment)> {
        let repeated = self.repeated.as_ref().filter(|it| it.times >= often)?;
        Some((&repeated.command, repeated.times, repeated.since))
    }

    /// It runs, whatever was thought of it.
    fn goes_on(&mut self, now: Moment) {
        self.sign(now);
        self.end = None;
    }

    fn flows(&mut self, flow: Flow, now: Moment) {
        let since = match self.flow {
            Some((before, since, _)) if before == flow => since,
            _ => now,
        };
        self.flow = Some((flow, since, now));
    }

    fn repeat(&mut self, ran: Ran<'_>, now: Moment) {
        let mut digest = DefaultHasher::new();
        (ran.command, ran.exit_code, ran.output).hash(&mut digest);
        let digest = digest.finish();
        match &mut self.repeated {
            Some(repeated) if repeated.digest == digest => repeated.times += 1,
            repeated => {
                *repeated = Some(Repeated {
                    command: named(ran.command),
                    digest,
                    times: 1,
                    since: now,
                });
            }
        }
    }
}

/// The beginning of a command line or of another name, on one line, without the shell that Codex puts before it.
fn named(tool: &str) -> String {
    let whole = without_shell(tool.trim()).trim();
    let line = whole.lines().next().unwrap_or_default();
    let end = line.char_indices().nth(TOOL_CHARS).map(|(at, _)| at);
    let short = &line[..end.unwrap_or(line.len())];
    let mut shown = shown_line(short).into_owned();
    if short.len() < whole.len() {
        shown.push('…');
    }
    shown
}

/// A command line as the model gave it: `/bin/bash -lc 'make'` is `make`.
fn without_shell(line: &str) -> &str {
    let Some((program, rest)) = line.split_once(' ') else {
        return line;
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let given = match rest.split_once(' ') {
        Some(("-lc" | "-c", given)) if matches!(name, "bash" | "zsh" | "sh") => given,
        _ => return line,
    };
    let quoted = |quote| given.strip_prefix(quote)?.strip_suffix(quote);
    quoted('\'').or_else(|| quoted('"')).unwrap_or(given)
}
