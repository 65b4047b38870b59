//! The words around a report's values, in both languages. Numbers stand where each language wants them.

use super::escape::printable;
use crate::domain::language::Language;
use crate::domain::report::{
    ChangeStatus, ChangedFile, Finding, PortabilityScan, Report, ReportMode, SkippedFile,
};
use crate::domain::rules::RiskLevel;

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        self.0.pick(en, zh)
    }

    pub(super) fn title(self) -> &'static str {
        self.pick("Governance report", "治理报告")
    }
    pub(super) fn compared(self) -> &'static str {
        self.pick("Compared", "比较范围")
    }
    pub(super) fn rules(self) -> &'static str {
        self.pick("Rules", "规则")
    }
    pub(super) fn branch(self) -> &'static str {
        self.pick("Branch", "分支")
    }
    pub(super) fn decision(self) -> &'static str {
        self.pick("Decision", "结论")
    }
    pub(super) fn changes(self) -> &'static str {
        self.pick("Changes", "变更")
    }
    pub(super) fn notice(self) -> &'static str {
        self.pick("Notice", "注意")
    }
    pub(super) fn no_changes(self) -> &'static str {
        self.pick("Nothing changed.", "没有变更。")
    }
    pub(super) fn departments(self) -> &'static str {
        self.pick("Departments", "部门")
    }
    pub(super) fn owners(self) -> &'static str {
        self.pick("Owners (CODEOWNERS)", "归属者（CODEOWNERS）")
    }
    pub(super) fn owners_notices(self) -> &'static str {
        self.pick(
            "Lines of CODEOWNERS that do not count",
            "CODEOWNERS 中未生效的行",
        )
    }
    pub(super) fn uncategorised(self) -> &'static str {
        self.pick("No department owns", "没有部门负责")
    }
    pub(super) fn risks(self) -> &'static str {
        self.pick("Findings", "风险项")
    }
    pub(super) fn silenced(self) -> &'static str {
        self.pick("Exempt by allow_pattern", "由 allow_pattern 豁免")
    }
    pub(super) fn skipped(self) -> &'static str {
        self.pick("Content that was not looked at", "未检查内容的文件")
    }
    pub(super) fn verify(self) -> &'static str {
        self.pick("Verify with", "验证命令")
    }
    pub(super) fn preflight(self) -> &'static str {
        self.pick(
            "References that only hold on one machine",
            "仅在某台机器上有效的引用",
        )
    }
    pub(super) fn tree(self) -> &'static str {
        self.pick("Staged tree", "暂存树")
    }
    pub(super) fn digest(self) -> &'static str {
        self.pick("Digest", "摘要")
    }
    pub(super) fn table(self) -> &'static str {
        self.pick(
            "| change | file | + | - | departments | findings |\n|---|---|---|---|---|---|\n",
            "| 变更 | 文件 | + | - | 部门 | 风险项 |\n|---|---|---|---|---|---|\n",
        )
    }
    /// What stands between a name and its value.
    pub(super) fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    pub(super) fn files(self, count: usize) -> String {
        match (self.0, count) {
            (Language::Zh, _) => format!("{count} 个文件"),
            (Language::En, 1) => "1 file".to_owned(),
            (Language::En, _) => format!("{count} files"),
        }
    }

    pub(super) fn files_read(self, count: usize) -> String {
        match self.0 {
            Language::Zh => format!("已读取 {count} 个文件"),
            Language::En => format!("{} read", self.files(count)),
        }
    }

    /// The outcome of the scan for references, with its numbers.
    pub(super) fn scanned(self, scan: &PortabilityScan) -> String {
        let decision = scan.decision.name();
        let read = self.files_read(scan.scanned_files.len());
        match (self.0, scan.exceptions.len()) {
            (Language::Zh, 0) => format!("{decision}（{read}）"),
            (Language::Zh, count) => format!("{decision}（{read}，{count} 处例外）"),
            (Language::En, 0) => format!("{decision} ({read})"),
            (Language::En, 1) => format!("{decision} ({read}, 1 exception)"),
            (Language::En, count) => format!("{decision} ({read}, {count} exceptions)"),
        }
    }

    /// How many findings are not listed.
    pub(super) fn left_out(self, count: usize) -> String {
        match (self.0, count) {
            (Language::Zh, _) => format!("另有 {count} 项未列出"),
            (Language::En, 1) => "1 more is not listed".to_owned(),
            (Language::En, _) => format!("{count} more are not listed"),
        }
    }

    pub(super) fn level(self, level: RiskLevel) -> &'static str {
        match level {
            RiskLevel::High => self.pick("high", "高"),
            RiskLevel::Medium => self.pick("medium", "中"),
            RiskLevel::Low => self.pick("low", "低"),
        }
    }

    pub(super) fn status(self, status: ChangeStatus) -> &'static str {
        let zh = match status {
            ChangeStatus::Added => "新增",
            ChangeStatus::Modified => "修改",
            ChangeStatus::Deleted => "删除",
            ChangeStatus::Renamed => "重命名",
            ChangeStatus::Copied => "复制",
            ChangeStatus::TypeChanged => "类型变更",
            ChangeStatus::ModeChanged => "权限变更",
            ChangeStatus::Untracked => "未跟踪",
            ChangeStatus::Conflicted => "冲突",
        };
        self.pick(status.name(), zh)
    }

    pub(super) fn reason(self, skipped: &SkippedFile) -> &str {
        match &*skipped.reason {
            "too_large" => self.pick("too large", "过大"),
            "unreadable" => self.pick("unreadable", "无法读取"),
            other => other,
        }
    }

    pub(super) fn what_was_compared(self, report: &Report) -> String {
        let base = printable(report.base.as_deref().unwrap_or_default());
        match (report.mode, self.0) {
            (ReportMode::Worktree, Language::Zh) => {
                "工作区（已暂存、未暂存、未跟踪）与 HEAD".to_owned()
            }
            (ReportMode::Worktree, Language::En) => {
                "files (staged, unstaged, untracked) with HEAD".to_owned()
            }
            (ReportMode::Staged, Language::Zh) => "暂存区与 HEAD".to_owned(),
            (ReportMode::Staged, Language::En) => "index with HEAD".to_owned(),
            (ReportMode::Base, Language::Zh) => format!("已跟踪的文件与 {base}"),
            (ReportMode::Base, Language::En) => format!("tracked files with {base}"),
        }
    }

    pub(super) fn where_head_is(self, report: &Report) -> String {
        let detached = self.pick("(detached HEAD)", "（游离 HEAD）");
        let mut text = printable(report.branch.as_deref().unwrap_or(detached));
        match &report.head {
            Some(head) => text.push_str(&format!(" @ {}", head.get(..12).unwrap_or(head))),
            None => text.push_str(self.pick(" (no commit yet)", "（尚无提交）")),
        }
        if let (Some(ahead), Some(behind)) = (report.ahead, report.behind) {
            text.push_str(&match self.0 {
                Language::Zh => format!("（领先 {ahead}，落后 {behind}）"),
                Language::En => format!(" ({ahead} ahead, {behind} behind)"),
            });
        }
        text
    }

    /// The decision with its reasons.
    pub(super) fn decided(self, report: &Report) -> String {
        let name = report.decision.name();
        match (report.decision_reasons.as_slice(), self.0) {
            ([], _) => name.to_owned(),
            (reasons, Language::Zh) => format!("{name}（{}）", reasons.join("，")),
            (reasons, Language::En) => format!("{name} ({})", reasons.join(", ")),
        }
    }

    /// Files and lines in one phrase.
    pub(super) fn size(self, report: &Report) -> String {
        let counts = &report.counts;
        let comma = self.pick(", ", "，");
        format!(
            "{}{comma}+{} -{}",
            self.files(counts.files),
            counts.additions,
            counts.deletions
        )
    }

    pub(super) fn lines_of(self, file: &ChangedFile) -> String {
        match (file.additions, file.deletions) {
            (Some(additions), Some(deletions)) => format!("+{additions} -{deletions}"),
            _ if file.binary => self.pick("(binary)", "（二进制）").to_owned(),
            _ => String::new(),
        }
    }
}

/// A path, with its former name in front of it where it has one.
pub(super) fn path_of(file: &ChangedFile) -> String {
    match &file.old_path {
        Some(old) => format!("{old} -> {}", file.path),
        None => file.path.clone(),
    }
}

/// Where a finding is.
pub(super) fn place_of(finding: &Finding) -> String {
    match finding.line {
        Some(line) => format!("{}:{line}", finding.path),
        None => finding.path.clone(),
    }
}
