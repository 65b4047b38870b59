//! `governance.yaml`: what it may say, and how its mistakes are told.

use zhongshu::domain::department::{Approval, Sandbox};
use zhongshu::domain::language::Language;
use zhongshu::domain::plan_review::ReviewRule;
use zhongshu::governance::{Governance, GovernanceError};

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
looping_after: 7
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
    assert_eq!(data.driver, Some("other".into()));
    let settings = &governance.settings;
    assert_eq!(settings.language, Some(Language::Zh));
    assert_eq!(settings.models, ["gpt-large", "gpt-small"]);
    assert_eq!(settings.max_departments, Some(3));
    assert_eq!(settings.silent_after_seconds, Some(120));
    assert_eq!(settings.looping_after, 7);
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
    (
        "departments:\n  a:\n    verify: \"make \u{202e}x\"\n",
        3,
        &["verify", "U+202E", "nobody sees"],
    ),
    (
        "departments:\n  a:\n    globs: \"/src/\u{200b}\"\n",
        3,
        &["nobody sees"],
    ),
    ("departments: [a, b]\n", 1, &["mapping"]),
    (
        "allow:\n  - command: [git, status]\n  - {}\n",
        3,
        &["command or tool"],
    ),
    (
        "allow:\n  - {command: [git], tool: a/b}\n",
        2,
        &["command or tool"],
    ),
    (
        "allow:\n  - command: git status && id\n",
        2,
        &["plain command"],
    ),
    ("allow:\n  - command: []\n", 2, &["plain command"]),
    (
        "allow:\n  - command: [git, 'a b']\n",
        2,
        &["more than one word"],
    ),
    (
        "allow:\n  - {command: [git], department: nobody}\n",
        2,
        &["\"nobody\"", "departments"],
    ),
    ("allow:\n  - tool: forms\n", 2, &["server/tool"]),
    (
        "allow:\n  - {tool: a/b, unsandboxed: true}\n",
        2,
        &["unsandboxed"],
    ),
    ("\n\nlanguage: fr\n", 3, &["\"fr\"", "zh", "en"]),
    (
        "max_departments: 0\n",
        1,
        &["max_departments", "between 1 and 64"],
    ),
    ("max_departments: many\n", 1, &[]),
    ("reminder_grace_seconds: 999999\n", 1, &["86400"]),
    (
        "silent_after_seconds: 0\n",
        1,
        &["silent_after_seconds", "between 1 and 86400"],
    ),
    (
        "looping_after: 1\n",
        1,
        &["looping_after", "between 2 and 1000"],
    ),
    (
        "department_stale_seconds: 60\nsilent_after_seconds: 60\n",
        1,
        &["former name of silent_after_seconds"],
    ),
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

#[test]
fn rules_that_answer_for_the_person_are_read_and_said_in_the_words_of_the_file() {
    let text = "allow:\n- command: git status\n- {command: [git, status]}\n- {command: [cargo, test], department: lingyubu, unsandboxed: true}\n- {tool: forms/ask, department: menxia}\n";
    let settings = Governance::parse(text).unwrap().settings;
    let words: Vec<String> = settings.allow.iter().map(|rule| rule.words()).collect();
    let expected = [
        "command: git status",
        "command: cargo test, department: lingyubu, unsandboxed: true",
        "tool: forms/ask, department: menxia",
    ];
    assert_eq!(words, expected);
}
