//! What stands still at a limit of the provider or at a budget, and how it goes on.

use super::world::World;
use chrono::{DateTime, TimeDelta, Utc};
use zhongshu::domain::assignment::Hold;
use zhongshu::domain::driver::Driver;
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{queue, usage};
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::language::Language;
use zhongshu::domain::message::Purpose;
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::Outcome;
use zhongshu::domain::usage::budgets::{Bounds, Budget, Defaults, Subject};
use zhongshu::domain::usage::{Tokens, TurnUsage};

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

fn refuse(world: &mut World, id: &SessionId, until: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    world
        .decide(|state, _| usage::refused(state, id, until, now))
        .unwrap();
}

fn go_on(world: &mut World, now: DateTime<Utc>) {
    let bounds = Bounds::default();
    let never = |_: &SessionId| None;
    world
        .decide(|state, _| usage::go_on(state, &bounds, Language::En, now, never))
        .unwrap();
}

fn took(world: &mut World, id: &SessionId, turn: &str, input: u64) {
    let tokens = Tokens {
        input,
        ..Tokens::default()
    };
    world.happen(Event::TurnUsed {
        session_id: id.clone(),
        turn_id: turn.to_owned(),
        used: TurnUsage {
            tokens,
            started_at: None,
            seconds: 1,
            model: None,
            thread_total: tokens,
            context: None,
        },
    });
}

#[test]
fn thirty_sessions_that_wait_for_one_reset_are_held_once_and_all_go_on() {
    let mut world = World::new();
    world.policy.slots = 30;
    let planner = world.planner();
    let all: Vec<SessionId> = (0..30).map(|_| world.department(&planner)).collect();
    let now = world.now;
    let until = now + seconds(600);
    for (number, id) in (0..).zip(&all) {
        // Each time is rounded to a second, and counted from when it is told.
        let until = until + seconds(number % 3);
        refuse(&mut world, id, Some(until), now);
        // Told twice it is no more.
        refuse(&mut world, id, Some(until), now);
    }
    let count =
        |world: &World, name: fn(&Event) -> bool| world.events().filter(|it| name(it)).count();
    assert_eq!(count(&world, |it| matches!(it, Event::QueueHeld { .. })), 1);
    assert_eq!(
        count(&world, |it| matches!(it, Event::SessionLimited { .. })),
        30
    );
    let work = world.confirmed(&planner, &["menxia"]);
    assert!(matches!(
        world.hold(&work[0]),
        Some(Hold::RateLimited { .. })
    ));
    assert!(!world.hold(&work[0]).unwrap().can_be_forced());
    // One of them ends meanwhile: nobody waits for it.
    world.close(&all[3], Outcome::Stopped);
    go_on(&mut world, until - seconds(1));
    assert_eq!(
        count(&world, |it| matches!(it, Event::SessionReleased { .. })),
        0
    );
    for number in 1..=29 {
        let at = until.max(world.now + seconds(10));
        world.now = at;
        go_on(&mut world, at);
        // The next one is told five seconds after this one was.
        go_on(&mut world, at + seconds(5));
        let told = |it: &Event| matches!(it, Event::SessionReleased { .. });
        assert_eq!(count(&world, told), number);
    }
    assert_eq!(
        count(&world, |it| matches!(it, Event::SessionReleased { .. })),
        29
    );
    assert_eq!(world.owed(&all[0], Purpose::GoOn).len(), 1);
    assert!(world.state.usage.stops.held.is_some());
    // The last one that was told has not answered yet: it may be refused again.
    let at = world.now + seconds(10);
    go_on(&mut world, at);
    assert!(world.state.usage.stops.held.is_some());
    let at = world.now + seconds(61);
    go_on(&mut world, at);
    assert!(world.state.usage.stops.held.is_none());
    assert_eq!(world.hold(&work[0]), None);
    assert!(world.state.is_indexed());
}

#[test]
fn a_limit_without_a_time_is_tried_with_growing_pauses_until_an_answer_comes() {
    let mut world = World::new();
    let planner = world.planner();
    let mut now = world.now;
    for minutes in [1, 2, 5, 10, 10] {
        refuse(&mut world, &planner, None, now);
        let held = world.state.usage.stops.held.clone().unwrap();
        assert_eq!(
            (held.until, held.retry_at),
            (None, now + seconds(60 * minutes))
        );
        now = held.retry_at;
        world.now = now;
        go_on(&mut world, now);
        assert!(world.state.usage.stops.sessions.is_empty());
    }
    assert_eq!(world.owed(&planner, Purpose::GoOn).len(), 5);
    // Refused late, but before an answer, it counts on.
    now = world.now + seconds(30);
    go_on(&mut world, now);
    assert!(world.state.usage.stops.held.is_some());
    let answers = |_: &SessionId| Some(now);
    let bounds = Bounds::default();
    world
        .decide(|state, _| usage::go_on(state, &bounds, Language::En, now, answers))
        .unwrap();
    assert!(world.state.usage.stops.held.is_none());
    // Then it counts from the beginning.
    refuse(&mut world, &planner, None, now);
    assert_eq!(world.state.usage.stops.held.as_ref().unwrap().tries, 1);
}

#[test]
fn an_answer_to_a_person_ends_the_wait_and_a_person_may_end_it_as_well() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let now = world.now;
    for id in [&planner, &department] {
        refuse(&mut world, id, Some(now + seconds(3600)), now);
    }
    world
        .decide(|state, _| usage::answered(state, &planner, now))
        .unwrap();
    assert!(
        world.owed(&planner, Purpose::GoOn).is_empty(),
        "it heard the person"
    );
    let (bounds, now) = (Bounds::default(), world.now);
    let next = usage::next(&world.state, &bounds, now, |_| Some(now));
    assert!(
        matches!(next, Some(zhongshu::domain::usage::stops::Next::Tell(id)) if id == department)
    );
}

#[test]
fn a_persons_words_pass_a_limit_and_nothing_of_ours_does() {
    for purpose in [Purpose::Input, Purpose::Later, Purpose::GoOn] {
        assert!(purpose.passes_limits(), "{purpose:?}");
    }
    for purpose in [
        Purpose::Result,
        Purpose::Rejection,
        Purpose::Veto,
        Purpose::Reminder,
    ] {
        assert!(!purpose.passes_limits(), "{purpose:?}");
    }
}

#[test]
fn to_try_the_provider_leaves_a_pause_alone() {
    let mut world = World::new();
    let planner = world.planner();
    world.decide(|state, _| queue::pause(state, true)).unwrap();
    let now = world.now;
    refuse(&mut world, &planner, Some(now + seconds(3600)), now);
    world.decide(|state, _| queue::try_provider(state)).unwrap();
    assert!(world.state.queue_paused);
    let held = world.state.usage.stops.held.as_ref().unwrap();
    assert!(held.retry_at <= world.now);
}

#[test]
fn who_waits_for_its_turn_after_the_reset_is_refused_still() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let now = world.now;
    let until = now + seconds(600);
    for id in [&planner, &department] {
        refuse(&mut world, id, Some(until), now);
    }
    world.now = until;
    go_on(&mut world, until);
    let stops = &world.state.usage.stops;
    let refused = [&planner, &department].map(|id| stops.refused_until(id));
    assert_eq!(refused.iter().flatten().collect::<Vec<_>>(), [&until]);
}

#[test]
fn a_plan_is_not_reviewed_beyond_its_budget_or_while_its_reviewer_is_refused() {
    let mut world = World::new();
    let planner = world.planner();
    world
        .report_plan(&planner, super::world::proposal(&["zhilibu"]))
        .unwrap();
    took(&mut world, &planner, "a", 900);
    let program = Driver::from("my-agent".to_owned());
    let withheld = |world: &World, plan_tokens: u64, reviewer: &Driver| {
        let mut bounds = Bounds::default();
        bounds.defaults.plan_tokens = Some(plan_tokens);
        let planner = world.session(&planner);
        usage::withholds_review(&world.state, planner, 1, reviewer, &bounds)
    };
    assert!(!withheld(&world, 10_000, &Driver::Codex));
    assert!(withheld(&world, 900, &program));
    let now = world.now;
    refuse(&mut world, &planner, None, now);
    assert!(withheld(&world, 10_000, &Driver::Codex));
    assert!(!withheld(&world, 10_000, &program));
}

#[test]
fn a_budget_stops_its_plan_or_its_session_and_nothing_else() {
    let mut world = World::new();
    let planner = world.planner();
    world
        .report_plan(&planner, super::world::proposal(&["zhilibu", "menxia"]))
        .unwrap();
    let other = world.planner();
    world
        .report_plan(&other, super::world::proposal(&["zhilibu"]))
        .unwrap();
    took(&mut world, &planner, "a", 900);
    let plan = |session_id: &SessionId| Subject::Plan {
        session_id: session_id.clone(),
        version: 1,
    };
    let mut bounds = Bounds {
        defaults: Defaults {
            plan_tokens: Some(1_000),
            session_tokens: None,
            interrupt: false,
        },
        ..Bounds::default()
    };
    let standing = |world: &World, id: &SessionId, bounds: &Bounds| {
        world.state.budget(&plan(id), bounds).unwrap()
    };
    let before = standing(&world, &planner, &bounds);
    assert_eq!(
        (before.used, before.reached, before.by_default),
        (900, false, true)
    );
    // What is heard of a turn that runs counts, and once.
    bounds.heard.insert(planner.clone(), 1_050);
    assert!(standing(&world, &planner, &bounds).reached);
    took(&mut world, &planner, "b", 150);
    assert_eq!(standing(&world, &planner, &bounds).used, 1_050);
    assert!(!standing(&world, &other, &bounds).reached);
    // A plan's budget lets what runs go on, unless it shall be interrupted.
    let exhausted = |world: &World, bounds: &Bounds| {
        world
            .state
            .exhausted(world.session(&planner), bounds)
            .is_some()
    };
    assert!(!exhausted(&world, &bounds));
    let set = |world: &mut World, subject: Subject, tokens: u64, interrupt: bool| {
        let budget = Some(Budget { tokens, interrupt });
        let bounds = Bounds::default();
        world.decide(|state, _| usage::set_budget(state, &subject, budget, &bounds))
    };
    let answer = set(&mut world, plan(&planner), 1_000, true).unwrap();
    assert!(
        answer.unwrap().reached,
        "lowered below what is used it takes effect at once"
    );
    assert!(exhausted(&world, &bounds));
    world
        .decide(|state, _| usage::exhausted(state, &planner))
        .unwrap();
    let now = world.now;
    assert_eq!(usage::next(&world.state, &bounds, now, |_| None), None);
    set(&mut world, plan(&planner), 2_000, true).unwrap();
    let next = usage::next(&world.state, &bounds, now, |_| None);
    assert!(next.is_some(), "raised it goes on");
    go_on(&mut world, now);
    assert!(
        world.owed(&planner, Purpose::GoOn)[0]
            .text
            .contains("a budget was used up")
    );
    // A session's own budget stops that session alone.
    let own = Subject::Session {
        session_id: planner.clone(),
    };
    set(&mut world, own.clone(), 5, false).unwrap();
    assert!(exhausted(&world, &bounds));
    let none = Bounds::default();
    let gone = world
        .decide(|state, _| usage::set_budget(state, &own, None, &none))
        .unwrap();
    assert_eq!(gone, None);
    for (subject, tokens, kind) in [
        (plan(&planner), 0, Kind::Invalid),
        (plan(&planner), u64::MAX, Kind::Invalid),
        (
            Subject::Plan {
                session_id: planner.clone(),
                version: 9,
            },
            5,
            Kind::NotFound,
        ),
        (
            Subject::Session {
                session_id: SessionId::parse("gongbu-0190000000007000800000000000aaaa").unwrap(),
            },
            5,
            Kind::NotFound,
        ),
    ] {
        assert_eq!(
            set(&mut world, subject, tokens, false).unwrap_err().kind,
            kind
        );
    }
}
