//! Actions that were performed under a key, as the events of the journal leave them: each is done once, however often it is wanted.

use super::action::{Action, ActionResult, KeyId};
use crate::domain::pairs;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// Keys that are kept, the newest. What is wanted twice is wanted within seconds; ten times as many would be some MiB.
pub const MAX_KEYS: usize = 10_000;

/// What is known of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    digest: String,
    /// What came of it; `None`: it began, and nobody has said.
    result: Option<ActionResult>,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Actions {
    #[serde(with = "pairs")]
    known: HashMap<KeyId, Known>,
    order: VecDeque<KeyId>,
}

/// What is known of an action under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// Nothing.
    New,
    /// It was performed, or not, with this result.
    Done(ActionResult),
    /// It began, and nobody knows what came of it: it goes on, or the server ended meanwhile.
    Begun,
    /// The key stands for another one.
    Other,
}

impl Actions {
    /// What is known of this action under this key.
    pub fn before(&self, key: &KeyId, action: &Action) -> Before {
        match self.known.get(key) {
            None => Before::New,
            Some(known) if known.digest != action.digest() => Before::Other,
            Some(known) => known.result.clone().map_or(Before::Begun, Before::Done),
        }
    }

    /// It is about to be performed.
    pub fn claim(&mut self, key: &KeyId, digest: &str) {
        let known = Known {
            digest: digest.to_owned(),
            result: None,
        };
        if self.known.insert(key.clone(), known).is_none() {
            self.order.push_back(key.clone());
        }
        if self.order.len() > MAX_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// It was performed, or not.
    pub fn end(&mut self, key: &KeyId, result: &ActionResult) {
        if let Some(known) = self.known.get_mut(key) {
            known.result = Some(result.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn action(payload: Value) -> Action {
        Action {
            action_type: "transcript.upsert".to_owned(),
            payload,
            idempotency_key: Some("k".to_owned()),
        }
    }

    fn key(key: &str) -> KeyId {
        KeyId {
            actor: "a".to_owned(),
            session_id: "s".to_owned(),
            key: key.to_owned(),
        }
    }

    #[test]
    fn a_key_stands_for_one_action() {
        let mut actions = Actions::default();
        let first = action(json!({"a": 1}));
        assert_eq!(actions.before(&key("k"), &first), Before::New);
        actions.claim(&key("k"), &first.digest());
        assert_eq!(actions.before(&key("k"), &first), Before::Begun);
        let other = action(json!({"a": 2}));
        assert_eq!(actions.before(&key("k"), &other), Before::Other);
        let result = ActionResult::performed("transcript.upsert", json!({}));
        actions.end(&key("k"), &result);
        assert_eq!(actions.before(&key("k"), &first), Before::Done(result));
        assert_eq!(actions.before(&key("k"), &other), Before::Other);
        assert_eq!(actions.before(&key("l"), &other), Before::New);
    }

    #[test]
    fn the_newest_keys_are_kept() {
        let mut actions = Actions::default();
        let wanted = action(json!({}));
        for number in 0..=MAX_KEYS {
            actions.claim(&key(&number.to_string()), &wanted.digest());
        }
        assert_eq!(actions.before(&key("0"), &wanted), Before::New);
        assert_eq!(actions.before(&key("1"), &wanted), Before::Begun);
        assert_eq!(actions.known.len(), MAX_KEYS);
    }
}
