//! Reports: who may report for whom, revisions, fallbacks, and that the planner is told.

use std::path::Path;

use zhongshu::domain::event::Event;
use zhongshu::domain::flow::inbox;
use zhongshu::domain::flow::results::{Submission, Taken};
use zhongshu::domain::handoff::Packet;
use zhongshu::domain::ids::{ReportId, SessionId};
use zhongshu::domain::message::Purpose;
use zhongshu::domain::plan::Source;
use zhongshu::domain::refusal::Kind;
use zhongshu::domain::session::Outcome;

use super::world::{World, by_tool};

#[test]
fn a_report_is_registered_and_its_planner_is_told() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "the trees are cut");
    let report = world.report_of(&department);
    let current = report.current();
    assert_eq!(
        (current.revision, current.source, current.verified),
        (1, Source::Tool, true)
    );
    assert_eq!(current.parent_session_id, planner);
    assert_eq!(
        current.mailbox_file,
        Some(format!("result-{department}.json"))
    );
    let packet = format!(".tmp/codex_governance_mailbox/{planner}/archive/handoff-{department}.md");
    assert_eq!(current.handoff_packet, Path::new(&packet));
    let owed = world.owed(&planner, Purpose::Result);
    assert_eq!(owed.len(), 1);
    assert!(owed[0].text.contains("the trees are cut"));
    assert!(owed[0].text.contains(report.report_id.as_str()));
}

#[test]
fn a_second_report_becomes_a_revision() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let first = world.reports_by_tool(&department, "half done");
    world
        .decide(|state, _| inbox::read(state, &planner))
        .unwrap();
    let second = world.reports_by_tool(&department, "done");
    assert_eq!(first, second);
    let report = world.report_of(&department);
    let said: Vec<_> = report
        .revisions
        .iter()
        .map(|(_, it)| it.findings.summary.as_str())
        .collect();
    assert_eq!(said, ["half done", "done"]);
    assert_eq!(report.current().revision, 2);
    assert!(!report.read, "a new revision is unread");
    assert_eq!(world.owed(&planner, Purpose::Result).len(), 2);
    let names: Vec<_> = world
        .events()
        .filter_map(|event| match event {
            Event::ResultRegistered { .. } => Some("registered"),
            Event::ResultUpdated { .. } => Some("updated"),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["registered", "updated"]);
}

#[test]
fn the_same_bytes_count_once() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let submission = world.submission(&department, "done");
    world.submit(submission.clone()).unwrap();
    assert_eq!(world.submit(submission.clone()).unwrap(), Taken::Already);
    assert_eq!(world.report_of(&department).revisions.len(), 1);
    let other = world.department(&planner);
    let same_bytes = Submission {
        sha256: submission.sha256,
        ..world.submission(&other, "done")
    };
    assert!(
        matches!(world.submit(same_bytes).unwrap(), Taken::Registered { .. }),
        "of another session"
    );
}

#[test]
fn a_file_cannot_report_for_another_session() {
    let mut world = World::new();
    world.policy.slots = 4;
    let (planner, stranger) = (world.planner(), world.planner());
    let (victim, writer) = (world.department(&planner), world.department(&planner));
    let honest = world.submission(&victim, "forged");
    let nobody = SessionId::parse("gongchengbu-none").unwrap();
    let forgeries = [
        Submission {
            mailbox_of: stranger.clone(),
            ..honest.clone()
        },
        Submission {
            parent_session_id: stranger.clone(),
            ..honest.clone()
        },
        Submission {
            department: "menxia".to_owned(),
            ..honest.clone()
        },
        Submission {
            department_session_id: nobody,
            ..honest.clone()
        },
        Submission {
            department_session_id: planner.clone(),
            ..honest.clone()
        },
        Submission {
            written_by: Some(writer.clone()),
            ..honest.clone()
        },
        Submission {
            written_by: Some(planner.clone()),
            ..honest.clone()
        },
    ];
    for forgery in forgeries {
        let shown = format!("{forgery:?}");
        let refusal = world.submit(forgery).unwrap_err();
        assert_eq!(
            (refusal.kind, refusal.code),
            (Kind::Forbidden, "not_yours"),
            "{shown}"
        );
    }
    assert!(world.state.reports.is_empty());
    assert!(world.session(&victim).is_live());
    world.submit(honest).unwrap();
    assert!(
        !world.report_of(&victim).current().verified,
        "the right names alone prove nothing"
    );
    assert!(world.session(&victim).is_live(), "and end nobody");
}

#[test]
fn a_file_cannot_replace_what_the_sessions_own_tool_said() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "it failed");
    let refusal = world
        .submit(world.submission(&department, "all is well"))
        .unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.code),
        (Kind::Conflict, "already_reported")
    );
    assert_eq!(
        world.report_of(&department).current().findings.summary,
        "it failed"
    );
}

#[test]
fn the_sessions_own_tool_replaces_what_a_file_said() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world
        .submit(world.submission(&department, "all is well"))
        .unwrap();
    world.reports_by_tool(&department, "it failed");
    let current = world.report_of(&department).current();
    assert_eq!((current.revision, current.verified), (2, true));
}

#[test]
fn a_session_that_ends_without_a_word_gets_a_fallback() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.close(
        &department,
        Outcome::Exited {
            code: Some(7),
            signal: None,
        },
    );
    let report = world.report_of(&department);
    assert!(report.is_fallback());
    assert!(report.current().findings.summary.contains("exit code 7"));
    assert_eq!(world.owed(&planner, Purpose::Result).len(), 1);
    world.close(&department, Outcome::Stopped);
    assert_eq!(
        world.report_of(&department).revisions.len(),
        1,
        "an end is recorded once"
    );
}

#[test]
fn a_fallback_is_replaced_by_the_real_report() {
    for verified in [true, false] {
        let mut world = World::new();
        let planner = world.planner();
        let department = world.department(&planner);
        world.close(
            &department,
            Outcome::Exited {
                code: Some(0),
                signal: None,
            },
        );
        let fallback = world.report_of(&department).clone();
        let mut late = world.submission(&department, "done, only slow");
        if verified {
            late = by_tool(late);
        }
        let taken = world.submit(late).unwrap();
        let expected = Taken::Registered {
            report_id: fallback.report_id.clone(),
            revision: 2,
        };
        assert_eq!(taken, expected, "verified: {verified}");
        let report = world.report_of(&department);
        assert!(!report.is_fallback());
        let current = report.current();
        assert_eq!(
            current.handoff_packet,
            fallback.current().handoff_packet,
            "the same page is written again"
        );
        let page = page_of(&world, &report.report_id);
        assert!(
            page.contains("done, only slow") && page.contains("task 0"),
            "{page}"
        );
        assert!(!page.contains("launcher_fallback"), "{page}");
        assert_eq!(world.owed(&planner, Purpose::Result).len(), 2);
    }
}

#[test]
fn a_session_that_reported_gets_no_fallback() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "done");
    world.close(&department, Outcome::Reported);
    assert!(!world.report_of(&department).is_fallback());
    assert_eq!(world.state.reports.len(), 1);
}

#[test]
fn a_planner_gets_no_fallback() {
    let mut world = World::new();
    let planner = world.planner();
    world.close(
        &planner,
        Outcome::Exited {
            code: Some(0),
            signal: None,
        },
    );
    assert!(world.state.reports.is_empty());
}

#[test]
fn every_handoff_names_the_real_task() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.close(&department, Outcome::Silent);
    let report = world.report_of(&department);
    let page = page_of(&world, &report.report_id);
    let objective = page
        .split("## Objective")
        .nth(1)
        .unwrap()
        .split("## ")
        .next()
        .unwrap();
    assert!(objective.contains("task 0"), "{page}");
    assert!(page.contains("- source: launcher_fallback"), "{page}");
}

#[test]
fn reading_the_inbox_marks_what_was_unread_and_says_what_it_was() {
    let mut world = World::new();
    let (planner, other) = (world.planner(), world.planner());
    let department = world.department(&planner);
    let report = world.reports_by_tool(&department, "done");
    assert_eq!(
        world.decide(|state, _| inbox::read(state, &other)).unwrap(),
        []
    );
    assert_eq!(
        world
            .decide(|state, _| inbox::read(state, &planner))
            .unwrap(),
        [report]
    );
    assert_eq!(
        world
            .decide(|state, _| inbox::read(state, &planner))
            .unwrap(),
        []
    );
    assert!(
        world.batches.last().unwrap().is_empty(),
        "reading nothing is no event"
    );
    assert!(
        world
            .decide(|state, _| inbox::read(state, &department))
            .is_err()
    );
}

#[test]
fn a_result_is_acknowledged_once() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    let report = world.reports_by_tool(&department, "done");
    let unknown = ReportId::fresh("report");
    let refusal = world
        .decide(|state, _| inbox::acknowledge(state, &unknown))
        .unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.code),
        (Kind::NotFound, "unknown_report")
    );
    world
        .decide(|state, _| inbox::acknowledge(state, &report))
        .unwrap();
    assert!(world.report_of(&department).acknowledged && world.report_of(&department).read);
    world
        .decide(|state, _| inbox::acknowledge(state, &report))
        .unwrap();
    assert!(world.batches.last().unwrap().is_empty());
}

fn page_of(world: &World, id: &ReportId) -> String {
    Packet::of(&world.state, id).unwrap().render()
}

#[test]
fn so_many_reports_from_nobody_known_are_revisions_until_somebody_acts() {
    let mut world = World::new();
    let planner = world.planner();
    let id = world.department(&planner);
    let mut number = 0;
    let mut flood = |world: &mut World| {
        let mut taken = 0;
        loop {
            number += 1;
            world.now += chrono::TimeDelta::milliseconds(1);
            let submission = world.submission(&id, &format!("report {number}"));
            match world.submit(submission) {
                Ok(_) => taken += 1,
                Err(refusal) => {
                    assert_eq!(refusal.code, "too_many_revisions");
                    return taken;
                }
            }
            assert!(taken <= 100, "there is no end to it");
        }
    };
    assert_eq!(flood(&mut world), 20);
    assert_eq!(flood(&mut world), 0);
    let report_id = world.report_of(&id).report_id.clone();
    world
        .decide(|state, _| inbox::acknowledge(state, &report_id))
        .unwrap();
    assert_eq!(flood(&mut world), 20);
    world.happen(Event::SessionResumed {
        session_id: id.clone(),
    });
    assert_eq!(flood(&mut world), 20);
    // The session's own word comes in as ever.
    world.reports_by_tool(&id, "mine");
    assert!(world.report_of(&id).current().verified);
}
