//! What is due next, for each situation that a session can be in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use zhongshu::core::live::{Activity, Observed};
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{plan_reviews, plans, sessions, usage};
use zhongshu::domain::ids::{MessageId, SessionId, TerminalId};
use zhongshu::domain::plan_review::Judgement;
use zhongshu::domain::session::Outcome;
use zhongshu::sessions::briefs;
use zhongshu::sessions::steps::{Senses, Step, due};

use super::world::{World, proposal};

/// What is observed, as a test wants it. Sessions are connected and have their TUI unless it says otherwise.
#[derive(Default)]
struct Seen {
    observed: HashMap<SessionId, Observed>,
    lost: HashSet<SessionId>,
    may_open: HashSet<SessionId>,
    heard: BTreeMap<SessionId, u64>,
}

impl Senses for Seen {
    fn observed(&self, id: &SessionId) -> Observed {
        self.observed.get(id).cloned().unwrap_or_default()
    }

    fn is_connected(&self, id: &SessionId) -> bool {
        !self.lost.contains(id)
    }

    fn answered_at(&self, id: &SessionId) -> Option<DateTime<Utc>> {
        self.observed(id).answered_at
    }

    fn heard_tokens(&self) -> BTreeMap<SessionId, u64> {
        self.heard.clone()
    }

    fn may_open_tui(&self, id: &SessionId) -> bool {
        self.may_open.contains(id)
    }
}

impl Seen {
    fn is(&mut self, id: &SessionId, activity: Activity, since: DateTime<Utc>) {
        let observed = Observed {
            activity,
            activity_since: Some(since),
            last_activity_at: Some(since),
            ..Observed::default()
        };
        self.observed.insert(id.clone(), observed);
    }
}

fn steps(world: &World, seen: &Seen, now: DateTime<Utc>) -> Vec<Step> {
    due(&world.state, &world.policy, seen, now).0
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

#[test]
fn a_registered_session_is_started_and_an_ended_one_is_left_alone() {
    let mut world = World::new();
    let seen = Seen::default();
    let brief = briefs::planner(&world.policy, &world.place, "x", None, None);
    let id = brief.id.clone();
    world
        .decide(|state, policy| sessions::start_planner(state, &policy.catalog, brief, None))
        .unwrap();
    assert_eq!(steps(&world, &seen, world.now), [Step::Start(id.clone())]);
    world.started(&id);
    assert_eq!(steps(&world, &seen, world.now), []);
    world
        .decide(|state, _| sessions::request_close(state, &id, Outcome::Stopped))
        .unwrap();
    assert_eq!(steps(&world, &seen, world.now), [Step::Close(id.clone())]);
    world.close(&id, Outcome::Stopped);
    assert_eq!(steps(&world, &seen, world.now), []);
}

#[test]
fn a_running_session_without_its_driver_is_found_again_before_anything_else() {
    let mut world = World::new();
    let planner = world.planner();
    world
        .decide(|state, _| sessions::input(state, &planner, "hello", None))
        .unwrap();
    let mut seen = Seen::default();
    seen.lost.insert(planner.clone());
    seen.may_open.insert(planner.clone());
    assert_eq!(steps(&world, &seen, world.now), [Step::Reconnect(planner)]);
}

#[test]
fn confirmed_work_is_dispatched_while_a_slot_is_free() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let seen = Seen::default();
    world.confirmed(&planner, &["menxia", "zhilibu"]);
    assert_eq!(steps(&world, &seen, world.now), [Step::Dispatch]);
    world.dispatch().unwrap();
    assert_eq!(steps(&world, &seen, world.now), []);
}

#[test]
fn a_person_is_heard_at_once_and_the_launcher_waits_for_the_end_of_the_turn() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "done");
    world.close(&department, Outcome::Reported);
    let mut seen = Seen::default();
    let deliver = [Step::Deliver(planner.clone())];
    for activity in [Activity::Working, Activity::Blocked, Activity::Unknown] {
        seen.is(&planner, activity, world.now);
        assert_eq!(steps(&world, &seen, world.now), [], "{activity:?}");
    }
    seen.is(&planner, Activity::Idle, world.now);
    assert_eq!(steps(&world, &seen, world.now), deliver);
    seen.is(&planner, Activity::Working, world.now);
    world
        .decide(|state, _| sessions::input(state, &planner, "stop, please", None))
        .unwrap();
    assert_eq!(steps(&world, &seen, world.now), deliver);
}

#[test]
fn a_plain_program_is_told_whenever_it_does_not_say_that_it_works() {
    let mut world = World::new();
    world.policy.planner.driver = "my-agent".into();
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "done");
    world.close(&department, Outcome::Reported);
    assert_eq!(
        steps(&world, &Seen::default(), world.now),
        [Step::Deliver(planner)]
    );
}

#[test]
fn a_department_that_reported_is_dismissed_when_its_turn_is_over() {
    for verified in [true, false] {
        let mut world = World::new();
        let planner = world.planner();
        let department = world.department(&planner);
        let mut submission = world.submission(&department, "done");
        submission.written_by = verified.then(|| department.clone());
        world.submit(submission).unwrap();
        let mut seen = Seen::default();
        seen.is(&department, Activity::Working, world.now);
        let later = world.now + seconds(3600);
        assert_eq!(
            steps(&world, &seen, later),
            [],
            "never in the middle of a turn"
        );
        seen.is(&department, Activity::Idle, later);
        assert_eq!(steps(&world, &seen, later), [Step::Dismiss(department)]);
    }
}

#[test]
fn a_silent_department_is_reminded_when_its_turn_has_been_over_for_a_moment() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let mut seen = Seen::default();
    let since = world.now;
    seen.is(&department, Activity::Idle, since);
    let (none, wake) = due(&world.state, &world.policy, &seen, since);
    assert_eq!((none, wake), (vec![], Some(Duration::from_secs(2))));
    assert_eq!(
        steps(&world, &seen, since + seconds(2)),
        [Step::Remind(department.clone())]
    );
    for activity in [Activity::Working, Activity::Blocked, Activity::Unknown] {
        seen.is(&department, activity, since);
        assert_eq!(
            steps(&world, &seen, since + seconds(3600)),
            [],
            "{activity:?}"
        );
    }
}

#[test]
fn who_may_never_have_seen_its_task_is_looked_at_before_anybody_asks_for_a_report() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.happen(Event::SessionThreadOpened {
        session_id: department.clone(),
        thread_id: "another".to_owned(),
    });
    let mut seen = Seen::default();
    let since = world.now;
    seen.is(&department, Activity::Working, since);
    assert_eq!(steps(&world, &seen, since + seconds(2)), []);
    seen.is(&department, Activity::Idle, since);
    let later = since + seconds(2);
    assert_eq!(
        steps(&world, &seen, later),
        [Step::Reconnect(department.clone())]
    );
    world
        .decide(|state, _| sessions::begin_anew(state, &department, "it forgot"))
        .unwrap();
    assert_eq!(
        steps(&world, &seen, later),
        [Step::Start(department.clone())]
    );
    world
        .decide(|state, _| sessions::begin_anew(state, &department, "it forgot"))
        .unwrap();
    world.started(&department);
    assert_eq!(
        steps(&world, &seen, later),
        [Step::Remind(department.clone())]
    );
}

#[test]
fn a_planner_that_is_idle_is_left_alone() {
    let mut world = World::new();
    let planner = world.planner();
    let mut seen = Seen::default();
    seen.is(&planner, Activity::Idle, world.now);
    let result = due(
        &world.state,
        &world.policy,
        &seen,
        world.now + seconds(86_400),
    );
    assert_eq!(result, (vec![], None));
}

#[test]
fn a_silent_department_is_given_up_after_its_last_reminder_and_its_grace() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    for _ in 0..2 {
        world
            .decide(|state, policy| sessions::remind(state, &policy.catalog, &department, None))
            .unwrap();
    }
    let owed: Vec<MessageId> = world.state.messages.keys().cloned().collect();
    let mut seen = Seen::default();
    seen.is(&department, Activity::Idle, world.now);
    assert_eq!(
        steps(&world, &seen, world.now + seconds(90)),
        [Step::Deliver(department.clone())]
    );
    for message_id in owed {
        world.happen(Event::MessageDelivered {
            message_id,
            session_id: department.clone(),
        });
    }
    let reminded = world.session(&department).reminded_at.unwrap();
    seen.is(&department, Activity::Idle, reminded + seconds(5));
    let (none, wake) = due(&world.state, &world.policy, &seen, reminded + seconds(60));
    assert_eq!(
        (none, wake),
        (vec![], Some(Duration::from_secs(5))),
        "a sign of life counts"
    );
    let at = reminded + seconds(65);
    assert_eq!(steps(&world, &seen, at), [Step::GiveUp(department.clone())]);
    seen.observed.clear();
    let at = reminded + seconds(60);
    assert_eq!(
        steps(&world, &seen, at),
        [Step::GiveUp(department)],
        "even when nothing was heard since a restart"
    );
}

#[test]
fn a_resumed_department_is_reminded_again_and_every_reminder_leads_on() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.close(&department, Outcome::Silent);
    world
        .decide(|state, policy| sessions::resume(state, policy.slots, &department))
        .unwrap();
    world.started(&department);
    let mut seen = Seen::default();
    seen.is(&department, Activity::Idle, world.now);
    let at = world.now + seconds(10);
    assert!(steps(&world, &seen, at).contains(&Step::Remind(department.clone())));
    let done =
        world.decide(|state, policy| sessions::remind(state, &policy.catalog, &department, None));
    assert!(
        done.unwrap(),
        "a step that changes nothing would be due for ever"
    );
}

#[test]
fn tuis_are_opened_up_to_the_limit_and_only_for_codex() {
    let mut world = World::new();
    world.policy.tuis = 2;
    let planners: Vec<_> = (0..3).map(|_| world.planner()).collect();
    world.policy.planner.driver = "my-agent".into();
    let plain = world.planner();
    let mut seen = Seen::default();
    seen.may_open
        .extend(planners.iter().cloned().chain([plain]));
    let open = |id: &SessionId| Step::OpenTui(id.clone());
    assert_eq!(
        steps(&world, &seen, world.now),
        [open(&planners[0]), open(&planners[1])]
    );
    let preview = Event::TerminalStarted {
        terminal_id: TerminalId::fresh("browser-terminal"),
        session_id: Some(planners[2].clone()),
        title: "log".to_owned(),
        preview: true,
    };
    world.happen(preview);
    let terminal_id = TerminalId::fresh("browser-terminal");
    world.happen(Event::TerminalStarted {
        terminal_id: terminal_id.clone(),
        session_id: Some(planners[0].clone()),
        title: "planner".to_owned(),
        preview: false,
    });
    assert_eq!(steps(&world, &seen, world.now), [open(&planners[1])]);
    seen.may_open.remove(&planners[0]);
    world.happen(Event::TerminalClosed {
        terminal_id,
        reason: "closed by a person".to_owned(),
    });
    assert_eq!(
        steps(&world, &seen, world.now),
        [open(&planners[1]), open(&planners[2])],
        "who closed it does not want it back"
    );
}

#[test]
fn a_plan_is_reviewed_by_one_session_at_a_time_beside_the_slots() {
    let mut world = World::new();
    world.reviewed(3);
    world.policy.slots = 0;
    let planner = world.planner();
    let seen = Seen::default();
    world.report_plan(&planner, proposal(&["zhilibu"])).unwrap();
    let review = [Step::Review(planner.clone())];
    assert_eq!(steps(&world, &seen, world.now), review);
    let first = world.begin_review(&planner).unwrap();
    assert_eq!(steps(&world, &seen, world.now), []);
    // A newer version: the first session is called off, and only then the second one begins.
    world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    assert_eq!(
        steps(&world, &seen, world.now),
        [Step::CallOff(first.clone())]
    );
    world
        .decide(|state, _| sessions::request_close(state, &first, Outcome::NotNeeded))
        .unwrap();
    assert_eq!(
        steps(&world, &seen, world.now),
        [Step::Close(first.clone())]
    );
    world.close(&first, Outcome::NotNeeded);
    assert_eq!(steps(&world, &seen, world.now), review);
    let now = world.now;
    world
        .decide(|state, _| usage::refused(state, &planner, None, now))
        .unwrap();
    assert_eq!(steps(&world, &seen, now), review, "a script goes on");
    world.menxia_runs_on(None);
    assert_eq!(steps(&world, &seen, now), []);
}

#[test]
fn a_review_that_nobody_waits_for_is_called_off_before_it_starts() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.report_plan(&planner, proposal(&["zhilibu"])).unwrap();
    let brief = {
        let (policy, place) = (world.policy.clone(), world.place.clone());
        let begun = world.decide(|state, _| {
            plan_reviews::begin(state, &planner, |planner, plan| {
                briefs::review(&policy, &place, planner, plan)
            })
        });
        begun.unwrap().unwrap()
    };
    let seen = Seen::default();
    assert_eq!(
        steps(&world, &seen, world.now),
        [Step::Start(brief.id.clone())]
    );
    world
        .decide(|state, policy| plans::reject(state, &policy.catalog, &planner, "no"))
        .unwrap();
    let mut due = steps(&world, &seen, world.now);
    due.retain(|step| !matches!(step, Step::Deliver(_)));
    assert_eq!(due, [Step::CallOff(brief.id)]);
}

#[test]
fn who_reviews_is_reminded_given_up_and_dismissed_like_a_department() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.report_plan(&planner, proposal(&["zhilibu"])).unwrap();
    let reviewer = world.begin_review(&planner).unwrap();
    let mut seen = Seen::default();
    seen.is(&reviewer, Activity::Idle, world.now);
    let later = world.now + seconds(10);
    assert_eq!(
        steps(&world, &seen, later),
        [Step::Remind(reviewer.clone())]
    );
    for _ in 0..2 {
        world
            .decide(|state, policy| sessions::remind(state, &policy.catalog, &reviewer, None))
            .unwrap();
    }
    let owed: Vec<MessageId> = world.state.messages.keys().cloned().collect();
    for message_id in owed {
        world.happen(Event::MessageDelivered {
            message_id,
            session_id: reviewer.clone(),
        });
    }
    let end = world.now + seconds(120);
    assert_eq!(steps(&world, &seen, end), [Step::GiveUp(reviewer.clone())]);
    world.judges(&reviewer, Judgement::Approve).unwrap();
    assert_eq!(steps(&world, &seen, end), [Step::Dismiss(reviewer.clone())]);
    seen.is(&reviewer, Activity::Working, end);
    assert_eq!(steps(&world, &seen, end), [], "its turn goes on");
    world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    let call_off = [Step::CallOff(reviewer)];
    assert_eq!(steps(&world, &seen, end), call_off, "nobody waits for it");
}
