//! One document about a planner's work, made from the journal's records alone: task, plan versions and what was said of
//! them, what was done, what the launcher found, and what became of it. Reads nothing and decides nothing.

mod gates;
mod page;

use super::assignment::Order;
use super::conformance::Conformance;
use super::conformance::late::SecondLook;
use super::event::Event;
use super::evidence::Run;
use super::ids::{AssignmentId, ReportId, SessionId};
use super::markdown::code;
use super::plan::{PlanFinding, PlannedAssignment, Proposal};
use super::result::Revision;
use chrono::{DateTime, SecondsFormat, Utc};
use gates::Gates;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A record of the journal, as far as a dossier looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: &'a str,
    /// What.
    pub event: &'a Event,
}

/// The planners that stand for one piece of work: one took over from the other.
#[derive(Debug, Clone)]
pub struct Planners {
    ids: BTreeSet<SessionId>,
    known: bool,
}

impl Planners {
    /// Begins with one of them.
    pub fn of(id: SessionId) -> Self {
        Self {
            ids: BTreeSet::from([id]),
            known: false,
        }
    }

    /// Looks at every event once, in order; again after a round that found somebody new.
    pub fn look(&mut self, event: &Event) -> bool {
        match event {
            Event::ZhongshuReplaced { session_id, by } => {
                let (old, new) = (self.ids.contains(session_id), self.ids.contains(by));
                if old != new {
                    self.ids.extend([session_id.clone(), by.clone()]);
                    return true;
                }
                false
            }
            Event::SessionRegistered { brief, .. } if self.ids.contains(&brief.id) => {
                self.known |= brief.parent_session_id.is_none();
                false
            }
            _ => false,
        }
    }

    /// Whether any of them is a planner of this journal.
    pub fn is_known(&self) -> bool {
        self.known
    }
}

struct Version {
    at: DateTime<Utc>,
    actor: String,
    number: u32,
    sha256: String,
    proposal: Arc<Proposal>,
    findings: Vec<PlanFinding>,
    said: Vec<String>,
}

struct Confirmed {
    at: DateTime<Utc>,
    actor: String,
    version: Option<u32>,
    edited: bool,
    assignments: Vec<PlannedAssignment>,
}

#[derive(Default)]
struct Work {
    order: Option<Order>,
    sessions: Vec<SessionId>,
    said: Vec<String>,
}

#[derive(Default)]
struct Reported {
    revisions: Vec<(DateTime<Utc>, Arc<Revision>)>,
    found: Vec<ReportNote>,
}

/// What was found about a report, in the order it was found.
enum ReportNote {
    Conformance(u32, Conformance),
    /// After the session's end.
    Later(u32, SecondLook),
    Accepted(u32, String, String),
    Run(u32, Run),
}

/// See the module.
pub struct Dossier {
    planners: Planners,
    sessions: BTreeSet<SessionId>,
    tasks: Vec<String>,
    versions: Vec<Version>,
    confirmed: Vec<Confirmed>,
    work: BTreeMap<AssignmentId, Work>,
    reports: BTreeMap<ReportId, Reported>,
    gates: Gates,
    timeline: Vec<String>,
}

impl Dossier {
    /// An empty one; the planners must have looked at all events.
    pub fn new(planners: Planners) -> Self {
        Self {
            sessions: planners.ids.clone(),
            planners,
            tasks: Vec::new(),
            versions: Vec::new(),
            confirmed: Vec::new(),
            work: BTreeMap::new(),
            reports: BTreeMap::new(),
            gates: Gates::default(),
            timeline: Vec::new(),
        }
    }

    /// Takes the next record.
    pub fn take(&mut self, entry: Entry<'_>) {
        let of_gates = self.gates.learn(&self.planners.ids, entry);
        if let Some(what) = self.learn(entry).or(of_gates) {
            self.timeline.push(format!(
                "- {} {} {} {what}",
                entry.seq,
                stamp(entry.at),
                code(entry.actor)
            ));
        }
    }

    /// What an event says about this work; `None` when it is about something else.
    fn learn(&mut self, entry: Entry<'_>) -> Option<String> {
        let Entry {
            at, actor, event, ..
        } = entry;
        let ours = |id: &SessionId| self.planners.ids.contains(id);
        match event {
            Event::SessionRegistered { brief, .. } => {
                let child = brief.parent_session_id.as_ref().is_some_and(ours);
                if !child && !ours(&brief.id) {
                    return None;
                }
                self.sessions.insert(brief.id.clone());
                if !child && self.tasks.last() != Some(&brief.task) {
                    self.tasks.push(brief.task.clone());
                }
                Some(format!("session_registered {}", brief.id))
            }
            Event::SessionStarted { session_id, .. } => self.about(session_id, "session_started"),
            Event::SessionClosed {
                session_id,
                outcome,
            } => self
                .about(session_id, "session_closed")
                .map(|line| format!("{line} ({})", outcome.word())),
            Event::ZhongshuReplaced { session_id, by } => {
                ours(by).then(|| format!("zhongshu_replaced {session_id} → {by}"))
            }
            Event::ZhongshuPlanRegistered {
                session_id,
                version,
                plan_sha256,
                proposal,
                findings,
                ..
            } if ours(session_id) => {
                self.versions.push(Version {
                    at,
                    actor: actor.to_owned(),
                    number: *version,
                    sha256: plan_sha256.clone(),
                    proposal: proposal.clone(),
                    findings: findings.clone().unwrap_or_default(),
                    said: Vec::new(),
                });
                Some(format!("zhongshu_plan_registered {version}"))
            }
            Event::PlanFileFound {
                session_id, found, ..
            } if ours(session_id) => Some(format!("plan_file_found {}", code(&found.file))),
            Event::PlanFileTaken {
                session_id,
                version,
                file,
                ..
            } if ours(session_id) => {
                self.say_of_plan(
                    *version,
                    format!(
                        "- taken {} by {} from a file that nobody is known to have written: {}",
                        stamp(at),
                        code(actor),
                        code(file)
                    ),
                );
                Some(format!("plan_file_taken {version}"))
            }
            Event::PlanFileDiscarded {
                session_id, file, ..
            } if ours(session_id) => Some(format!("plan_file_discarded {}", code(file))),
            Event::PlanRejected {
                session_id,
                version,
                reason,
            } if ours(session_id) => {
                self.say_of_plan(
                    *version,
                    format!(
                        "- rejected {} by {}: {}",
                        stamp(at),
                        code(actor),
                        code(reason)
                    ),
                );
                Some(format!("plan_rejected {version}"))
            }
            Event::PlanConfirmed {
                session_id,
                version,
                edited,
                assignments,
                ..
            } if ours(session_id) => {
                if let Some(version) = version {
                    let how = if *edited {
                        "confirmed with changes"
                    } else {
                        "confirmed"
                    };
                    self.say_of_plan(
                        *version,
                        format!("- {how} {} by {}", stamp(at), code(actor)),
                    );
                }
                self.confirmed.push(Confirmed {
                    at,
                    actor: actor.to_owned(),
                    version: *version,
                    edited: *edited,
                    assignments: assignments.clone(),
                });
                Some("plan_confirmed".to_owned())
            }
            Event::AssignmentQueued { order } if ours(&order.parent_session_id) => {
                let work = self.work.entry(order.assignment_id.clone()).or_default();
                work.order = Some(order.clone());
                work.said.push(format!("- queued {}", stamp(at)));
                Some(format!("assignment_queued {}", order.assignment_id))
            }
            Event::AssignmentDispatched {
                assignment_id,
                session_id,
            } => {
                let work = self.work.get_mut(assignment_id)?;
                work.sessions.push(session_id.clone());
                work.said
                    .push(format!("- given to {session_id} {}", stamp(at)));
                Some(format!("assignment_dispatched {assignment_id}"))
            }
            Event::AssignmentCancelled { assignment_id } => {
                let work = self.work.get_mut(assignment_id)?;
                work.said
                    .push(format!("- cancelled {} by {}", stamp(at), code(actor)));
                Some(format!("assignment_cancelled {assignment_id}"))
            }
            Event::ResultRegistered {
                report_id,
                revision,
            }
            | Event::ResultUpdated {
                report_id,
                revision,
            } => {
                if !self.sessions.contains(&revision.department_session_id) {
                    return None;
                }
                let report = self.reports.entry(report_id.clone()).or_default();
                report.revisions.push((at, revision.clone()));
                Some(format!("result {report_id} revision {}", revision.revision))
            }
            Event::ResultJudged {
                report_id,
                revision,
                conformance,
            } => {
                let report = self.reports.get_mut(report_id)?;
                report
                    .found
                    .push(ReportNote::Conformance(*revision, conformance.clone()));
                Some(format!("result_judged {report_id}"))
            }
            Event::ResultRejudged {
                report_id,
                revision,
                look,
            } => {
                let report = self.reports.get_mut(report_id)?;
                report
                    .found
                    .push(ReportNote::Later(*revision, look.clone()));
                Some(format!("result_rejudged {report_id}"))
            }
            Event::ChangesAccepted {
                report_id,
                revision,
                by,
                reason,
            } => {
                let report = self.reports.get_mut(report_id)?;
                report
                    .found
                    .push(ReportNote::Accepted(*revision, by.clone(), reason.clone()));
                Some(format!("changes_accepted {report_id}"))
            }
            Event::VerificationRun {
                report_id,
                revision,
                run,
            } => {
                let report = self.reports.get_mut(report_id)?;
                report.found.push(ReportNote::Run(*revision, run.clone()));
                Some(format!("verification_run {report_id}"))
            }
            Event::ResultAcknowledged { report_id } => self
                .reports
                .contains_key(report_id)
                .then(|| format!("result_acknowledged {report_id}")),
            _ => None,
        }
    }

    fn about(&self, id: &SessionId, what: &str) -> Option<String> {
        self.sessions.contains(id).then(|| format!("{what} {id}"))
    }

    fn say_of_plan(&mut self, version: u32, line: String) {
        if let Some(plan) = self
            .versions
            .iter_mut()
            .rfind(|plan| plan.number == version)
        {
            plan.said.push(line);
        }
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
