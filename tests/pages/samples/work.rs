//! Sample work behind a review: a vetoed plan that a person confirmed, with two departments.

use super::checks::run;
use std::sync::Arc;
use zhongshu::domain::assignment::Order;
use zhongshu::domain::conformance::late::SecondLook;
use zhongshu::domain::conformance::{Baseline, Conformance, JudgedFile, ScopeStatus};
use zhongshu::domain::department::{Approval, Sandbox};
use zhongshu::domain::event::Event;
use zhongshu::domain::ids::{AssignmentId, ReportId, SessionId};
use zhongshu::domain::plan::{PlannedAssignment, Proposal, Source};
use zhongshu::domain::plan_review::{CheckedPoint, Judgement, Verdict};
use zhongshu::domain::result::{Findings, Revision};
use zhongshu::domain::session::{Brief, Kind, Outcome};

const PLANNER: &str = "zhongshu-0190000000007000800000000000eeee";
const DEPARTMENT: &str = "lingyubu-0190000000007000800000000000ffff";
const SHA: &str = "5ab1e";

fn session(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

fn brief(id: &str, department: &str, task: String) -> Brief {
    let is_planner = department == "zhongshu";
    Brief {
        id: session(id),
        session_kind: match is_planner {
            true => Kind::Zhongshu,
            false => Kind::Department,
        },
        department: department.to_owned(),
        title: department.to_owned(),
        task,
        files: Vec::new(),
        verify: Vec::new(),
        model: None,
        driver: "codex".into(),
        sandbox: Sandbox::WorkspaceWrite,
        approval: Approval::OnRequest,
        parent_session_id: (!is_planner).then(|| session(PLANNER)),
        assignment_id: None,
        review: None,
        resumed_from_session_id: None,
        prompt_path: "prompt".into(),
        log_path: "log".into(),
    }
}

fn order(id: &str, department: &str, task: String, verify: Vec<String>) -> Event {
    Event::AssignmentQueued {
        order: Order {
            assignment_id: AssignmentId::parse(id).unwrap(),
            parent_session_id: session(PLANNER),
            department: department.to_owned(),
            task,
            model: None,
            files: Vec::new(),
            verify,
            reason: String::new(),
            plan_version: Some(1),
            run_verify: false,
            plan_line: None,
            after: Vec::new(),
            apart_from: Vec::new(),
        },
    }
}

fn judged(path: &str, standing: ScopeStatus, claimed: bool, with: &[SessionId]) -> JudgedFile {
    JudgedFile {
        path: path.to_owned(),
        standing,
        claimed,
        ambiguous_with: with.to_vec(),
        content: Some("100644 0".to_owned()),
    }
}

/// What menxia said of a plan.
pub fn veto(say: &dyn Fn(&str) -> String) -> Verdict {
    Verdict {
        department_session_id: session("menxia-0190000000007000800000000000abcd"),
        verdict: Judgement::Veto,
        checked: vec![CheckedPoint {
            line: 1,
            point: say("nothing proves it"),
        }],
        reasons: vec![say("the second line has no checks")],
        source: Source::Tool,
        verified: true,
        mailbox_file: None,
        sha256: None,
    }
}

/// What happened before `path` was staged.
pub fn events(say: &dyn Fn(&str) -> String, path: &str) -> Vec<Event> {
    let (planner, department) = (session(PLANNER), session(DEPARTMENT));
    let report_id = ReportId::parse("report-1").unwrap();
    let assignment = AssignmentId::parse("assignment-1").unwrap();
    let task = say("Make the greeter louder.\nThen tell everybody.");
    let verify = vec![say("cargo test"), say("cargo clippy")];
    let proposal = Proposal {
        summary: say("The greeter gets louder."),
        assignments: vec![
            PlannedAssignment::new("lingyubu", task.clone()),
            PlannedAssignment {
                id: Some(say("text")),
                after: vec![say("code")],
                model: Some(say("small")),
                files: vec![say("README.md")],
                verify: vec![say("make docs")],
                selected: false,
                ..PlannedAssignment::new("zhilibu", say("docs"))
            },
        ],
    };
    let found = Conformance::Judged {
        files: vec![
            judged("Cargo.toml", ScopeStatus::Outside, false, &[]),
            judged(&say("docs/gone.md"), ScopeStatus::Absent, true, &[]),
            judged(
                path,
                ScopeStatus::InScope,
                true,
                std::slice::from_ref(&planner),
            ),
        ],
        omitted: 0,
        scope_named: true,
        concurrent: Vec::new(),
    };
    let registered = |brief| Event::SessionRegistered {
        brief,
        request: None,
    };
    vec![
        registered(brief(PLANNER, "zhongshu", say("louder"))),
        Event::ZhongshuPlanRegistered {
            written_at: None,
            session_id: planner.clone(),
            version: 1,
            plan_sha256: SHA.to_owned(),
            proposal: Arc::new(proposal),
            findings: None,
            source: Source::Tool,
        },
        Event::PlanVetoed {
            session_id: planner.clone(),
            version: 1,
            plan_sha256: SHA.to_owned(),
            verdict: veto(say),
        },
        Event::PlanReviewOverruled {
            session_id: planner,
            version: 1,
            plan_sha256: SHA.to_owned(),
            reason: say("it is urgent"),
        },
        order("assignment-1", "lingyubu", task, verify),
        order("assignment-2", "zhilibu", say("docs"), Vec::new()),
        registered(brief(DEPARTMENT, "lingyubu", say("louder"))),
        Event::AssignmentDispatched {
            assignment_id: assignment,
            session_id: department.clone(),
        },
        Event::TreeRecorded {
            session_id: department.clone(),
            baseline: Baseline::Failed {
                reason: String::new(),
            },
        },
        Event::ResultRegistered {
            report_id: report_id.clone(),
            revision: Arc::new(Revision {
                written: None,
                revision: 1,
                parent_session_id: session(PLANNER),
                department_session_id: department.clone(),
                department: "lingyubu".to_owned(),
                findings: Findings {
                    summary: say("It is louder."),
                    verifications_run: vec![say("cargo test")],
                    ..Findings::default()
                },
                source: Source::Tool,
                verified: true,
                mailbox_file: None,
                sha256: None,
                handoff_packet: "packet".into(),
            }),
        },
        Event::ResultJudged {
            report_id: report_id.clone(),
            revision: 1,
            conformance: found.clone(),
        },
        Event::SessionClosed {
            session_id: department,
            outcome: Outcome::Reported,
        },
        Event::ResultRejudged {
            report_id: report_id.clone(),
            revision: 1,
            look: SecondLook::Changed {
                files: vec![path.to_owned()],
                conformance: found,
            },
        },
        Event::VerificationRun {
            report_id,
            revision: 1,
            run: run(say, "cargo test", "test result: FAILED", 101),
        },
    ]
}
