//! The part of a dossier about who let the work pass: menxia's verdicts on the plan, the person's on what was staged, and
//! the commits that came of it.

use super::{Entry, stamp};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::markdown::{code, fence, heading};
use crate::domain::plan_review::{Judgement, Verdict};
use crate::domain::review::{Approval, CommitSeen, GateMode, GitId, Rejection};
use crate::domain::words;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const FITS: &str = "writing to a string cannot fail";

/// Something that was said or done, by whom and when.
struct Said<T> {
    at: DateTime<Utc>,
    by: String,
    what: T,
}

/// What came of the review of one version of the plan.
enum OfPlan {
    Asked,
    Withheld { reason: String },
    LeftToPerson { vetoes: usize },
    Given(Verdict),
    Ended { session: SessionId, how: String },
    Overruled { reason: String },
}

/// What a person said about a tree.
enum OfTree {
    Approved(Approval),
    Rejected(Rejection),
}

/// A commit that belongs to the work, or was made while its planner was there.
struct Commit {
    seen: CommitSeen,
    /// How strict the gate was, when it was gone around.
    around: Option<GateMode>,
    /// Whether the gate stood at all.
    guarded: bool,
    /// Who took notice of a commit that had gone around the gate, and what they said of it.
    noticed: Option<(String, Option<String>)>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Gates {
    plans: BTreeMap<u32, Vec<Said<OfPlan>>>,
    trees: Vec<Said<OfTree>>,
    commits: Vec<Said<Commit>>,
    /// Reports under which something of this work was approved.
    reports: BTreeSet<String>,
    /// Planners that are there.
    live: BTreeSet<SessionId>,
    /// Whether the gate stands.
    guarded: bool,
}

impl Gates {
    /// Takes the next record in; answers with what it says about this work, if it does.
    pub(super) fn learn(
        &mut self,
        planners: &BTreeSet<SessionId>,
        entry: Entry<'_>,
    ) -> Option<String> {
        let event = entry.event;
        match event {
            Event::SessionRegistered { brief, .. } if planners.contains(&brief.id) => {
                self.live.insert(brief.id.clone());
                None
            }
            Event::SessionResumed { session_id } if planners.contains(session_id) => {
                self.live.insert(session_id.clone());
                None
            }
            Event::SessionClosed { session_id, .. } => {
                self.live.remove(session_id);
                None
            }
            Event::TreeApproved { approval } => belongs(planners, &approval.plans).then(|| {
                self.reports.insert(approval.report_id.clone());
                let tree = approval.staged.tree.short();
                let line = format!("tree_approved {tree}");
                self.trees
                    .push(said(entry, OfTree::Approved(approval.clone())));
                line
            }),
            Event::TreeRejected { rejection } => belongs(planners, &rejection.plans).then(|| {
                let tree = rejection.staged.tree.short();
                let line = format!("tree_rejected {tree}");
                self.trees
                    .push(said(entry, OfTree::Rejected(rejection.clone())));
                line
            }),
            Event::GateModeSet { mode, .. } => {
                self.guarded = *mode > GateMode::Off;
                None
            }
            Event::CommitRecorded { seen } => self.commit(entry, seen, None),
            Event::CommitUnapproved { seen, mode } => self.commit(entry, seen, Some(*mode)),
            Event::CommitAccepted { commit, reason } => {
                self.notice(entry, commit, reason.as_deref())
            }
            _ => self.learn_of_plan(planners, entry),
        }
    }

    fn learn_of_plan(
        &mut self,
        planners: &BTreeSet<SessionId>,
        entry: Entry<'_>,
    ) -> Option<String> {
        let (session_id, version, name, what) = match entry.event {
            Event::PlanReviewRequested {
                session_id,
                version,
                ..
            } => (session_id, version, "plan_review_requested", OfPlan::Asked),
            Event::PlanReviewWithheld {
                session_id,
                version,
                reason,
                ..
            } => {
                let what = OfPlan::Withheld {
                    reason: reason.clone(),
                };
                (session_id, version, "plan_review_withheld", what)
            }
            Event::PlanLeftToPerson {
                session_id,
                version,
                vetoes,
            } => {
                let what = OfPlan::LeftToPerson { vetoes: *vetoes };
                (session_id, version, "plan_left_to_person", what)
            }
            Event::PlanApproved {
                session_id,
                version,
                verdict,
                ..
            }
            | Event::PlanVetoed {
                session_id,
                version,
                verdict,
                ..
            } => {
                let name = match verdict.verdict {
                    Judgement::Approve => "plan_approved",
                    Judgement::Veto => "plan_vetoed",
                };
                (session_id, version, name, OfPlan::Given(verdict.clone()))
            }
            Event::PlanReviewEnded {
                session_id,
                version,
                department_session_id,
                outcome,
            } => {
                let what = OfPlan::Ended {
                    session: department_session_id.clone(),
                    how: outcome.word().to_owned(),
                };
                (session_id, version, "plan_review_ended", what)
            }
            Event::PlanReviewOverruled {
                session_id,
                version,
                reason,
                ..
            } => {
                let what = OfPlan::Overruled {
                    reason: reason.clone(),
                };
                (session_id, version, "plan_review_overruled", what)
            }
            _ => return None,
        };
        planners.contains(session_id).then(|| {
            let list = self.plans.entry(*version).or_default();
            list.push(said(entry, what));
            format!("{name} {version}")
        })
    }

    /// A commit belongs to the work when it was approved with it. Of others nobody can tell; those that were made while
    /// the planner was there are shown.
    fn commit(
        &mut self,
        entry: Entry<'_>,
        seen: &CommitSeen,
        around: Option<GateMode>,
    ) -> Option<String> {
        let is_ours = match &seen.report_id {
            Some(report) => self.reports.contains(report),
            None => !self.live.is_empty(),
        };
        is_ours.then(|| {
            let word = match around {
                Some(_) => "commit_unapproved",
                None => "commit_recorded",
            };
            let line = format!("{word} {}", seen.commit.short());
            let commit = Commit {
                seen: seen.clone(),
                around,
                guarded: self.guarded,
                noticed: None,
            };
            self.commits.push(said(entry, commit));
            line
        })
    }

    fn notice(&mut self, entry: Entry<'_>, commit: &GitId, reason: Option<&str>) -> Option<String> {
        let mut all = self.commits.iter_mut();
        let found = all.find(|it| it.what.seen.commit == *commit)?;
        found.what.noticed = Some((entry.actor.to_owned(), reason.map(str::to_owned)));
        Some(format!("commit_accepted {}", commit.short()))
    }

    /// The section on menxia's verdicts; nothing when no plan was to be reviewed.
    pub(super) fn render_plans(&self, page: &mut String, language: Language) {
        if self.plans.is_empty() {
            return;
        }
        let title = words::text(language, "dossier.verdicts_on_plan_menxia");
        heading(page, 2, title);
        for (version, list) in &self.plans {
            let title = words::text(language, "dossier.version");
            heading(page, 3, &format!("{title} {version}"));
            for it in list {
                it.render(page, language);
            }
        }
    }

    /// The sections on what was staged and on commits.
    pub(super) fn render_trees(&self, page: &mut String, language: Language) {
        let title = words::text(language, "dossier.reviews_what_staged");
        heading(page, 2, title);
        for it in &self.trees {
            it.render(page, language);
        }
        if self.trees.is_empty() {
            page.push_str(words::text(language, "dossier.none"));
        }
        heading(page, 2, words::text(language, "dossier.commits"));
        for it in &self.commits {
            it.render(page, language);
        }
        if self.commits.is_empty() {
            page.push_str(words::text(language, "dossier.none"));
        }
    }
}

/// Whether an approval or rejection names a plan of these planners, as `<planner>/<version>`.
fn belongs(planners: &BTreeSet<SessionId>, plans: &[String]) -> bool {
    let mut named = plans.iter().filter_map(|plan| plan.split_once('/'));
    named.any(|(id, _)| planners.iter().any(|planner| planner.as_str() == id))
}

fn said<T>(entry: Entry<'_>, what: T) -> Said<T> {
    Said {
        at: entry.at,
        by: entry.actor.to_owned(),
        what,
    }
}

impl Said<OfPlan> {
    fn render(&self, page: &mut String, language: Language) {
        let at = stamp(self.at);
        match &self.what {
            OfPlan::Asked => {
                let words = words::text(language, "dossier.given_menxia_by");
                writeln!(page, "- {words} {} {at}", code(&self.by))
            }
            OfPlan::Withheld { reason } => {
                let words = words::text(language, "dossier.not_given_menxia");
                writeln!(page, "- {words} {at}: {}", code(reason))
            }
            OfPlan::LeftToPerson { vetoes } => {
                let words = words::text(language, "dossier.left_person_vetoes");
                writeln!(page, "- {words} {vetoes} {at}")
            }
            OfPlan::Ended { session, how } => {
                let words = words::text(language, "dossier.no_verdict_from");
                writeln!(page, "- {words} {session} ({how}) {at}")
            }
            OfPlan::Overruled { reason } => {
                let words = words::text(language, "dossier.overruled_by");
                writeln!(page, "- {words} {} {at}: {}", code(&self.by), code(reason))
            }
            OfPlan::Given(verdict) => {
                self.render_verdict(page, verdict, language);
                Ok(())
            }
        }
        .expect(FITS);
    }

    fn render_verdict(&self, page: &mut String, verdict: &Verdict, language: Language) {
        let word = match verdict.verdict {
            Judgement::Approve => words::text(language, "dossier.approved_by"),
            Judgement::Veto => words::text(language, "dossier.vetoed_by"),
        };
        let sure = match verdict.verified {
            true => words::text(language, "dossier.author_verified"),
            false => words::text(language, "dossier.author_not_verified"),
        };
        let (session, at) = (&verdict.department_session_id, stamp(self.at));
        writeln!(page, "- {word} {session} ({sure}) {at}").expect(FITS);
        if !verdict.reasons.is_empty() {
            let title = words::text(language, "dossier.reasons");
            writeln!(page, "\n{title}:\n").expect(FITS);
            fence(page, &verdict.reasons);
        }
        let title = words::text(language, "dossier.checked");
        let line = words::text(language, "dossier.line");
        let points: Vec<String> = verdict
            .checked
            .iter()
            .map(|it| format!("{line} {}: {}", it.line, it.point))
            .collect();
        writeln!(page, "\n{title}:\n").expect(FITS);
        fence(page, &points);
        page.push('\n');
    }
}

impl Said<OfTree> {
    fn render(&self, page: &mut String, language: Language) {
        let (at, by) = (stamp(self.at), code(&self.by));
        match &self.what {
            OfTree::Approved(approval) => {
                let tree = &approval.staged.tree;
                let words = words::text(language, "dossier.approved_tree");
                let risks = &approval.risks;
                let found = format!("{}/{}/{}", risks.high, risks.medium, risks.low);
                let (files, findings) = (
                    words::text(language, "dossier.n_files"),
                    words::text(language, "dossier.findings_high_medium_low"),
                );
                let count = approval.files;
                writeln!(
                    page,
                    "- {words} {tree}, {by} {at}; {}; {files} {count}; {findings} {found}",
                    code(&approval.report_id)
                )
                .expect(FITS);
                if let Some(note) = &approval.note {
                    writeln!(page, "  - {}", code(note)).expect(FITS);
                }
            }
            OfTree::Rejected(rejection) => {
                let tree = &rejection.staged.tree;
                let words = words::text(language, "dossier.rejected_tree");
                let reason = code(&rejection.reason);
                writeln!(page, "- {words} {tree}, {by} {at}: {reason}").expect(FITS);
            }
        }
    }
}

impl Said<Commit> {
    fn render(&self, page: &mut String, language: Language) {
        let commit = &self.what;
        let seen = &commit.seen;
        let verdict = match (&seen.report_id, commit.around) {
            (Some(report), _) => {
                let words = words::text(language, "dossier.approved_under");
                format!("{words} {}", code(report))
            }
            (None, Some(mode)) => {
                let words = words::text(language, "dossier.not_approved_made_around");
                format!("{words} ({})", mode.name())
            }
            // What leaves the tree as it was needs no approval: an empty commit, or another message.
            (None, None) if commit.guarded => {
                words::text(language, "dossier.changes_no_file_nothing").to_owned()
            }
            (None, None) => words::text(language, "dossier.not_approved_gate_off").to_owned(),
        };
        writeln!(
            page,
            "- {} {} {}: {verdict}",
            seen.commit,
            stamp(self.at),
            code(&seen.subject)
        )
        .expect(FITS);
        if let Some(older) = &seen.older {
            let words = match older.more {
                false => words::text(language, "dossier.older_ones_not_listed"),
                true => words::text(language, "dossier.older_ones_at_least"),
            };
            writeln!(page, "  - {words} {} ({}…)", older.count, older.oldest).expect(FITS);
        }
        if let Some((by, reason)) = &commit.noticed {
            let words = words::text(language, "dossier.noticed_by");
            let reason = reason.as_deref().map(|reason| format!(" {}", code(reason)));
            let reason = reason.unwrap_or_default();
            writeln!(page, "  - {words} {}{reason}", code(by)).expect(FITS);
        }
        if seen.report_id.is_none() {
            let words = words::text(language, "dossier.made_while_planner_there");
            writeln!(page, "  - {words}").expect(FITS);
        }
    }
}
