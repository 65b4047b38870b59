//! Sessions: start, end, resume, restart of a planner, reminders, input.

use chrono::TimeDelta;
use std::collections::HashSet;

use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{inbox, plans, sessions};
use zhongshu::domain::ids::{MessageId, SessionId, TerminalId};
use zhongshu::domain::limits;
use zhongshu::domain::message::Purpose;
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::{Outcome, Status};
use zhongshu::sessions::briefs;

use super::world::{World, by_tool, proposal};

#[test]
fn two_sessions_of_one_second_have_their_own_prompt_files() {
    let mut world = World::new();
    world.policy.slots = 64;
    let planner = world.planner();
    world.confirmed(&planner, &["gongchengbu"; 64]);
    let mut prompts = HashSet::new();
    let mut logs = HashSet::new();
    while let Some(id) = world.dispatch() {
        let brief = world.session(&id).brief.clone();
        let own = format!("# Task\n\n{}\n", brief.task);
        assert!(world.prompt(&id).contains(&own), "it gets its own task");
        prompts.insert(brief.prompt_path);
        logs.insert(brief.log_path);
    }
    assert_eq!((prompts.len(), logs.len()), (64, 64));
}

#[test]
fn a_planners_task_and_model_are_checked() {
    let world = World::new();
    let start = |task: &str, model: Option<&str>| {
        let brief = briefs::planner(
            &world.policy,
            &world.place,
            task,
            model.map(str::to_owned),
            None,
        );
        sessions::start_planner(&world.state, &world.policy.catalog, brief, None)
            .map(|_| ())
            .map_err(|it| it.code)
    };
    assert_eq!(start(" ", None), Err("empty_task"));
    assert_eq!(
        start(&"x".repeat(limits::LONG.1 + 1), None),
        Err("text_too_long")
    );
    assert_eq!(start("x", Some("huge")), Err("unknown_model"));
    assert_eq!(start("x", Some("small")), Ok(()));
}

#[test]
fn a_planners_restart_takes_its_children_along() {
    let mut world = World::new();
    let old = world.planner();
    let (running, done) = (world.department(&old), world.department(&old));
    world.reports_by_tool(&done, "done");
    world.close(&done, Outcome::Reported);
    let waiting = world.confirmed(&old, &["menxia"]);
    world.report_plan(&old, proposal(&["lingyubu"])).unwrap();

    let new = world.replace(&old).unwrap();
    assert_eq!(
        world.session(&running).brief.parent_session_id,
        Some(new.clone())
    );
    assert_eq!(world.assignment(&waiting[0]).order.parent_session_id, new);
    assert_eq!(
        world
            .decide(|state, _| inbox::read(state, &new))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(world.session(&new).plans, world.session(&old).plans);
    assert!(
        matches!(&world.session(&old).status, Status::Closing { outcome: Outcome::Replaced { by } } if *by == new)
    );
    assert!(
        world.owed(&old, Purpose::Result).is_empty(),
        "nothing is owed to who leaves"
    );

    // The child knows only the planner it was given: its report goes to the one that stands for it now.
    let mut late = by_tool(world.submission(&running, "done as well"));
    late.mailbox_of = old.clone();
    late.parent_session_id = old.clone();
    world.submit(late).unwrap();
    assert_eq!(world.report_of(&running).current().parent_session_id, new);
    assert_eq!(world.owed(&new, Purpose::Result).len(), 1);
    let pending = proposal(&["lingyubu"]);
    world
        .confirm(&old, pending.assignments.clone(), Some(pending.sha256()))
        .unwrap();
    assert_eq!(
        world
            .assignment(world.state.queue.last().unwrap())
            .order
            .parent_session_id,
        new
    );

    let prompt = world.prompt(&new);
    for part in [old.as_str(), running.as_str(), "tidy the orchard"] {
        assert!(prompt.contains(part), "{part} is missing in {prompt}");
    }
}

#[test]
fn a_planner_that_ended_can_be_restarted_too_and_only_once() {
    let mut world = World::new();
    let old = world.planner();
    world.close(
        &old,
        Outcome::Lost {
            reason: "gone".to_owned(),
        },
    );
    let new = world.replace(&old).unwrap();
    assert!(matches!(
        world.session(&old).status,
        Status::Closed {
            outcome: Outcome::Lost { .. },
            ..
        }
    ));
    let refusal = world.replace(&old).unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.code),
        (Kind::Conflict, "already_replaced")
    );
    assert!(refusal.to_string().contains(new.as_str()));
    let newest = world.replace(&new).unwrap();
    assert_eq!(world.state.current_planner(&old), &newest);
    let resumed = world
        .decide(|state, _| sessions::resume(state, 2, &old))
        .unwrap_err();
    assert_eq!(resumed.code, "already_replaced");
}

#[test]
fn a_department_cannot_be_restarted_as_a_planner() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    assert_eq!(
        world.replace(&department).unwrap_err().code,
        "not_a_planner"
    );
}

#[test]
fn what_was_decided_before_the_end_is_what_the_end_means() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world
        .decide(|state, _| sessions::request_close(state, &department, Outcome::Stopped))
        .unwrap();
    world
        .decide(|state, _| sessions::request_close(state, &department, Outcome::Silent))
        .unwrap();
    assert!(
        world.batches.last().unwrap().is_empty(),
        "saying it twice is no event"
    );
    world.close(
        &department,
        Outcome::Exited {
            code: None,
            signal: Some("TERM".to_owned().into()),
        },
    );
    assert_eq!(
        world.session(&department).outcome(),
        Some(&Outcome::Stopped)
    );
    let again =
        world.decide(|state, _| sessions::request_close(state, &department, Outcome::Stopped));
    assert_eq!(again.unwrap_err().code, "session_ended");
}

#[test]
fn reminders_stop_after_two() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let remind = |world: &mut World| {
        world
            .decide(|state, policy| sessions::remind(state, &policy.catalog, &department, None))
            .unwrap()
    };
    assert!(remind(&mut world));
    assert!(remind(&mut world));
    assert!(!remind(&mut world));
    assert_eq!(world.owed(&department, Purpose::Reminder).len(), 2);
    assert_eq!(world.session(&department).reminders, 2);
    assert_eq!(
        world.session(&department).reminded_at,
        Some(world.log[world.log.len() - 2].1)
    );
    // It may stand still because of what a person said: it is asked again after that.
    world
        .decide(|state, _| sessions::input(state, &department, "Wait a moment.", None))
        .unwrap();
    assert_eq!(world.session(&department).reminders, 0);
    assert!(remind(&mut world));
}

#[test]
fn who_reported_or_ended_is_not_reminded() {
    let mut world = World::new();
    let planner = world.planner();
    let (reported, ended) = (world.department(&planner), world.department(&planner));
    world.reports_by_tool(&reported, "done");
    world.close(&ended, Outcome::Stopped);
    for id in [reported, ended] {
        assert!(
            !world
                .decide(|state, policy| sessions::remind(state, &policy.catalog, &id, None))
                .unwrap()
        );
    }
}

#[test]
fn a_terminal_leaves_a_thread_once_and_is_forgotten_with_its_end() {
    let mut world = World::new();
    let planner = world.planner();
    let session_id = planner.clone();
    world.happen(Event::SessionThreadOpened {
        session_id,
        thread_id: "thread".to_owned(),
    });
    let (shown, other) = (TerminalId::fresh("tui"), TerminalId::fresh("tui"));
    let open = |world: &mut World, id: &TerminalId| {
        world.happen(Event::TerminalStarted {
            terminal_id: id.clone(),
            session_id: Some(planner.clone()),
            title: "It".to_owned(),
            preview: false,
        });
    };
    let turns = |world: &mut World, id: &TerminalId, away: bool| {
        let events = sessions::turned(&world.state, &planner, id, away);
        let count = events.len();
        events.into_iter().for_each(|event| world.happen(event));
        count
    };
    assert_eq!(turns(&mut world, &shown, true), 0, "it shows nothing yet");
    open(&mut world, &shown);
    assert_eq!(turns(&mut world, &shown, false), 0, "it never left");
    assert_eq!(turns(&mut world, &shown, true), 1);
    assert_eq!(turns(&mut world, &shown, true), 0, "that is known");
    assert_eq!(turns(&mut world, &other, false), 0, "another terminal");
    assert!(world.session(&planner).terminal_elsewhere);
    assert_eq!(turns(&mut world, &shown, false), 1);
    assert!(!world.session(&planner).terminal_elsewhere);
    assert_eq!(turns(&mut world, &shown, true), 1);
    world.happen(Event::TerminalClosed {
        terminal_id: shown.clone(),
        reason: "a person closed it".to_owned(),
    });
    assert!(!world.session(&planner).terminal_elsewhere);
    assert_eq!(turns(&mut world, &shown, true), 0, "it is over");
    open(&mut world, &other);
    assert!(!world.session(&planner).terminal_elsewhere);
    let names = world.events().filter_map(|event| match event {
        Event::ThreadLeft { thread_id, .. } => Some(("left", thread_id.as_str())),
        Event::ThreadRejoined { thread_id, .. } => Some(("back", thread_id.as_str())),
        _ => None,
    });
    let thread = "thread";
    assert_eq!(
        names.collect::<Vec<_>>(),
        [("left", thread), ("back", thread), ("left", thread)]
    );
}

#[test]
fn an_ended_department_goes_on_where_it_stopped() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let department = world.department(&planner);
    let resume = |world: &mut World, id: &SessionId| {
        world
            .decide(|state, policy| sessions::resume(state, policy.slots, id))
            .map_err(|it| it.code)
    };
    assert_eq!(resume(&mut world, &department), Err("session_live"));
    world.close(
        &department,
        Outcome::Lost {
            reason: "gone".to_owned(),
        },
    );
    let other = world.department(&planner);
    assert_eq!(resume(&mut world, &department), Err("no_free_slot"));
    world.reports_by_tool(&other, "done");
    assert_eq!(resume(&mut world, &department), Ok(()));
    assert_eq!(world.session(&department).status, Status::Starting);
    assert!(
        world.session(&department).prompted,
        "its first prompt is not sent twice"
    );
    world.close(&other, Outcome::Reported);
    assert_eq!(resume(&mut world, &other), Err("already_reported"));
}

#[test]
fn a_resumed_department_counts_like_any_other() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let department = world.department(&planner);
    world.close(
        &department,
        Outcome::Exited {
            code: Some(1),
            signal: None,
        },
    );
    world
        .decide(|state, _| sessions::resume(state, 1, &department))
        .unwrap();
    world.started(&department);
    assert_eq!(
        world.state.slots_taken(),
        1,
        "the fallback is not its report"
    );
    world.confirmed(&planner, &["zhilibu"]);
    assert_eq!(world.dispatch(), None);
    let reminded =
        world.decide(|state, policy| sessions::remind(state, &policy.catalog, &department, None));
    assert!(reminded.unwrap(), "nor is it a reason to let it be silent");
    world.close(&department, Outcome::Silent);
    let report = world.report_of(&department);
    assert!(report.is_fallback());
    assert_eq!(
        report.current().revision,
        2,
        "its second end is told as well"
    );
    assert!(report.current().findings.summary.contains("reminders"));
    assert!(world.dispatch().is_some());
}

#[test]
fn a_persons_input_is_owed_to_a_live_session() {
    let mut world = World::new();
    let planner = world.planner();
    let input = |world: &mut World, text: &str| {
        world
            .decide(|state, _| sessions::input(state, &planner, text, None))
            .map_err(|it| it.code)
    };
    let id = input(&mut world, "and the hedge").unwrap();
    assert_eq!(world.state.messages[&id].text, "and the hedge");
    assert_eq!(input(&mut world, " \n"), Err("invalid_input"));
    assert_eq!(
        input(&mut world, &"x".repeat(limits::LONG.1 + 1)),
        Err("text_too_long")
    );
    world.close(&planner, Outcome::Stopped);
    assert!(
        world.state.messages.contains_key(&id),
        "what was accepted is said when the session goes on"
    );
    assert_eq!(input(&mut world, "hello?"), Err("session_ended"));
}

#[test]
fn what_nobody_will_read_any_more_is_dropped_with_a_record() {
    let mut world = World::new();
    let planner = world.planner();
    let silent = world.department(&planner);
    let done = world.department(&planner);
    for id in [&silent, &done] {
        world
            .decide(|state, policy| sessions::remind(state, &policy.catalog, id, None))
            .unwrap();
        world
            .decide(|state, _| sessions::input(state, id, "and the hedge", None))
            .unwrap();
    }
    world.reports_by_tool(&done, "done");
    world.close(&silent, Outcome::Stopped);
    world.close(&done, Outcome::Reported);
    let left = |world: &World, id: &SessionId| -> Vec<Purpose> {
        let owed = world.state.owed_to(id).into_iter();
        owed.map(|message| message.purpose).collect()
    };
    assert_eq!(left(&world, &silent), [Purpose::Input]);
    assert_eq!(left(&world, &done), []);
}

#[test]
fn a_planner_that_goes_on_hears_of_results_that_nobody_read_meanwhile() {
    let mut world = World::new();
    let planner = world.planner();
    let (first, second) = (world.department(&planner), world.department(&planner));
    world.close(&planner, Outcome::Stopped);
    world.reports_by_tool(&first, "read by the person");
    world.close(&first, Outcome::Reported);
    world
        .decide(|state, _| inbox::read(state, &planner))
        .unwrap();
    world.reports_by_tool(&second, "read by nobody");
    world.close(&second, Outcome::Reported);
    assert_eq!(world.owed(&planner, Purpose::Result).len(), 2);
    world
        .decide(|state, policy| sessions::resume(state, policy.slots, &planner))
        .unwrap();
    let owed = world.owed(&planner, Purpose::Result);
    assert_eq!(owed.len(), 1);
    assert!(owed[0].text.contains("read by nobody"), "{owed:?}");
}

#[test]
fn a_planner_that_goes_on_hears_of_a_rejection_that_it_missed() {
    let mut world = World::new();
    let planner = world.planner();
    world
        .report_plan(&planner, proposal(&["lingyubu"]))
        .unwrap();
    world
        .decide(|state, policy| plans::reject(state, &policy.catalog, &planner, "too large"))
        .unwrap();
    world.close(&planner, Outcome::Stopped);
    let rejected = |world: &World| world.owed(&planner, Purpose::Rejection).len();
    assert_eq!(rejected(&world), 1);
    world
        .decide(|state, policy| sessions::resume(state, policy.slots, &planner))
        .unwrap();
    assert_eq!(rejected(&world), 1);
}

#[test]
fn messages_keep_their_order_when_the_clock_is_set_back() {
    let mut world = World::new();
    let planner = world.planner();
    for (id, text) in [("message-b", "first"), ("message-a", "second")] {
        world.now -= TimeDelta::hours(1);
        world.happen(Event::MessageQueued {
            message_id: MessageId::parse(id).unwrap(),
            session_id: planner.clone(),
            purpose: Purpose::Input,
            text: text.to_owned(),
            report_id: None,
            request: None,
        });
    }
    let owed = world.state.owed_to(&planner).into_iter();
    let texts: Vec<&str> = owed.map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["first", "second"]);
}

#[test]
fn a_department_that_is_resumed_reports_to_the_planner_that_is_there_now() {
    let mut world = World::new();
    let old = world.planner();
    let department = world.department(&old);
    world.close(&department, Outcome::Stopped);
    let new = world.replace(&old).unwrap();
    world
        .decide(|state, policy| sessions::resume(state, policy.slots, &department))
        .unwrap();
    let parent = &world.session(&department).brief.parent_session_id;
    assert_eq!(*parent, Some(new));
}

#[test]
fn a_start_that_is_recorded_after_the_end_changes_nothing() {
    let mut world = World::new();
    let planner = world.planner();
    for end in [false, true] {
        if end {
            world.close(
                &planner,
                Outcome::Lost {
                    reason: "gone".to_owned(),
                },
            );
        } else {
            world
                .decide(|state, _| sessions::request_close(state, &planner, Outcome::Stopped))
                .unwrap();
        }
        let before = world.session(&planner).clone();
        world.happen(zhongshu::domain::event::Event::SessionStarted {
            session_id: planner.clone(),
            department: before.brief.department.clone(),
            parent_session_id: None,
            pid: Some(7),
        });
        assert_eq!(*world.session(&planner), before);
    }
}
