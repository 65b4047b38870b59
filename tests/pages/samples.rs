//! Sample data for the tests: an empty launcher, a busy one, and one whose every text comes from an enemy.

pub mod attention;
mod checks;
mod plans;
mod powers;
mod usage;
pub mod work;

use self::checks::{conformance, evidence, plan_findings};
use self::plans::{plan, plan_file};
pub use self::powers::question;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use zhongshu::core::live::Activity;
use zhongshu::core::powers::Question;
use zhongshu::domain::ask::Ask;
use zhongshu::domain::department::{Approval, Department, Sandbox, built_in};
use zhongshu::domain::doing::{Doing, State};
use zhongshu::domain::event::Event;
use zhongshu::domain::ids::{SessionId, TerminalId};
use zhongshu::domain::language::Language;
use zhongshu::domain::plan::Source;
use zhongshu::domain::result::Findings;
use zhongshu::domain::session::Kind;
use zhongshu::web::pages::{Codex, More, TerminalItem, Work};
use zhongshu::web::views::{
    AllUsage, DoingView, FindingView, MailboxView, PlanFileView, PlanView, PlannerView,
    QueueItemView, ReportStatusView, ResultView, RuleView, SessionView, UsageView,
};

pub const PLANNER: &str = "zhongshu-01900000000070008000000000000001";

/// Owned counterpart of [`Work`].
pub struct Sample {
    pub departments: Vec<Department>,
    pub models: Vec<String>,
    pub warnings: Vec<String>,
    pub sessions: Vec<SessionView>,
    pub chosen: Option<SessionId>,
    pub plans: Vec<PlanView>,
    pub plan_files: Vec<PlanFileView>,
    pub findings: Vec<FindingView>,
    pub unread: Vec<ResultView>,
    pub more: More,
    pub read: Vec<ResultView>,
    pub queue: Vec<QueueItemView>,
    pub terminals: Vec<TerminalItem>,
    pub usage: AllUsage,
    pub trust: Option<String>,
    pub powers: Question,
    pub project: String,
    pub repo: String,
    pub codex: (String, Option<String>),
    pub read_only: Option<String>,
    pub queue_paused: bool,
    pub rules: Vec<RuleView>,
    pub asks: Vec<Ask>,
    /// What happened before.
    pub work: Vec<Event>,
}

impl Sample {
    pub fn work(&self, language: Language) -> Work<'_> {
        Work {
            language,
            seq: 42,
            project_name: &self.project,
            repo: &self.repo,
            codex: Codex {
                state: &self.codex.0,
                reason: self.codex.1.as_deref(),
            },
            powers: &self.powers,
            read_only: self.read_only.is_some(),
            waiting: &[],
            departments: &self.departments,
            model_choices: &self.models,
            sessions: &self.sessions,
            chosen: self.chosen.as_ref(),
            plans: &self.plans,
            plan_files: &self.plan_files,
            plan_files_gone: 2,
            plan_files_enough: !self.plan_files.is_empty(),
            findings: &self.findings,
            unread: &self.unread,
            read: &self.read,
            more: self.more,
            queue: &self.queue,
            run_verify: false,
            plans_are_reviewed: true,
            queue_paused: self.queue_paused,
            rules: &self.rules,
            slots_taken: 2,
            slots: 2,
            usage: &self.usage,
            terminals: &self.terminals,
        }
    }
}

pub fn at(minutes_ago: i64) -> DateTime<Utc> {
    Utc::now() - chrono::Duration::minutes(minutes_ago)
}

/// A launcher that was just started.
pub fn empty() -> Sample {
    Sample {
        departments: built_in(),
        models: Vec::new(),
        warnings: Vec::new(),
        sessions: Vec::new(),
        chosen: None,
        plans: Vec::new(),
        plan_files: Vec::new(),
        findings: Vec::new(),
        unread: Vec::new(),
        more: More::default(),
        read: Vec::new(),
        queue: Vec::new(),
        terminals: Vec::new(),
        usage: AllUsage::default(),
        trust: Some("Codex will write its sessions into ~/.codex and mark this repository as trusted in its config.toml.".into()),
        powers: question(&|text| text.to_owned()),
        project: "weather-station".into(),
        repo: "/home/mei/projects/weather-station".into(),
        codex: ("untrusted".into(), None),
        read_only: None,
        queue_paused: false,
        rules: Vec::new(),
        asks: Vec::new(),
        work: Vec::new(),
    }
}

/// A busy launcher; `say` makes each text, from what it is about.
pub fn busy(say: &dyn Fn(&str) -> String) -> Sample {
    let planner = SessionId::parse(PLANNER).unwrap();
    let mut first = session(
        PLANNER,
        "zhongshu",
        &say("Add a --quiet flag to the command line, with tests and a line in the README."),
    );
    first.activity = Activity::Idle;
    first.doing = does(State::Idle);
    let mut old = session(
        "zhongshu-01900000000070008000000000000000",
        "zhongshu",
        &say("Speed up the import of old measurements."),
    );
    old.status = "exited";
    old.ended_at = Some(at(2000));
    old.can_resume = true;
    let mut working = session(
        "gongchengbu-0190000000007000800000000000aaaa",
        "gongchengbu",
        &say("Implement the flag in the command line parser and cover it with tests."),
    );
    working.transcript_preview = say(
        "running 14 tests\ntest quiet_hides_progress ... ok\ntest quiet_keeps_errors ... ok\n• Now I update the help text.\n",
    );
    working.doing = does(State::Tool {
        tool: say("cargo test --test cli"),
        is_old: false,
    });
    working.files = vec![say("src/cli.rs"), say("tests/cli.rs")];
    working.verify = vec![say("cargo test --test cli")];
    working.model = Some(say("gpt-5.1-codex"));
    let mut stalled = session(
        "zhilibu-0190000000007000800000000000bbbb",
        "zhilibu",
        &say("Describe the flag in the README."),
    );
    stalled.heartbeat_status = "stalled";
    let (in_turn, reason) = (true, None);
    stalled.doing = does(State::Silent { in_turn, reason });
    stalled.last_activity_at = Some(at(9));
    stalled.report.as_mut().unwrap().reminders = 1;
    let mut failed = session(
        "lingyubu-0190000000007000800000000000cccc",
        "lingyubu",
        &say("Check which modules print progress."),
    );
    failed.status = "failed";
    failed.ended_at = Some(at(20));
    failed.status_reason = Some(say(
        "codex is not logged in; run `codex login` in a terminal, then resume this session",
    ));
    failed.can_resume = true;
    failed.exit_code = Some(1);
    let mut reported = session(
        "menxia-0190000000007000800000000000dddd",
        "menxia",
        &say("Review the risk of changing the default output."),
    );
    reported.status = "reported";
    reported.ended_at = Some(at(12));
    reported.report.as_mut().unwrap().report_status = "reported";

    let result = |id: &str, ask: bool, verified: bool, channel: Source, revision: u32| ResultView {
        report_id: zhongshu::domain::ids::ReportId::parse(id).unwrap(),
        parent_session_id: planner.clone(),
        department_session_id: reported.id.clone(),
        department: "menxia".into(),
        findings: Findings {
            summary: say(
                "The flag is safe. Two scripts in tools/ parse the progress lines and would break if they became quiet.",
            ),
            changed_files: vec![say("docs/risks.md")],
            verifications_run: vec![say("git diff --check")],
            verifications_skipped: vec![say("cargo test: not in this department's scope")],
            risks: vec![say("tools/import.sh parses the progress output")],
            needs_user_confirmation: ask,
            next_action: Some(say("Decide whether tools/import.sh may change as well.")),
        },
        revision,
        verified,
        mailbox_file: Some(say("result-1.json")),
        handoff_packet: "x.md".into(),
        source: "mailbox",
        channel,
        reported_at: at(12),
        read: false,
        acknowledged: false,
        conformance: Some(conformance(say)),
        acceptance: None,
        awaits_acceptance: ask,
        late: vec![say("docs/risks.md")],
        evidence: vec![evidence(say)],
    };
    let unread = vec![
        result("report-1", true, true, Source::Tool, 1),
        result("report-2", false, false, Source::Mailbox, 2),
        result("report-3", false, true, Source::LauncherFallback, 1),
    ];
    let mut seen = result("report-4", false, true, Source::Tool, 1);
    seen.read = true;
    let queue = vec![
        queued(
            say,
            "assignment-1",
            PLANNER,
            "lingyubu",
            Some((
                "waits_for_person",
                "held: a result needs your decision first",
            )),
        ),
        queued(say, "assignment-2", PLANNER, "menxia", None),
        queued(
            say,
            "assignment-3",
            old.id.as_str(),
            "zhilibu",
            Some((
                "planner_ended",
                "held: its planner ended; resume or restart the planner",
            )),
        ),
    ];
    let parts = first.planner.as_mut().unwrap();
    parts.plan_status = "pending";
    parts.plan_version = Some(2);
    parts.unread_result_count = 3;
    let mut sample = empty();
    sample.trust = None;
    sample.codex = ("ready".into(), None);
    sample.models = vec![say("gpt-5.1-codex"), say("gpt-5.1-codex-mini")];
    sample.warnings = vec![say(
        "governance.yaml, line 12: `departments.docs.glob` is unknown; did you mean `globs`? The last good version stays in force.",
    )];
    sample.sessions = vec![working, stalled, failed, reported, first, old];
    sample.chosen = Some(planner.clone());
    sample.plans = vec![
        plan(say, 3, "pending"),
        plan(say, 2, "rejected"),
        plan(say, 1, "confirmed"),
    ];
    sample.plan_files = vec![plan_file(say)];
    sample.findings = plan_findings(say);
    sample.unread = unread;
    sample.read = vec![seen];
    sample.queue = queue;
    sample.terminals = vec![TerminalItem {
        id: TerminalId::parse("browser-terminal-1").unwrap(),
        title: say("bash"),
        ended: false,
    }];
    sample.project = say("weather-station");
    sample.repo = say("/home/mei/projects/weather-station");
    usage::fill(&mut sample, say);
    sample.asks = attention::asks(say);
    sample.work = work::events(say, "src/cli.rs");
    sample
}

fn queued(
    say: &dyn Fn(&str) -> String,
    id: &str,
    parent: &str,
    department: &str,
    hold: Option<(&'static str, &str)>,
) -> QueueItemView {
    let assignment = serde_json::from_value(json!({
        "assignment_id": id, "parent_session_id": parent, "department": department,
        "task": say("Check the modules that print progress and list them for the review."),
        "queued_at": at(5), "state": {"state": "queued"},
    }));
    QueueItemView {
        assignment: assignment.unwrap(),
        position: 1,
        hold: hold.map(|(word, _)| word),
        doing: DoingView::queued(at(5), hold.map(|(_, reason)| say(reason))),
        hold_reason: hold.map(|(_, reason)| say(reason)),
        hold_for: Vec::new(),
        can_be_forced: hold.is_none(),
        title: say(department),
    }
}

/// What a session does since a while.
pub fn does(state: State) -> DoingView {
    let since = Some(at(3));
    DoingView::of(&Doing { state, since })
}

pub fn session(id: &str, department: &str, task: &str) -> SessionView {
    let is_planner = department == "zhongshu";
    SessionView {
        id: SessionId::parse(id).unwrap(),
        department: department.into(),
        role: department.into(),
        session_kind: if is_planner {
            Kind::Zhongshu
        } else {
            Kind::Department
        },
        title: department.into(),
        pid: None,
        model: None,
        driver: "codex".into(),
        sandbox: Sandbox::WorkspaceWrite,
        approval: Approval::OnRequest,
        thread_id: None,
        prompt_path: "p".into(),
        log_path: "l".into(),
        status: "running",
        status_reason: None,
        exit_code: None,
        doing: does(State::Thinking),
        activity: Activity::Working,
        started_at: at(40),
        ended_at: None,
        task: task.into(),
        files: Vec::new(),
        verify: Vec::new(),
        heartbeat_status: "active",
        idle_seconds: Some(3),
        last_activity_at: Some(at(0)),
        browser_terminal_id: None,
        browser_terminal_status: "none",
        browser_terminal_url: None,
        browser_terminal_title: None,
        browser_terminal_elsewhere: false,
        thread: Default::default(),
        mailbox: MailboxView {
            root: "r".into(),
            incoming: "i".into(),
            archive: "a".into(),
        },
        parent_session_id: (!is_planner).then(|| SessionId::parse(PLANNER).unwrap()),
        transcript_preview: String::new(),
        reviews_plan: None,
        usage: UsageView::default(),
        can_resume: false,
        planner: is_planner.then(|| PlannerView {
            unread_result_count: 0,
            child_department_ids: Vec::new(),
            child_department_count: 0,
            plan_status: "none",
            plan_version: None,
            plan_reported_at: None,
            plan_review: "not_required",
            plan_file_count: 0,
            vetoes: 0,
            resumed_from_session_id: None,
            replaced_by_session_id: None,
            rejected_files: Vec::new(),
            rejected_files_counted: 0,
            rejected_files_removed: 0,
        }),
        report: (!is_planner).then_some(ReportStatusView {
            report_status: "pending",
            reported_at: None,
            last_report_id: None,
            reminders: 0,
            auto_closed: false,
            auto_close_reason: None,
            assignment_id: None,
        }),
    }
}

/// A report; `say` makes each text.
pub fn report(say: &dyn Fn(&str) -> String) -> Value {
    let file = |path: &str, status: &str, old: Option<&str>| {
        json!({"path": say(path), "old_path": old.map(say), "status": status, "additions": 12, "deletions": 3,
            "binary": false, "departments": ["gongchengbu"], "owners": [say("@builders")], "risks": [say("dependency_manifest")]})
    };
    let mut report = json!({
        "ok": true, "id": "report-1", "digest": "5f1d".repeat(16), "generated_at": at(1), "mode": "worktree", "base": null,
        "branch": say("quiet-flag"), "head": "0123456789abcdef0123456789abcdef01234567", "ahead": 2, "behind": 0,
        "changed_files": [file("Cargo.toml", "modified", None), file("src/cli.rs", "renamed", Some("src/args.rs")), file("notes.txt", "untracked", None)],
        "departments": [{"key": "gongchengbu", "title": say("Engineering (gongchengbu)"), "files": [say("Cargo.toml"), say("src/cli.rs")], "verify": [say("cargo test")]}],
        "risks": [{"rule": say("dependency_manifest"), "level": "high", "path": say("Cargo.toml"), "line": 12,
            "message": say("A dependency manifest changed: check what is pulled in."), "how_to_silence": say("Add an allow_pattern to the rule in governance.yaml.")},
            {"rule": say("passwords"), "level": "medium", "path": say("src/args.rs"), "message": say("A password."), "how_to_silence": say("Take it out.")},
            {"rule": say("lfs_pointer"), "level": "low", "path": say("elsewhere"), "message": say("A pointer."), "how_to_silence": say("Look at it.")}],
        "silenced": [{"rule": say("build_output"), "level": "medium", "path": say("dist/x"), "line": 3, "message": say("Output."), "how_to_silence": say("Exempt.")}],
        "tree": "ab12".repeat(10), "owners": [{"owner": say("@builders"), "files": [say("Cargo.toml")]}],
        "owners_file": {"path": say("CODEOWNERS"), "notices": [{"line": 4, "message": say("no such owner")}]},
        "content_scan": {"scanned_files": 3, "skipped_files": [{"path": say("huge.txt"), "reason": "too_large"}]},
        "uncategorised": [say("notes.txt")], "verify_commands": [say("cargo test"), say("git diff --check")],
        "decision": "REVIEW", "decision_reasons": [say("1 finding of level high")],
        "counts": {"files": 3, "additions": 36, "deletions": 9, "risks_high": 1, "risks_medium": 1, "risks_low": 1, "risks_left_out": 7, "risks_silenced": 1},
        "preflight": {"decision": "REVIEW", "checks": {"portability_reference_scan": {"decision": "REVIEW", "scope": "docs", "scanned_files": [say("README.md")],
            "violations": [{"path": say("README.md"), "line": 3, "column": 1, "reference": say("/home/mei/data"), "kind": "home_directory", "classification": "violation", "excerpt": say("Put the files into /home/mei/data first.")}],
            "exceptions": [{"path": say("README.md"), "line": 9, "column": 1, "reference": say("/tmp/x"), "kind": "temporary_directory", "classification": "code_block", "excerpt": say("cd /tmp/x")}]}}}
    });
    report["notices"] = json!([say("So much is changed that copies were left out")]);
    report
}

/// A report of a clean working tree.
pub fn clean_report() -> Value {
    let mut report = report(&|text| text.to_owned());
    for list in [
        "changed_files",
        "departments",
        "risks",
        "uncategorised",
        "verify_commands",
        "decision_reasons",
        "notices",
        "silenced",
        "owners",
    ] {
        report[list] = json!([]);
    }
    report["tree"] = Value::Null;
    report["owners_file"] = Value::Null;
    report["content_scan"] = json!({});
    report["decision"] = json!("PASS");
    report["counts"] = json!({});
    report["preflight"]["decision"] = json!("PASS");
    report["preflight"]["checks"]["portability_reference_scan"]["violations"] = json!([]);
    report["preflight"]["checks"]["portability_reference_scan"]["exceptions"] = json!([]);
    report
}
