//! Who judges a change: the rules that were in force before it, and what `governance.yaml` on disk says more strictly. Asked
//! of the program itself, as a person or an agent would.

use std::process::Command;

use serde_json::Value;

use crate::sandbox::Sandbox;

const BEFORE: &str = "\
language: en
risk_rules:
  - {name: own, level: high, pattern: /src/, content: 'DANGER', message: take care}
  - {name: large_file, limit_bytes: 100}
";

/// Loosens everything that can be loosened, and says that all is well.
const LOOSENED: &str = "\
language: en
risk_rules:
  - {name: own, level: low, pattern: /src/, content: 'DANGER', message: all is well, allow_pattern: '**'}
  - {name: large_file, limit_bytes: 100000000, level: low}
  - {name: secret_files, level: low, allow_pattern: '**'}
  - {name: passwords, level: low, allow_pattern: '**'}
  - {name: build_scripts, pattern: build.rs}
preflight:
  surfaces: /governance.yaml
  documents: '*.org'
  allow_paths: '**'
  allow_references: [/home]
";

/// Says more than the rules before it, in every way.
const TIGHTENED: &str = "\
language: en
risk_rules:
  - {name: own, level: high, content: ['DANGER', 'CARE'], message: take care}
  - {name: large_file, limit_bytes: 10, level: high}
  - {name: build_scripts, level: high}
  - {name: mine, level: medium, pattern: '*.rs', message: a rule of mine}
preflight:
  surfaces: [/AGENTS.md, /README.md, '/README.*.md', /docs/, /governance.yaml, /.codex/, /src/]
";

/// A repository under these rules with a change that has much to find, all of it staged.
fn place(committed: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    if let Some(text) = committed {
        sandbox.write("governance.yaml", text);
        sandbox.commit_all();
    }
    change(&sandbox);
    sandbox
}

fn change(sandbox: &Sandbox) {
    sandbox.write(".env", "A=1\n");
    sandbox.write("Cargo.toml", "[package]\n");
    sandbox.write("src/a.rs", "// DANGER\nlet password = \"Xk29fjw0Qpz\";\n");
    sandbox.write("src/long.rs", "// CARE\n".repeat(20));
    sandbox.write("docs/guide.md", "see /home/jane/x\n");
    sandbox.git(&["add", "-A"]);
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_zhongshu"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", sandbox.folder.path())
        .env("LC_ALL", "C.UTF-8")
        .arg("report")
        .args(arguments)
        .current_dir(&sandbox.repo)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said + &error)
}

#[track_caller]
fn report(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let (code, said) = run(sandbox, &[arguments, &["--json"]].concat());
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

const MODES: [&[&str]; 3] = [&["--staged"], &[], &["--base", "HEAD"]];

/// The findings that count, and the references that do, but for those about the rules themselves.
fn found(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let risks = report["risks"].as_array().unwrap().iter();
    let mut all: Vec<String> = risks
        .filter(|it| it["path"] != "governance.yaml")
        .map(|it| {
            ["level", "rule", "path", "message"]
                .map(|key| text(&it[key]))
                .join(" ")
        })
        .collect();
    let scan = &report["preflight"]["checks"]["portability_reference_scan"];
    let references = scan["violations"].as_array().unwrap().iter();
    all.extend(references.map(|it| format!("reference {}", text(&it["path"]))));
    all.sort();
    all
}

fn about_the_rules(report: &Value) -> Vec<(String, String)> {
    let risks = report["risks"].as_array().unwrap().iter();
    let of_rules = risks.filter(|it| it["path"] == "governance.yaml");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of_rules
        .map(|it| (text(&it["level"]), text(&it["rule"])))
        .collect()
}

fn one(level: &str, rule: &str) -> Vec<(String, String)> {
    vec![(level.to_owned(), rule.to_owned())]
}

#[test]
fn a_loosened_file_silences_nothing() {
    let sandbox = place(Some(BEFORE));
    for mode in MODES {
        sandbox.write("governance.yaml", BEFORE);
        sandbox.git(&["add", "-A"]);
        let before = report(&sandbox, mode);
        assert!(found(&before).len() > 5, "{:?}", found(&before));
        assert_eq!(before["rules"]["on_disk"]["state"], "same");
        // On disk alone, as an agent leaves it; then staged as well.
        for is_staged in [false, true] {
            sandbox.write("governance.yaml", LOOSENED);
            if is_staged {
                sandbox.git(&["add", "-A"]);
            }
            let after = report(&sandbox, mode);
            assert_eq!(found(&after), found(&before), "{mode:?} {is_staged}");
            assert_eq!(after["decision"], "REVIEW");
            assert_eq!(after["rules"]["on_disk"]["state"], "looser");
            if is_staged || mode != ["--staged"] {
                assert_eq!(about_the_rules(&after), one("high", "agent_rules"));
            } else {
                assert_eq!(
                    after["digest"], before["digest"],
                    "what it loosens is nothing"
                );
            }
        }
        // What is committed was in force before the next change.
        sandbox.git(&["reset", "-q", "--", "governance.yaml"]);
    }
}

#[test]
fn what_the_file_says_more_strictly_counts_at_once() {
    let sandbox = place(Some(BEFORE));
    for mode in MODES {
        sandbox.write("governance.yaml", BEFORE);
        let before = report(&sandbox, mode);
        sandbox.write("governance.yaml", TIGHTENED);
        let after = report(&sandbox, mode);
        assert_eq!(after["rules"]["on_disk"]["state"], "stricter", "{mode:?}");
        let levels = |report: &Value, rule: &str| {
            let risks = report["risks"].as_array().unwrap().clone();
            let of_rule = risks
                .into_iter()
                .filter(|it| it["rule"] == rule && it["path"] != "governance.yaml");
            of_rule.map(|it| it["level"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(levels(&before, "own").len(), 1);
        assert_eq!(levels(&after, "own").len(), 21, "each finding once");
        assert_eq!(levels(&before, "large_file"), ["medium"]);
        assert!(levels(&after, "large_file").len() > 1);
        assert!(levels(&after, "large_file").iter().all(|it| it == "high"));
        assert_eq!(levels(&after, "build_scripts"), ["high"]);
        assert_eq!(levels(&after, "mine").len(), 2);
        let counted = |report: &Value| {
            ["high", "medium", "low"]
                .map(|level| report["counts"][format!("risks_{level}")].as_u64().unwrap())
                .iter()
                .sum::<u64>()
        };
        let listed = |report: &Value| report["risks"].as_array().unwrap().len() as u64;
        assert_eq!(counted(&after), listed(&after));
        // Looser and stricter at once: each finding at the higher level, nothing silent that one of the two finds.
        let mixed = LOOSENED.replace(
            "pattern: /src/, content: 'DANGER', message: all is well, allow_pattern: '**'",
            "content: 'CARE', message: all is well",
        );
        sandbox.write("governance.yaml", &mixed);
        let mixed = report(&sandbox, mode);
        assert_eq!(mixed["rules"]["on_disk"]["state"], "mixed");
        for finding in found(&before) {
            assert!(found(&mixed).contains(&finding), "{finding} {mode:?}");
        }
        assert_eq!(levels(&mixed, "own").len(), 21);
    }
}

#[test]
fn without_a_committed_file_the_built_in_rules_judge() {
    for sandbox in [place(None), {
        let sandbox = Sandbox::unborn();
        change(&sandbox);
        sandbox
    }] {
        let before = report(&sandbox, &["--staged"]);
        assert_eq!(before["rules"]["before"]["from"], "built_in");
        sandbox.write("governance.yaml", LOOSENED);
        for is_staged in [false, true] {
            if is_staged {
                sandbox.git(&["add", "-A"]);
            }
            let after = report(&sandbox, &["--staged"]);
            let all = found(&after);
            for finding in found(&before) {
                assert!(all.contains(&finding), "{finding} is gone: {all:?}");
            }
            assert_eq!(after["rules"]["before"]["from"], "built_in");
            assert_eq!(after["rules"]["on_disk"]["state"], "looser",);
        }
    }
}

#[test]
fn a_base_is_judged_by_its_own_rules() {
    let sandbox = Sandbox::new();
    sandbox.write("governance.yaml", BEFORE);
    sandbox.commit_all();
    sandbox.git(&["branch", "base"]);
    // A branch that loosens the rules first, and then makes use of it.
    sandbox.write("governance.yaml", LOOSENED);
    sandbox.commit_all();
    change(&sandbox);
    sandbox.git(&["commit", "-q", "-m", "change"]);
    let report = report(&sandbox, &["--base", "base"]);
    let base = sandbox.git(&["rev-parse", "base"]);
    assert_eq!(
        report["rules"]["before"]["commit"],
        String::from_utf8_lossy(&base).trim()
    );
    assert_eq!(about_the_rules(&report), one("high", "agent_rules"));
    let all = found(&report);
    for finding in ["high own src/a.rs take care", "reference docs/guide.md"] {
        assert!(all.iter().any(|it| it == finding), "{finding}: {all:?}");
    }
    // Once it is committed, it was in force before whatever comes next.
    sandbox.write("src/a.rs", "// DANGER again\n");
    let next = self::report(&sandbox, &[]);
    assert_eq!(found(&next), [""; 0]);
}

#[test]
fn a_file_that_is_gone_or_broken_changes_nothing_and_is_told() {
    let sandbox = place(Some(BEFORE));
    let before = report(&sandbox, &["--staged"]);
    std::fs::remove_file(sandbox.path("governance.yaml")).unwrap();
    for mode in MODES {
        let gone = report(&sandbox, mode);
        assert_eq!(gone["rules"]["on_disk"]["state"], "absent");
        for finding in found(&before) {
            assert!(found(&gone).contains(&finding), "{finding} {mode:?}");
        }
    }
    sandbox.write("governance.yaml", "risk_rules: [{name: own, lev");
    for mode in MODES {
        let broken = report(&sandbox, mode);
        assert_eq!(broken["rules"]["on_disk"]["state"], "unusable", "{mode:?}");
        let sentences = broken["rules"]["sentences"].to_string();
        assert!(sentences.contains("governance.yaml:1:"), "{sentences}");
        assert!(about_the_rules(&broken).contains(&("high".into(), "unusable_rules".into())));
        for finding in found(&before) {
            assert!(found(&broken).contains(&finding), "{finding} {mode:?}");
        }
    }
    // Committed all the same: the built-in rules stand in for it, and it is told as long as it is so.
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "broken"]);
    change(&sandbox);
    sandbox.write(".env", "A=2\n");
    let committed = report(&sandbox, &[]);
    assert_eq!(committed["rules"]["before"]["from"], "unusable");
    assert!(about_the_rules(&committed).contains(&("high".into(), "unusable_rules".into())));
    assert!(
        found(&committed)
            .iter()
            .any(|it| it.starts_with("high secret_files .env"))
    );
    let (code, said) = run(&sandbox, &["--preflight"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("governance.yaml:1:"), "{said}");
}

#[test]
fn every_form_says_which_rules_judged_in_both_languages() {
    let sandbox = place(Some(BEFORE));
    sandbox.write("governance.yaml", LOOSENED);
    let head = String::from_utf8_lossy(&sandbox.git(&["rev-parse", "HEAD"]))
        .trim()
        .to_owned();
    for (language, words) in [
        ("en", "what it loosens does not count"),
        ("zh", "放宽的部分不算数"),
    ] {
        sandbox.write(
            "governance.yaml",
            LOOSENED.replace("language: en", &format!("language: {language}")),
        );
        for form in ["text", "markdown", "sarif", "json"] {
            for part in [
                &["--staged"][..],
                &["--staged", "--preflight", "--fail-on", "never"],
            ] {
                let (code, said) = run(&sandbox, &[part, &["--format", form]].concat());
                assert_eq!(code, Some(0), "{said}");
                assert!(said.contains(words), "{language} {form} {part:?}: {said}");
                assert!(said.contains(&head[..12]), "{language} {form}: {said}");
            }
        }
    }
}
