//! What a `governance.yaml`, which agents can write, may give to sessions: nothing beyond the safe defaults that a person has
//! not approved, and at once what takes something back.

use crate::world::World;
use zhongshu::core::policy::Policy;
use zhongshu::domain::department::{Approval, Sandbox};
use zhongshu::domain::driver::Driver;
use zhongshu::domain::plan_review::{ReviewRule, ReviewedPlan};
use zhongshu::domain::powers::{Held, OTHERS, Oversight, PLANNER, Powers, department};
use zhongshu::sessions::briefs;

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What the file says when everything in it is as wide as can be.
fn wide() -> Policy {
    let mut policy = World::new().policy;
    policy
        .drivers
        .insert("sh".to_owned(), command(&["sh", "-c", "evil"]));
    policy.planner.sandbox = Sandbox::DangerFullAccess;
    policy.planner.approval = Approval::Never;
    policy.run_verify = true;
    for known in &mut policy.catalog.departments {
        known.sandbox = Some(Sandbox::DangerFullAccess);
        known.approval = Some(Approval::Never);
    }
    policy.catalog.departments[0].driver = Some("sh".into());
    policy
}

#[test]
fn without_a_yes_the_safe_defaults_hold() {
    let policy = wide().held_to(&Powers::default());
    assert!(policy.has_question());
    assert!(policy.drivers.is_empty(), "{:?}", policy.drivers);
    assert!(!policy.run_verify);
    assert_eq!(policy.planner.sandbox, Sandbox::ReadOnly);
    assert_eq!(policy.planner.approval, Approval::OnRequest);
    for known in &policy.catalog.departments {
        assert_eq!(
            (known.sandbox, known.approval),
            (None, None),
            "{}",
            known.key
        );
    }
    // Its work waits: nobody asked for Codex instead.
    let menxia = &policy.catalog.departments[0].key;
    assert!(policy.route_of(menxia).unapproved);
    assert!(!policy.route_of("lingyubu").unapproved);
    // What the question names is what the file says, however little of it holds.
    let asked = &policy.asked;
    assert_eq!(asked.commands["sh"], command(&["sh", "-c", "evil"]));
    assert!(asked.sessions.contains_key(PLANNER) && asked.run_verify);
}

#[test]
fn with_a_yes_to_exactly_that_it_holds() {
    let asked = wide().held_to(&Powers::default()).asked;
    let policy = wide().held_to(&asked);
    assert!(!policy.has_question());
    assert_eq!(policy.drivers, wide().drivers);
    assert!(policy.run_verify);
    assert_eq!(policy.planner.sandbox, Sandbox::DangerFullAccess);
    assert_eq!(policy.catalog.departments, wide().catalog.departments);
    assert!(!policy.route_of("menxia").unapproved);

    // One more word in the command line, and nothing of the program is left.
    let mut edited = wide();
    edited
        .drivers
        .insert("sh".to_owned(), command(&["sh", "-c", "worse"]));
    let edited = edited.held_to(&asked);
    assert!(edited.has_question() && edited.drivers.is_empty());
    assert!(edited.route_of("menxia").unapproved);
    // Another department cannot have the approved program.
    let mut edited = wide();
    edited.catalog.departments[1].driver = Some("sh".into());
    let edited = edited.held_to(&asked);
    assert!(edited.has_question());
    assert!(edited.route_of("zhilibu").unapproved);
    assert!(!edited.route_of("menxia").unapproved);
    // Neither can all of them, by the default.
    let mut edited = wide();
    edited.driver = "sh".into();
    let edited = edited.held_to(&asked);
    assert!(edited.asked.sessions.contains_key(OTHERS));
    assert!(edited.route_of("lingyubu").unapproved && edited.route_of("nobody").unapproved);
}

#[test]
fn what_takes_something_back_holds_at_once() {
    let asked = wide().held_to(&Powers::default()).asked;
    let mut edited = wide();
    edited.planner.sandbox = Sandbox::WorkspaceWrite;
    edited.drivers.clear();
    let first = &mut edited.catalog.departments[0];
    (first.driver, first.sandbox, first.approval) = (None, None, None);
    edited.catalog.departments[3].sandbox = Some(Sandbox::ReadOnly);
    edited.run_verify = false;
    let policy = edited.clone().held_to(&asked);
    assert!(!policy.has_question());
    assert_eq!(policy.planner.sandbox, Sandbox::WorkspaceWrite);
    assert_eq!(policy.catalog.departments, edited.catalog.departments);
    // Only narrower than the defaults: that never needed a yes.
    let mut narrow = World::new().policy;
    narrow.planner.sandbox = Sandbox::ReadOnly;
    narrow.planner.approval = Approval::Untrusted;
    narrow.catalog.departments[1].sandbox = Some(Sandbox::ReadOnly);
    let departments = narrow.catalog.departments.clone();
    let policy = narrow.held_to(&Powers::default());
    assert!(!policy.has_question());
    assert_eq!(policy.asked, Powers::default());
    assert_eq!(policy.planner.approval, Approval::Untrusted);
    assert_eq!(policy.catalog.departments, departments);
}

#[test]
fn what_is_narrower_stays_where_the_rest_is_refused() {
    let mut policy = World::new().policy;
    policy.planner.sandbox = Sandbox::DangerFullAccess;
    policy.planner.approval = Approval::Untrusted;
    let first = &mut policy.catalog.departments[1];
    (first.sandbox, first.approval) = (Some(Sandbox::ReadOnly), Some(Approval::Never));
    let policy = policy.held_to(&Powers::default());
    assert_eq!(policy.planner.approval, Approval::Untrusted);
    let first = &policy.catalog.departments[1];
    assert_eq!(
        (first.sandbox, first.approval),
        (Some(Sandbox::ReadOnly), None)
    );
}

#[test]
fn a_session_of_before_is_not_started_with_what_nobody_approved() {
    let world = World::new();
    let asked = wide().held_to(&Powers::default()).asked;
    let approved = wide().held_to(&asked);
    let open = briefs::planner(&approved, &world.place, "x", None, None);
    assert_eq!(approved.withheld(&open), None);
    let waiting = wide().held_to(&Powers::default());
    let refusal = waiting.withheld(&open).unwrap();
    assert_eq!(refusal.code, "powers_required");
    assert!(
        refusal.to_string().contains("danger-full-access"),
        "{refusal}"
    );
    // The file does not ask any more: then there is nothing to answer, and the sentence says so.
    let mut silent = World::new().policy;
    silent.planner.sandbox = Sandbox::ReadOnly;
    let silent = silent.held_to(&Powers::default());
    let refusal = silent.withheld(&open).unwrap();
    assert!(
        refusal.to_string().contains("start a new session"),
        "{refusal}"
    );
}

#[test]
fn what_departments_have_by_default_is_a_power_in_sessions_that_only_read() {
    let mut world = World::new();
    let planner = world.planner();
    let planner = world.session(&planner).clone();
    let mut says = World::new().policy;
    says.planner.sandbox = Sandbox::WorkspaceWrite;
    let menxia = &mut says.catalog.departments[0];
    menxia.sandbox = Some(Sandbox::WorkspaceWrite);
    let waiting = says.clone().held_to(&Powers::default());
    let approved = says.held_to(&waiting.asked);
    let place = &world.place;
    let plan = ReviewedPlan {
        plan_version: 1,
        plan_sha256: "0".repeat(64),
    };
    let review = briefs::review(&approved, place, &planner, plan);
    let planner = briefs::planner(&approved, place, "x", None, None);
    for brief in [&planner, &review] {
        assert_eq!(brief.sandbox, Sandbox::WorkspaceWrite);
        assert_eq!(approved.withheld(brief), None);
        let refusal = waiting.withheld(brief).expect("nobody approved it");
        assert_eq!(refusal.code, "powers_required");
        assert!(refusal.to_string().contains("workspace-write"), "{refusal}");
    }
    // The department menxia itself may have it, as any.
    let mut department = review.clone();
    department.review = None;
    assert_eq!(waiting.withheld(&department), None);
    // Until the yes they are started so that they only read.
    assert_eq!(waiting.planner.sandbox, Sandbox::ReadOnly);
    assert_eq!(waiting.catalog.departments[0].sandbox, None);
}

#[test]
fn what_has_to_be_looked_at_becomes_less_only_with_a_yes() {
    let strict = Oversight {
        vetoes: Some(5),
        results: Some(3),
        ..Oversight::default()
    };
    let approved = Powers {
        oversight: strict,
        ..Powers::default()
    };
    let says = |required: bool, veto_limit: usize, review_limit: Option<usize>| {
        let mut policy = World::new().policy;
        policy.planner.sandbox = Sandbox::ReadOnly;
        policy.catalog.review = ReviewRule {
            required,
            veto_limit,
        };
        policy.review_limit = review_limit;
        policy
    };
    for (less, line) in [
        (says(false, 5, Some(3)), ["plan_review", "off", "menxia"]),
        (says(true, 4, Some(3)), ["veto_limit", "4", "5"]),
        (says(true, 5, Some(4)), ["review_limit", "4", "3"]),
        (says(true, 5, None), ["review_limit", "none", "3"]),
    ] {
        let held = less.clone().held_to(&approved);
        assert!(held.has_question(), "{line:?}");
        assert_eq!(held.catalog.review, says(true, 5, None).catalog.review);
        assert_eq!(held.review_limit, Some(3), "{line:?}");
        let lines = held.asked.lines(&held.approved);
        let said: Vec<_> = lines
            .iter()
            .map(|it| {
                [
                    Some(it.entry.as_str()),
                    it.now.as_deref(),
                    it.before.as_deref(),
                ]
            })
            .collect();
        assert_eq!(said, [line.map(Some)]);
        let held = less.clone().held_to(&held.asked);
        assert!(!held.has_question(), "{line:?}");
        assert_eq!(held.catalog.review, less.catalog.review);
        assert_eq!(held.review_limit, less.review_limit);
    }
    // More holds at once, and stays.
    for more in [
        says(true, 6, Some(3)),
        says(true, 5, Some(2)),
        says(true, 6, Some(1)),
    ] {
        let held = more.clone().held_to(&approved);
        assert!(!held.has_question());
        assert_eq!(held.catalog.review, more.catalog.review);
        assert_eq!(held.review_limit, more.review_limit);
        let held = says(true, 5, Some(3)).held_to(&held.approved);
        assert!(held.has_question());
    }
    // Where nobody reviews, the number of vetoes is no question; where there never was a limit, the first is none.
    let held = says(false, 1, None).held_to(&Powers::default());
    assert!(!held.has_question());
    let held = says(true, 1, Some(1)).held_to(&Powers::default());
    assert!(!held.has_question());
    assert_eq!(held.approved.oversight.vetoes, Some(1));
}

#[test]
fn the_names_of_the_question_cannot_be_taken_by_a_department() {
    // A department may be called like one of them.
    let mut policy = World::new().policy;
    let mut named = policy.catalog.departments[1].clone();
    named.key = PLANNER.to_owned();
    named.sandbox = Some(Sandbox::DangerFullAccess);
    policy.catalog.departments.push(named);
    policy.planner.sandbox = Sandbox::ReadOnly;
    let asked = policy.held_to(&Powers::default()).asked;
    let open = Held::of(
        &Driver::Codex,
        Sandbox::DangerFullAccess,
        Approval::OnRequest,
    );
    assert!(asked.allows(&department(PLANNER), &open));
    assert!(!asked.allows(PLANNER, &open));
}
