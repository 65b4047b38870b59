//! The life of an ask, in any order: whatever Codex, people, terminals and restarts do, it is raised once, answered once and settled once.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashMap;
use zhongshu::domain::ask::asked::{How, Stage};
use zhongshu::domain::ask::decision::Decision;
use zhongshu::domain::ask::given::{Given, Reply};
use zhongshu::domain::ask::{
    Access, Ask, Choice, CommandKind, Network, PatchedFile, Question, RequestKey, What,
};
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{self, asks};
use zhongshu::domain::ids::AskId;
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::state::State;

/// What happens; numbers pick among a few threads, turns and requests.
#[derive(Debug, Clone)]
enum Happens {
    /// A request comes, or comes again.
    Request(usize),
    Answer(usize, bool),
    Resolved(usize, bool),
    TurnEnds(usize, bool),
    ItemEnds(usize, bool),
    /// The app-server ends: its numbers begin again.
    ServerEnds,
    ToldLate(usize),
    /// We are killed: what was sent is known to nobody.
    Killed,
    Sent(usize),
    SessionReopens(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    let any = || 0..6usize;
    let flag = || prop::bool::ANY;
    prop_oneof![
        6 => any().prop_map(Happens::Request),
        5 => (any(), flag()).prop_map(|(a, b)| Happens::Answer(a, b)),
        4 => (any(), flag()).prop_map(|(a, b)| Happens::Resolved(a, b)),
        2 => (any(), flag()).prop_map(|(a, b)| Happens::TurnEnds(a, b)),
        2 => (any(), flag()).prop_map(|(a, b)| Happens::ItemEnds(a, b)),
        1 => Just(Happens::ServerEnds),
        2 => any().prop_map(Happens::ToldLate),
        1 => Just(Happens::Killed),
        3 => any().prop_map(Happens::Sent),
        1 => any().prop_map(Happens::SessionReopens),
    ]
}

#[derive(Default)]
struct World {
    state: State,
    log: Vec<Event>,
    server: usize,
    sent: Vec<AskId>,
}

impl World {
    fn key(&self, number: usize) -> RequestKey {
        RequestKey {
            server: self.server.to_string(),
            request: number.to_string(),
        }
    }

    fn of(&self, number: usize) -> Option<AskId> {
        let asked = self.state.asks.of_request(&self.key(number))?;
        Some(asked.ask.id.clone())
    }

    fn happen<T>(&mut self, decision: flow::Decision<T>) -> Option<T> {
        let (events, value) = decision.ok()?;
        for event in events {
            // As the journal has it.
            let text = serde_json::to_string(&event).unwrap();
            let read: Event = serde_json::from_str(&text).unwrap();
            assert_eq!(read, event);
            let seq = self.state.seq + 1;
            self.state.apply(seq, DateTime::<Utc>::UNIX_EPOCH, &event);
            self.log.push(event);
        }
        Some(value)
    }

    fn step(&mut self, happens: &Happens) {
        match *happens {
            Happens::Request(number) => {
                let ask = ask(self.key(number), number);
                let raised = asks::raise(&self.state, &[], ask);
                self.happen(raised);
            }
            Happens::Answer(number, yes) => {
                let Some(id) = self.of(number) else { return };
                let before = self.state.asks.find(&id).unwrap().stage.clone();
                let decision = match (number % 2, yes) {
                    (0, true) => "accept",
                    (1, true) => "answer",
                    _ => "decline",
                };
                let mut given = Given {
                    decision: decision.to_owned(),
                    ..Given::default()
                };
                if decision == "answer" {
                    given.answers = [("key".to_owned(), vec!["hunter2".to_owned()])].into();
                }
                let ask = asks::waiting(&self.state, &id).cloned();
                let answered = ask.and_then(|ask| {
                    let checked = ask.check(given)?;
                    asks::answer(&self.state, "person", &id, &checked, None)
                });
                match before {
                    Stage::Open => assert!(answered.is_ok()),
                    _ => assert_eq!(answered.as_ref().unwrap_err().kind, Kind::Conflict),
                }
                self.happen(answered);
            }
            Happens::Sent(number) => {
                let Some(id) = self.of(number) else { return };
                if matches!(
                    self.state.asks.find(&id).unwrap().stage,
                    Stage::Answered { .. }
                ) {
                    self.sent.push(id);
                }
            }
            Happens::Resolved(number, told) => {
                let told = told.then(|| reply("decline"));
                let resolved = asks::resolved(&self.state, &self.key(number), told);
                self.happen(resolved);
            }
            Happens::TurnEnds(turn, interrupted) => {
                let (turn, sent) = (turn.to_string(), self.sent.clone());
                let is_over = |ask: &Ask| ask.turn_id.as_ref() == Some(&turn);
                let was_sent = |id: &AskId| sent.contains(id);
                let expired = asks::expire(&self.state, is_over, was_sent);
                self.happen(expired);
                if interrupted {
                    let amended = asks::interrupted(&self.state, "thread", &turn);
                    self.happen(amended);
                }
            }
            Happens::ItemEnds(number, declined) => {
                let item = format!("{}-{number}", self.server);
                let ended = asks::item_ended(&self.state, "thread", &item, declined);
                self.happen(ended);
            }
            Happens::ServerEnds => {
                let sent = std::mem::take(&mut self.sent);
                let was_sent = |id: &AskId| sent.contains(id);
                let expired = asks::expire(&self.state, |_| true, was_sent);
                self.happen(expired);
                self.server += 1;
            }
            Happens::ToldLate(number) => {
                let Some(id) = self.of(number) else { return };
                let told = asks::told_late(&self.state, &id, reply("cancel"));
                self.happen(told);
            }
            Happens::Killed => {
                self.sent.clear();
                // The next launcher reads the journal, and knows the same.
                let mut again = State::default();
                for (seq, event) in self.log.iter().enumerate() {
                    again.apply(seq as u64 + 1, DateTime::<Utc>::UNIX_EPOCH, event);
                }
                assert_eq!(again.asks, self.state.asks);
            }
            Happens::SessionReopens(number) => {
                let Some(id) = self.of(number) else { return };
                if !self.sent.contains(&id) {
                    let reopened = asks::reopen(&self.state, &id);
                    self.happen(reopened);
                }
            }
        }
    }

    fn check(&self) {
        let mut newest: HashMap<&RequestKey, &AskId> = HashMap::new();
        let mut stage: HashMap<&AskId, &str> = HashMap::new();
        for event in &self.log {
            match event {
                Event::AskRaised { ask } => {
                    // What comes again although it is over was not over.
                    if let Some(before) = newest.insert(&ask.request_key, &ask.id) {
                        assert_eq!(stage[before], "settled", "one ask for each request");
                    }
                    assert_eq!(stage.insert(&ask.id, "open"), None);
                }
                Event::AskAnswered { ask_id, .. } => {
                    assert_eq!(stage.insert(ask_id, "answered"), Some("open"));
                }
                Event::AskReopened { ask_id, .. } => {
                    assert_eq!(stage.insert(ask_id, "open"), Some("answered"));
                }
                Event::AskSettled {
                    ask_id, how, reply, ..
                } => {
                    let before = stage.insert(ask_id, "settled").unwrap();
                    // What was settled is only ever known better, and what nobody answered was not answered here.
                    match before {
                        "settled" => assert!(*how != How::Here || reply.is_some()),
                        "open" => assert!(!matches!(how, How::Here | How::Both)),
                        _ => {}
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        for asked in self.state.asks.unsettled() {
            assert_eq!(asked.ask.request_key.server, self.server.to_string());
            let expected = match asked.stage {
                Stage::Open => "open",
                Stage::Answered { .. } => "answered",
                Stage::Settled { .. } => "settled",
            };
            assert_eq!(stage[&asked.ask.id], expected);
            assert_ne!(expected, "settled");
        }
        let text = serde_json::to_string(&self.log).unwrap();
        assert!(!text.contains("hunter2"), "a secret is in the journal");
        let state = serde_json::to_string(&self.state).unwrap();
        assert!(!state.contains("hunter2"), "a secret is in the state");
    }
}

fn reply(decision: &str) -> Reply {
    Reply {
        decision: decision.to_owned(),
        ..Reply::default()
    }
}

/// Even numbers ask for a command, odd ones for a secret.
fn ask(key: RequestKey, number: usize) -> Ask {
    let (what, yes) = match number % 2 {
        0 => {
            let what = What::Command {
                command: "touch x".to_owned(),
                cwd: None,
                network: None,
                permissions: None,
                parsed: Vec::new(),
                command_kind: CommandKind::Command,
                approval_id: None,
            };
            (what, Decision::Accept)
        }
        _ => {
            let question = Question {
                id: "key".to_owned(),
                header: "Key".to_owned(),
                question: "Which key?".to_owned(),
                is_other: true,
                is_secret: true,
                options: Vec::new(),
            };
            let what = What::Questions {
                questions: vec![question],
                is_blocking: true,
                answers_itself_ms: None,
            };
            (what, Decision::Answer)
        }
    };
    Ask {
        id: AskId::fresh("ask"),
        thread_id: "thread".to_owned(),
        turn_id: Some((number / 2).to_string()),
        item_id: Some(format!("{}-{number}", key.server)),
        session_id: None,
        request_key: key,
        what,
        why: None,
        raised_at: DateTime::UNIX_EPOCH,
        offered: vec![yes, Decision::Decline],
        cut: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn an_ask_is_raised_once_answered_once_and_settled_once(all in prop::collection::vec(happens(), 1..60)) {
        let mut world = World::default();
        for one in &all {
            world.step(one);
            world.check();
        }
    }
}

#[test]
fn only_the_newest_thousand_that_are_over_are_remembered_and_shortened() {
    let mut world = World::default();
    let id = |world: &World| world.of(0).unwrap();
    let mut ids = Vec::new();
    for _ in 0..1005 {
        let mut long = ask(world.key(0), 0);
        if let What::Command { command, .. } = &mut long.what {
            *command = "x".repeat(60_000);
        }
        let raised = asks::raise(&world.state, &[], long);
        world.happen(raised);
        ids.push(id(&world));
        world.step(&Happens::ServerEnds);
        world.log.clear();
    }
    assert_eq!(world.state.asks.settled().count(), 1000);
    assert!(world.state.asks.find(&ids[0]).is_none());
    assert!(world.state.asks.find(&ids[1004]).is_some());
    let size = serde_json::to_string(&world.state.asks).unwrap().len();
    assert!(size < 2_000_000, "{size}");
}

/// What is over costs little, however much was asked: it is kept in memory, and written down whole with each snapshot.
#[test]
fn ten_thousand_that_are_over_cost_less_than_ten_mebibytes() {
    let long = || "x".repeat(64 * 1024);
    let mut world = World::default();
    for number in 0..10_000_usize {
        let mut ask = ask(world.key(0), 0);
        ask.offered.push(Decision::AcceptWithRule {
            rule: vec!["x".repeat(64); 1024],
        });
        ask.offered.push(Decision::AllowHost { host: long() });
        ask.what = match number % 4 {
            0 => What::Permissions {
                access: Access {
                    read: vec!["x".repeat(4096); 16],
                    ..Access::default()
                },
                cwd: long(),
            },
            1 => What::McpTool {
                server: long(),
                tool: long(),
                params: json!(long()),
                persist: vec![long()],
            },
            2 => What::Patch {
                files: vec![
                    PatchedFile {
                        path: "x".repeat(4096),
                        kind: "update".to_owned(),
                        diff: long(),
                        moved_to: Some("y".repeat(4096)),
                    };
                    16
                ],
                omitted: 0,
                grant_root: Some(long()),
            },
            _ => What::Questions {
                questions: vec![
                    Question {
                        id: "x".repeat(4096),
                        header: long(),
                        question: long(),
                        is_other: false,
                        is_secret: false,
                        options: vec![
                            Choice {
                                label: "x".repeat(4096),
                                description: long(),
                            };
                            8
                        ],
                    };
                    3
                ],
                is_blocking: true,
                answers_itself_ms: None,
            },
        };
        // Without the way through the journal, which `happen` takes: that is long for so much.
        let over = Event::AskSettled {
            ask_id: ask.id.clone(),
            session_id: None,
            how: How::Expired,
            reply: None,
        };
        for event in [Event::AskRaised { ask }, over] {
            let seq = world.state.seq + 1;
            world.state.apply(seq, DateTime::UNIX_EPOCH, &event);
        }
    }
    let size = serde_json::to_string(&world.state.asks).unwrap().len();
    eprintln!("{} bytes for those that are over", size);
    assert!(size < 10 << 20, "{size}");
}

#[test]
fn what_comes_again_although_it_was_settled_is_asked_anew() {
    let mut world = World::default();
    world.step(&Happens::Request(0));
    let first = world.of(0).unwrap();
    world.step(&Happens::Resolved(0, false));
    world.step(&Happens::Request(0));
    let again = world.of(0).unwrap();
    assert_ne!(first, again);
    assert_eq!(world.state.asks.find(&again).unwrap().stage, Stage::Open);
    world.check();
}

#[test]
fn what_was_decided_about_a_host_does_not_follow_from_the_item() {
    for (about_host, inferred) in [(false, Some("decline")), (true, None)] {
        let mut world = World::default();
        let mut ask = ask(world.key(0), 0);
        if let What::Command { network, .. } = &mut ask.what {
            *network = about_host.then(|| Network {
                host: "h".to_owned(),
                protocol: "https".to_owned(),
            });
        }
        let raised = asks::raise(&world.state, &[], ask);
        world.happen(raised);
        world.step(&Happens::Resolved(0, false));
        world.step(&Happens::ItemEnds(0, true));
        let id = world.of(0).unwrap();
        let Stage::Settled { reply, .. } = &world.state.asks.find(&id).unwrap().stage else {
            panic!("it is over");
        };
        assert_eq!(reply.as_ref().map(|it| it.decision.as_str()), inferred);
    }
}

/// Here and in the terminal at the same moment, where nothing that follows tells which of the two counted.
#[test]
fn of_two_answers_that_cross_both_are_told_where_nobody_knows_which_counted() {
    for (told_before, there, how) in [
        (true, "decline", How::Both),
        (false, "decline", How::Both),
        // A secret is kept nowhere: whether it was the same one, nobody can tell.
        (true, "answer", How::Both),
    ] {
        let mut world = World::default();
        world.step(&Happens::Request(1));
        let id = world.of(1).unwrap();
        world.step(&Happens::Answer(1, true));
        let there = Reply {
            withheld: match there {
                "answer" => vec!["key".to_owned()],
                _ => Vec::new(),
            },
            ..reply(there)
        };
        let told = told_before.then(|| there.clone());
        let resolved = asks::resolved(&world.state, &world.key(1), told);
        world.happen(resolved);
        if !told_before {
            let late = asks::told_late(&world.state, &id, there.clone());
            world.happen(late);
        }
        let Stage::Settled {
            how: found,
            by,
            reply,
            other,
            ..
        } = &world.state.asks.find(&id).unwrap().stage
        else {
            panic!("it is over");
        };
        assert_eq!((*found, by.as_deref()), (how, Some("person")));
        assert_eq!(reply.as_ref().unwrap().decision, "answer");
        assert_eq!(other.as_deref(), Some(&there));
        world.check();
    }
    // What is done about a command tells; and the same answer twice is one.
    for (number, yes, there) in [(0, true, "decline"), (1, false, "decline")] {
        let mut world = World::default();
        world.step(&Happens::Request(number));
        world.step(&Happens::Answer(number, yes));
        let resolved = asks::resolved(&world.state, &world.key(number), Some(reply(there)));
        world.happen(resolved);
        let id = world.of(number).unwrap();
        let stage = &world.state.asks.find(&id).unwrap().stage;
        assert!(
            matches!(stage, Stage::Settled { how: How::Here, .. }),
            "{stage:?}"
        );
    }
    // Ours was the second: the terminal's own answer stands, not one that is guessed.
    for told_before in [true, false] {
        let mut world = World::default();
        world.step(&Happens::Request(0));
        world.step(&Happens::Answer(0, true));
        let there = reply("decline");
        let told = told_before.then(|| there.clone());
        let resolved = asks::resolved(&world.state, &world.key(0), told);
        world.happen(resolved);
        let id = world.of(0).unwrap();
        if !told_before {
            let late = asks::told_late(&world.state, &id, there.clone());
            world.happen(late);
        }
        let asked = &world.state.asks.find(&id).unwrap().ask;
        let (thread, item) = (asked.thread_id.clone(), asked.item_id.clone().unwrap());
        let ended = asks::item_ended(&world.state, &thread, &item, true);
        world.happen(ended);
        let stage = &world.state.asks.find(&id).unwrap().stage;
        let Stage::Settled {
            how, reply, other, ..
        } = stage
        else {
            panic!("it is over");
        };
        assert_eq!(
            (*how, reply.as_ref(), other),
            (How::InTerminal, Some(&there), &None)
        );
    }
}
