//! The rule-based proposal of assignments: who would have to look at the present changes. It only proposes; nothing starts
//! from it without a person's confirmation.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Governance;
use crate::domain::department::MENXIA;
use crate::domain::language::Language;
use crate::domain::report::Report;
use crate::domain::rules::RiskLevel;

/// One proposed assignment, in the shape of a plan's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedAssignment {
    /// Key of the department.
    pub department: String,
    /// Its title.
    pub title: String,
    /// What it is to do.
    pub task: String,
    /// The files it is about.
    pub files: Vec<String>,
    /// How to show that it holds.
    pub verify: Vec<String>,
    /// Why this department.
    pub reason: String,
    /// Model override; none leaves the configuration's own.
    pub model: Option<String>,
    /// Why this model.
    pub model_reason: String,
    /// Always true: the person deselects.
    pub selected: bool,
}

/// What a proposal is made from.
#[derive(Clone, Copy, Debug)]
pub struct ProposalRequest<'a> {
    /// The person's task.
    pub task: &'a str,
    /// Model for departments without one of their own, where the configuration names one.
    pub department_model: Option<&'a str>,
    /// Language of the sentences.
    pub language: Language,
}

/// Proposes one assignment per department whose files changed, and menxia first when a finding of high or medium level
/// asks for its review.
pub fn propose(
    report: &Report,
    governance: &Governance,
    request: ProposalRequest<'_>,
) -> Vec<ProposedAssignment> {
    let mut proposals = Vec::new();
    let risky: Vec<_> = report
        .risks
        .iter()
        .filter(|finding| finding.level >= RiskLevel::Medium)
        .collect();
    let menxia_files = report
        .departments
        .iter()
        .find(|share| share.key == MENXIA)
        .map(|share| share.files.as_slice())
        .unwrap_or_default();
    if !risky.is_empty() || !menxia_files.is_empty() {
        let files: BTreeSet<&str> = risky
            .iter()
            .map(|finding| finding.path.as_str())
            .chain(menxia_files.iter().map(String::as_str))
            .collect();
        let rules: BTreeSet<&str> = risky.iter().map(|finding| finding.rule.as_str()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let reason = match request.language {
            Language::Zh => format!("命中 {} 项中高风险：{}", risky.len(), rules.join("、")),
            Language::En => format!(
                "{} findings of high or medium level: {}",
                risky.len(),
                rules.join(", ")
            ),
        };
        let files = files.into_iter().map(str::to_owned).collect();
        proposals.extend(proposal(MENXIA, files, reason, governance, request));
    }
    for share in report
        .departments
        .iter()
        .filter(|share| share.key != MENXIA)
    {
        let reason = match request.language {
            Language::Zh => format!("{} 个改动文件归其管辖", share.files.len()),
            Language::En => format!("it owns {} of the changed files", share.files.len()),
        };
        proposals.extend(proposal(
            &share.key,
            share.files.clone(),
            reason,
            governance,
            request,
        ));
    }
    proposals
}

fn proposal(
    key: &str,
    files: Vec<String>,
    reason: String,
    governance: &Governance,
    request: ProposalRequest<'_>,
) -> Option<ProposedAssignment> {
    let department = governance.department(key)?;
    let (model, model_reason) = match (
        &department.model,
        request.department_model,
        request.language,
    ) {
        (Some(model), _, Language::Zh) => (Some(model.as_str()), "governance.yaml 为该部指定"),
        (Some(model), _, Language::En) => (
            Some(model.as_str()),
            "governance.yaml names it for this department",
        ),
        (None, Some(model), Language::Zh) => (Some(model), "部门默认模型"),
        (None, Some(model), Language::En) => (Some(model), "the default model of departments"),
        (None, None, Language::Zh) => (None, "未指定，使用 Codex 配置中的模型"),
        (None, None, Language::En) => (None, "none named: the Codex configuration's own model"),
    };
    Some(ProposedAssignment {
        department: key.to_owned(),
        title: department.title.get(request.language).to_owned(),
        task: request.task.to_owned(),
        files,
        verify: department.verify.clone(),
        reason,
        model: model.map(str::to_owned),
        model_reason: model_reason.to_owned(),
        selected: true,
    })
}
