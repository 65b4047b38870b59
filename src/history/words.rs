//! What of a session can be looked for: what it was asked to do, what it planned and reported, and the files that it was about.

use super::{Find, Kind};
use crate::domain::ask::cut_to;
use crate::domain::session::Session;
use crate::domain::state::past::Past;
use std::collections::BTreeSet;

/// So much of one text, in bytes. A report may have a megabyte; what it is about stands at its beginning.
const MOST: usize = 16 * 1024;

/// The words, a text on each line.
pub fn of(past: &Past) -> String {
    let Session { brief, plans, .. } = &past.session;
    let mut words = vec![brief.title.as_str(), &brief.task];
    for plan in plans {
        words.push(&plan.proposal.summary);
        words.extend(plan.proposal.assignments.iter().map(|it| it.task.as_str()));
    }
    words.extend(past.assignments.iter().map(|it| it.order.reason.as_str()));
    if let Some(report) = &past.report {
        for (_, revision) in &report.revisions {
            let findings = &revision.findings;
            words.push(&findings.summary);
            words.extend(findings.risks.iter().map(String::as_str));
            words.extend(findings.next_action.as_deref());
        }
    }
    let words = words.into_iter().filter(|it| !it.is_empty());
    let words = words.map(|it| {
        let mut word = it.to_owned();
        cut_to(&mut word, MOST);
        word
    });
    Vec::from_iter(words).join("\n")
}

/// The files, a path on each line.
pub fn files(past: &Past) -> String {
    let mut files = BTreeSet::from_iter(past.session.brief.files.iter().map(String::as_str));
    if let Some(report) = &past.report {
        let revisions = report.revisions.iter();
        files.extend(
            revisions.flat_map(|(_, it)| it.findings.changed_files.iter().map(String::as_str)),
        );
        files.extend(report.late.iter().map(String::as_str));
    }
    Vec::from_iter(files).join("\n")
}

/// Whether a session that is still in the state is looked for; its place in the order is not looked at.
pub fn matches(find: &Find<'_>, past: &Past) -> bool {
    let session = &past.session;
    let parent = session.brief.parent_session_id.as_ref().map(AsRef::as_ref);
    let of_kind = match find.kind {
        Kind::All => true,
        Kind::Planners => session.is_planner(),
        Kind::DepartmentsOf(planner) => parent == Some(planner),
        Kind::ReportsTo(planner) => past.report_planner().map(AsRef::as_ref) == Some(planner),
    };
    let ended = session.ended_at().map(|it| it.timestamp_millis());
    let fits = |wanted: Option<&str>, text: fn(&Past) -> String| {
        wanted.is_none_or(|wanted| text(past).to_lowercase().contains(&wanted.to_lowercase()))
    };
    of_kind
        && find
            .department
            .is_none_or(|it| it == session.brief.department)
        && find
            .since
            .is_none_or(|since| ended.is_some_and(|it| it >= since))
        && find
            .until
            .is_none_or(|until| ended.is_some_and(|it| it < until))
        && fits(find.text, of)
        && fits(find.file, files)
}
