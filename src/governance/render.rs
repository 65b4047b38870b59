//! Prints a report as text for terminals and as Markdown, in Chinese and English. What comes from the repository is data:
//! control characters are shown as escapes, and Markdown sees it in code spans only.

use std::fmt::Write;

use crate::domain::language::Language;
use crate::domain::report::{ChangedFile, Report, ReportMode};

/// The fixed words of a report.
struct Words {
    title: &'static str,
    compared: &'static str,
    branch: &'static str,
    detached: &'static str,
    unborn: &'static str,
    ahead: &'static str,
    behind: &'static str,
    decision: &'static str,
    files: &'static str,
    no_changes: &'static str,
    departments: &'static str,
    uncategorised: &'static str,
    risks: &'static str,
    verify: &'static str,
    preflight: &'static str,
    scanned: &'static str,
    digest: &'static str,
    table: &'static str,
}

fn words(language: Language) -> Words {
    match language {
        Language::Zh => Words {
            title: "治理报告",
            compared: "比较范围",
            branch: "分支",
            detached: "（分离的 HEAD）",
            unborn: "（尚无提交）",
            ahead: "领先",
            behind: "落后",
            decision: "结论",
            files: "个文件",
            no_changes: "没有改动。",
            departments: "各部文件",
            uncategorised: "未归类",
            risks: "风险",
            verify: "验证命令",
            preflight: "提交前检查：可移植性引用",
            scanned: "已扫描文件",
            digest: "摘要",
            table: "| 状态 | 文件 | + | - | 部门 | 风险 |\n|---|---|---|---|---|---|\n",
        },
        Language::En => Words {
            title: "Governance report",
            compared: "Compared",
            branch: "Branch",
            detached: "(detached HEAD)",
            unborn: "(no commit yet)",
            ahead: "ahead",
            behind: "behind",
            decision: "Decision",
            files: "files",
            no_changes: "Nothing changed.",
            departments: "Departments",
            uncategorised: "Uncategorised",
            risks: "Risks",
            verify: "Verify with",
            preflight: "Preflight: machine-local references",
            scanned: "files scanned",
            digest: "Digest",
            table: "| status | file | + | - | departments | risks |\n|---|---|---|---|---|---|\n",
        },
    }
}

fn compared(report: &Report, language: Language) -> String {
    let base = printable(report.base.as_deref().unwrap_or_default());
    match (report.mode, language) {
        (ReportMode::Worktree, Language::Zh) => {
            "工作区（已暂存、未暂存、未跟踪）与 HEAD".to_owned()
        }
        (ReportMode::Worktree, Language::En) => {
            "files (staged, unstaged, untracked) with HEAD".to_owned()
        }
        (ReportMode::Staged, Language::Zh) => "暂存区与 HEAD".to_owned(),
        (ReportMode::Staged, Language::En) => "index with HEAD".to_owned(),
        (ReportMode::Base, Language::Zh) => format!("已跟踪文件与 {base}"),
        (ReportMode::Base, Language::En) => format!("tracked files with {base}"),
    }
}

fn branch(report: &Report, words: &Words) -> String {
    let mut text = printable(report.branch.as_deref().unwrap_or(words.detached));
    match &report.head {
        Some(head) => text.push_str(&format!(" @ {}", head.get(..12).unwrap_or(head))),
        None => text.push_str(&format!(" {}", words.unborn)),
    }
    if let (Some(ahead), Some(behind)) = (report.ahead, report.behind) {
        text.push_str(&format!(
            " ({} {ahead}, {} {behind})",
            words.ahead, words.behind
        ));
    }
    text
}

/// The report as plain text for a terminal.
pub fn text(report: &Report, language: Language) -> String {
    let words = words(language);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{}: {}", words.title, compared(report, language)));
    line(format!("{}: {}", words.branch, branch(report, &words)));
    line(format!("{}: {}", words.decision, decision(report)));
    let counts = &report.counts;
    if report.changed_files.is_empty() {
        line(words.no_changes.to_owned());
    } else {
        line(format!(
            "{} {}, +{} -{}",
            counts.files, words.files, counts.additions, counts.deletions
        ));
        line(String::new());
        for file in &report.changed_files {
            line(format!(
                "  {:<12} {} {}",
                file.status.name(),
                printable(&path_of(file)),
                lines_of(file)
            ));
        }
    }
    if !report.departments.is_empty() {
        line(format!("\n{}", words.departments));
        for department in &report.departments {
            line(format!(
                "  {} {}: {}",
                department.key,
                printable(&department.title),
                department.files.len()
            ));
        }
    }
    if !report.uncategorised.is_empty() {
        line(format!("\n{}", words.uncategorised));
        for path in &report.uncategorised {
            line(format!("  {}", printable(path)));
        }
    }
    if !report.risks.is_empty() {
        line(format!("\n{}", words.risks));
        for risk in &report.risks {
            line(format!(
                "  {:<6} {}: {}: {}",
                risk.level.name(),
                printable(&risk.rule),
                printable(&risk.path),
                printable(&risk.message)
            ));
            line(format!("         {}", printable(&risk.how_to_silence)));
        }
    }
    if !report.verify_commands.is_empty() {
        line(format!("\n{}", words.verify));
        for command in &report.verify_commands {
            line(format!("  {}", printable(command)));
        }
    }
    let scan = &report.preflight.checks.portability_reference_scan;
    line(format!(
        "\n{}: {} ({} {})",
        words.preflight,
        scan.decision.name(),
        scan.scanned_files.len(),
        words.scanned
    ));
    for violation in &scan.violations {
        line(format!(
            "  {}:{}:{}: {}",
            printable(&violation.path),
            violation.line,
            violation.column,
            printable(&violation.reference)
        ));
    }
    line(format!("\n{}: {}", words.digest, report.digest));
    out
}

/// The report as Markdown.
pub fn markdown(report: &Report, language: Language) -> String {
    let words = words(language);
    let mut out = format!("# {}\n\n", words.title);
    let mut add = |text: std::fmt::Arguments<'_>| {
        out.write_fmt(text)
            .expect("writing to a String cannot fail");
    };
    let counts = &report.counts;
    add(format_args!(
        "- {}: {}\n- {}: {}\n- {}: **{}**\n- {} {}, +{} -{}\n- {}: {}\n",
        words.compared,
        code(&compared(report, language)),
        words.branch,
        code(&branch(report, &words)),
        words.decision,
        decision(report),
        counts.files,
        words.files,
        counts.additions,
        counts.deletions,
        words.digest,
        code(&report.digest),
    ));
    if !report.changed_files.is_empty() {
        add(format_args!("\n{}", words.table));
        for file in &report.changed_files {
            let number = |value: Option<u64>| value.map_or("-".to_owned(), |n| n.to_string());
            add(format_args!(
                "| {} | {} | {} | {} | {} | {} |\n",
                file.status.name(),
                cell(&path_of(file)),
                number(file.additions),
                number(file.deletions),
                file.departments.join(", "),
                file.risks
                    .iter()
                    .map(|rule| cell(rule))
                    .collect::<Vec<_>>()
                    .join(", "),
            ));
        }
    }
    if !report.risks.is_empty() {
        add(format_args!("\n## {}\n\n", words.risks));
        for risk in &report.risks {
            add(format_args!(
                "- **{}** {} {}: {} {}\n",
                risk.level.name(),
                code(&risk.rule),
                code(&risk.path),
                code(&risk.message),
                code(&risk.how_to_silence),
            ));
        }
    }
    let list = |title: &str, items: &[String]| {
        let mut text = String::new();
        if !items.is_empty() {
            text = format!("\n## {title}\n\n");
            for item in items {
                text.push_str(&format!("- {}\n", code(item)));
            }
        }
        text
    };
    add(format_args!(
        "{}",
        list(words.uncategorised, &report.uncategorised)
    ));
    add(format_args!(
        "{}",
        list(words.verify, &report.verify_commands)
    ));
    let scan = &report.preflight.checks.portability_reference_scan;
    add(format_args!(
        "\n## {}\n\n**{}**, {} {}\n",
        words.preflight,
        scan.decision.name(),
        scan.scanned_files.len(),
        words.scanned
    ));
    if !scan.violations.is_empty() {
        add(format_args!("\n"));
    }
    for violation in &scan.violations {
        add(format_args!(
            "- {} {}\n",
            code(&format!(
                "{}:{}:{}",
                violation.path, violation.line, violation.column
            )),
            code(&violation.reference),
        ));
    }
    out
}

fn decision(report: &Report) -> String {
    if report.decision_reasons.is_empty() {
        report.decision.name().to_owned()
    } else {
        format!(
            "{} ({})",
            report.decision.name(),
            report.decision_reasons.join(", ")
        )
    }
}

fn path_of(file: &ChangedFile) -> String {
    match &file.old_path {
        Some(old) => format!("{old} -> {}", file.path),
        None => file.path.clone(),
    }
}

fn lines_of(file: &ChangedFile) -> String {
    match (file.additions, file.deletions) {
        (Some(additions), Some(deletions)) => format!("+{additions} -{deletions}"),
        _ if file.binary => "(binary)".to_owned(),
        _ => String::new(),
    }
}

/// `text` on one line, with everything that could move a cursor or turn the reading direction shown as an escape.
pub fn printable(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// A Markdown code span that `text` cannot leave.
fn code(text: &str) -> String {
    let text = printable(text);
    let mut longest = 0;
    let mut current = 0;
    for c in text.chars() {
        current = if c == '`' { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A code span for a table cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}
