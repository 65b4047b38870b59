//! Path patterns, risk rules, `governance.yaml` and the checks of a plan, by their documented meaning.
#![allow(clippy::unwrap_used)]

use zhongshu::domain::department::{Approval, Sandbox};
use zhongshu::domain::language::Language;
use zhongshu::domain::plan::{
    PlanCheck, PlanChecker as _, PlanFinding, PlanLevel, PlannedAssignment,
};
use zhongshu::domain::plan_review::ReviewRule;
use zhongshu::domain::rules::{PathPattern, PatternError, PatternSet, RiskLevel};
use zhongshu::governance::{Governance, GovernanceError};

fn hits(pattern: &str, path: &str) -> bool {
    PatternSet::parse(&[pattern])
        .unwrap()
        .is_match(path.as_bytes())
}

fn assert_rows(pattern: &str, yes: &[&str], no: &[&str]) {
    for path in yes {
        assert!(hits(pattern, path), "{pattern} should cover {path}");
    }
    for path in no {
        assert!(!hits(pattern, path), "{pattern} should not cover {path}");
    }
}

#[test]
fn readme_at_root_matches() {
    assert_rows(
        "**/README.md",
        &["README.md", "a/README.md", "a/b/README.md"],
        &["README.md.bak", "myREADME.md", "readme.md"],
    );
}

#[test]
fn readme_md_bak_is_not_readme_md() {
    assert_rows(
        "README.md",
        &["README.md", "docs/README.md"],
        &["README.md.bak"],
    );
}

#[test]
fn tests_folder_at_root_matches() {
    assert_rows(
        "**/tests/**",
        &["tests/x", "a/tests/b/c"],
        &["tests", "mytests/x"],
    );
}

#[test]
fn star_py_holds_at_any_depth_and_slash_x_py_at_the_root() {
    assert_rows("*.py", &["x.py", "a/b/x.py"], &["x.pyc", "py"]);
    assert_rows("/x.py", &["x.py"], &["a/x.py"]);
}

#[test]
fn docs_at_the_root_is_not_deep_docs() {
    assert_rows(
        "docs/**",
        &["docs/a", "docs/a/b"],
        &["deep/docs/a", "docs", "docs2/a"],
    );
    assert_rows("/docs/", &["docs/a"], &["deep/docs/a"]);
}

#[test]
fn myoutput_is_not_build_output() {
    assert_rows(
        "output/",
        &["output/x", "a/output/x/y"],
        &["myoutput/x", "output", "outputs/x"],
    );
    assert_rows("output/", &["output/"], &[]);
}

#[test]
fn config_env_py_is_not_a_secret() {
    assert_rows(
        ".env",
        &[".env", "a/.env"],
        &["config.env.py", "config.env", ".environment"],
    );
    let governance = Governance::default();
    let names = |path: &str| -> Vec<String> {
        governance
            .rulebook()
            .risks_of(path.as_bytes())
            .into_iter()
            .map(|rule| governance.risk_rules[rule].name.clone())
            .collect()
    };
    assert_eq!(names("config.env.py"), Vec::<String>::new());
    assert_eq!(names("deploy/.env"), ["secret_files"]);
    assert_eq!(names(".env.production"), ["secret_files"]);
    assert_eq!(names(".env.example"), Vec::<String>::new());
    assert_eq!(names("myoutput/x"), Vec::<String>::new());
    assert_eq!(names("a/output/x"), ["build_output"]);
}

#[test]
fn wildcards_stay_within_one_name() {
    assert_rows(
        "tools/*/README.md",
        &["tools/a/README.md"],
        &["tools/a/b/README.md", "x/tools/a/README.md"],
    );
    assert_rows(
        "a/**/b",
        &["a/b", "a/x/b", "a/x/y/b", "a/b/c"],
        &["b", "x/a/b"],
    );
    assert_rows(
        "file[0-9].{rs,toml}",
        &["file1.rs", "d/file2.toml"],
        &["file10.rs", "filex.rs"],
    );
    assert_rows("\\!odd", &["!odd"], &["odd"]);
    assert_rows("sp ace.txt", &["sp ace.txt"], &["sp"]);
    assert_rows("文档/", &["文档/说明.md"], &["文档"]);
}

#[test]
fn patterns_work_on_bytes_that_are_no_utf8() {
    assert!(
        PatternSet::parse(&["*.md"])
            .unwrap()
            .is_match(b"caf\xe9.md")
    );
}

#[test]
fn unusable_patterns_are_refused() {
    let error = |text: &str| PathPattern::parse(text).unwrap_err();
    assert_eq!(error(""), PatternError::Empty);
    assert_eq!(error("/"), PatternError::Empty);
    assert_eq!(error("!x"), PatternError::Negated);
    assert_eq!(error("a/../b"), PatternError::Parent);
    assert_eq!(error("a\nb"), PatternError::Control);
    assert!(matches!(error("a[b"), PatternError::Glob(_)));
    assert_eq!(error(&"x".repeat(600)), PatternError::TooLong);
}

#[test]
fn agents_own_rules_are_high() {
    let governance = Governance::default();
    for path in [
        "AGENTS.md",
        "sub/AGENTS.md",
        ".codex/config.toml",
        "hooks/pre-commit",
        ".husky/pre-commit",
        "governance.yaml",
    ] {
        let level = governance
            .rulebook()
            .risks_of(path.as_bytes())
            .into_iter()
            .map(|rule| governance.risk_rules[rule].level)
            .max();
        assert_eq!(level, Some(RiskLevel::High), "{path}");
    }
}

const FULL: &str = r#"version: 1
name: example
provinces:
  menxia: {title: 门下省, duty: {zh: 复核, en: review}}
departments:
  lingyubu:
    title: {zh: 领域部, en: Core}
    globs: [/core/, "*.proto"]
    verify:
      - cargo test
  data_team:
    title: Data
    duty: data sets
    globs: /data/
    verify: make data
    model: gpt-small
    driver: other
    sandbox: read-only
    approval: untrusted
risk_rules:
  - name: build_output
    allow_pattern: /dist/keep/
  - name: vendor_sdk
    level: high
    pattern: /vendor/sdk/
    allow_pattern: /vendor/sdk/demo/
    message: 说明原因
preflight:
  surfaces: [/AGENTS.md, /guide/]
  allow_references: [/home/runner]
language: zh
models: [gpt-large, gpt-small]
zhongshu_model: gpt-large
department_model: gpt-small
max_departments: 3
department_stale_seconds: 120
max_terminals: 6
plan_review: menxia
veto_limit: 2
review_limit: 12
reminder_grace_seconds: 30
driver: other
planner: {driver: codex, sandbox: workspace-write, approval: on-request, model: gpt-large}
drivers:
  other:
    command: [agent, --prompt, "{prompt_file}", --json, '{"a": 1}', "{repo}"]
tuis_started_with_session: 2
workflow_doc: docs/WORKFLOW.md
project_name: Example
"#;

#[test]
fn a_full_file_is_read() {
    let governance = Governance::parse(FULL).unwrap();
    let keys: Vec<&str> = governance
        .departments
        .iter()
        .map(|d| d.key.as_str())
        .collect();
    assert_eq!(
        keys,
        ["menxia", "zhilibu", "gongchengbu", "lingyubu", "data_team"]
    );
    let core = governance.department("lingyubu").unwrap();
    assert_eq!(core.title.get(Language::En), "Core");
    assert_eq!(
        core.duty.get(Language::Zh),
        "领域代码、模型与数据、集成联调"
    );
    assert_eq!(core.globs, ["/core/", "*.proto"]);
    let data = governance.department("data_team").unwrap();
    assert_eq!(data.title.get(Language::Zh), "Data");
    assert_eq!(data.verify, ["make data"]);
    assert_eq!(data.sandbox, Some(Sandbox::ReadOnly));
    assert_eq!(data.approval, Some(Approval::Untrusted));
    assert_eq!(data.driver.as_deref(), Some("other"));
    let settings = &governance.settings;
    assert_eq!(settings.language, Some(Language::Zh));
    assert_eq!(settings.models, ["gpt-large", "gpt-small"]);
    assert_eq!(settings.max_departments, Some(3));
    assert_eq!(settings.reminder_grace_seconds, 30);
    assert_eq!(settings.tuis_started_with_session, 2);
    assert_eq!(settings.drivers["other"].command[4], r#"{"a": 1}"#);
    assert_eq!(settings.planner.sandbox, Some(Sandbox::WorkspaceWrite));
    assert_eq!(settings.workflow_doc.as_deref(), Some("docs/WORKFLOW.md"));
    let rules = |path: &[u8]| governance.rulebook().risks_of(path).len();
    assert_eq!(rules(b"dist/keep/x.js"), 0);
    assert_eq!(rules(b"dist/x.js"), 1);
    assert_eq!(rules(b"vendor/sdk/a"), 1);
    assert_eq!(rules(b"vendor/sdk/demo/a"), 0);
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "# nothing yet\n", "---\n"] {
        let governance = Governance::parse(text).unwrap();
        assert_eq!(governance.digest(), Governance::default().digest());
        assert_eq!(governance.settings, Governance::default().settings);
    }
}

#[test]
fn titles_and_settings_do_not_change_the_digest_and_rules_do() {
    let digest = |text: &str| Governance::parse(text).unwrap().digest().to_owned();
    let plain = digest("");
    assert_eq!(digest("language: zh\nmax_departments: 3\n"), plain);
    assert_ne!(
        digest("departments:\n  lingyubu:\n    globs: [/core/]\n"),
        plain
    );
    assert_ne!(
        digest("risk_rules:\n  - {name: build_output, level: low}\n"),
        plain
    );
}

/// Each mistake: the text, the line it must be reported at, and words that the sentence must hold.
const MISTAKES: &[(&str, u64, &[&str])] = &[
    (
        "language: zh\ndepartmints: {}\n",
        2,
        &["unknown key \"departmints\"", "departments"],
    ),
    (
        "departments:\n  menxia:\n    glob: [x]\n",
        3,
        &["unknown key \"glob\"", "globs"],
    ),
    (
        "departments:\n  Menxia: {}\n",
        2,
        &["\"Menxia\"", "lower-case"],
    ),
    ("departments:\n  zhongshu: {}\n", 2, &["planner"]),
    (
        "departments:\n  a:\n    globs:\n      - /ok/\n      - '!no'\n",
        5,
        &["\"!no\"", "allow_pattern"],
    ),
    ("departments:\n  a:\n    globs: 'x[y'\n", 3, &["\"x[y\""]),
    ("departments:\n  a: {}\n  a: {}\n", 3, &["\"a\"", "twice"]),
    (
        "departments:\n  a:\n    sandbox: none\n",
        3,
        &["\"none\"", "read-only", "workspace-write"],
    ),
    (
        "departments:\n  a:\n    driver: claude\n",
        3,
        &["\"claude\"", "codex"],
    ),
    (
        "departments:\n  a:\n    title: {zh: x}\n",
        3,
        &["\"en\"", "missing"],
    ),
    ("departments: [a, b]\n", 1, &["mapping"]),
    ("\n\nlanguage: fr\n", 3, &["\"fr\"", "zh", "en"]),
    (
        "max_departments: 0\n",
        1,
        &["max_departments", "between 1 and 64"],
    ),
    ("max_departments: many\n", 1, &[]),
    ("reminder_grace_seconds: 999999\n", 1, &["86400"]),
    (
        "risk_rules:\n  - name: x\n    level: fatal\n",
        3,
        &["\"fatal\"", "high"],
    ),
    (
        "risk_rules:\n  - name: x\n    level: low\n",
        2,
        &["lacks pattern"],
    ),
    ("risk_rules:\n  - level: low\n", 2, &["\"name\""]),
    (
        "risk_rules:\n  - name: agent_rules\n    level: low\n",
        2,
        &["agent_rules", "cannot be changed"],
    ),
    ("drivers:\n  codex:\n    command: [x]\n", 2, &["built in"]),
    ("drivers:\n  a:\n    command: []\n", 3, &["program"]),
    (
        "drivers:\n  a:\n    command: [x, '{prompt}']\n",
        3,
        &["{prompt}", "{prompt_file}"],
    ),
    ("workflow_doc: ../x.md\n", 1, &["inside the repository"]),
    ("zhongshu_model: --bad\n", 1, &["model"]),
    ("version: 2\n", 1, &["version must be 1"]),
    ("name: x\nmodels: [\n", 2, &["bracket"]),
    ("departments:\n\tx: 1\n", 2, &[]),
];

#[test]
fn mistakes_are_reported_with_their_line() {
    for (text, line, words) in MISTAKES {
        let error = match Governance::parse(text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => error,
        };
        let sentence = error.to_string();
        assert_eq!(error.line(), Some(*line), "{text}\n{sentence}");
        for word in *words {
            assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
        }
        assert!(!sentence.contains('\n'), "more than one line: {sentence:?}");
    }
}

#[test]
fn loading_refuses_what_is_no_ordinary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("governance.yaml");
    assert!(Governance::load(folder.path()).is_ok());
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    let error = Governance::load(folder.path()).unwrap_err();
    assert!(
        matches!(error, GovernanceError::NotUsable { .. }),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"language: zh\n\xff\n").unwrap();
    let error = Governance::load(folder.path()).unwrap_err();
    assert_eq!(error.line(), Some(2), "{error}");
    std::fs::write(&path, "#".repeat(300 << 10)).unwrap();
    let error = Governance::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("256 KiB"), "{error}");
}

#[test]
fn our_own_governance_file_is_valid() {
    let governance = Governance::load(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    for path in [
        "src/lib.rs",
        "tools/test",
        "docs/governance.md",
        "tests/rules.rs",
        "Cargo.toml",
    ] {
        assert!(
            !governance
                .rulebook()
                .departments_of(path.as_bytes())
                .is_empty(),
            "nobody owns {path}"
        );
    }
}

#[test]
fn the_example_in_the_documentation_is_valid() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/governance.md"))
        .unwrap();
    let example = page
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let governance = Governance::parse(example).unwrap();
    assert!(governance.departments.len() > 4);
}

#[test]
fn reviews_are_off_unless_the_file_says_otherwise() {
    let review = |text: &str| Governance::parse(text).unwrap().settings.review;
    assert_eq!(review("version: 1\n"), ReviewRule::OFF);
    assert_eq!(review("plan_review: off\n"), ReviewRule::OFF);
    assert!(review("plan_review: menxia\n").required);
    let settings = Governance::parse(FULL).unwrap().settings;
    let wanted = ReviewRule {
        required: true,
        veto_limit: 2,
    };
    assert_eq!((settings.review, settings.review_limit), (wanted, Some(12)));
    for (text, part) in [
        ("plan_review: maybe", "use one of off, menxia"),
        ("veto_limit: 0", "veto_limit must be between 1 and 64"),
        ("review_limit: 0", "review_limit must be between 1 and 1000"),
    ] {
        let error = Governance::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// (department, task, files, verify) of one assignment.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);

fn line(row: &Row<'_>) -> PlannedAssignment {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    PlannedAssignment {
        id: None,
        after: Vec::new(),
        department: row.0.to_owned(),
        task: row.1.to_owned(),
        model: None,
        files: own(row.2),
        verify: own(row.3),
        reason: String::new(),
        model_reason: String::new(),
        selected: true,
    }
}

fn checked(lines: &[PlannedAssignment]) -> Vec<PlanFinding> {
    let models = ["large".to_owned(), "small".to_owned()];
    Governance::default().check(lines, Some(&models))
}

fn findings(rows: &[Row<'_>]) -> Vec<(PlanCheck, PlanLevel, Vec<usize>, Option<String>)> {
    let lines: Vec<PlannedAssignment> = rows.iter().map(line).collect();
    let each = checked(&lines).into_iter();
    each.map(|it| (it.check, it.level, it.assignments, it.path))
        .collect()
}

#[test]
fn a_sound_plan_has_no_findings() {
    let rows: &[Row<'_>] = &[
        ("menxia", "review", &["src/a.rs", "AGENTS.md"], &[]),
        (
            "lingyubu",
            "do",
            &["src/a.rs", "src/[id]/b.rs"],
            &["cargo test"],
        ),
        ("zhilibu", "write", &["docs/", "AGENTS.md"], &["true"]),
    ];
    assert_eq!(findings(rows), []);
}

#[test]
fn plan_checks_find_what_is_wrong() {
    let verify: &[&str] = &["true"];
    fn one(
        department: &str,
        task: &str,
        files: &[&str],
        verify: &[&str],
    ) -> Vec<(PlanCheck, PlanLevel, Vec<usize>, Option<String>)> {
        findings(&[(department, task, files, verify)])
    }
    assert_eq!(
        one("nobody", "x", &[], verify),
        [(
            PlanCheck::UnknownDepartment,
            PlanLevel::Error,
            vec![0],
            None
        )]
    );
    assert_eq!(
        one("lingyubu", "  ", &[], verify),
        [(PlanCheck::EmptyTask, PlanLevel::Error, vec![0], None)]
    );
    assert_eq!(
        one("lingyubu", "x", &[], &[]),
        [(PlanCheck::MissingVerify, PlanLevel::Warning, vec![0], None)]
    );
    for path in [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "C:\\x",
        "~/x",
        ".git/config",
        "a\\..\\..\\x",
        "file:///x",
        "",
    ] {
        assert_eq!(
            one("lingyubu", "x", &[path], verify),
            [(
                PlanCheck::OutsideRepository,
                PlanLevel::Error,
                vec![0],
                Some(path.to_owned())
            )],
            "{path}"
        );
    }
    for path in ["AGENTS.md", ".github/workflows/", ".", "**", "deploy/.env"] {
        assert_eq!(
            one("lingyubu", "x", &[path], verify),
            [(
                PlanCheck::HighRiskWithoutMenxia,
                PlanLevel::Warning,
                vec![0],
                Some(path.to_owned())
            )],
            "{path}"
        );
    }
}

#[test]
fn overlapping_files_are_found() {
    let verify: &[&str] = &["true"];
    let overlap = |left: &str, right: &str| {
        let (left, right) = ([left], [right]);
        findings(&[
            ("lingyubu", "x", &left, verify),
            ("gongchengbu", "y", &right, verify),
        ])
        .iter()
        .any(|finding| finding.0 == PlanCheck::OverlappingFiles)
    };
    for (left, right) in [
        ("src/a.rs", "src/a.rs"),
        ("src/", "src/a.rs"),
        ("src", "src/a.rs"),
        ("src/**", "src/deep/a.rs"),
        ("*.rs", "src/a.rs"),
        ("src/**", "src/web/*.rs"),
        ("src/", "src/*.rs"),
        ("src/", "*.rs"),
        ("src/", "src/web/"),
        ("./src/a.rs", "src/a.rs"),
        ("app/[id]/a.tsx", "app/[id]/a.tsx"),
        ("**/*.rs", "src/**"),
        ("src/*/web", "src/**/*.rs"),
        ("**/output/", "a/output/"),
        (".", "x"),
    ] {
        assert!(overlap(left, right), "{left} and {right}");
        assert!(overlap(right, left), "{right} and {left}");
    }
    for (left, right) in [
        ("src/a.rs", "src/b.rs"),
        ("src/", "docs/"),
        ("src/web/**", "src/git/**"),
        ("src/a.rs", "src/a.rs.bak"),
        ("docs/", "src/*.rs"),
        ("**/*.rs", "**/*.md"),
        ("a/*/README.md", "a/**/LICENSE.md"),
        ("src", "src2/a"),
    ] {
        assert!(!overlap(left, right), "{left} and {right}");
    }
}

#[test]
fn models_and_the_order_of_lines_are_checked() {
    let plain = line(&("lingyubu", "x", &[], &["true"]));
    let of = |change: &dyn Fn(&mut [PlannedAssignment])| {
        let mut lines = vec![plain.clone(); 3];
        for (line, id) in lines.iter_mut().zip(["a", "b", "c"]) {
            line.id = Some(id.to_owned());
        }
        change(&mut lines);
        let each = checked(&lines).into_iter();
        each.map(|it| (it.check, it.level, it.assignments, it.message.en))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&|_| {}), []);
    let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let [(check, level, at, message)] = of(&|lines| lines[1].model = Some("huge".into()))
        .try_into()
        .unwrap();
    assert_eq!(
        (check, level, at),
        (PlanCheck::UnknownModel, PlanLevel::Error, vec![1])
    );
    assert!(
        message.contains("`huge`") && message.contains("large, small"),
        "{message}"
    );
    assert_eq!(of(&|lines| lines[1].model = Some("small".into())), []);

    let [(check, level, at, message)] = of(&|lines| lines[2].after = names(&["nobody"]))
        .try_into()
        .unwrap();
    assert_eq!(
        (check, level, at),
        (PlanCheck::UnknownDependency, PlanLevel::Error, vec![2])
    );
    assert!(message.contains("`nobody`"), "{message}");
    let [(check, _, at, message)] = of(&|lines| {
        lines[0].selected = false;
        lines[2].after = names(&["a"]);
    })
    .try_into()
    .unwrap();
    assert_eq!((check, at), (PlanCheck::UnknownDependency, vec![2]));
    assert!(message.contains("not selected"), "{message}");

    let [(check, level, at, message)] = of(&|lines| {
        lines[0].after = names(&["b"]);
        lines[1].after = names(&["c"]);
        lines[2].after = names(&["b"]);
    })
    .try_into()
    .unwrap();
    assert_eq!(
        (check, level, at),
        (PlanCheck::DependencyCycle, PlanLevel::Error, vec![1, 2])
    );
    assert!(
        message.contains("`b` waits for `c`, `c` waits for `b`"),
        "{message}"
    );
}

#[test]
fn files_that_are_shared_one_after_the_other_are_no_warning() {
    let mut lines = vec![line(&("lingyubu", "x", &["src/a.rs"], &["true"])); 3];
    for (line, id) in lines.iter_mut().zip(["a", "b", "c"]) {
        line.id = Some(id.to_owned());
    }
    lines[1].files = vec!["other".to_owned()];
    lines[1].after = vec!["a".to_owned()];
    lines[2].after = vec!["b".to_owned()];
    let [only] = checked(&lines).try_into().unwrap();
    assert_eq!(
        (only.check, only.level, only.assignments),
        (PlanCheck::OverlappingFiles, PlanLevel::Info, vec![0, 2])
    );
    lines[2].after.clear();
    assert_eq!(checked(&lines)[0].level, PlanLevel::Warning);
}

#[test]
fn sentences_come_in_both_languages_and_repeat_strangers_in_short() {
    let long = "x".repeat(5_000);
    let rows: &[Row<'_>] = &[(
        "nobody\u{1b}[2J",
        " ",
        &[&format!("../{long}"), "AGENTS.md", "src/a"],
        &[],
    )];
    let mut lines: Vec<_> = rows.iter().map(line).collect();
    lines[0].model = Some(long.clone());
    lines[0].after = vec![long];
    lines.push(line(&("lingyubu", "y", &["src/"], &["true"])));
    let found = checked(&lines);
    assert_eq!(found.len(), 8, "{found:#?}");
    for finding in found {
        let (en, zh) = (&finding.message.en, &finding.message.zh);
        for text in [en, zh] {
            assert!(
                text.len() < 400 && !text.contains(char::is_control),
                "{text}"
            );
        }
        assert!(
            zh.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)),
            "{zh}"
        );
        assert!(en.is_ascii() || en.contains('…'), "{en}");
        assert!(finding.path.is_none_or(|path| path.len() <= 400));
    }
}

#[test]
fn a_plan_that_is_made_to_be_slow_is_answered_soon_and_carefully() {
    let started = std::time::Instant::now();
    let wild = |n: usize, m: usize| format!("**/[a-z]{n}/**/{{a,b,c}}{m}*");
    let lines: Vec<_> = (0..100)
        .map(|n| {
            let mut line = line(&("lingyubu", "x", &[], &["true"]));
            line.files = (0..256)
                .map(|m| match n % 2 {
                    0 => wild(n, m),
                    _ => format!("folder-{n}/file-{m}"),
                })
                .collect();
            line
        })
        .collect();
    let found = checked(&lines);
    assert!(found.iter().any(|it| it.check == PlanCheck::Incomplete));
    assert!(found.len() <= 102, "{}", found.len());
    // A hundred times what it takes, so that a loaded machine does not fail it; without a bound it is minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}
