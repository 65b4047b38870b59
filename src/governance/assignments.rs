//! The rule-based proposal of assignments: who would have to look at the present changes. It only proposes; nothing starts
//! from it without a person's confirmation.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Governance;
use crate::domain::department::MENXIA;
use crate::domain::language::Language;
use crate::domain::report::Report;
use crate::domain::rules::RiskLevel;
use crate::domain::sentence::{Sentence, say};
use crate::domain::words;

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
        let count = risky.len();
        let reason = say!("governance.proposal.risky", count, rules => Sentence::names(rules));
        let reason = reason.text(request.language);
        let files = files.into_iter().map(str::to_owned).collect();
        proposals.extend(proposal(MENXIA, files, reason, governance, request));
    }
    for share in report
        .departments
        .iter()
        .filter(|share| share.key != MENXIA)
    {
        let count = share.files.len();
        let reason = say!("governance.proposal.owns", count).text(request.language);
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
    let (model, model_reason) = match (&department.model, request.department_model) {
        (Some(model), _) => (Some(model.as_str()), "governance.proposal.own_model"),
        (None, Some(model)) => (Some(model), "governance.proposal.default_model"),
        (None, None) => (None, "governance.proposal.no_model"),
    };
    let model_reason = words::text(request.language, model_reason);
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
