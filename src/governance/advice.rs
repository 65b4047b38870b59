//! The sentences of a finding: what is to be looked at, and how it goes away properly. Nothing that a file holds is ever
//! repeated in them.

use crate::domain::language::Language;
use crate::domain::rules::{ChangeTest, LineTest, RiskRule, Subject};

/// What a finding of `rule` says; `what` is what was recognised, in Chinese and English.
pub(super) fn message(
    rule: &RiskRule,
    what: Option<(&'static str, &'static str)>,
    language: Language,
) -> String {
    let message = rule.message.get(language);
    match what {
        Some((zh, en)) => message.replace("{what}", language.pick(en, zh)),
        None => message.to_owned(),
    }
}

/// How a finding of `rule` goes away.
pub(super) fn how_to_silence(rule: &RiskRule, language: Language) -> String {
    if rule.locked {
        return language
            .pick(
                "This rule cannot be silenced: a person has to review the change.",
                "此规则不能关闭：必须由人复核这项改动。",
            )
            .to_owned();
    }
    let (zh, en) = first_step(&rule.subject);
    let name = &rule.name;
    match language {
        Language::Zh => format!(
            "{zh}；如果确实没有问题，由人在 governance.yaml 的 risk_rules 中为 {name} 增加 allow_pattern。"
        ),
        Language::En => format!(
            "{en}; or, if all is well, have a person add an allow_pattern for it to the rule {name} under risk_rules in governance.yaml."
        ),
    }
}

/// How a finding that is exempt came to be so.
pub(super) fn why_silent(rule: &RiskRule, language: Language) -> String {
    let name = &rule.name;
    match language {
        Language::Zh => format!("已由规则 {name} 的 allow_pattern 豁免。"),
        Language::En => format!("Exempt by the allow_pattern of the rule {name}."),
    }
}

fn first_step(subject: &Subject) -> (&'static str, &'static str) {
    match subject {
        Subject::Path => ("不要提交该文件", "Leave the file out of the change"),
        Subject::Expressions(_) => ("改掉这一行", "Change the line"),
        Subject::Lines(LineTest::ConflictMarker) => (
            "解决冲突并删除标记",
            "Resolve the conflict and delete its markers",
        ),
        Subject::Lines(LineTest::HiddenCharacter) => (
            "删除这些字符，或改用转义写法",
            "Delete the characters, or write them as escapes",
        ),
        Subject::Lines(_) => (
            "从文件和历史中移除它，改由环境变量或密钥管理提供，并作废已暴露的值",
            "Take it out of the file and out of history, have it come from the environment or a vault, and revoke what was exposed",
        ),
        Subject::Change(ChangeTest::OutsideLink) => (
            "让链接指向仓库之内",
            "Let the link point into the repository",
        ),
        Subject::Change(ChangeTest::Submodule) => (
            "由人确认该仓库及其提交",
            "Have a person confirm that repository and its commit",
        ),
        Subject::Change(ChangeTest::NewBinary | ChangeTest::LargeFile { .. }) => (
            "不要提交该文件，或改用 Git LFS",
            "Leave the file out of the change, or keep it in Git LFS",
        ),
        Subject::Change(ChangeTest::NewExecutable) => {
            ("去掉可执行位", "Take the executable bit away")
        }
        Subject::Change(ChangeTest::LfsPointer) => (
            "由人查看该文件的真正内容",
            "Have a person look at the file's real content",
        ),
    }
}
