//! What is in the list, in which order, and that it is gone when its cause is.

#![allow(clippy::unwrap_used)]

mod scenery;

use super::*;
use crate::domain::doing;
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::ids::{AssignmentId, ReportId};
use crate::domain::language::Language;
use crate::domain::plan::{PlannedAssignment, Source};
use crate::domain::plan_review::{ReviewRule, Verdict};
use crate::domain::review::{CommitSeen, GitId};
use crate::domain::session::{NotTaken, Outcome};
use chrono::TimeDelta;
use scenery::{DEPARTMENT, PLANNER, Scenery, ask, id};

fn does(state: doing::State, since: DateTime<Utc>) -> Glimpse {
    let since = Some(since);
    Glimpse {
        doing: Doing { state, since },
    }
}

#[test]
fn nothing_waits_in_a_house_in_which_nothing_happened_and_nothing_in_one_that_works() {
    assert_eq!(Scenery::new().kinds(), [""; 0]);
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    assert_eq!(house.kinds(), [""; 0]);
}

#[test]
fn what_blocks_a_session_stands_before_what_blocks_the_queue_and_that_before_what_may_wait_each_by_age()
 {
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    let commit = "ab".repeat(20);
    house.happens(&Event::CommitUnapproved {
        seen: CommitSeen {
            commit: GitId::parse(&commit).unwrap(),
            tree: GitId::parse(&commit).unwrap(),
            base_tree: None,
            branch: None,
            subject: "sneak".to_owned(),
            report_id: None,
            older: None,
        },
        mode: crate::domain::review::GateMode::Enforce,
    });
    house.plan(1);
    house.report(1, Source::Tool, true);
    house.seen.insert(
        id(PLANNER),
        does(
            doing::State::Failed {
                reason: "no more tokens".to_owned(),
            },
            house.at,
        ),
    );
    house
        .asks
        .push(ask(Some(DEPARTMENT), house.at + TimeDelta::minutes(1)));
    let expected = [
        "turn_failed",
        "ask",
        "plan_to_confirm",
        "result_needs_person",
        "commit_unapproved",
    ];
    assert_eq!(house.kinds(), expected);
}

#[test]
fn an_ask_carries_what_can_be_decided_and_stands_in_the_place_of_the_blocked_session() {
    let mut house = Scenery::planning();
    let waits = doing::State::Waiting {
        ask_ids: Vec::new(),
        reason: None,
    };
    let blocked = does(waits, house.at);
    house.seen.insert(id(PLANNER), blocked);
    assert_eq!(house.kinds(), ["blocked"]);
    house.asks.push(ask(Some(PLANNER), house.at));
    let list = house.list();
    assert_eq!(list.len(), 1);
    let item = serde_json::to_value(&list[0]).unwrap();
    assert_eq!(item["id"], "ask-1");
    assert_eq!(
        (&item["kind"], &item["what"]["kind"]),
        (&"ask".into(), &"command".into())
    );
    assert_eq!(item["title"], "The planner asks to run: make⟨U+202E⟩");
    assert_eq!(item["why"], "to build");
    assert_eq!(item["planner_id"], PLANNER);
    assert_eq!(item["actions"][0]["path"], "/api/attention/ask-1");
    assert_eq!(item["actions"][0]["body"]["decision"], "accept");
    assert_eq!(item["actions"][1]["needs"][0]["field"], "words");
    // On a thread that is nobody's it is there too.
    house.asks[0].session_id = None;
    house.seen.clear();
    let list = house.list();
    assert_eq!((list.len(), list[0].session_id.as_ref()), (1, None));
    assert!(list[0].title.starts_with("A thread asks to run"));
}

#[test]
fn a_plan_waits_for_the_person_exactly_while_nobody_else_can_move_it_on() {
    let mut house = Scenery::planning();
    house.plan(1);
    assert_eq!(house.kinds(), ["plan_to_confirm"]);
    house.review = ReviewRule {
        required: true,
        veto_limit: 3,
    };
    house.happens(&Event::PlanReviewRequested {
        session_id: id(PLANNER),
        version: 1,
        plan_sha256: format!("{:064}", 1),
    });
    assert_eq!(house.kinds(), [""; 0], "menxia looks at it");
    let verdict: Verdict = serde_json::from_value(serde_json::json!({
        "department_session_id": DEPARTMENT, "verdict": "veto", "checked": [], "reasons": ["no tests"],
        "source": "tool", "verified": true,
    }))
    .unwrap();
    house.happens(&Event::PlanVetoed {
        session_id: id(PLANNER),
        version: 1,
        plan_sha256: format!("{:064}", 1),
        verdict,
    });
    assert_eq!(house.kinds(), ["plan_vetoed"]);
    assert_eq!(house.list()[0].why.as_deref(), Some("no tests"));
    house.plan(2);
    house.happens(&Event::PlanLeftToPerson {
        session_id: id(PLANNER),
        version: 2,
        vetoes: 3,
    });
    assert_eq!(house.kinds(), ["verdict_missing"]);
    let actions: Vec<_> = house.list()[0].actions.iter().map(|it| it.id).collect();
    assert_eq!(actions, ["confirm", "reject"]);
    house.happens(&Event::PlanRejected {
        session_id: id(PLANNER),
        version: 2,
        reason: "no".to_owned(),
    });
    assert_eq!(house.kinds(), [""; 0]);
    house.plan(3);
    house.review = ReviewRule::OFF;
    assert_eq!(house.kinds(), ["plan_to_confirm"]);
    house.closed(PLANNER, Outcome::Stopped);
    assert_eq!(
        house.kinds(),
        [""; 0],
        "an ended planner's plan cannot be confirmed"
    );
}

#[test]
fn a_plan_that_is_not_shown_whole_cannot_be_confirmed_from_its_item() {
    let line = || PlannedAssignment {
        files: vec!["src/".to_owned()],
        verify: vec!["make".to_owned()],
        model: Some("small".to_owned()),
        after: vec!["first".to_owned()],
        selected: false,
        ..PlannedAssignment::new("lingyubu", "do it")
    };
    let mut house = Scenery::planning();
    house.plan_of(1, vec![line()]);
    let item = house.list().remove(0);
    let shown = serde_json::to_value(&item).unwrap();
    assert_eq!(
        shown["what"]["lines"][0],
        serde_json::json!({
            "id": null, "department": "lingyubu", "task": "do it", "model": "small", "files": ["src/"],
            "verify": ["make"], "after": ["first"], "selected": false,
        })
    );
    let ids = |house: &Scenery| -> Vec<_> {
        let actions = house.list().remove(0).actions;
        actions.iter().map(|it| it.id).collect()
    };
    assert_eq!(ids(&house), ["confirm", "reject"]);
    let long = "x".repeat(MAX_CHARS + 1);
    let mut hidden = vec![vec![line(); MAX_PLAN_LINES + 1]];
    for field in 0..4 {
        let mut line = line();
        match field {
            0 => line.task = long.clone(),
            1 => line.verify.push(long.clone()),
            2 => line.files = vec!["a".to_owned(); MAX_FILES + 1],
            _ => line.model = Some(long.clone()),
        }
        hidden.push(vec![line]);
    }
    for (version, lines) in (2..).zip(hidden) {
        house.plan_of(version, lines);
        assert_eq!(ids(&house), ["reject"], "{version}");
        assert_eq!(house.list()[0].place, Some("plan"));
    }
}

#[test]
fn what_is_wrong_with_the_house_has_the_same_name_in_every_language() {
    let mut house = Scenery::planning();
    let mut named = |sentence: &str| {
        house.house.lacks = vec![("fork".to_owned(), sentence.to_owned())];
        house.house.settings = vec![("x".to_owned(), sentence.to_owned())];
        let ids = house.list().into_iter().map(|it| it.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(named("it cannot fork"), named("它不能分叉"));
}

#[test]
fn a_result_that_asks_is_gone_when_it_is_acknowledged() {
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    house.report(1, Source::Tool, true);
    assert_eq!(house.kinds(), ["result_needs_person"]);
    assert_eq!(house.list()[0].id, "result_needs_person-report-1-1");
    house.happens(&Event::ResultAcknowledged {
        report_id: ReportId::parse("report-1").unwrap(),
    });
    assert_eq!(house.kinds(), [""; 0]);
}

#[test]
fn a_department_that_ended_without_a_word_is_told_unless_the_person_ended_it_or_it_goes_on() {
    let lost = || Outcome::Lost {
        reason: "gone".to_owned(),
    };
    for (outcome, expected) in [(lost(), 1), (Outcome::Stopped, 0), (Outcome::Silent, 1)] {
        let mut house = Scenery::planning();
        house.session(DEPARTMENT, "lingyubu");
        house.report(1, Source::LauncherFallback, false);
        house.closed(DEPARTMENT, outcome);
        assert_eq!(house.kinds(), vec!["fallback"; expected]);
    }
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    house.report(1, Source::LauncherFallback, false);
    house.closed(DEPARTMENT, lost());
    house.happens(&Event::SessionResumed {
        session_id: id(DEPARTMENT),
    });
    assert_eq!(house.kinds(), [""; 0]);
    house.closed(DEPARTMENT, lost());
    assert_eq!(house.kinds(), ["fallback"]);
    house.closed(PLANNER, Outcome::Stopped);
    assert_eq!(house.kinds(), [""; 0], "nobody waits for it any more");
}

#[test]
fn a_planner_that_ended_by_itself_waits_until_it_or_another_goes_on() {
    let failed = Outcome::Failed {
        reason: "no such program".to_owned(),
    };
    let mut house = Scenery::planning();
    house.closed(PLANNER, failed.clone());
    assert_eq!(house.kinds(), ["session_lost"]);
    house.happens(&Event::SessionResumed {
        session_id: id(PLANNER),
    });
    assert_eq!(house.kinds(), [""; 0]);
    house.closed(PLANNER, failed);
    assert_eq!(house.kinds(), ["session_lost"]);
    house.session("zhongshu-0190000000007000800000000001eeee", "zhongshu");
    assert_eq!(house.kinds(), [""; 0]);
    let mut house = Scenery::planning();
    house.closed(
        PLANNER,
        Outcome::Exited {
            code: Some(0),
            signal: None,
        },
    );
    assert_eq!(house.kinds(), [""; 0], "it was left on purpose");
}

#[test]
fn what_keeps_the_queue_is_told_once_and_only_while_something_waits_in_it() {
    let mut house = Scenery::planning();
    house.happens(&Event::QueuePaused {});
    assert_eq!(house.kinds(), [""; 0], "nothing waits in it");
    house.queued("assignment-1", &[]);
    house.queued("assignment-2", &["assignment-1"]);
    assert_eq!(house.kinds(), ["queue_paused"]);
    house.happens(&Event::QueueResumed {});
    house.happens(&Event::AssignmentCancelled {
        assignment_id: AssignmentId::parse("assignment-1").unwrap(),
    });
    assert_eq!(house.kinds(), ["dependency_failed"]);
    let item = serde_json::to_value(&house.list()[0]).unwrap();
    assert_eq!(item["what"]["on"], serde_json::json!(["assignment-1"]));
    house.happens(&Event::DispatchHeld {
        shared: Shared::Driver {
            driver: Driver::Codex,
        },
        session_id: id(DEPARTMENT),
        reason: "no model".to_owned(),
    });
    assert_eq!(house.kinds(), ["fault"], "what holds first is told");
    house.happens(&Event::DispatchReleased {
        shared: Shared::Driver {
            driver: Driver::Codex,
        },
    });
    house.closed(PLANNER, Outcome::Stopped);
    assert_eq!(house.kinds(), ["planner_ended"]);
}

#[test]
fn too_many_results_hold_the_queue_and_say_so_once() {
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    house.report(1, Source::Tool, false);
    house.queued("assignment-1", &[]);
    house.queued("assignment-2", &[]);
    assert_eq!(house.kinds(), ["review_limit"]);
}

#[test]
fn a_file_that_was_not_taken_is_told_until_a_better_one_is() {
    let mut house = Scenery::planning();
    house.happens(&Event::MailboxFileRejected {
        session_id: id(PLANNER),
        file: NotTaken::File("x.json".to_owned()),
        reason: "it is no JSON".to_owned(),
    });
    assert_eq!(house.kinds(), ["file_rejected"]);
    house.plan(1);
    assert_eq!(house.kinds(), ["plan_to_confirm"]);
}

#[test]
fn who_is_silent_or_turns_in_a_circle_is_told_with_what_can_be_done() {
    let mut house = Scenery::planning();
    house.session(DEPARTMENT, "lingyubu");
    let looping = doing::State::Looping {
        command: "cargo check".to_owned(),
        times: 7,
    };
    for (name, state, kind) in [
        (
            PLANNER,
            doing::State::Silent {
                in_turn: true,
                reason: None,
            },
            "silent",
        ),
        (DEPARTMENT, looping, "looping"),
    ] {
        house.seen = [(id(name), does(state, house.at))].into();
        assert_eq!(house.kinds(), [kind]);
        for language in [Language::En, Language::Zh] {
            let item = house.list_in(language).remove(0);
            let actions: Vec<_> = item.actions.iter().map(|it| it.id).collect();
            assert_eq!(actions, ["message", "interrupt", "stop"]);
            assert_eq!(item.since, house.at);
            assert!(item.why.is_some());
        }
    }
    let item = serde_json::to_value(&house.list()[0]).unwrap();
    let expected = serde_json::json!({ "command": "cargo check", "times": 7 });
    assert_eq!(item["what"], expected);
    for state in [doing::State::Thinking, doing::State::Idle] {
        house.seen = [(id(DEPARTMENT), does(state, house.at))].into();
        assert_eq!(house.kinds(), [""; 0]);
    }
}

#[test]
fn the_house_itself_is_told_in_both_languages_with_a_consequence_each() {
    let mut house = Scenery::planning();
    house.house = House {
        codex: Some(("down", "it crashed".to_owned())),
        lacks: vec![("fork".to_owned(), "it cannot fork".to_owned())],
        login: Some("run `codex login`".to_owned()),
        trust: Some("Codex will write.".to_owned()),
        powers: Some(("ab".repeat(32), "more".to_owned(), Vec::new())),
        read_only: Some("disk full".to_owned()),
        damage: Some("line 3 is damaged".to_owned()),
        settings: vec![("x".to_owned(), "governance.yaml:1:1: x".to_owned())],
        duties: vec![("mailbox".to_owned(), "it broke".to_owned())],
        gate: Some(GateMode::Enforce),
    };
    let expected = [
        "codex_down",
        "login",
        "read_only",
        "trust",
        "codex_lacks",
        "duty_failed",
        "gate_missing",
        "journal_damaged",
        "powers",
        "settings",
    ];
    assert_eq!(house.kinds(), expected);
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for (language, wanted) in [(Language::En, false), (Language::Zh, true)] {
        for item in house.list_in(language) {
            assert_eq!(chinese(&item.title), wanted, "{}", item.title);
            assert_eq!(chinese(&item.if_nobody_answers), wanted);
            for action in &item.actions {
                assert_eq!(chinese(&action.label), wanted, "{}", action.label);
                assert_eq!(chinese(&action.effect), wanted);
            }
            assert_eq!(item.link, format!("/#item={}", item.id));
            assert!(item.id.starts_with(item.waiting.kind()));
        }
    }
    let warnings: Vec<_> = house
        .list()
        .iter()
        .filter_map(|it| it.warning().map(str::to_owned))
        .collect();
    let expected = [
        "run `codex login`",
        "disk full",
        "it cannot fork",
        "it broke",
        "line 3 is damaged",
        "governance.yaml:1:1: x",
    ];
    assert_eq!(warnings, expected);
}
