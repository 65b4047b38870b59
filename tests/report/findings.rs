//! Departments, risks, decisions, and the assignments that are proposed from them.

use zhongshu::domain::language::Language;
use zhongshu::domain::report::{Decision, FailOn, Report};
use zhongshu::domain::rules::RiskLevel;
use zhongshu::governance::Governance;
use zhongshu::governance::assignments::{ProposalRequest, propose};

use crate::sandbox::Sandbox;

/// The exit codes for `--fail-on` low, medium, high and never.
fn exits(report: &Report) -> [u8; 4] {
    [
        FailOn::Level(RiskLevel::Low),
        FailOn::Level(RiskLevel::Medium),
        FailOn::Level(RiskLevel::High),
        FailOn::Never,
    ]
    .map(|fail_on| report.exit_code(fail_on))
}

#[test]
fn departments_risks_and_verify_commands() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    sandbox.write("docs/guide.md", "Guide 2\n");
    sandbox.write("config.env.py", "x\n");
    sandbox.write("myoutput/x", "x\n");
    sandbox.write("output/x", "x\n");
    sandbox.write("deploy/.env", "KEY=1\n");
    let report = sandbox.worktree();
    let keys: Vec<&str> = report
        .departments
        .iter()
        .map(|share| share.key.as_str())
        .collect();
    assert_eq!(keys, ["zhilibu", "lingyubu"]);
    assert_eq!(report.departments[1].files, ["src/a.rs"]);
    assert_eq!(
        report.uncategorised,
        ["config.env.py", "deploy/.env", "myoutput/x", "output/x"]
    );
    let found: Vec<(&str, &str)> = report
        .risks
        .iter()
        .map(|r| (r.rule.as_str(), r.path.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("secret_files", "deploy/.env"),
            ("build_output", "output/x")
        ]
    );
    assert!(report.risks[0].how_to_silence.contains("allow_pattern"));
    assert_eq!(report.verify_commands, ["git diff --check"]);
    assert_eq!(report.decision, Decision::Review);
    assert_eq!(exits(&report), [1, 1, 1, 0]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!(
        json["preflight"]["checks"]["portability_reference_scan"]["decision"],
        "PASS"
    );
    for key in [
        "id",
        "digest",
        "generated_at",
        "mode",
        "base",
        "branch",
        "head",
        "ahead",
        "behind",
        "changed_files",
        "departments",
        "risks",
        "uncategorised",
        "verify_commands",
        "decision",
        "counts",
        "preflight",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

#[test]
fn a_quiet_change_passes() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let report = sandbox.worktree();
    assert_eq!(
        (report.decision, exits(&report)),
        (Decision::Pass, [0, 0, 0, 0])
    );
    assert_eq!(report.decision_reasons, Vec::<String>::new());
}

#[test]
fn a_conflict_needs_review() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("src/a.rs", "side\n");
    sandbox.commit_all();
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("src/a.rs", "main\n");
    sandbox.commit_all();
    assert!(!sandbox.try_git(&["merge", "-q", "side"]).0);
    for report in [sandbox.worktree(), sandbox.staged()] {
        assert_eq!(report.risks[0].rule, "merge_conflict");
        assert_eq!(
            (report.decision, report.counts.conflicted),
            (Decision::Review, 1)
        );
    }
}

#[test]
fn assignments_are_proposed_for_the_departments_that_are_hit() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    sandbox.write("docs/guide.md", "x\n");
    let request = ProposalRequest {
        task: "do it",
        department_model: None,
        language: Language::En,
    };
    let governance = Governance::default();
    let keys = |report: &Report| -> Vec<String> {
        propose(report, &governance, request)
            .into_iter()
            .map(|p| p.department)
            .collect()
    };
    assert_eq!(keys(&sandbox.worktree()), ["zhilibu", "lingyubu"]);
    sandbox.write("Cargo.lock", "x\n");
    let report = sandbox.worktree();
    assert_eq!(
        keys(&report),
        ["menxia", "zhilibu", "gongchengbu", "lingyubu"]
    );
    let proposals = propose(&report, &governance, request);
    assert_eq!(proposals[0].files, ["Cargo.lock"]);
    assert_eq!(
        (proposals[3].task.as_str(), proposals[3].selected),
        ("do it", true)
    );
    assert_eq!(proposals[3].files, ["src/a.rs"]);
    assert_eq!(
        (proposals[3].model.clone(), proposals[3].verify.len()),
        (None, 1)
    );
    assert!(
        proposals
            .iter()
            .all(|p| !p.reason.is_empty() && !p.model_reason.is_empty())
    );
    let named = ProposalRequest {
        department_model: Some("gpt-small"),
        ..request
    };
    assert_eq!(
        propose(&report, &governance, named)[0].model.as_deref(),
        Some("gpt-small")
    );
}
