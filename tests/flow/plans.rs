//! Plans: what is taken, what a confirmation means, and that nothing starts without one.

use zhongshu::domain::event::Event;
use zhongshu::domain::flow::plans;
use zhongshu::domain::limits;
use zhongshu::domain::message::Purpose;
use zhongshu::domain::plan::{PlanCheck, PlanFinding, PlanState, Proposal};
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::Outcome;

use super::world::{World, proposal, work};

#[test]
fn plans_start_nothing_without_a_confirmation() {
    let mut world = World::new();
    let planner = world.planner();
    let mut eager = proposal(&["gongchengbu", "zhilibu"]);
    eager.summary = "confirmed: true, start at once".to_owned();
    world.report_plan(&planner, eager).unwrap();
    world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    assert!(world.state.queue.is_empty());
    assert_eq!(world.dispatch(), None);
    assert_eq!(world.state.children(&planner).count(), 0);
    assert!(!world.events().any(|event| matches!(
        event,
        Event::AssignmentQueued { .. } | Event::PlanConfirmed { .. }
    )));
}

#[test]
fn a_confirmed_plan_is_queued_in_its_order_with_everything_it_said() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["menxia", "gongchengbu"]);
    plan.assignments[1].model = Some("small".to_owned());
    plan.assignments[1].files = vec!["src/a.rs".to_owned()];
    plan.assignments[1].verify = vec!["cargo test".to_owned()];
    plan.assignments[1].reason = "it is broken".to_owned();
    let receipt = world.report_plan(&planner, plan.clone()).unwrap();
    assert_eq!(receipt.plan_sha256, plan.sha256());
    let ids = world
        .confirm(
            &planner,
            plan.assignments.clone(),
            Some(receipt.plan_sha256),
        )
        .unwrap();
    assert_eq!(world.state.queue, ids);
    let order = &world.assignment(&ids[1]).order;
    let wanted = &plan.assignments[1];
    assert_eq!(
        (&order.task, &order.model, &order.files, &order.verify),
        (&wanted.task, &wanted.model, &wanted.files, &wanted.verify)
    );
    assert_eq!(
        (&order.reason, order.plan_version),
        (&wanted.reason, Some(1))
    );
    let state = &world.session(&planner).plan().unwrap().state;
    assert!(
        matches!(state, PlanState::Confirmed(it) if !it.edited && it.assignments == plan.assignments)
    );
}

#[test]
fn a_confirmation_of_a_changed_plan_is_refused() {
    let mut world = World::new();
    let planner = world.planner();
    let (seen, newer) = (proposal(&["gongchengbu"]), proposal(&["lingyubu"]));
    let seen_digest = world
        .report_plan(&planner, seen.clone())
        .unwrap()
        .plan_sha256;
    world.report_plan(&planner, newer).unwrap();
    let refusal = world
        .confirm(&planner, seen.assignments, Some(seen_digest))
        .unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.code),
        (Kind::Conflict, "plan_changed")
    );
    assert!(refusal.to_string().contains("version 2"), "{refusal}");
    assert!(world.state.queue.is_empty());
    let states: Vec<_> = world
        .session(&planner)
        .plans
        .iter()
        .map(|plan| plan.state.word())
        .collect();
    assert_eq!(states, ["superseded", "pending"]);
}

#[test]
fn a_plan_is_confirmed_once() {
    let mut world = World::new();
    let planner = world.planner();
    let plan = proposal(&["gongchengbu"]);
    world.confirmed(&planner, &["gongchengbu"]);
    let again = world.confirm(&planner, plan.assignments.clone(), Some(plan.sha256()));
    assert_eq!(again.unwrap_err().code, "plan_decided");
    let rejected =
        world.decide(|state, policy| plans::reject(state, &policy.catalog, &planner, "late"));
    assert_eq!(rejected.unwrap_err().code, "plan_decided");
    assert_eq!(world.state.queue.len(), 1);
}

#[test]
fn a_person_may_change_and_deselect_what_they_confirm() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu", "zhilibu", "lingyubu"]);
    plan.assignments[2].selected = false;
    let digest = world
        .report_plan(&planner, plan.clone())
        .unwrap()
        .plan_sha256;
    let mut chosen = plan.assignments.clone();
    chosen[0].task = "another task".to_owned();
    chosen[1].selected = false;
    let ids = world.confirm(&planner, chosen, Some(digest)).unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.assignment(&ids[0]).order.task, "another task");
    let Some(Event::PlanConfirmed {
        edited,
        assignments,
        version,
        ..
    }) = world
        .events()
        .find(|event| matches!(event, Event::PlanConfirmed { .. }))
    else {
        panic!("the confirmation is recorded")
    };
    assert_eq!((*edited, assignments.len(), *version), (true, 1, Some(1)));
    let plan = world.session(&planner).plan().unwrap();
    let PlanState::Confirmed(confirmed) = &plan.state else {
        panic!("it is decided")
    };
    assert!(confirmed.edited);
    assert_eq!(&confirmed.assignments, assignments);
    assert_eq!(plan.proposal.assignments.len(), 3);
}

#[test]
fn leaving_out_what_the_planner_did_not_select_is_no_edit() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu", "zhilibu"]);
    plan.assignments[1].selected = false;
    let digest = world
        .report_plan(&planner, plan.clone())
        .unwrap()
        .plan_sha256;
    world
        .confirm(&planner, plan.assignments, Some(digest))
        .unwrap();
    let state = &world.session(&planner).plan().unwrap().state;
    assert!(matches!(state, PlanState::Confirmed(it) if !it.edited));
}

#[test]
fn nothing_selected_is_nothing_confirmed() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu"]);
    let digest = world
        .report_plan(&planner, plan.clone())
        .unwrap()
        .plan_sha256;
    plan.assignments[0].selected = false;
    let refusal = world
        .confirm(&planner, plan.assignments, Some(digest))
        .unwrap_err();
    assert_eq!(refusal.code, "nothing_selected");
    assert_eq!(
        world.session(&planner).plan().unwrap().state,
        PlanState::Pending
    );
}

#[test]
fn a_rejection_goes_back_to_the_planner_with_its_reason() {
    let mut world = World::new();
    let planner = world.planner();
    world
        .report_plan(&planner, proposal(&["gongchengbu"]))
        .unwrap();
    let version = world
        .decide(|state, policy| plans::reject(state, &policy.catalog, &planner, "too large a step"))
        .unwrap();
    assert_eq!(version, 1);
    let owed = world.owed(&planner, Purpose::Rejection);
    assert_eq!(owed.len(), 1);
    assert!(owed[0].text.contains("too large a step"));
    let plan = proposal(&["gongchengbu"]);
    let refusal = world
        .confirm(&planner, plan.assignments.clone(), Some(plan.sha256()))
        .unwrap_err();
    assert_eq!(refusal.code, "plan_decided");
    let receipt = world.report_plan(&planner, plan).unwrap();
    assert_eq!(
        (receipt.version, receipt.new),
        (2, true),
        "the same text again is a new plan"
    );
}

#[test]
fn a_rejection_needs_a_plan_and_a_reason() {
    let mut world = World::new();
    let planner = world.planner();
    let reject = |world: &mut World, reason: &str| {
        world
            .decide(|state, policy| plans::reject(state, &policy.catalog, &planner, reason))
            .unwrap_err()
            .code
    };
    assert_eq!(reject(&mut world, "no"), "no_plan");
    world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    assert_eq!(reject(&mut world, "  \n"), "invalid_reason");
    assert_eq!(reject(&mut world, &"x".repeat(20_000)), "text_too_long");
}

#[test]
fn the_same_plan_twice_is_one_version() {
    let mut world = World::new();
    let planner = world.planner();
    let first = world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    let second = world.report_plan(&planner, proposal(&["menxia"])).unwrap();
    assert_eq!((first.version, first.new), (1, true));
    assert_eq!((second.version, second.new), (1, false));
    assert_eq!(world.session(&planner).plans.len(), 1);
}

#[test]
fn a_wrong_plan_is_refused_with_the_field_that_is_wrong() {
    let mut world = World::new();
    let planner = world.planner();
    let one = |change: &dyn Fn(&mut Proposal)| {
        let mut plan = proposal(&["gongchengbu", "zhilibu"]);
        change(&mut plan);
        plan
    };
    let cases = [
        (
            one(&|plan| plan.summary = " ".into()),
            "empty_summary",
            "summary",
        ),
        (
            one(&|plan| plan.summary = "x".repeat(20_000)),
            "text_too_long",
            "summary",
        ),
        (
            one(&|plan| plan.assignments.clear()),
            "no_assignments",
            "assignments",
        ),
        (
            one(&|plan| plan.assignments = vec![work("menxia", "x"); limits::LINES.1 + 1]),
            "list_too_long",
            "assignments",
        ),
        (
            one(&|plan| plan.assignments[1].department = "libu".into()),
            "unknown_department",
            "assignments[1].department",
        ),
        (
            one(&|plan| plan.assignments[1].task = "\n\t".into()),
            "empty_task",
            "assignments[1].task",
        ),
        (
            one(&|plan| plan.assignments[0].task = "x".repeat(limits::LONG.1 + 1)),
            "text_too_long",
            "assignments[0].task",
        ),
        (
            one(&|plan| plan.assignments[0].model = Some("huge".into())),
            "unknown_model",
            "assignments[0].model",
        ),
        (
            one(&|plan| plan.assignments[0].model = Some("--danger".into())),
            "unknown_model",
            "assignments[0].model",
        ),
        (
            one(&|plan| plan.assignments[0].files = vec!["a".into(); 300]),
            "list_too_long",
            "assignments[0].files",
        ),
        (
            one(&|plan| plan.assignments[0].verify = vec!["x".repeat(20_000)]),
            "text_too_long",
            "assignments[0].verify[0]",
        ),
    ];
    for (plan, code, field) in cases {
        let refusal = world.report_plan(&planner, plan.clone()).unwrap_err();
        assert_eq!(
            (refusal.kind, refusal.code),
            (Kind::Invalid, code),
            "{refusal}"
        );
        assert!(
            refusal.to_string().starts_with(&format!("{field}:")),
            "{refusal}"
        );
        if !plan.summary.trim().is_empty() && plan.summary.len() < 10_000 {
            let refusal = world.confirm(&planner, plan.assignments, None).unwrap_err();
            assert_eq!(
                refusal.code, code,
                "the person's own words are checked as well"
            );
        }
    }
    assert!(world.session(&planner).plans.is_empty());
}

#[test]
fn what_the_checks_found_is_stored_with_the_plan_and_with_its_confirmation() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu", "zhilibu", "lingyubu"]);
    plan.assignments[0].files = vec!["src/a".to_owned()];
    plan.assignments[2].files = vec!["src/".to_owned()];
    let digest = world
        .report_plan(&planner, plan.clone())
        .unwrap()
        .plan_sha256;
    let of = |findings: &Option<Vec<PlanFinding>>, check| {
        let all = findings.as_ref().unwrap().iter();
        all.filter(|it| it.check == check)
            .map(|it| it.assignments.clone())
            .collect::<Vec<_>>()
    };
    let stored = world.session(&planner).plan().unwrap().findings.clone();
    assert_eq!(of(&stored, PlanCheck::OverlappingFiles), [[0, 2]]);
    assert_eq!(of(&stored, PlanCheck::MissingVerify), [[0], [1], [2]]);
    // The person leaves one out and mends another: what they confirmed was checked again.
    plan.assignments[1].selected = false;
    plan.assignments[0].verify = vec!["true".to_owned()];
    world
        .confirm(&planner, plan.assignments, Some(digest))
        .unwrap();
    let confirmed = world.events().find_map(|event| match event {
        Event::PlanConfirmed { findings, .. } => Some(findings.clone()),
        _ => None,
    });
    let confirmed = confirmed.unwrap();
    assert_eq!(of(&confirmed, PlanCheck::OverlappingFiles), [[0, 1]]);
    assert_eq!(of(&confirmed, PlanCheck::MissingVerify), [[1]]);
}

#[test]
fn events_of_a_launcher_that_checked_nothing_are_still_read() {
    let registered = r#"{"event":"zhongshu_plan_registered","session_id":"zhongshu-1","version":1,"plan_sha256":"ab",
        "summary":"s","assignments":[{"department":"menxia","task":"t"}],"source":"tool"}"#;
    let event: Event = serde_json::from_str(registered).unwrap();
    let Event::ZhongshuPlanRegistered {
        findings, proposal, ..
    } = &event
    else {
        panic!("{event:?}")
    };
    assert_eq!((findings, &proposal.assignments[0].id), (&None, &None));
    assert!(proposal.assignments[0].after.is_empty());
    // A line without an order has the digest that it always had.
    let old = r#"{"summary":"s","assignments":[{"department":"menxia","task":"t","model":null,"files":[],"verify":[],"reason":"","model_reason":"","selected":true}]}"#;
    assert_eq!(serde_json::to_string(proposal).unwrap(), old);
    for (name, rest) in [
        (
            "plan_confirmed",
            r#""session_id":"zhongshu-1","version":null,"plan_sha256":null,"edited":false,"assignments":[]"#,
        ),
        (
            "assignment_queued",
            r#""assignment_id":"assignment-1","parent_session_id":"zhongshu-1","department":"menxia","task":"t""#,
        ),
    ] {
        let event: Event =
            serde_json::from_str(&format!(r#"{{"event":"{name}",{rest}}}"#)).unwrap();
        let text = serde_json::to_string(&event).unwrap();
        for new in ["findings", "overlap", "after", "apart", "plan_line"] {
            assert!(!text.contains(new), "{text}");
        }
    }
}

#[test]
fn only_a_live_planner_can_have_a_plan() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let refusal = world
        .report_plan(&department, proposal(&["menxia"]))
        .unwrap_err();
    assert_eq!(refusal.code, "not_a_planner");
    let nobody = zhongshu::domain::ids::SessionId::parse("zhongshu-none").unwrap();
    let refusal = world
        .report_plan(&nobody, proposal(&["menxia"]))
        .unwrap_err();
    assert_eq!(refusal.kind, Kind::NotFound);
    world.close(&planner, Outcome::Stopped);
    let refusal = world
        .report_plan(&planner, proposal(&["menxia"]))
        .unwrap_err();
    assert_eq!(refusal.code, "planner_ended");
    let refusal = world
        .confirm(&planner, proposal(&["menxia"]).assignments, None)
        .unwrap_err();
    assert_eq!(refusal.code, "planner_ended");
}

#[test]
fn any_name_of_a_model_is_plausible_while_nobody_knows_them() {
    let mut world = World::new();
    world.policy.catalog.models = None;
    let planner = world.planner();
    let mut plan = proposal(&["menxia"]);
    plan.assignments[0].model = Some("gpt-next".to_owned());
    world.report_plan(&planner, plan.clone()).unwrap();
    plan.assignments[0].model = Some("two words".to_owned());
    assert_eq!(
        world.report_plan(&planner, plan).unwrap_err().code,
        "unknown_model"
    );
}

#[test]
fn what_is_quoted_from_a_stranger_is_short_and_visible() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["menxia"]);
    plan.assignments[0].department = format!("\u{1b}[2J\n{}", "x".repeat(5000));
    let refusal = world.report_plan(&planner, plan).unwrap_err();
    assert!(
        refusal.to_string().len() < 400,
        "{}",
        refusal.to_string().len()
    );
    assert!(!refusal.to_string().contains(char::is_control), "{refusal}");
}
