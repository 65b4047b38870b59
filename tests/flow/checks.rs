//! What the launcher finds out itself: judgements come before the planner is told, are accepted with a reason, and
//! verify commands run in order, for the newest revision only.

use chrono::DateTime;
use zhongshu::domain::conformance::late::SecondLook;
use zhongshu::domain::conformance::{Baseline, Conformance, JudgedFile, ScopeStatus};
use zhongshu::domain::event::Event;
use zhongshu::domain::evidence::{End, Run};
use zhongshu::domain::flow::checks;
use zhongshu::domain::ids::{ReportId, SessionId};
use zhongshu::domain::message::Purpose;
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::Outcome;

use super::world::{World, by_tool, work};

fn department(world: &mut World, planner: &SessionId, verify: &[&str]) -> SessionId {
    let mut item = work("gongchengbu", "prune");
    item.verify = verify.iter().map(ToString::to_string).collect();
    world.confirm(planner, vec![item], None).unwrap();
    let id = world.dispatch().expect("a slot is free");
    world.happen(Event::TreeRecorded {
        session_id: id.clone(),
        baseline: Baseline::Recorded {
            tree: "0".repeat(64),
            head: None,
        },
    });
    id
}

fn outside(path: &str) -> Conformance {
    Conformance::Judged {
        files: vec![JudgedFile {
            path: path.to_owned(),
            standing: ScopeStatus::Outside,
            claimed: false,
            ambiguous_with: Vec::new(),
            content: None,
        }],
        omitted: 0,
        scope_named: true,
        concurrent: Vec::new(),
    }
}

fn judge(world: &mut World, report: &ReportId, revision: u32, conformance: Conformance) {
    world
        .decide(|state, policy| {
            checks::judged(state, &policy.catalog, report, revision, conformance)
        })
        .unwrap();
}

fn run(command: &str, code: i32) -> Run {
    Run {
        command: command.to_owned(),
        argv: Vec::new(),
        cwd: "/".into(),
        tree: None,
        tree_moved: false,
        end: End::Exited { code },
        started_at: DateTime::UNIX_EPOCH,
        duration_ms: 1,
        output_tail: "2 failed".to_owned(),
        output_bytes: 8,
        output_sha256: String::new(),
    }
}

fn ran(world: &mut World, report: &ReportId, revision: u32, run: Run) {
    world
        .decide(|state, policy| checks::verified(state, &policy.catalog, report, revision, run))
        .unwrap();
}

/// Both looks are over, and nothing is odd.
fn compared(world: &mut World, report: &ReportId) {
    judge(world, report, 1, outside("a"));
    look_again(world, report, 1, SecondLook::Same);
}

#[test]
fn the_planner_is_told_once_and_only_together_with_the_judgement() {
    let mut world = World::new();
    let planner = world.planner();
    let department = department(&mut world, &planner, &[]);
    let report = world.reports_by_tool(&department, "pruned");
    assert!(world.owed(&planner, Purpose::Result).is_empty());
    assert!(world.state.unjudged.contains(&report));
    judge(&mut world, &report, 1, outside("Cargo.toml"));
    // A second judgement of the same revision, after a crash say, tells nobody anything.
    judge(&mut world, &report, 1, outside("Cargo.toml"));
    let owed = world.owed(&planner, Purpose::Result);
    assert_eq!(owed.len(), 1);
    for part in [
        "pruned",
        "Cargo.toml",
        "outside_assignment",
        "accept_changes",
    ] {
        assert!(owed[0].text.contains(part), "{part}: {}", owed[0].text);
    }
    assert!(world.report_of(&department).awaits_acceptance());
    assert!(world.state.unjudged.is_empty());
}

#[test]
fn a_judgement_of_an_older_revision_counts_for_nothing() {
    let mut world = World::new();
    let planner = world.planner();
    let department = department(&mut world, &planner, &[]);
    let report = world.reports_by_tool(&department, "half");
    world.reports_by_tool(&department, "whole");
    judge(&mut world, &report, 1, outside("a"));
    assert_eq!(world.report_of(&department).conformance, None);
    judge(&mut world, &report, 2, outside("b"));
    assert_eq!(world.report_of(&department).conformance, Some(outside("b")));
    world.reports_by_tool(&department, "mended");
    assert_eq!(world.report_of(&department).conformance, None);
}

#[test]
fn a_silent_end_is_judged_as_well() {
    let mut world = World::new();
    let planner = world.planner();
    let department = department(&mut world, &planner, &["true"]);
    world.close(&department, Outcome::Silent);
    let report = world.report_of(&department).report_id.clone();
    assert!(world.owed(&planner, Purpose::Result).is_empty());
    let unknown = Conformance::Unknown {
        reason: "no repository".to_owned(),
    };
    judge(&mut world, &report, 1, unknown);
    assert_eq!(world.owed(&planner, Purpose::Result).len(), 1);
    assert!(!world.report_of(&department).awaits_acceptance());
}

#[test]
fn changes_outside_are_accepted_with_a_reason_by_the_person_or_their_planner() {
    let mut world = World::new();
    let (planner, other) = (world.planner(), world.planner());
    let department = department(&mut world, &planner, &[]);
    let report = world.reports_by_tool(&department, "pruned");
    let accept = |world: &mut World, reason: &str, only_for: Option<&SessionId>| {
        world.decide(|state, _| checks::accept(state, &report, "person", reason, only_for))
    };
    assert_eq!(
        accept(&mut world, "fine", None).unwrap_err().code,
        "nothing_to_accept"
    );
    judge(&mut world, &report, 1, outside("a"));
    assert_eq!(
        accept(&mut world, "  ", None).unwrap_err().code,
        "invalid_reason"
    );
    assert_eq!(
        accept(&mut world, "mine", Some(&other)).unwrap_err().kind,
        Kind::NotFound
    );
    accept(&mut world, "needed for the build", Some(&planner)).unwrap();
    let acceptance = world.report_of(&department).acceptance.clone().unwrap();
    assert_eq!(acceptance.reason, "needed for the build");
    assert!(!world.report_of(&department).awaits_acceptance());
    assert_eq!(
        accept(&mut world, "again", None).unwrap_err().code,
        "nothing_to_accept"
    );
    // What was accepted was that revision.
    world.reports_by_tool(&department, "more");
    assert_eq!(world.report_of(&department).acceptance, None);
}

#[test]
fn verify_commands_run_in_order_when_the_work_is_over_and_a_refuted_claim_is_told() {
    let mut world = World::new();
    world.run_verify = true;
    let planner = world.planner();
    let department = department(&mut world, &planner, &["cargo test", "cargo clippy"]);
    let mut submission = by_tool(world.submission(&department, "pruned"));
    submission.findings.verifications_run = vec!["cargo test: all pass".to_owned()];
    world.submit(submission).unwrap();
    let report = world.report_of(&department).report_id.clone();
    assert_eq!(
        checks::next_verification(&world.state),
        None,
        "it still works"
    );
    world.close(&department, Outcome::Reported);
    assert_eq!(
        checks::next_verification(&world.state),
        None,
        "what it changed is not known yet"
    );
    compared(&mut world, &report);
    let due = checks::next_verification(&world.state).unwrap();
    assert_eq!((due.command.as_str(), due.revision), ("cargo test", 1));
    ran(&mut world, &report, 1, run("cargo test", 101));
    let told = world.owed(&planner, Purpose::Result).len();
    assert_eq!(told, 1, "of the report alone");
    assert_eq!(
        checks::next_verification(&world.state).unwrap().command,
        "cargo clippy"
    );
    ran(&mut world, &report, 1, run("cargo clippy", 0));
    assert_eq!(checks::next_verification(&world.state), None);
    let owed = world.owed(&planner, Purpose::Result);
    assert_eq!(owed.len(), 2);
    assert!(owed[1].text.contains("refuted") && owed[1].text.contains("2 failed"));
    assert!(
        !owed[1].text.contains("cargo clippy"),
        "what holds is no news"
    );
    assert_eq!(world.report_of(&department).evidence.len(), 2);
    // Asked for again, everything runs again.
    world
        .decide(|state, _| checks::request_verification(state, &report))
        .unwrap();
    assert_eq!(
        checks::next_verification(&world.state).unwrap().command,
        "cargo test"
    );
}

#[test]
fn nothing_runs_without_a_persons_wish_or_without_commands() {
    let mut world = World::new();
    let planner = world.planner();
    let wanted = department(&mut world, &planner, &["cargo test"]);
    let bare = department(&mut world, &planner, &[]);
    for id in [&wanted, &bare] {
        let report = world.reports_by_tool(id, "done");
        world.close(id, Outcome::Reported);
        compared(&mut world, &report);
    }
    assert_eq!(checks::next_verification(&world.state), None);
    let of = |world: &World, id| world.report_of(id).report_id.clone();
    let (wanted, bare) = (of(&world, &wanted), of(&world, &bare));
    let ask = |world: &mut World, report: &ReportId| {
        world.decide(|state, _| checks::request_verification(state, report))
    };
    assert_eq!(
        ask(&mut world, &bare).unwrap_err().code,
        "nothing_to_verify"
    );
    ask(&mut world, &wanted).unwrap();
    let due = checks::next_verification(&world.state).unwrap();
    assert_eq!(due.report_id, wanted);
}

/// The look after a session's end: these paths changed, and lie outside.
fn went_on(files: &[&str]) -> SecondLook {
    let list = files.iter().map(ToString::to_string).collect();
    SecondLook::Changed {
        files: list,
        conformance: outside(files[0]),
    }
}

fn look_again(world: &mut World, report: &ReportId, revision: u32, look: SecondLook) {
    world
        .decide(|state, policy| checks::rejudged(state, &policy.catalog, report, revision, look))
        .unwrap();
}

#[test]
fn what_changes_after_a_report_is_found_when_its_session_ends_and_opens_the_question_again() {
    let mut world = World::new();
    let planner = world.planner();
    let department = department(&mut world, &planner, &[]);
    let report = world.reports_by_tool(&department, "pruned");
    judge(&mut world, &report, 1, outside("Cargo.toml"));
    world
        .decide(|state, _| checks::accept(state, &report, "person", "needed", None))
        .unwrap();
    look_again(&mut world, &report, 1, went_on(&["late.rs"]));
    assert!(
        world.report_of(&department).late.is_empty(),
        "it still works: nothing is looked at twice"
    );
    world.close(&department, Outcome::Reported);
    assert!(checks::needs_second_look(&world.state, &report));
    look_again(&mut world, &report, 1, went_on(&["late.rs"]));
    // A second time, after a crash say, changes nothing.
    look_again(&mut world, &report, 1, went_on(&["other.rs"]));
    let seen = world.report_of(&department);
    assert_eq!(seen.late, ["late.rs"]);
    assert_eq!(seen.conformance, Some(outside("late.rs")));
    assert!(seen.awaits_acceptance(), "what was accepted was not this");
    assert!(world.state.unsettled.is_empty());
    let owed = world.owed(&planner, Purpose::Result);
    assert_eq!(owed.len(), 2);
    assert!(owed[1].text.contains("after it had reported") && owed[1].text.contains("late.rs"));
}

#[test]
fn a_second_look_waits_for_the_first_and_one_that_finds_nothing_tells_nobody() {
    let mut world = World::new();
    world.run_verify = true;
    let planner = world.planner();
    let department = department(&mut world, &planner, &["true"]);
    let report = world.reports_by_tool(&department, "pruned");
    world.close(&department, Outcome::Reported);
    assert!(!checks::needs_second_look(&world.state, &report));
    judge(&mut world, &report, 1, outside("a"));
    assert!(checks::needs_second_look(&world.state, &report));
    assert_eq!(
        checks::next_verification(&world.state),
        None,
        "what a command writes is not the department's"
    );
    look_again(&mut world, &report, 1, SecondLook::Same);
    assert!(checks::next_verification(&world.state).is_some());
    assert_eq!(world.owed(&planner, Purpose::Result).len(), 1);
    assert_eq!(world.report_of(&department).conformance, Some(outside("a")));
}

#[test]
fn a_new_report_is_judged_from_the_start_and_an_older_look_counts_for_nothing() {
    let mut world = World::new();
    let planner = world.planner();
    let department = department(&mut world, &planner, &[]);
    let report = world.reports_by_tool(&department, "half");
    judge(&mut world, &report, 1, outside("a"));
    world.close(&department, Outcome::Reported);
    look_again(&mut world, &report, 1, went_on(&["late.rs"]));
    // A file of it that was read late, say.
    world.reports_by_tool(&department, "whole");
    let seen = world.report_of(&department);
    assert_eq!((seen.late.len(), &seen.conformance), (0, &None));
    look_again(&mut world, &report, 1, went_on(&["late.rs"]));
    assert!(world.report_of(&department).late.is_empty());
}
