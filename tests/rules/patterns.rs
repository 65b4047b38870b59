//! Path patterns and the built-in path rules, by their documented meaning.

use zhongshu::domain::rules::{PathPattern, PatternError, PatternSet, RiskLevel};
use zhongshu::governance::Governance;

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
