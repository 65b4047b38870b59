//! Sample plans, each decided as its status says.

use super::{at, plan_findings, work};
use zhongshu::domain::plan::{PlannedAssignment, Source};
use zhongshu::web::views::{ConfirmedView, PlanFileView, PlanView, ReviewView};

/// One version of a vetoed plan.
pub(super) fn plan(say: &dyn Fn(&str) -> String, version: u32, status: &'static str) -> PlanView {
    PlanView {
        version,
        plan_sha256: format!("{version:064}"),
        status,
        reason: (status == "rejected").then(|| say("Please leave the default output as it is.")),
        reported_at: at(30 - i64::from(version)),
        source: Source::Tool,
        verified: true,
        taken: false,
        summary: say("One flag, two departments, one review. The default output stays as it is."),
        assignments: vec![
            planned(
                say,
                "gongchengbu",
                "Implement the flag in the command line parser and cover it with tests.",
                true,
            ),
            planned(say, "zhilibu", "Describe the flag in the README.", true),
            planned(
                say,
                "menxia",
                "Review the risk of changing the default output.",
                false,
            ),
        ],
        findings: None,
        confirmed: (status == "confirmed").then(|| ConfirmedView {
            at: at(29 - i64::from(version)),
            edited: true,
            assignments: vec![planned(
                say,
                "zhilibu",
                "Describe the flag in the README.",
                true,
            )],
            findings: None,
            overlap_allowed: true,
        }),
        review: ReviewView {
            state: "vetoed",
            reason: Some(say("so it stands")),
            session_id: None,
            verdict: Some(work::veto(say)),
            outcome: None,
            override_reason: None,
        },
    }
}

/// A file beside the plan.
pub(super) fn plan_file(say: &dyn Fn(&str) -> String) -> PlanFileView {
    PlanFileView {
        plan_sha256: "f".repeat(64),
        file: say("plan-9.json"),
        found_at: at(3),
        written_at: at(3),
        why: "planner_has_tool",
        reason: say("the planner reports its plans with its tool"),
        summary: say("Publish the keys."),
        assignments: vec![planned(say, "gongchengbu", "Publish the keys.", true)],
        findings: plan_findings(say),
    }
}

fn planned(
    say: &dyn Fn(&str) -> String,
    department: &str,
    task: &str,
    selected: bool,
) -> PlannedAssignment {
    PlannedAssignment {
        id: None,
        after: Vec::new(),
        department: department.into(),
        task: say(task),
        model: Some(say("gpt-5.1-codex")),
        files: vec![say("src/cli.rs"), say("tests/cli.rs")],
        verify: vec![say("cargo test --test cli")],
        reason: say("The parser is the only place that knows the flags."),
        model_reason: say("small change"),
        selected,
    }
}
