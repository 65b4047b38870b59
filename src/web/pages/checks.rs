//! How pages show what was found out about a result, and what menxia said of a plan. Words and classes only.

use super::Words;
use crate::domain::conformance::{Conformance, JudgedFile, ScopeStatus};
use crate::domain::department::Department;
use crate::domain::evidence::{End, Run, Verdict};
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::plan_review::CheckedPoint;
use crate::domain::words;
use crate::web::views::{PlanView, ResultView};

/// Paths that are listed; the counts beside them are of all.
const SHOWN: usize = 20;

/// A path with what is to be said about it.
pub(super) struct JudgedLine {
    pub path: String,
    pub words: String,
}

/// Whether a person should look at a result before anything else.
pub(super) fn open_question(result: &ResultView) -> bool {
    (result.findings.needs_user_confirmation && !result.acknowledged) || result.awaits_acceptance
}

/// One result, as templates ask about it.
#[derive(Clone, Copy)]
pub(super) struct Checks<'a> {
    pub t: Words,
    pub language: Language,
    pub r: &'a ResultView,
}

impl Checks<'_> {
    pub(super) fn unknown_why<'f>(&self, found: &'f Conformance) -> Option<&'f str> {
        match found {
            Conformance::Unknown { reason } => Some(reason),
            Conformance::Judged { .. } => None,
        }
    }

    /// Whether it changed what it was asked to and said so.
    pub(super) fn conforms(&self, found: &Conformance) -> bool {
        let odd = found
            .outside()
            .chain(found.undeclared())
            .chain(found.absent());
        odd.count() == 0
    }

    /// The paths about which there is something to say.
    pub(super) fn notable(&self, found: &Conformance) -> Vec<JudgedLine> {
        let is_odd = |file: &&JudgedFile| !self.words(file).is_empty();
        let outside = found.outside();
        let absent = found.absent();
        let inside = found.in_scope().filter(is_odd);
        let all = outside.chain(absent).chain(inside).take(SHOWN);
        all.map(|file| JudgedLine {
            path: file.path.clone(),
            words: self.words(file),
        })
        .collect()
    }

    /// What is to be said about a path; nothing when all is as it should be.
    pub(super) fn words(&self, file: &JudgedFile) -> String {
        let mut words = Vec::new();
        match file.standing {
            ScopeStatus::Outside => words.push(self.t.get("checks.is_outside").to_owned()),
            ScopeStatus::Absent => words.push(self.t.get("checks.is_absent").to_owned()),
            ScopeStatus::InScope => {}
        }
        if !file.claimed {
            words.push(self.t.get("checks.is_undeclared").to_owned());
        }
        if self.r.late.contains(&file.path) {
            words.push(self.t.get("checks.is_late").to_owned());
        }
        if !file.ambiguous_with.is_empty() {
            let names: Vec<String> = file.ambiguous_with.iter().map(short).collect();
            words.push(self.t.one("checks.maybe", names.join(", ")));
        }
        words.join(words::text(self.language, "governance.comma"))
    }

    pub(super) fn verdict_class(&self, verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Confirmed | Verdict::Holds => "ok",
            Verdict::Refuted | Verdict::Fails => "bad",
            Verdict::NotRun => "warn",
        }
    }

    pub(super) fn end_words(&self, run: &Run) -> String {
        match &run.end {
            End::Exited { code } => {
                let seconds = run.duration_ms as f64 / 1000.0;
                self.t.two("end.exited", code, format!("{seconds:.1}"))
            }
            End::Signalled { signal } => self.t.one("end.signalled", signal),
            End::TimedOut { after_seconds } => self.t.one("end.timed_out", after_seconds),
            End::TooMuchOutput { .. } => self.t.get("end.too_much").to_owned(),
            End::NotStarted { reason } => self.t.said(reason).into_owned(),
        }
    }
}

/// A plan with what menxia said of it, as templates ask about it.
#[derive(Clone, Copy)]
pub(super) struct Reviewed<'a> {
    pub plan: &'a PlanView,
    pub departments: &'a [Department],
    pub language: Language,
    /// Whether plans are reviewed now.
    pub required: bool,
}

impl Reviewed<'_> {
    /// Whether there is anything to say.
    pub(super) fn is_wanted(&self) -> bool {
        self.plan.review.state != "not_required"
    }

    /// Whether a person must say why to go on.
    pub(super) fn needs_reason(&self) -> bool {
        match self.plan.review.state {
            "not_required" | "approved" => false,
            "vetoed" => true,
            _ => self.required,
        }
    }

    /// Whether a person says whether it is reviewed.
    pub(super) fn waits_for_word(&self) -> bool {
        self.required && self.plan.status == "pending" && self.plan.review.state == "author_unknown"
    }

    pub(super) fn class(&self) -> &'static str {
        match self.plan.review.state {
            "approved" => "ok",
            "vetoed" => "bad",
            _ => "warn",
        }
    }

    /// The department whose line a checked point is about.
    pub(super) fn line(&self, point: &CheckedPoint) -> &str {
        let Some(line) = self.plan.assignments.get(point.line.saturating_sub(1)) else {
            return "";
        };
        let mut known = self.departments.iter();
        let department = known.find(|it| it.key == line.department);
        department.map_or(&line.department, |it| it.title.get(self.language))
    }
}

/// A session as a person tells it from another: its department, and the end of its id.
fn short(id: &SessionId) -> String {
    let (key, random) = id.as_str().rsplit_once('-').unwrap_or(("", id.as_str()));
    let end = random.get(random.len().saturating_sub(6)..);
    format!("{key} {}", end.unwrap_or(random))
}
