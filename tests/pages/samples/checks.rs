//! Sample findings of the launcher about a plan and a result.

use super::at;
use zhongshu::domain::conformance::{Conformance, JudgedFile, ScopeStatus};
use zhongshu::domain::evidence::{End, Run, Verdict};
use zhongshu::domain::plan::{PlanCheck, PlanLevel};
use zhongshu::web::views::{EvidenceView, FindingView};

pub fn conformance(say: &dyn Fn(&str) -> String) -> Conformance {
    let file = |path: &str, standing, claimed| JudgedFile {
        path: say(path),
        standing,
        claimed,
        ambiguous_with: Vec::new(),
        content: None,
    };
    Conformance::Judged {
        files: vec![
            file("tools/import.sh", ScopeStatus::Outside, false),
            file("docs/flags.md", ScopeStatus::Absent, true),
            file("docs/risks.md", ScopeStatus::InScope, true),
        ],
        omitted: 0,
        scope_named: true,
        concurrent: Vec::new(),
    }
}

pub fn evidence(say: &dyn Fn(&str) -> String) -> EvidenceView {
    EvidenceView {
        run: run(
            say,
            "git diff --check",
            "docs/risks.md:3: trailing whitespace.",
            2,
        ),
        claim: Some(say("git diff --check")),
        verdict: Verdict::Refuted,
    }
}

/// A command that ended with this code.
pub fn run(say: &dyn Fn(&str) -> String, command: &str, output: &str, code: i32) -> Run {
    Run {
        command: say(command),
        argv: Vec::new(),
        cwd: "/".into(),
        tree: None,
        tree_moved: false,
        end: End::Exited { code },
        started_at: at(12),
        duration_ms: 1200,
        output_tail: say(output),
        output_bytes: 40,
        output_sha256: "00".repeat(32),
    }
}

pub fn plan_findings(say: &dyn Fn(&str) -> String) -> Vec<FindingView> {
    let finding = |check, level, assignments: &[usize], message: &str| FindingView {
        check,
        level,
        assignments: assignments.to_vec(),
        path: Some(say("src/cli.rs")),
        message: say(message),
    };
    vec![
        finding(
            PlanCheck::HighRiskWithoutMenxia,
            PlanLevel::Error,
            &[0],
            "Cargo.toml is a high-risk path, but menxia is not selected.",
        ),
        finding(
            PlanCheck::OverlappingFiles,
            PlanLevel::Warning,
            &[0, 2],
            "src/cli.rs is named by two assignments.",
        ),
    ]
}
