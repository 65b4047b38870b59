//! What holds whatever people, planners and departments do, in any order.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use zhongshu::domain::assignment::AssignmentState;
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{inbox, plans, queue, sessions};
use zhongshu::domain::ids::{AssignmentId, ReportId, SessionId, TerminalId};
use zhongshu::domain::message::Purpose;
use zhongshu::domain::plan::PlanState;
use zhongshu::domain::plan_review::Judgement;
use zhongshu::domain::session::{Kind, Outcome, Status};
use zhongshu::domain::state::State;
use zhongshu::domain::state::past::Past;
use zhongshu::domain::usage::budgets::{Budget, Subject};
use zhongshu::domain::usage::{Tokens, TurnUsage};
use zhongshu::history::History;
use zhongshu::journal::{Entry, Journal, Record, system_clock};
use zhongshu::ledger::Ledger;

use super::world::{World, assert_same, by_tool, proposal};

/// A wish; numbers pick among what there is.
#[derive(Debug, Clone)]
enum Wish {
    StartPlanner,
    ReportPlan(usize, usize),
    /// Confirms any version there ever was, by the digest it had.
    Confirm(usize, usize),
    ConfirmByHand(usize, usize),
    Reject(usize),
    Replace(usize),
    RequestClose(usize),
    Close(usize),
    Resume(usize),
    Dispatch,
    ReportByTool(usize),
    ReportByFile(usize, usize),
    Remind(usize),
    Input(usize),
    ReadInbox(usize),
    Acknowledge(usize),
    Cancel(usize),
    Force(usize),
    Reviewed(bool),
    Review(usize),
    /// Any session judges any plan that it may know of.
    Judge(usize, bool),
    Overrule(usize),
    Move(usize, usize),
    Pause(bool),
    Slots(usize),
    Terminal(usize),
    Rest(usize),
}

const PLANS: [&[&str]; 4] = [
    &["gongchengbu"],
    &["menxia", "zhilibu"],
    &["gongchengbu", "gongchengbu", "lingyubu"],
    &["zhilibu"],
];

fn wish() -> impl Strategy<Value = Wish> {
    let any = || 0..1000usize;
    prop_oneof![
        1 => Just(Wish::StartPlanner),
        4 => (any(), 0..PLANS.len()).prop_map(|(a, b)| Wish::ReportPlan(a, b)),
        4 => (any(), any()).prop_map(|(a, b)| Wish::Confirm(a, b)),
        1 => (any(), 0..PLANS.len()).prop_map(|(a, b)| Wish::ConfirmByHand(a, b)),
        2 => any().prop_map(Wish::Reject),
        1 => any().prop_map(Wish::Replace),
        1 => any().prop_map(Wish::RequestClose),
        2 => any().prop_map(Wish::Close),
        3 => any().prop_map(Wish::Resume),
        5 => Just(Wish::Dispatch),
        3 => any().prop_map(Wish::ReportByTool),
        2 => (any(), any()).prop_map(|(a, b)| Wish::ReportByFile(a, b)),
        1 => any().prop_map(Wish::Remind),
        1 => any().prop_map(Wish::Input),
        1 => any().prop_map(Wish::ReadInbox),
        1 => any().prop_map(Wish::Acknowledge),
        1 => any().prop_map(Wish::Cancel),
        1 => any().prop_map(Wish::Force),
        1 => prop::bool::ANY.prop_map(Wish::Reviewed),
        3 => any().prop_map(Wish::Review),
        3 => (any(), prop::bool::ANY).prop_map(|(a, b)| Wish::Judge(a, b)),
        1 => any().prop_map(Wish::Overrule),
        2 => (any(), any()).prop_map(|(a, b)| Wish::Move(a, b)),
        1 => prop::bool::ANY.prop_map(Wish::Pause),
        1 => (1..4usize).prop_map(Wish::Slots),
        1 => any().prop_map(Wish::Terminal),
        1 => any().prop_map(Wish::Rest),
    ]
}

fn pick<T: Clone>(all: impl Iterator<Item = T>, number: usize) -> Option<T> {
    let all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| all[number % all.len()].clone())
}

fn any_session(world: &World, number: usize, kind: Option<Kind>) -> Option<SessionId> {
    let all = world.state.sessions.values();
    let all = all.filter(|it| kind.is_none_or(|kind| it.brief.session_kind == kind));
    pick(all.map(|it| it.id().clone()), number)
}

/// Has the wish, if there is anything to have it about. `None` says that there was not; a refusal is fine.
fn have(world: &mut World, wish: &Wish) -> Option<()> {
    let planner = |world: &World, number| any_session(world, number, Some(Kind::Zhongshu));
    let department = |world: &World, number| any_session(world, number, Some(Kind::Department));
    let assignment = |world: &World, number| pick(world.state.assignments.keys().cloned(), number);
    match wish.clone() {
        Wish::StartPlanner => {
            world.planner();
        }
        Wish::ReportPlan(who, which) => {
            let who = planner(world, who)?;
            world.report_plan(&who, proposal(PLANS[which])).ok()?;
        }
        Wish::Confirm(who, which) => {
            let who = planner(world, who)?;
            let plan = pick(world.session(&who).plans.iter().cloned(), which)?;
            world
                .confirm(&who, plan.proposal.assignments.clone(), Some(plan.sha256))
                .ok()?;
        }
        Wish::ConfirmByHand(who, which) => {
            let who = planner(world, who)?;
            world
                .confirm(&who, proposal(PLANS[which]).assignments, None)
                .ok()?;
        }
        Wish::Reject(who) => {
            let who = planner(world, who)?;
            world
                .decide(|state, policy| plans::reject(state, &policy.catalog, &who, "no"))
                .ok()?;
        }
        Wish::Replace(who) => {
            let who = planner(world, who)?;
            world.replace(&who).ok()?;
        }
        Wish::RequestClose(who) => {
            let who = any_session(world, who, None)?;
            world
                .decide(|state, _| sessions::request_close(state, &who, Outcome::Stopped))
                .ok()?;
        }
        Wish::Close(who) => {
            let who = any_session(world, who, None)?;
            world.close(
                &who,
                Outcome::Exited {
                    code: Some(1),
                    signal: None,
                },
            );
        }
        Wish::Resume(who) => {
            let who = any_session(world, who, None)?;
            world
                .decide(|state, policy| sessions::resume(state, policy.slots, &who))
                .ok()?;
            world.started(&who);
        }
        Wish::Dispatch => {
            world.dispatch()?;
        }
        Wish::ReportByTool(who) => {
            let who = department(world, who)?;
            if world.session(&who).is_review() {
                return None;
            }
            let number = world.log.len();
            world
                .submit(by_tool(world.submission(&who, &format!("said {number}"))))
                .ok()?;
        }
        Wish::ReportByFile(who, whose) => {
            let who = department(world, who)?;
            let mut submission = world.submission(&who, "said by a file");
            submission.mailbox_of = planner(world, whose)?;
            submission.findings.needs_user_confirmation = whose % 2 == 0;
            world.submit(submission).ok()?;
        }
        Wish::Remind(who) => {
            let who = department(world, who)?;
            world
                .decide(|state, policy| sessions::remind(state, &policy.catalog, &who, None))
                .ok()?;
        }
        Wish::Input(who) => {
            let who = any_session(world, who, None)?;
            world
                .decide(|state, _| sessions::input(state, &who, "hello", None))
                .ok()?;
        }
        Wish::ReadInbox(who) => {
            let who = planner(world, who)?;
            world.decide(|state, _| inbox::read(state, &who)).ok()?;
        }
        Wish::Acknowledge(which) => {
            let which: ReportId = pick(world.state.reports.keys().cloned(), which)?;
            world
                .decide(|state, _| inbox::acknowledge(state, &which))
                .ok()?;
        }
        Wish::Cancel(which) => {
            let which = assignment(world, which)?;
            world.decide(|state, _| queue::cancel(state, &which)).ok()?;
        }
        Wish::Force(which) => {
            let which = assignment(world, which)?;
            world.decide(|state, _| queue::force(state, &which)).ok()?;
        }
        Wish::Reviewed(required) => world.policy.catalog.review.required = required,
        Wish::Review(who) => {
            let who = planner(world, who)?;
            world.begin_review(&who)?;
        }
        Wish::Judge(who, yes) => {
            let all = world.state.sessions.values().filter(|it| it.is_review());
            let who = pick(all.map(|it| it.id().clone()), who)?;
            let verdict = if yes {
                Judgement::Approve
            } else {
                Judgement::Veto
            };
            world.judges(&who, verdict).ok()?;
        }
        Wish::Overrule(who) => {
            let who = planner(world, who)?;
            let plan = world.session(&who).plan()?.clone();
            let mut wish =
                world.confirmation(&who, plan.proposal.assignments.clone(), Some(plan.sha256));
            wish.override_reason = Some("because".to_owned());
            world.confirm_so(wish).ok()?;
        }
        Wish::Move(which, before) => {
            let which = assignment(world, which)?;
            let before = (before % 3 != 0)
                .then(|| assignment(world, before))
                .flatten();
            world
                .decide(|state, _| queue::reorder(state, &which, before.as_ref()))
                .ok()?;
        }
        Wish::Pause(paused) => world.decide(|state, _| queue::pause(state, paused)).ok()?,
        Wish::Slots(slots) => world.policy.slots = slots,
        Wish::Terminal(who) => {
            let who = any_session(world, who, None)?;
            match world.session(&who).terminal_id.clone() {
                Some(terminal_id) => world.happen(Event::TerminalClosed {
                    terminal_id,
                    reason: "closed".to_owned(),
                }),
                None => world.happen(Event::TerminalStarted {
                    terminal_id: TerminalId::fresh("browser-terminal"),
                    session_id: Some(who),
                    title: "标题 \u{202e}\u{1b}".to_owned(),
                    preview: false,
                }),
            }
        }
        Wish::Rest(which) => world.happen(rest(which)),
    }
    Some(())
}

/// What changes no session, plan or queue; it must survive the journal all the same.
fn rest(which: usize) -> Event {
    let (to, path) = ("browser".to_owned(), "/api/状态".to_owned());
    match which % 6 {
        0 => Event::ServerStarted {
            version: "1".to_owned(),
            pid: 4,
            findings: vec!["torn".to_owned()],
        },
        1 => Event::ServerStopped {
            sessions_kept: which % 4 == 1,
        },
        2 => Event::RepositoryTrusted {
            statement: "yes\n\"quoted\"".to_owned(),
        },
        3 => Event::AccessGranted {
            to,
            scope: "human".to_owned(),
        },
        4 => Event::AccessRevoked { to },
        _ => Event::AccessRefused {
            reason: "Host".to_owned(),
            path,
        },
    }
}

/// Departments exist only by an assignment, and assignments only by a person's confirmation in the same step.
fn check_confirmation(world: &World) {
    let mut confirmed: HashSet<AssignmentId> = HashSet::new();
    let mut given: HashSet<SessionId> = HashSet::new();
    for batch in &world.batches {
        let mut allowed = Vec::new();
        for event in batch {
            match event {
                Event::PlanConfirmed { assignments, .. } => allowed = assignments.clone(),
                Event::AssignmentQueued { order } => {
                    let at = allowed.iter().position(|it| {
                        (&it.department, &it.task) == (&order.department, &order.task)
                            && it.selected
                    });
                    allowed.remove(at.expect("only what was just confirmed is queued"));
                    confirmed.insert(order.assignment_id.clone());
                }
                Event::AssignmentDispatched {
                    assignment_id,
                    session_id,
                } => {
                    assert!(
                        confirmed.contains(assignment_id),
                        "only confirmed work is given out"
                    );
                    given.insert(session_id.clone());
                }
                Event::SessionRegistered { brief, .. } if brief.review.is_some() => {
                    assert_eq!(brief.assignment_id, None, "who reviews does no work");
                }
                Event::SessionRegistered { brief, .. }
                    if brief.session_kind == Kind::Department =>
                {
                    assert!(
                        given.contains(&brief.id),
                        "a department needs an assignment"
                    );
                }
                _ => {}
            }
        }
        assert!(allowed.is_empty(), "all that was confirmed is queued");
    }
}

/// A plan is decided at most once, and only while it is the newest.
fn check_plans(world: &World) {
    for session in world.state.sessions.values() {
        let plans = &session.plans;
        let (last, older) = match plans.split_last() {
            Some(split) => split,
            None => continue,
        };
        assert!(older.iter().all(|plan| plan.state != PlanState::Pending));
        assert!(last.state != PlanState::Superseded);
        assert!(
            plans
                .iter()
                .enumerate()
                .all(|(at, plan)| plan.version as usize == at + 1)
        );
    }
    let mut decided = HashSet::new();
    for event in world.events() {
        let (id, version) = match event {
            Event::PlanConfirmed {
                session_id,
                version: Some(version),
                ..
            }
            | Event::PlanRejected {
                session_id,
                version,
                ..
            } => (session_id, version),
            _ => continue,
        };
        // A planner's versions go on in the planner that takes over; what is decided for either is decided.
        let newest = world.state.current_planner(id).clone();
        assert!(decided.insert((newest, *version)), "a plan is decided once");
    }
}

/// The queue holds exactly what waits, each once; nothing waits for who runs already.
fn check_queue(world: &World) {
    let state = &world.state;
    let queued: HashSet<_> = state.queue.iter().collect();
    assert_eq!(queued.len(), state.queue.len(), "each once");
    for (id, assignment) in &state.assignments {
        let waits = assignment.state == AssignmentState::Queued;
        assert_eq!(waits, queued.contains(id), "{assignment:?}");
        if let AssignmentState::Dispatched { session_id } = &assignment.state {
            assert_eq!(
                world.session(session_id).brief.assignment_id.as_ref(),
                Some(id)
            );
        }
    }
    if let Some(next) = queue::next(state, &world.policy.limits()) {
        assert!(!state.queue_paused && state.slots_taken() < world.policy.slots);
        let earlier = state
            .queue
            .iter()
            .take_while(|id| **id != next.order.assignment_id);
        for id in earlier {
            assert!(world.hold(id).is_some(), "only what is held is passed over");
        }
    }
}

/// Whoever ended is owed only what it would hear when it goes on; every department that ended has a report; slots are held by who
/// works.
fn check_sessions(world: &World) {
    for message in world.state.messages.values() {
        let session = world.session(&message.session_id);
        assert!(session.replaced_by.is_none(), "{message:?}");
        if let Some(outcome) = session.outcome() {
            assert_ne!(message.purpose, Purpose::Reminder, "{message:?}");
            let goes_on = session.is_planner() || *outcome != Outcome::Reported;
            assert!(goes_on, "{message:?}");
        }
    }
    for session in world.state.sessions.values() {
        if session.is_planner() || session.is_review() {
            assert!(!world.state.holds_slot(session) && session.report_id.is_none());
            continue;
        }
        let report = world.state.report_of(session);
        if let Status::Closed { .. } = session.status {
            assert!(report.is_some(), "{session:?}");
        }
        let told = report.is_some_and(|it| it.current().verified && !it.is_fallback());
        assert_eq!(world.state.holds_slot(session), session.is_live() && !told);
        let parent = session.brief.parent_session_id.as_ref().unwrap();
        if session.is_live() {
            assert_eq!(
                world.state.current_planner(parent),
                parent,
                "it reports to who is there"
            );
        }
        assert!(session.reminders <= sessions::MAX_REMINDERS);
    }
    for report in world.state.reports.values() {
        let numbers: Vec<_> = report
            .revisions
            .iter()
            .map(|(_, it)| it.revision as usize)
            .collect();
        assert_eq!(numbers, (1..=report.revisions.len()).collect::<Vec<_>>());
    }
}

/// A turn of a session, or what it may use.
fn used_and_bounded(id: &SessionId, bounded: bool) -> Event {
    let session_id = id.clone();
    match bounded {
        true => Event::BudgetSet {
            subject: Subject::Session { session_id },
            budget: Some(Budget {
                tokens: 9,
                interrupt: true,
            }),
        },
        false => Event::TurnUsed {
            session_id,
            turn_id: "turn".to_owned(),
            used: TurnUsage {
                tokens: Tokens::default(),
                started_at: None,
                seconds: 3,
                model: None,
                thread_total: Tokens::default(),
                context: None,
            },
        },
    }
}

fn replayed(log: &[(u64, DateTime<Utc>, Event)]) -> State {
    let mut state = State::default();
    for (seq, at, event) in log {
        state.apply(*seq, *at, event);
    }
    state
}

fn as_line(seq: u64, ts: DateTime<Utc>, event: &Event) -> String {
    let record = Record {
        seq,
        ts,
        actor: "person".to_owned(),
        event: event.clone(),
        prev: "0".repeat(64),
        hash: "f".repeat(64),
    };
    serde_json::to_string(&record).unwrap()
}

/// `PROPTEST_CASES` sets the number of cases; the usual 256 take about a second.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_wished_a_person_decides_and_nothing_is_lost(wishes in prop::collection::vec(wish(), 1..120)) {
        let mut world = World::new();
        world.planner();
        for wish in &wishes {
            let before = world.log.len();
            if have(&mut world, wish).is_none() && !matches!(wish, Wish::Resume(_)) {
                prop_assert_eq!(world.log.len(), before, "a refusal changes nothing");
            }
            check_queue(&world);
            check_sessions(&world);
            check_plans(&world);
            prop_assert!(world.state.is_indexed(), "lookups find what a scan finds");
        }
        check_confirmation(&world);
    }

    #[test]
    fn a_replay_from_any_point_comes_to_the_same_state(
        wishes in prop::collection::vec(wish(), 1..50),
        cut in 0..1000usize,
    ) {
        let mut world = World::new();
        world.planner();
        for wish in &wishes {
            have(&mut world, wish);
        }
        assert_same(&replayed(&world.log), &world.state);
        let (prefix, suffix) = world.log.split_at(cut % (world.log.len() + 1));
        let snapshot = serde_json::to_string(&replayed(prefix)).unwrap();
        let mut state: State = serde_json::from_str(&snapshot).unwrap();
        assert_same(&state, &replayed(prefix));
        prop_assert_eq!(serde_json::to_string(&state).unwrap(), snapshot);
        for (seq, at, event) in suffix {
            state.apply(*seq, *at, event);
        }
        assert_same(&state, &world.state);
        prop_assert!(state.is_indexed() && world.state.is_indexed());
        for (seq, at, event) in &world.log {
            let line = as_line(*seq, *at, event);
            let back: Record<Event> = serde_json::from_str(&line).expect(&line);
            prop_assert_eq!(&back.event, event, "{}", line);
            prop_assert_eq!((back.seq, back.ts), (*seq, *at));
            prop_assert_eq!(as_line(back.seq, back.ts, &back.event), line);
        }
    }

    #[test]
    fn what_is_put_away_is_missed_by_nobody_and_comes_back_as_it_was(wishes in prop::collection::vec(wish(), 1..120)) {
        let mut world = World::new();
        world.planner();
        for wish in &wishes {
            have(&mut world, wish);
        }
        for id in Vec::from_iter(world.state.sessions.keys().cloned()) {
            world.happen(used_and_bounded(&id, false));
            world.happen(used_and_bounded(&id, true));
            let budget = Some(Budget { tokens: 7, interrupt: false });
            let subject = Subject::Plan { session_id: id, version: 1 };
            world.happen(Event::BudgetSet { subject, budget });
        }
        let before = world.state.clone();
        let held = |world: &World| before.queue.iter().map(|id| world.hold(id)).collect::<Vec<_>>();
        let holds = held(&world);
        let later = world.log.last().unwrap().1 + TimeDelta::days(1);
        let mut away = Vec::new();
        loop {
            let session_ids = Vec::from_iter(world.state.settled(0, later).cloned());
            let Some(first) = session_ids.first() else { break };
            prop_assert!(away.iter().all(|it: &Past| it.id() != first), "nobody leaves twice");
            away.extend(session_ids.iter().map(|id| world.state.past_of(id).unwrap()));
            world.happen(Event::SessionsPutAway { session_ids });
            prop_assert!(world.state.is_indexed(), "lookups find what a scan finds");
        }
        prop_assert_eq!(world.state.put_away.sessions, away.len());
        prop_assert_eq!(world.state.sessions.len() + away.len(), before.sessions.len());
        for live in before.live_sessions() {
            prop_assert_eq!(world.state.session(live.id()), Some(live));
        }
        prop_assert!(before.open_reports().eq(world.state.open_reports()), "a person is asked the same");
        prop_assert!(before.stranded().eq(world.state.stranded()));
        prop_assert_eq!(held(&world), holds);

        let beside = world.state.with(&away);
        for past in &away {
            let event = Event::SessionTakenOut { past: Box::new(past.clone()) };
            let line = as_line(1, later, &event);
            let back: Record<Event> = serde_json::from_str(&line).expect(&line);
            prop_assert_eq!(&back.event, &event, "{}", line);
            let id = past.id();
            prop_assert_eq!(beside.session(id), before.session(id), "it can be looked at");
        }
        for past in away.into_iter().rev() {
            world.happen(Event::SessionTakenOut { past: Box::new(past) });
            prop_assert!(world.state.is_indexed(), "lookups find what a scan finds");
        }
        let mut after = world.state.clone();
        prop_assert_eq!(after.put_away.sessions, 0);
        (after.put_away, after.seq) = (before.put_away.clone(), before.seq);
        assert_same(&after, &before);
    }

    #[test]
    fn moving_keeps_everything_else_in_its_order(
        count in 1..8usize,
        moves in prop::collection::vec((0..8usize, 0..9usize), 0..20),
    ) {
        let mut world = World::new();
        let planner = world.planner();
        let ids = world.confirmed(&planner, &["gongchengbu"; 8][..count]);
        let mut model: Vec<AssignmentId> = ids.clone();
        for (which, before) in moves {
            let which = &ids[which % count];
            let before = ids.get(before);
            if world.decide(|state, _| queue::reorder(state, which, before)).is_err() {
                continue;
            }
            model.retain(|id| id != which);
            let to = before.map_or(model.len(), |before| model.iter().position(|id| id == before).unwrap());
            model.insert(to, which.clone());
            prop_assert_eq!(&world.state.queue, &model);
        }
        let mut given = Vec::new();
        world.policy.slots = 8;
        while let Some(id) = world.dispatch() {
            given.push(world.session(&id).brief.assignment_id.clone().unwrap());
        }
        prop_assert_eq!(given, model, "they are given out in the order a person made");
    }
}

proptest! {
    // Each case syncs a real file a few times.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_snapshot_and_the_rest_of_the_real_journal_are_the_state_that_was_live(
        wishes in prop::collection::vec(wish(), 1..40),
        cut in 0..1000usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut world = World::new();
        world.planner();
        for wish in &wishes {
            have(&mut world, wish);
        }
        let events: Vec<Event> = world.events().cloned().collect();
        let cut = cut % (events.len() + 1);
        let mut live = State::default();
        for (part, at_stop) in [(&events[..cut], 1), (&events[cut..], u64::MAX)] {
            let mut opened = Journal::open::<State>(&path, None, &system_clock()).unwrap();
            opened.pace.at_stop = at_stop;
            let ledger = Ledger::start(opened, system_clock()).unwrap();
            let part = part.to_vec();
            ledger
                .transact_blocking("person", move |_| Ok::<_, ()>((part, ())))
                .unwrap();
            live = ledger.read(State::clone);
            ledger.close_blocking();
        }
        let opened = Journal::open::<State>(&path, None, &system_clock()).unwrap();
        prop_assert_eq!(opened.from_snapshot, (cut > 0).then_some(cut as u64));
        prop_assert!(opened.unused.is_empty());
        assert_same(&opened.state, &live);
        prop_assert!(opened.state.is_indexed() && live.is_indexed());
        let text = std::fs::read_to_string(&path).unwrap();
        let entries = text.lines().skip(1).map(|line| Entry::<Event>::parse(line).unwrap());
        let log = Vec::from_iter(entries.map(|it| (it.record.seq, it.record.ts, it.record.event)));
        assert_same(&opened.state, &replayed(&log));
    }
}

#[test]
fn a_name_that_nobody_had_is_found_when_it_was_put_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let planner = world.planner();
    let past = world.state.past_of(&planner).unwrap();
    let history = History::open(&folder.path().join("history.sqlite"), &State::default());
    for _ in 0..2 {
        assert!(!history.has(planner.as_str()).unwrap());
    }
    history.put(std::slice::from_ref(&past)).unwrap();
    assert!(history.has(planner.as_str()).unwrap());
    assert_eq!(history.named(planner.as_str()).unwrap(), Some(past));
    history.remove([&planner]).unwrap();
    assert!(!history.has(planner.as_str()).unwrap());
}

#[test]
fn the_real_journal_gives_back_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.confirmed(&planner, &["menxia", "zhilibu"]);
    world.close(
        &department,
        Outcome::Exited {
            code: None,
            signal: Some("KILL".to_owned().into()),
        },
    );
    world.replace(&planner).unwrap();
    (0..6).for_each(|which| world.happen(rest(which)));

    let opened = Journal::open::<State>(&path, None, &system_clock()).unwrap();
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    for (_, _, event) in &world.log {
        let event = event.clone();
        ledger
            .transact_blocking("person", move |_| Ok::<_, ()>((vec![event], ())))
            .unwrap();
    }
    ledger.close_blocking();
    let opened = Journal::open::<State>(&path, None, &system_clock()).unwrap();
    assert_eq!(opened.last_seq as usize, world.log.len());
    let text = std::fs::read_to_string(&path).unwrap();
    let entries: Vec<Entry<Event>> = text
        .lines()
        .skip(1)
        .map(|line| Entry::parse(line).unwrap())
        .collect();
    let log: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.record.seq,
                entry.record.ts,
                entry.record.event.clone(),
            )
        })
        .collect();
    assert!(log.iter().map(|it| &it.2).eq(world.events()));
    assert_same(&opened.state, &replayed(&log));
}
