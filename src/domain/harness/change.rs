//! A change of controls and settings: what it comes to, the events that record it, and the row by which the transcript tells of it.

use super::controls::{Controls, MAX_SETTINGS_BYTES, SessionControls, Settings, Wish};
use super::event::{Event, Provenance, Scope};
use super::row::{Role, RowStatus, TranscriptEntry};
use super::state::State;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What tells of changes in a transcript.
pub const ROW_TYPE: &str = "session.controls.updated";
/// The turn of a row that was written while none ran.
pub const NO_TURN: &str = "session-controls";

/// What somebody wants.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// These controls, and these settings if any are named.
    Controls(Controls, Option<Settings>),
    /// Some controls otherwise.
    Some(Wish),
    /// These settings beside those that are there, in the place of those of the same name.
    Merged(Settings),
    /// These settings alone.
    Replaced(Settings),
    /// All settings but this.
    Without(String),
}

/// A change by somebody.
#[derive(Debug, Clone)]
pub struct Change {
    /// The thread in whose transcript it is told; also whose it is, unless it is `for_new`.
    pub session_id: String,
    /// Whether it is for threads that begin from now on.
    pub for_new: bool,
    /// What is wanted.
    pub wanted: Wanted,
    /// Who, by their own account.
    pub by: Provenance,
    /// Who, by their credential.
    pub actor: String,
    /// The turn that it came with.
    pub turn_id: Option<String>,
    /// The row's id, which nothing else has.
    pub row_id: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The settings would be larger than [`MAX_SETTINGS_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// What a change comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// What held.
    pub before: SessionControls,
    /// What holds.
    pub after: SessionControls,
}

impl Changed {
    /// Whether anything is otherwise.
    pub fn is_any(&self) -> bool {
        self.before != self.after
    }

    /// Names of settings that are otherwise.
    pub fn settings(&self) -> Vec<&str> {
        let (before, after) = (&self.before.settings, &self.after.settings);
        let names = after
            .keys()
            .chain(before.keys().filter(|it| !after.contains_key(*it)));
        let differs = |name: &&String| before.get(*name) != after.get(*name);
        names.filter(differs).map(String::as_str).collect()
    }
}

impl Change {
    /// Decides; without a difference there are no events.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn decide(self, state: &State) -> Result<(Vec<Event>, Changed), TooLarge> {
        let before = match self.for_new {
            true => state.default_controls(),
            false => state.session_controls(&self.session_id),
        };
        let after = self.wanted.clone().after(before.clone());
        let size = |it: &Settings| serde_json::to_vec(it).map_or(usize::MAX, |text| text.len());
        if after.settings != before.settings && size(&after.settings) > MAX_SETTINGS_BYTES {
            return Err(TooLarge);
        }
        let changed = Changed { before, after };
        // Whoever says for the first time what holds anyway has said it: it stays when the defaults change.
        let own = |it: &super::state::Session| it.controls.is_some();
        let says = matches!(self.wanted, Wanted::Controls(..)) && !self.for_new;
        let first = says && !state.sessions.get(&self.session_id).is_some_and(own);
        let scope = || match self.for_new {
            true => Scope::Default,
            false => Scope::Session(self.session_id.clone()),
        };
        let mut events = Vec::new();
        if changed.before.controls != changed.after.controls || first {
            events.push(Event::ControlsSet {
                scope: scope(),
                controls: changed.after.controls.clone(),
                by: self.by.clone(),
            });
        }
        if changed.before.settings != changed.after.settings {
            events.push(Event::SettingsSet {
                scope: scope(),
                settings: changed.after.settings.clone(),
                by: self.by.clone(),
            });
        }
        let entry = self.row(&changed);
        // A transcript that is full hinders nobody: the journal has the change.
        if changed.is_any() && state.has_room_for(&self.session_id, &entry) {
            events.push(Event::RowUpserted {
                session_id: self.session_id,
                entry,
            });
        }
        Ok((events, changed))
    }

    fn row(&self, changed: &Changed) -> TranscriptEntry {
        let who = self.by.actor.as_deref().unwrap_or(&self.actor).to_owned();
        let (before, after) = (&changed.before.controls, &changed.after.controls);
        let names = changed.settings().join(", ");
        let content = match (before == after, self.for_new) {
            (false, false) => {
                say!(
                    "harness.controls.session",
                    who,
                    before = before.words(),
                    after = after.words()
                )
            }
            (false, true) => {
                say!(
                    "harness.controls.default",
                    who,
                    before = before.words(),
                    after = after.words()
                )
            }
            (true, false) => say!("harness.settings.session", who, names),
            (true, true) => say!("harness.settings.default", who, names),
        };
        let details: Value = json!({
            "occurredAt": self.at,
            "actor": self.by.actor,
            "source": self.by.source,
            "credential": self.actor,
            "scope": if self.for_new { "default" } else { "session" },
            "previous": before,
            "next": after,
            "settings": changed.settings(),
        });
        let now = self.at.timestamp_millis();
        TranscriptEntry {
            message_id: self.row_id.clone(),
            turn_id: self.turn_id.clone().unwrap_or_else(|| NO_TURN.to_owned()),
            role: Role::System,
            kind: ROW_TYPE.to_owned(),
            content: content.to_string(),
            details: Some(details.to_string()),
            started_at: Some(now),
            completed_at: Some(now),
            status: RowStatus::Complete,
        }
    }
}

impl Wanted {
    fn after(self, before: SessionControls) -> SessionControls {
        let SessionControls { controls, settings } = before;
        match self {
            Self::Controls(controls, named) => SessionControls {
                controls,
                settings: named.unwrap_or(settings),
            },
            Self::Some(wish) => SessionControls {
                controls: controls.with(wish),
                settings,
            },
            Self::Merged(more) => SessionControls {
                controls,
                settings: settings.into_iter().chain(more).collect(),
            },
            Self::Replaced(settings) => SessionControls { controls, settings },
            Self::Without(name) => {
                let others = settings.into_iter().filter(|(it, _)| *it != name);
                SessionControls {
                    controls,
                    settings: others.collect(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::row::MAX_BYTES;
    use super::*;
    use crate::domain::harness::controls::ApprovalPolicy;

    fn change(for_new: bool, wanted: Wanted) -> Change {
        Change {
            session_id: "t".to_owned(),
            for_new,
            wanted,
            by: Provenance::default(),
            actor: "person".to_owned(),
            turn_id: None,
            row_id: "r".to_owned(),
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn made(state: &mut State, change: Change) -> Changed {
        let (events, changed) = change.decide(state).unwrap();
        for event in &events {
            state.apply(DateTime::UNIX_EPOCH, event);
        }
        changed
    }

    fn settings(text: &str) -> Settings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_change_is_recorded_with_its_row_and_none_is_not() {
        let mut state = State::default();
        let wish = Wish {
            approval_policy: Some(ApprovalPolicy::OnFailure),
            ..Wish::default()
        };
        let asked = || change(false, Wanted::Some(wish.clone()));
        assert!(made(&mut state, asked()).is_any());
        let policy = state.controls_of("t").approval_policy;
        assert_eq!(policy, ApprovalPolicy::OnFailure);
        let row = &state.sessions["t"].rows[0].entry;
        assert_eq!(
            (row.kind.as_str(), row.turn_id.as_str()),
            (ROW_TYPE, NO_TURN)
        );
        assert!(row.content.contains("on-failure"), "{}", row.content);
        let (events, again) = asked().decide(&state).unwrap();
        assert!(events.is_empty() && !again.is_any());
    }

    #[test]
    fn controls_that_were_said_stay_when_the_defaults_change() {
        let mut state = State::default();
        let said = Wanted::Controls(Controls::default(), None);
        assert!(!made(&mut state, change(false, said)).is_any());
        let wish = Wish {
            model: Some("m".to_owned()),
            ..Wish::default()
        };
        made(&mut state, change(true, Wanted::Some(wish)));
        assert_eq!(state.controls_of("t"), Controls::default());
        assert_eq!(state.controls_of("other").model.as_deref(), Some("m"));
    }

    #[test]
    fn settings_are_merged_replaced_taken_away_and_bounded() {
        let mut state = State::default();
        let now = |state: &State| Value::Object(state.session_controls("t").settings);
        made(
            &mut state,
            change(false, Wanted::Merged(settings(r#"{"a":1,"b":2}"#))),
        );
        made(
            &mut state,
            change(false, Wanted::Merged(settings(r#"{"b":null}"#))),
        );
        assert_eq!(now(&state), json!({"a": 1, "b": null}));
        let gone = made(&mut state, change(false, Wanted::Without("a".to_owned())));
        assert_eq!(gone.settings(), ["a"]);
        made(
            &mut state,
            change(false, Wanted::Replaced(settings(r#"{"c":3}"#))),
        );
        assert_eq!(now(&state), json!({"c": 3}));
        let large = json!({"d": "x".repeat(MAX_SETTINGS_BYTES)});
        let large = Wanted::Merged(large.as_object().unwrap().clone());
        assert_eq!(change(false, large).decide(&state), Err(TooLarge));
        // Nothing of the thread's reaches those that begin later.
        assert_eq!(state.default_controls().settings, Settings::default());
    }

    #[test]
    fn a_full_transcript_hinders_no_change() {
        let mut state = State {
            row_bytes: MAX_BYTES,
            ..State::default()
        };
        let wanted = Wanted::Merged(settings(r#"{"a":1}"#));
        assert!(made(&mut state, change(false, wanted)).is_any());
        assert!(state.sessions["t"].rows.is_empty());
    }
}
