//! Which rule answers a request, and with which of its steps. Holds the counters; knows no HTTP.

use std::collections::HashMap;

use crate::conversation::{Conversation, Kind};
use crate::script::{Count, Rule, Script, Step, Then, When};

/// The script with its counters.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    script: Script,
    counters: HashMap<Counter, usize>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Counter {
    rule: usize,
    thread_id: String,
    /// Which user message of the thread; 0 when the rule counts over the whole thread.
    message: usize,
}

/// What is to be played, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Play {
    pub rule: Option<String>,
    pub step_index: usize,
    pub step: Step,
}

/// Said where a script has nothing to say.
pub(crate) const NOTHING_TO_SAY: &str = "ok";

impl Engine {
    pub fn new(script: Script) -> Self {
        Self {
            script,
            counters: HashMap::new(),
        }
    }

    /// Picks the answer and counts it.
    pub fn pick(&mut self, conversation: &Conversation) -> Play {
        for (index, rule) in self.script.rules.iter().enumerate() {
            if !fits(&rule.when, conversation) {
                continue;
            }
            let message = match rule.count {
                Count::Thread => 0,
                Count::Message => conversation.user_texts.len(),
            };
            let key = Counter {
                rule: index,
                thread_id: conversation.thread_id.clone(),
                message,
            };
            let played = self.counters.entry(key).or_default();
            if let Some(step) = step_at(rule, *played) {
                let step_index = (*played).min(rule.steps.len().saturating_sub(1));
                *played += 1;
                return Play {
                    rule: Some(rule.name.clone()),
                    step_index,
                    step,
                };
            }
        }
        let step = match conversation.kind {
            Kind::Turn => self
                .script
                .otherwise
                .clone()
                .unwrap_or_else(|| Step::say(NOTHING_TO_SAY)),
            Kind::Compaction => Step::say(
                "Summary: the conversation so far was scripted; go on as the script says.",
            ),
            Kind::Title => Step::say(r#"{"title":"Scripted task"}"#),
        };
        Play {
            rule: None,
            step_index: 0,
            step,
        }
    }
}

fn step_at(rule: &Rule, played: usize) -> Option<Step> {
    match (rule.steps.get(played), rule.then, rule.steps.last()) {
        (Some(step), ..) => Some(step.clone()),
        (None, Then::Next, _) => None,
        (None, Then::Repeat, Some(last)) => Some(Step {
            calls: Vec::new(),
            ..last.clone()
        }),
        (None, Then::Idle, _) | (None, Then::Repeat, None) => Some(Step::say(NOTHING_TO_SAY)),
    }
}

fn fits(when: &When, conversation: &Conversation) -> bool {
    when.kind.unwrap_or_default() == conversation.kind
        && when
            .model
            .as_ref()
            .is_none_or(|model| *model == conversation.model)
        && when
            .thread_id
            .as_ref()
            .is_none_or(|thread_id| *thread_id == conversation.thread_id)
        && when.first_user_contains.all_in(conversation.first_user())
        && when.last_user_contains.all_in(conversation.last_user())
        && when.any_input_contains.0.iter().all(|text| {
            conversation
                .all_texts
                .iter()
                .any(|found| found.contains(text.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Call;

    fn request(thread_id: &str, users: &[&str]) -> Conversation {
        let user_texts: Vec<String> = users.iter().map(|text| (*text).to_owned()).collect();
        Conversation {
            thread_id: thread_id.to_owned(),
            all_texts: user_texts.clone(),
            user_texts,
            ..Conversation::default()
        }
    }

    fn said(play: &Play) -> &str {
        play.step.say.as_deref().unwrap_or("")
    }

    fn rule(name: &str, when: When, says: &[&str]) -> Rule {
        Rule {
            name: name.to_owned(),
            when,
            steps: says.iter().map(|text| Step::say(*text)).collect(),
            ..Rule::default()
        }
    }

    #[test]
    fn each_thread_has_its_own_counter_and_the_last_step_repeats() {
        let mut engine = Engine::new(Script::new([rule("r", When::default(), &["1", "2"])]));
        let says: Vec<String> = ["a", "a", "b", "a", "b"]
            .iter()
            .map(|thread| said(&engine.pick(&request(thread, &["x"]))).to_owned())
            .collect();
        assert_eq!(says, ["1", "2", "1", "2", "2"]);
    }

    #[test]
    fn a_repeated_last_step_does_not_repeat_its_calls() {
        let mut only = rule("r", When::default(), &[]);
        only.steps = vec![Step {
            say: Some("again".to_owned()),
            ..Step::call(Call::shell("ls"))
        }];
        let mut engine = Engine::new(Script::new([only]));
        assert_eq!(engine.pick(&request("a", &["x"])).step.calls.len(), 1);
        let second = engine.pick(&request("a", &["x"]));
        assert_eq!((said(&second), second.step.calls.len()), ("again", 0));
    }

    #[test]
    fn a_rule_that_counts_by_message_starts_again_with_the_next_one() {
        let mut notified = rule(
            "n",
            When {
                last_user_contains: "result".into(),
                ..When::default()
            },
            &["call", "noted"],
        );
        notified.count = Count::Message;
        let mut engine = Engine::new(Script::new([
            notified,
            rule("rest", When::default(), &["rest"]),
        ]));
        assert_eq!(said(&engine.pick(&request("a", &["start"]))), "rest");
        for users in [
            &["start", "result 1"][..],
            &["start", "result 1", "result 2"],
        ] {
            assert_eq!(said(&engine.pick(&request("a", users))), "call");
            assert_eq!(said(&engine.pick(&request("a", users))), "noted");
        }
    }

    #[test]
    fn a_used_up_rule_may_idle_or_give_way() {
        for (then, expected) in [(Then::Idle, NOTHING_TO_SAY), (Then::Next, "below")] {
            let mut first = rule("r", When::default(), &["once"]);
            first.then = then;
            let mut engine =
                Engine::new(Script::new([first, rule("b", When::default(), &["below"])]));
            assert_eq!(said(&engine.pick(&request("a", &["x"]))), "once");
            assert_eq!(said(&engine.pick(&request("a", &["x"]))), expected);
        }
    }

    #[test]
    fn title_and_compaction_leave_the_counters_alone_unless_a_rule_names_them() {
        let mut engine = Engine::new(Script::new([
            rule("r", When::default(), &["1", "2"]),
            rule(
                "c",
                When {
                    kind: Some(Kind::Compaction),
                    ..When::default()
                },
                &["short"],
            ),
        ]));
        assert_eq!(said(&engine.pick(&request("a", &["x"]))), "1");
        let title = Conversation {
            kind: Kind::Title,
            ..request("a", &["x"])
        };
        assert_eq!(said(&engine.pick(&title)), r#"{"title":"Scripted task"}"#);
        let compaction = Conversation {
            kind: Kind::Compaction,
            ..request("a", &["x"])
        };
        assert_eq!(said(&engine.pick(&compaction)), "short");
        assert_eq!(said(&engine.pick(&request("a", &["x"]))), "2");
    }

    #[test]
    fn all_conditions_must_hold() {
        let when = When {
            first_user_contains: crate::script::Texts(vec!["one".to_owned(), "two".to_owned()]),
            any_input_contains: "two".into(),
            model: Some("m".to_owned()),
            thread_id: Some("a".to_owned()),
            ..When::default()
        };
        let good = Conversation {
            model: "m".to_owned(),
            ..request("a", &["one two", "x"])
        };
        assert!(fits(&when, &good));
        assert!(!fits(
            &when,
            &Conversation {
                model: "n".to_owned(),
                ..good.clone()
            }
        ));
        assert!(!fits(
            &when,
            &Conversation {
                thread_id: "b".to_owned(),
                ..good.clone()
            }
        ));
        assert!(!fits(
            &when,
            &Conversation {
                user_texts: vec!["one".to_owned(), "two".to_owned()],
                ..good.clone()
            }
        ));
        assert!(!fits(
            &when,
            &Conversation {
                all_texts: Vec::new(),
                ..good
            }
        ));
    }
}
