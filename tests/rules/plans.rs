//! The checks of a plan.

use zhongshu::domain::language::Language;
use zhongshu::governance::Governance;
use zhongshu::governance::plan_checks::{AssignmentView, PlanCheck, PlanLevel, check_plan};

/// (department, task, files, verify) of one assignment.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);

fn findings(rows: &[Row<'_>]) -> Vec<(PlanCheck, PlanLevel, Vec<usize>, Option<String>)> {
    let owned: Vec<(Vec<String>, Vec<String>)> = rows
        .iter()
        .map(|row| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            (own(row.2), own(row.3))
        })
        .collect();
    let views: Vec<AssignmentView<'_>> = rows
        .iter()
        .zip(&owned)
        .map(|(row, (files, verify))| AssignmentView {
            department: row.0,
            task: row.1,
            files,
            verify,
            selected: true,
        })
        .collect();
    check_plan(&views, &Governance::default(), Language::En)
        .into_iter()
        .map(|finding| {
            (
                finding.check,
                finding.level,
                finding.assignments,
                finding.path,
            )
        })
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
    ] {
        assert!(!overlap(left, right), "{left} and {right}");
    }
}
