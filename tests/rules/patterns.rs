//! Path patterns and the built-in path rules, by their documented meaning.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
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
    assert_rows(
        "src/a[!b]c",
        &["src/axc", "src/a-c"],
        &["src/abc", "src/a/c"],
    );
    assert_rows("x[^]a]y", &["xby"], &["x]y", "xay", "x/y"]);
    assert_rows("x[!-a]y", &["xby", "x.y"], &["x-y", "xay", "x/y"]);
    assert_rows("x[]!]y", &["x]y", "x!y"], &["x/y", "xay"]);
    assert_rows("x\\[!a]", &["x[!a]"], &["x[/a]", "xb"]);
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
        "AGENTS.override.md",
        "CLAUDE.md",
        "a/b/CLAUDE.local.md",
        "GEMINI.md",
        ".codex/config.toml",
        "sub/.codex/prompts/x.md",
        ".claude/settings.json",
        ".agents/skills/x/SKILL.md",
        ".cursor/rules/x.mdc",
        ".cursorrules",
        ".windsurfrules",
        ".github/copilot-instructions.md",
        ".github/instructions/a.md",
        ".mcp.json",
        ".vscode/mcp.json",
        "opencode.json",
        "hooks/pre-commit",
        ".githooks/pre-commit",
        ".husky/pre-commit",
        "packages/a/.husky/pre-push",
        ".pre-commit-config.yaml",
        "lefthook.yml",
        ".lefthook.toml",
        "lefthook-local.yaml",
        "CODEOWNERS",
        ".github/CODEOWNERS",
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

/// The documented meaning, said slowly: every way to spread names over the parts of a pattern, for a path and for each of
/// its folders.
fn covers_slowly(pattern: &str, path: &str) -> bool {
    fn name(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                name(&pattern[1..], text) || (!text.is_empty() && name(pattern, &text[1..]))
            }
            (Some(b'?'), Some(_)) => name(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) => p == t && name(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    fn parts(pattern: &[&str], names: &[&str]) -> bool {
        match pattern.split_first() {
            None => names.is_empty(),
            Some((&"**", [])) => !names.is_empty(),
            Some((&"**", rest)) => (0..=names.len()).any(|at| parts(rest, &names[at..])),
            Some((first, rest)) => names.split_first().is_some_and(|(head, tail)| {
                name(first.as_bytes(), head.as_bytes()) && parts(rest, tail)
            }),
        }
    }
    let folder_only = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let is_anchored = body.contains('/');
    let mut pieces: Vec<&str> = body.trim_start_matches('/').split('/').collect();
    if !is_anchored {
        pieces.insert(0, "**");
    }
    let names: Vec<&str> = path.split('/').collect();
    (1..=names.len()).any(|end| {
        let is_folder = end < names.len();
        (is_folder || !folder_only) && parts(&pieces, &names[..end])
    })
}

/// Patterns that mean something: no two `**` side by side, no part that is all stars but one or two.
const PATTERN: &str = "/?([ab?]{1,2}\\*?|\\*|\\*[ab]|\\*\\*/[ab*])(/([ab?]{1,2}\\*?|\\*|\\*\\*/[ab])){0,2}(/\\*\\*|/)?";
const PATH: &str = "[ab]{1,3}(/[ab]{1,3}){0,4}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn matching_agrees_with_the_slow_way(pattern in PATTERN, path in PATH) {
        prop_assert_eq!(hits(&pattern, &path), covers_slowly(&pattern, &path), "{} {}", pattern, path);
    }

    #[test]
    fn any_text_is_a_pattern_or_a_mistake(text in "\\PC{0,60}", path in PATH) {
        if let Ok(set) = PatternSet::parse(&[&text]) {
            set.is_match(path.as_bytes());
        }
    }
}

/// The same patterns as lines of a `.gitignore`, asked of the `git` on PATH: what we take from there means the same here.
#[test]
fn matching_agrees_with_gitignore() {
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str], input: &[u8]| {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.stdout
    };
    git(&["init", "-q"], b"");
    let mut runner = TestRunner::deterministic();
    let patterns: Vec<String> = (0..300).map(|_| drawn(PATTERN, &mut runner)).collect();
    let paths: BTreeSet<String> = (0..150).map(|_| drawn(PATH, &mut runner)).collect();
    let mut input = Vec::new();
    for (number, pattern) in patterns.iter().enumerate() {
        std::fs::create_dir(folder.path().join(number.to_string())).unwrap();
        let ignore = folder.path().join(format!("{number}/.gitignore"));
        std::fs::write(ignore, format!("{pattern}\n")).unwrap();
        for path in &paths {
            input.extend_from_slice(format!("{number}/{path}\0").as_bytes());
        }
    }
    let output = git(&["check-ignore", "--no-index", "-z", "--stdin"], &input);
    let ignored: BTreeSet<String> = output
        .split(|byte| *byte == 0)
        .map(|path| String::from_utf8(path.to_vec()).unwrap())
        .collect();
    assert!(ignored.len() > 1000, "git was not asked");
    for (number, pattern) in patterns.iter().enumerate() {
        for path in &paths {
            assert_eq!(
                hits(pattern, path),
                ignored.contains(&format!("{number}/{path}")),
                "{pattern} {path}"
            );
        }
    }
}

fn drawn(shape: &str, runner: &mut TestRunner) -> String {
    let strategy = proptest::string::string_regex(shape).unwrap();
    strategy.new_tree(runner).unwrap().current()
}

#[test]
fn a_pattern_covers_the_name_that_it_spells() {
    for name in [
        "app/[id]/page.tsx",
        "docs/{draft}.md",
        "odd/back\\slash.txt",
    ] {
        let set = PatternSet::parse(&[name]).unwrap();
        assert!(set.is_match(name.as_bytes()), "{name}");
        assert!(set.is_match(format!("{name}/below").as_bytes()), "{name}");
        assert!(!set.is_match(format!("else/{name}").as_bytes()), "{name}");
    }
    let anywhere = PatternSet::parse(&["[id].tsx", "[old]/"]).unwrap();
    assert_eq!(anywhere.matches(b"app/[id].tsx"), [0]);
    assert_eq!(anywhere.matches(b"app/[old]/x"), [1]);
    assert!(!anywhere.is_match(b"app/my[id].tsx") && !anywhere.is_match(b"app/[old]"));
}

#[test]
fn rules_exceptions_and_owners_know_names_that_look_like_patterns() {
    let governance = Governance::parse(
        "departments: {web: {title: Web, duty: pages, globs: ['app/[id]/page.tsx']}}\n\
         risk_rules: [{name: routes, level: high, pattern: 'app/[id]/', allow_pattern: 'app/[id]/page.tsx', message: look}]\n",
    )
    .unwrap();
    let book = governance.rulebook();
    let web = governance
        .departments
        .iter()
        .position(|it| it.key == "web")
        .unwrap();
    assert!(book.departments_of(b"app/[id]/page.tsx").contains(&web));
    let routes = governance
        .risk_rules
        .iter()
        .position(|it| it.name == "routes")
        .unwrap();
    assert!(book.risks_of(b"app/[id]/layout.tsx").contains(&routes));
    assert!(!book.risks_of(b"app/[id]/page.tsx").contains(&routes));
}
