//! What a program says about itself in its output: its title, and the state that coding agents announce with
//! `OSC 7501`. Collects only; the text is untrusted and kept short.

use serde::{Deserialize, Serialize};

use crate::colours::Colour;

/// Titles and kinds are shown or logged; longer ones are cut.
const MAX_TEXT: usize = 256;
/// Announcements that nobody took yet; a program that floods them loses the oldest.
const MAX_WAITING: usize = 64;

/// An agent's own announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// What it is doing.
    pub state: AgentActivity,
    /// Why, when it says so (`permission` with `blocked`).
    pub kind: Option<String>,
}

/// The states of `OSC 7501`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentActivity {
    /// In the middle of a turn.
    Working,
    /// Waiting for a person.
    Blocked,
    /// A turn has just ended.
    Done,
    /// Waiting for a task.
    Idle,
    /// The agent left; no state any more.
    Clear,
}

/// What was announced since it was last taken.
#[derive(Debug, Default)]
pub struct Signals {
    /// The newest title.
    pub title: Option<String>,
    waiting: Vec<AgentState>,
    asked: Vec<Colour>,
}

impl Signals {
    /// Takes the announcements, oldest first.
    pub fn take_agent_states(&mut self) -> Vec<AgentState> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes the colours that the program asked for, oldest first.
    pub fn take_colour_queries(&mut self) -> Vec<Colour> {
        std::mem::take(&mut self.asked)
    }

    /// The program asked for a colour. One that asks without end gets no more answers than it can read.
    pub fn ask(&mut self, colour: Colour) {
        if self.asked.len() < MAX_WAITING {
            self.asked.push(colour);
        }
    }

    /// The program named its window.
    pub fn set_title(&mut self, title: &str) {
        self.title = Some(plain(title));
    }

    /// The program announced something.
    pub fn announce(&mut self, fields: &str) {
        if let Some(state) = agent_state(fields) {
            if self.waiting.len() == MAX_WAITING {
                self.waiting.remove(0);
            }
            self.waiting.push(state);
        }
    }
}

/// Parses `state=…[:key=value]…`; unknown keys are skipped.
fn agent_state(fields: &str) -> Option<AgentState> {
    let (mut state, mut kind) = (None, None);
    for field in plain(fields).split(':') {
        match field.split_once('=')? {
            ("state", "working") => state = Some(AgentActivity::Working),
            ("state", "blocked") => state = Some(AgentActivity::Blocked),
            ("state", "done") => state = Some(AgentActivity::Done),
            ("state", "idle") => state = Some(AgentActivity::Idle),
            ("state", "clear") => state = Some(AgentActivity::Clear),
            ("kind", value) => kind = Some(value.to_owned()),
            _ => {}
        }
    }
    state.map(|state| AgentState { state, kind })
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn announcements_are_parsed_and_nonsense_is_not() {
        let parse = agent_state;
        assert_eq!(
            parse("state=blocked:app=codex:kind=permission"),
            Some(AgentState {
                state: AgentActivity::Blocked,
                kind: Some("permission".into())
            })
        );
        assert_eq!(parse("state=clear").unwrap().state, AgentActivity::Clear);
        for wrong in [
            "",
            "state=",
            "state=asleep",
            "app=codex",
            "blocked",
            "state=idle;x",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
