//! What Codex says by itself becomes events, in its order, as it comes.

use super::Streams;
use super::frames::{Heard, Own, What};
use super::names::{thread_of, turn_of};
use crate::codex::Overheard;
use chrono::Utc;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The turn that runs in each thread, for what is said in it without its name.
#[derive(Debug, Default)]
pub struct Running(Mutex<HashMap<String, String>>);

impl Running {
    /// Takes note of what a notification says of its turn; the turn that it is about.
    fn hear(&self, told: &Overheard<'_>, thread_id: Option<&str>) -> Option<String> {
        let named = turn_of(told.params);
        let Some(thread_id) = thread_id else {
            return named.map(str::to_owned);
        };
        let mut running = self.lock();
        let known = named
            .map(str::to_owned)
            .or_else(|| running.get(thread_id).cloned());
        match (told.method, named) {
            ("turn/started" | "item/started", Some(turn_id)) => {
                running.insert(thread_id.to_owned(), turn_id.to_owned());
            }
            ("turn/completed" | "thread/closed" | "thread/deleted", _) => {
                running.remove(thread_id);
            }
            _ => {}
        }
        known
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread, and no more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mentioned<'a> {
    session_id: &'a str,
}

/// A thread that was named.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Renamed<'a> {
    session_id: &'a str,
    title: Option<&'a str>,
}

impl Streams {
    /// Takes in what Codex says. Never waits.
    pub fn heard(&self, told: &Overheard<'_>) {
        for ears in &self.ears {
            ears.hear(told);
        }
        let thread_id = thread_of(told.params);
        let turn_id = self.running.hear(told, thread_id);
        if !self.backlog.is_awake() {
            return;
        }
        self.push(What::Heard(Box::new(Heard {
            text: told.text.into(),
            method: told.method.to_owned(),
            at: Utc::now(),
            thread_id: thread_id.map(str::to_owned),
            turn_id,
            request: told.request.cloned(),
        })));
        if let Some(session_id) = thread_id.filter(|_| told.request.is_none()) {
            self.tell_of_life(told, session_id);
        }
    }

    /// What was done to a session as a whole, whoever did it.
    fn tell_of_life(&self, told: &Overheard<'_>, session_id: &str) {
        let name = match told.method {
            "thread/archived" => "session_archived",
            "thread/unarchived" => "session_unarchived",
            "thread/name/updated" => {
                let title = told.params.get("threadName").and_then(|it| it.as_str());
                let renamed = Renamed { session_id, title };
                return self.tell(|| Own::new("session_renamed", Some(session_id), &renamed));
            }
            _ => return,
        };
        let mentioned = Mentioned { session_id };
        self.tell(|| Own::new(name, Some(session_id), &mentioned));
    }

    /// The app-server is gone, and with it every turn.
    pub fn lost(&self) {
        self.running.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_names_no_turn_is_of_the_one_that_runs() {
        let running = Running::default();
        let hear = |method: &str, params: Value| {
            let told = Overheard {
                text: "",
                method,
                params: &params,
                request: None,
            };
            running.hear(&told, thread_of(&params))
        };
        let status = || json!({"threadId": "t"});
        assert_eq!(hear("thread/status/changed", status()), None);
        let started = json!({"threadId": "t", "turn": {"id": "u"}});
        assert_eq!(hear("turn/started", started.clone()).as_deref(), Some("u"));
        assert_eq!(
            hear("thread/status/changed", status()).as_deref(),
            Some("u")
        );
        assert_eq!(hear("warning", json!({"threadId": "o"})), None);
        // A command that outlived an older turn does not make that one run.
        let late = json!({"threadId": "t", "turnId": "older", "item": {}});
        assert_eq!(hear("item/completed", late).as_deref(), Some("older"));
        assert_eq!(
            hear("thread/status/changed", status()).as_deref(),
            Some("u")
        );
        assert_eq!(hear("turn/completed", started).as_deref(), Some("u"));
        assert_eq!(hear("thread/status/changed", status()), None);
    }
}
