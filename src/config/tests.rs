//! Precedence, bad values, and reloading.
#![allow(clippy::unwrap_used)]

use super::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

struct Ground {
    _folder: tempfile::TempDir,
    repo: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().canonicalize().unwrap().join("palace");
        git2::Repository::init(&repo).unwrap();
        Self {
            _folder: folder,
            repo,
        }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.repo.join("governance.yaml"), text).unwrap();
    }

    fn load(&self, flags: &Flags, more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let more = more.iter().map(|(n, v)| (*n, OsString::from(v)));
        self.load_os(flags, more.collect())
    }

    fn load_os(&self, flags: &Flags, more: Vec<(&str, OsString)>) -> Result<Config, ConfigError> {
        let home = ("HOME", self.repo.with_file_name("home").into_os_string());
        let environment = [home].into_iter().chain(more).collect();
        Config::load(flags, &self.repo, environment)
    }
}

#[test]
fn defaults_override_no_model() {
    let ground = Ground::new();
    let config = ground.load(&Flags::default(), &[]).unwrap();
    let settings = config.settings();
    assert_eq!(settings.project_name, "palace");
    assert_eq!(settings.workflow_doc, "AGENTS.md");
    assert_eq!(
        (&settings.zhongshu_model, &settings.department_model),
        (&None, &None)
    );
    assert_eq!(settings.max_departments, 2);
    assert_eq!(settings.thresholds.silent_after, Duration::from_secs(120));
    assert_eq!(settings.thresholds.looping_after, 5);
    assert_eq!((config.port, config.open_browser), (0, true));
    assert_eq!(config.language(), Language::En);
    assert_eq!(
        config.codex_home().unwrap(),
        ground.repo.with_file_name("home/.codex")
    );
    assert!(config.warnings.is_empty());
}

#[test]
fn environment_beats_file_beats_default_and_flags_beat_all() {
    let ground = Ground::new();
    ground.write("max_departments: 5\nproject_name: From file\nmodels: [a, b]\nlanguage: zh\n");
    let flags = Flags {
        port: Some(0),
        json: true,
        ..Flags::default()
    };
    let config = ground
        .load(
            &flags,
            &[
                ("CODEX_GOVERNANCE_PROJECT_NAME", " From environment "),
                ("CODEX_GOVERNANCE_DEPARTMENT_MODEL", "z"),
                ("CODEX_GOVERNANCE_TYPO", "1"),
                ("LANG", "en_GB.UTF-8"),
            ],
        )
        .unwrap();
    let settings = config.settings();
    assert_eq!(settings.project_name, "From environment");
    assert_eq!(settings.max_departments, 5);
    assert_eq!(settings.zhongshu_model.as_deref(), Some("a"));
    assert_eq!(settings.department_model.as_deref(), Some("z"));
    assert_eq!(config.language(), Language::Zh);
    assert_eq!(
        (config.port, config.open_browser, config.json),
        (0, false, true)
    );
    assert!(config.warnings[0].contains("CODEX_GOVERNANCE_TYPO"));
    let empty = ground
        .load(&flags, &[("CODEX_GOVERNANCE_MODELS", "")])
        .unwrap();
    assert_eq!(empty.settings().zhongshu_model, None);
}

#[test]
fn every_bad_variable_is_named_with_what_is_allowed() {
    let ground = Ground::new();
    let long = "x".repeat(129);
    let cases = [
        ("CODEX_GOVERNANCE_PROJECT_NAME", "", "is empty"),
        ("CODEX_GOVERNANCE_PROJECT_NAME", "a\nb", "one line"),
        ("CODEX_GOVERNANCE_PROJECT_NAME", long.as_str(), "128"),
        (
            "CODEX_GOVERNANCE_WORKFLOW_DOC",
            "/etc/passwd",
            "inside the repository",
        ),
        (
            "CODEX_GOVERNANCE_WORKFLOW_DOC",
            "a/../../b",
            "inside the repository",
        ),
        ("CODEX_GOVERNANCE_MODELS", "a,,b", "one comma"),
        (
            "CODEX_GOVERNANCE_MODELS",
            "a,--yolo",
            "does not start with `-`",
        ),
        (
            "CODEX_GOVERNANCE_ZHONGSHU_MODEL",
            "-x",
            "does not start with `-`",
        ),
        ("CODEX_GOVERNANCE_ZHONGSHU_MODEL", "a b", "no blanks"),
        ("CODEX_GOVERNANCE_DEPARTMENT_MODEL", " ", "is empty"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "0", "from 1 to 64"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "65", "from 1 to 64"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "two", "from 1 to 64"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "", "from 1 to 64"),
        (
            "CODEX_GOVERNANCE_DEPARTMENT_STALE_SECONDS",
            "-1",
            "from 1 to 86400",
        ),
        (
            "CODEX_GOVERNANCE_DEPARTMENT_STALE_SECONDS",
            "1.5",
            "from 1 to 86400",
        ),
        ("CODEX_BIN", "/nowhere/codex", "not a program"),
        ("CODEX_HOME", "/nowhere/home", "not a folder"),
        ("CODEX_HOME", "", "not a folder"),
    ];
    for (name, value, allowed) in cases {
        let error = ground
            .load(&Flags::default(), &[(name, value)])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(name), "{error}");
        assert!(error.contains(allowed), "{name}={value}: {error}");
    }
    for name in [
        "CODEX_GOVERNANCE_PROJECT_NAME",
        "CODEX_GOVERNANCE_WORKFLOW_DOC",
        "CODEX_GOVERNANCE_MODELS",
        "CODEX_GOVERNANCE_ZHONGSHU_MODEL",
        "CODEX_GOVERNANCE_DEPARTMENT_MODEL",
        "CODEX_GOVERNANCE_MAX_DEPARTMENTS",
        "CODEX_GOVERNANCE_DEPARTMENT_STALE_SECONDS",
    ] {
        let broken = OsString::from_vec(vec![b'a', 0xff]);
        let error = ground
            .load_os(&Flags::default(), vec![(name, broken)])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(name) && error.contains("UTF-8"),
            "{error}"
        );
    }
    let flags = Flags {
        codex_bin: Some(PathBuf::from("nowhere")),
        ..Flags::default()
    };
    let error = ground.load(&flags, &[]).unwrap_err().to_string();
    assert!(error.starts_with("--codex-bin"), "{error}");
}

#[test]
fn a_broken_file_stops_the_start_and_never_a_running_server() {
    let ground = Ground::new();
    ground.write("max_departments: 3\nmax_departmnets: 4\n");
    let error = ground.load(&Flags::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("governance.yaml:2"), "{error}");

    ground.write("max_departments: 3\n");
    let config = ground.load(&Flags::default(), &[]).unwrap();
    assert_eq!(config.reload_governance(), Reload::Unchanged);
    ground.write("max_departments: many\n");
    let Reload::Failed { error } = config.reload_governance() else {
        panic!("a broken file was taken");
    };
    assert_eq!(config.governance_error(), Some(error));
    assert_eq!(config.settings().max_departments, 3);
    ground.write("max_departments: 4\ndepartments:\n  libu:\n    title: Rites\n");
    assert_eq!(config.reload_governance(), Reload::Changed);
    assert_eq!(config.governance_error(), None);
    assert_eq!(config.settings().max_departments, 4);
    assert!(config.settings().governance.department("libu").is_some());
}
