//! The checks of a plan.

use serde_json::json;
use std::sync::Arc;
use zhongshu::domain::plan::{
    PlanCheck, PlanChecker as _, PlanFinding, PlanLevel, PlannedAssignment,
};
use zhongshu::governance::Governance;
use zhongshu::governance::plan_checks::PlanCheckCache;

/// (department, task, files, verify) of one assignment.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);

fn line(row: &Row<'_>) -> PlannedAssignment {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    PlannedAssignment {
        files: own(row.2),
        verify: own(row.3),
        ..PlannedAssignment::new(row.0, row.1)
    }
}

fn checked(lines: &[PlannedAssignment]) -> Vec<PlanFinding> {
    let models = ["large".to_owned(), "small".to_owned()];
    let checks = PlanCheckCache::default().checks(&Arc::new(Governance::default()));
    checks.check(lines, Some(&models))
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
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("app/[id]", "app/[id]/page.tsx"),
        ("app", "app/[id]/page.tsx"),
        ("app/**", "app/[id]/page.tsx"),
        ("odd", "odd/a[b"),
        ("odd/a[b", "odd/*"),
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
        assert!(en.is_ascii() || en.contains(['…', '⟨']), "{en}");
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

#[test]
fn committed_rules_that_cannot_be_used_are_a_finding() {
    let broken = json!({ "commit": "0123456789abcdef", "file": { "Err": "line 1 is no YAML" } });
    let plan_checks = PlanCheckCache::default();
    assert!(plan_checks.set_committed(serde_json::from_value(broken.clone()).unwrap()));
    assert!(!plan_checks.set_committed(serde_json::from_value(broken).unwrap()));
    let silent = "risk_rules: [{name: ci_config, allow_pattern: '**'}]";
    let on_disk = Arc::new(Governance::parse(silent).unwrap());
    let rows: &[Row<'_>] = &[("lingyubu", "do", &[".ci/x"], &["true"])];
    let lines: Vec<PlannedAssignment> = rows.iter().map(line).collect();
    let found = plan_checks.checks(&on_disk).check(&lines, None);
    let checks: Vec<PlanCheck> = found.iter().map(|it| it.check).collect();
    let expected = [
        PlanCheck::HighRiskWithoutMenxia,
        PlanCheck::UnusableRules,
        PlanCheck::LooserRules,
    ];
    assert_eq!(checks, expected);
    let sentence = &found[1].message.en;
    assert!(sentence.contains("line 1 is no YAML"), "{sentence}");
}
