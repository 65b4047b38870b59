//! What waits for what: ids and `after` of a plan's lines, and how the queue honours them.

use proptest::prelude::*;
use zhongshu::domain::assignment::Hold;
use zhongshu::domain::flow::dependencies::{self, Among};
use zhongshu::domain::flow::{inbox, queue, sessions};
use zhongshu::domain::ids::AssignmentId;
use zhongshu::domain::plan::{PlannedAssignment, Proposal};
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::Outcome;

use super::world::{World, by_tool, work};

fn line(id: &str, after: &[&str]) -> PlannedAssignment {
    PlannedAssignment {
        id: (!id.is_empty()).then(|| id.to_owned()),
        after: after.iter().map(|it| (*it).to_owned()).collect(),
        ..work("gongchengbu", &format!("do {id}"))
    }
}

fn plan(lines: Vec<PlannedAssignment>) -> Proposal {
    Proposal {
        summary: "in order".to_owned(),
        assignments: lines,
    }
}

/// A plan of these lines, confirmed as it is.
fn confirmed(world: &mut World, lines: Vec<PlannedAssignment>) -> Vec<AssignmentId> {
    let planner = world.planner();
    let plan = plan(lines);
    let receipt = world.report_plan(&planner, plan.clone()).unwrap();
    world
        .confirm(&planner, plan.assignments, Some(receipt.plan_sha256))
        .unwrap()
}

#[test]
fn an_order_that_cannot_be_kept_is_refused_with_a_sentence() {
    let mut world = World::new();
    let planner = world.planner();
    let long = "x".repeat(41);
    let cases: [(Vec<PlannedAssignment>, &str, &str); 8] = [
        (
            vec![line("a", &["b"])],
            "unknown_dependency",
            "assignments[0].after: no line of this plan has the id `b`",
        ),
        (
            vec![line("a", &[]), line("a", &[])],
            "duplicate_line_id",
            "assignments[1].id: `a` is the id of assignments[0]",
        ),
        (
            vec![line("a b", &[])],
            "invalid_line_id",
            "assignments[0].id: `a b`",
        ),
        (
            vec![line(&long, &[])],
            "invalid_line_id",
            "assignments[0].id",
        ),
        (
            vec![line("a", &["a"])],
            "dependency_cycle",
            "`a` waits for itself",
        ),
        (
            vec![line("a", &["b"]), line("b", &["a"])],
            "dependency_cycle",
            "`a` waits for `b`, `b` waits for `a`;",
        ),
        (
            // What leads into the circle is no part of it.
            vec![
                line("", &["a"]),
                line("d", &["a"]),
                line("a", &["b", "c"]),
                line("b", &[]),
                line("c", &["e"]),
                line("e", &["a"]),
            ],
            "dependency_cycle",
            "assignments: `a` waits for `c`, `c` waits for `e`, `e` waits for `a`; none",
        ),
        (
            vec![line("a", &["\u{1b}[2J"])],
            "unknown_dependency",
            "⟨U+001B⟩[2J",
        ),
    ];
    for (lines, code, part) in cases {
        let refusal = world
            .report_plan(&planner, plan(lines.clone()))
            .unwrap_err();
        assert_eq!((refusal.kind, refusal.code), (Kind::Invalid, code));
        assert!(refusal.to_string().contains(part), "{refusal}");
        let refusal = world.confirm(&planner, lines, None).unwrap_err();
        assert_eq!(
            refusal.code, code,
            "a person's own words are checked as well"
        );
    }
    let many = vec![line("", &["a"; 300]), line("a", &[])];
    let refusal = world.report_plan(&planner, plan(many)).unwrap_err();
    assert_eq!(refusal.code, "list_too_long");
    assert!(world.session(&planner).plans.is_empty());
}

#[test]
fn what_waits_for_a_line_that_is_left_out_is_not_started_out_of_order() {
    let mut world = World::new();
    let planner = world.planner();
    let mut lines = vec![line("a", &[]), line("b", &["a"])];
    let receipt = world.report_plan(&planner, plan(lines.clone())).unwrap();
    let digest = Some(receipt.plan_sha256);
    lines[0].selected = false;
    let refusal = world
        .confirm(&planner, lines.clone(), digest.clone())
        .unwrap_err();
    assert_eq!(refusal.code, "unknown_dependency");
    let sentence = "assignments[1].after: `a` is not selected; select it too";
    assert!(refusal.to_string().starts_with(sentence), "{refusal}");
    lines[1].after.clear();
    assert_eq!(world.confirm(&planner, lines, digest).unwrap().len(), 1);
}

#[test]
fn an_assignment_waits_until_the_results_before_it_are_in() {
    let mut world = World::new();
    world.policy.slots = 5;
    let ids = confirmed(
        &mut world,
        vec![
            line("c", &["a", "b", "a"]),
            line("a", &[]),
            line("b", &[]),
            line("", &[]),
        ],
    );
    let order = &world.assignment(&ids[0]).order;
    assert_eq!(order.after, [ids[1].clone(), ids[2].clone()]);
    assert_eq!(order.plan_line.as_deref(), Some("c"));
    let first = world.dispatch().unwrap();
    let second = world.dispatch().unwrap();
    world.dispatch().expect("what waits for nothing goes ahead");
    assert_eq!(world.dispatch(), None);
    let on = |at: &[usize]| at.iter().map(|at| ids[*at].clone()).collect();
    let waits = |at: &[usize]| Some(Hold::WaitsFor { on: on(at) });
    assert_eq!(world.hold(&ids[0]), waits(&[1, 2]));
    world.reports_by_tool(&first, "done");
    assert_eq!(world.hold(&ids[0]), waits(&[2]));
    let mut asks = by_tool(world.submission(&second, "which colour?"));
    asks.findings.needs_user_confirmation = true;
    world.submit(asks).unwrap();
    assert_eq!(world.hold(&ids[0]), Some(Hold::WaitsForPerson));
    let report = world.report_of(&second).report_id.clone();
    world
        .decide(|state, _| inbox::acknowledge(state, &report))
        .unwrap();
    assert_eq!(world.hold(&ids[0]), None);
    let third = world.dispatch().unwrap();
    assert_eq!(
        world.session(&third).brief.assignment_id.as_ref(),
        Some(&ids[0])
    );
}

#[test]
fn a_result_that_only_a_file_claims_lets_nothing_start_before_its_session_is_over() {
    let mut world = World::new();
    let ids = confirmed(&mut world, vec![line("a", &[]), line("b", &["a"])]);
    let first = world.dispatch().unwrap();
    let forged = world.submission(&first, "done, honestly");
    world.submit(forged).unwrap();
    assert_eq!(
        world.hold(&ids[1]),
        Some(Hold::WaitsFor {
            on: vec![ids[0].clone()]
        })
    );
    let mut other = world.state.clone();
    let report = world.report_of(&first).report_id.clone();
    let (events, ()) = inbox::acknowledge(&other, &report).unwrap();
    other.apply(other.seq + 1, world.now, &events[0]);
    std::mem::swap(&mut world.state, &mut other);
    assert_eq!(world.hold(&ids[1]), None, "somebody took it for real");
    std::mem::swap(&mut world.state, &mut other);
    world.close(&first, Outcome::Reported);
    assert_eq!(world.hold(&ids[1]), None);
}

#[test]
fn what_failed_or_was_cancelled_holds_what_comes_after_it_until_a_person_decides() {
    let mut world = World::new();
    let ids = confirmed(
        &mut world,
        vec![line("a", &[]), line("b", &["a"]), line("c", &["b"])],
    );
    let failed = |at: usize| {
        Some(Hold::DependencyFailed {
            on: vec![ids[at].clone()],
        })
    };
    let first = world.dispatch().unwrap();
    world.close(&first, Outcome::Silent);
    assert_eq!(world.hold(&ids[1]), failed(0), "it left only a fallback");
    assert_eq!(world.dispatch(), None);
    world
        .decide(|state, policy| sessions::resume(state, policy.slots, &first))
        .unwrap();
    world.started(&first);
    let waits = Hold::WaitsFor {
        on: vec![ids[0].clone()],
    };
    assert_eq!(world.hold(&ids[1]), Some(waits), "it goes on");
    world.close(&first, Outcome::Silent);
    assert_eq!(world.hold(&ids[1]), failed(0));
    let mut late = world.state.clone();
    let (events, _) = zhongshu::domain::flow::results::take(
        &late,
        &world.policy.catalog,
        by_tool(world.submission(&first, "late but there")),
    )
    .unwrap();
    late.apply(late.seq + 1, world.now, &events[0]);
    std::mem::swap(&mut world.state, &mut late);
    assert_eq!(world.hold(&ids[1]), None, "a late report is a report");
    std::mem::swap(&mut world.state, &mut late);

    world
        .decide(|state, _| queue::force(state, &ids[1]))
        .unwrap();
    assert_eq!(world.hold(&ids[1]), None);
    world
        .decide(|state, _| queue::cancel(state, &ids[1]))
        .unwrap();
    assert_eq!(world.hold(&ids[2]), failed(1), "it was cancelled");
    let again = world.decide(|state, _| queue::force(state, &ids[1]));
    assert_eq!(again.unwrap_err().code, "already_cancelled");
    world
        .decide(|state, _| queue::force(state, &ids[2]))
        .unwrap();
    world
        .decide(|state, _| queue::force(state, &ids[2]))
        .unwrap();
    assert!(world.batches.last().unwrap().is_empty(), "once is enough");
    assert!(world.dispatch().is_some());
}

#[test]
fn force_opens_neither_a_pause_nor_an_open_question_nor_an_ended_planner() {
    let mut world = World::new();
    let planner = world.planner();
    let asking = world.department(&planner);
    let ids = world.confirmed(&planner, &["lingyubu"]);
    world
        .decide(|state, _| queue::force(state, &ids[0]))
        .unwrap();
    world.decide(|state, _| queue::pause(state, true)).unwrap();
    assert_eq!(world.dispatch(), None);
    world.decide(|state, _| queue::pause(state, false)).unwrap();
    let mut asks = by_tool(world.submission(&asking, "which licence?"));
    asks.findings.needs_user_confirmation = true;
    world.submit(asks).unwrap();
    assert_eq!(world.hold(&ids[0]), Some(Hold::WaitsForPerson));
    assert!(!Hold::WaitsForPerson.can_be_forced());
    world.close(&planner, Outcome::Stopped);
    assert_eq!(world.hold(&ids[0]), Some(Hold::PlannerEnded));
    assert_eq!(world.dispatch(), None);
}

#[test]
fn a_new_planner_takes_the_order_along() {
    let mut world = World::new();
    let planner = world.planner();
    let plan = plan(vec![line("a", &[]), line("b", &["a"])]);
    let receipt = world.report_plan(&planner, plan.clone()).unwrap();
    let ids = world
        .confirm(&planner, plan.assignments, Some(receipt.plan_sha256))
        .unwrap();
    let first = world.dispatch().unwrap();
    world.replace(&planner).unwrap();
    assert_eq!(world.dispatch(), None);
    world.reports_by_tool(&first, "done");
    let second = world.dispatch().unwrap();
    assert_eq!(
        world.session(&second).brief.assignment_id.as_ref(),
        Some(&ids[1])
    );
}

fn on(department: &str, files: &[&str]) -> PlannedAssignment {
    PlannedAssignment {
        files: files.iter().map(|it| (*it).to_owned()).collect(),
        ..work(department, "change it")
    }
}

#[test]
fn those_that_may_change_the_same_files_do_not_run_side_by_side() {
    let mut world = World::new();
    world.policy.slots = 9;
    let ids = confirmed(
        &mut world,
        vec![
            on("lingyubu", &["src/"]),
            on("gongchengbu", &["README.md", "src/**/*.rs"]),
            on("menxia", &["src/"]),
            on("zhilibu", &["docs/"]),
        ],
    );
    let apart = &world.assignment(&ids[1]).order.apart_from;
    assert_eq!(apart, &ids[..1], "menxia only reads");
    let first = world.dispatch().unwrap();
    let in_use = Some(Hold::FilesInUse {
        by: vec![ids[0].clone()],
    });
    assert_eq!(world.hold(&ids[1]), in_use);
    world.dispatch().unwrap();
    world.dispatch().unwrap();
    assert_eq!(world.dispatch(), None);
    world.reports_by_tool(&first, "done");
    assert_eq!(world.hold(&ids[1]), in_use, "its turn is not over");
    world.close(&first, Outcome::Reported);
    let second = world.dispatch().unwrap();
    let done = &world.session(&second).brief.assignment_id;
    assert_eq!(done.as_ref(), Some(&ids[1]));
}

#[test]
fn whoever_was_confirmed_first_waits_for_whoever_runs_also_across_planners() {
    let mut world = World::new();
    world.policy.slots = 9;
    let earlier = confirmed(&mut world, vec![on("lingyubu", &["src/a.rs"])]);
    let later = confirmed(&mut world, vec![on("gongchengbu", &["src"])]);
    assert_eq!(world.assignment(&later[0]).order.apart_from, earlier);
    world
        .decide(|state, _| queue::reorder(state, &later[0], Some(&earlier[0])))
        .unwrap();
    let running = world.dispatch().unwrap();
    let in_use = Some(Hold::FilesInUse { by: later });
    assert_eq!(world.hold(&earlier[0]), in_use);
    assert_eq!(world.dispatch(), None);
    world
        .decide(|state, _| queue::force(state, &earlier[0]))
        .unwrap();
    world.dispatch().expect("a person forces it");
    // What has ended is in nobody's way.
    world.close(&running, Outcome::Stopped);
    let again = confirmed(&mut world, vec![on("zhilibu", &["src/b.rs"])]);
    assert!(world.assignment(&again[0]).order.apart_from.is_empty());
}

#[test]
fn a_person_allows_an_overlap_at_the_confirmation() {
    let mut world = World::new();
    let planner = world.planner();
    let lines = vec![on("lingyubu", &["src/"]), on("gongchengbu", &["src/a"])];
    let mut wish = world.confirmation(&planner, lines, None);
    wish.allow_overlap = true;
    world.confirm_so(wish).unwrap();
    world.dispatch().unwrap();
    world.dispatch().expect("both at once");
    let recorded = world.events().any(|event| {
        matches!(event, zhongshu::domain::event::Event::PlanConfirmed { overlap_allowed, findings, .. }
            if *overlap_allowed && findings.as_ref().is_some_and(|it| !it.is_empty()))
    });
    assert!(recorded);
}

#[test]
fn too_much_to_compare_means_apart() {
    let mut world = World::new();
    let wild = |at: usize| {
        let mut line = on("lingyubu", &[]);
        line.files = (0..256)
            .map(|file| format!("**/[a-z]{at}/**/{{x,y}}{file}*.e{at}"))
            .collect();
        line
    };
    let plain = |at: usize| {
        let mut line = on("lingyubu", &[]);
        line.files = (0..256).map(|file| format!("f{at}/{file}")).collect();
        line
    };
    let lines = (0..40).map(|at| if at % 2 == 0 { wild(at) } else { plain(at) });
    let ids = confirmed(&mut world, lines.collect());
    let last = world.assignment(ids.last().unwrap());
    assert_eq!(last.order.apart_from.len(), 39, "nobody could look");
}

#[test]
fn the_review_limit_stops_dispatch_until_results_are_acknowledged() {
    let mut world = World::new();
    world.policy.review_limit = Some(2);
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu", "gongchengbu", "lingyubu"]);
    let running = [world.dispatch().unwrap(), world.dispatch().unwrap()];
    let reports = running.map(|id| world.reports_by_tool(&id, "done"));
    world
        .decide(|state, _| inbox::read(state, &planner))
        .unwrap();
    let full = Hold::ReviewLimit {
        waiting: 2,
        limit: 2,
    };
    assert_eq!(world.hold(&ids[2]), Some(full), "reading is not reviewing");
    assert_eq!(world.dispatch(), None);
    world
        .decide(|state, _| queue::force(state, &ids[3]))
        .unwrap();
    let forced = world.dispatch().expect("a person forces one");
    let done = &world.session(&forced).brief.assignment_id;
    assert_eq!(done.as_ref(), Some(&ids[3]));
    world
        .decide(|state, _| inbox::acknowledge(state, &reports[0]))
        .unwrap();
    assert!(world.dispatch().is_some());
}

#[test]
fn results_that_nobody_can_reach_any_more_do_not_count_for_the_review_limit() {
    let mut world = World::new();
    world.policy.review_limit = Some(1);
    let (gone, stays) = (world.planner(), world.planner());
    let first = world.department(&gone);
    world.reports_by_tool(&first, "done");
    world.close(&first, Outcome::Reported);
    let ids = world.confirmed(&stays, &["zhilibu"]);
    assert!(world.hold(&ids[0]).is_some());
    world.close(&gone, Outcome::Stopped);
    assert_eq!(world.hold(&ids[0]), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_taken_exactly_when_its_lines_can_be_put_in_an_order(
        edges in prop::collection::vec((0..7usize, 0..7usize), 0..12),
    ) {
        let mut lines: Vec<_> = (0..7).map(|at| line(&format!("l{at}"), &[])).collect();
        for (from, to) in &edges {
            lines[*from].after.push(format!("l{to}"));
        }
        // Kahn's way, as an independent judge.
        let mut left: Vec<usize> = (0..7).collect();
        loop {
            let ready = |at: &usize| edges.iter().all(|(from, to)| from != at || !left.contains(to));
            let next: Vec<usize> = left.iter().copied().filter(|at| !ready(at)).collect();
            if next.len() == left.len() {
                break;
            }
            left = next;
        }
        match dependencies::cycle(&lines, Among::All) {
            None => prop_assert!(left.is_empty(), "{left:?}"),
            Some(cycle) => {
                prop_assert!(!left.is_empty());
                let next = cycle.iter().cycle().skip(1);
                for (id, next) in cycle.iter().zip(next) {
                    let line = lines.iter().find(|it| it.id.as_deref() == Some(id)).unwrap();
                    prop_assert!(line.after.iter().any(|it| it == next), "{cycle:?}");
                }
            }
        }
        prop_assert_eq!(dependencies::check(&lines, Among::All).is_ok(), left.is_empty());
    }
}
