//! How the page shows what the launcher found out itself about a result. Words and classes only.

use super::Page;
use crate::domain::conformance::{Conformance, JudgedFile, Standing};
use crate::domain::evidence::{End, Run, Verdict};
use crate::domain::ids::SessionId;
use crate::web::views::ResultView;

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

impl Page<'_> {
    pub(super) fn needs_person(&self, result: &ResultView) -> bool {
        open_question(result)
    }

    /// Whether any of the open questions keeps further work waiting.
    pub(super) fn holds_work(&self) -> bool {
        let mut open = self.decide.iter();
        open.any(|result| result.findings.needs_user_confirmation && !result.acknowledged)
    }

    /// Whether the person can have this result's checks run.
    pub(super) fn can_verify(&self, result: &ResultView) -> bool {
        let author = self
            .w
            .sessions
            .iter()
            .find(|s| s.id == result.department_session_id);
        author.is_some_and(|session| !session.verify.is_empty()) && result.channel != self.fallback
    }

    pub(super) fn unknown_why<'f>(&self, found: &'f Conformance) -> Option<&'f str> {
        match found {
            Conformance::Unknown { reason } => Some(reason),
            Conformance::Judged { .. } => None,
        }
    }

    /// The paths about which there is something to say.
    pub(super) fn notable(&self, found: &Conformance) -> Vec<JudgedLine> {
        let outside = found.outside();
        let absent = found.absent();
        let undeclared = found
            .undeclared()
            .filter(|file| file.standing == Standing::InScope);
        let all = outside.chain(absent).chain(undeclared).take(SHOWN);
        all.map(|file| JudgedLine {
            path: file.path.clone(),
            words: self.standing_words(file),
        })
        .collect()
    }

    fn standing_words(&self, file: &JudgedFile) -> String {
        let mut words = Vec::new();
        match file.standing {
            Standing::Outside => words.push(self.t.get("checks.is_outside").to_owned()),
            Standing::Absent => words.push(self.t.get("checks.is_absent").to_owned()),
            Standing::InScope => {}
        }
        if !file.claimed {
            words.push(self.t.get("checks.is_undeclared").to_owned());
        }
        if !file.ambiguous_with.is_empty() {
            let names: Vec<&str> = file.ambiguous_with.iter().map(SessionId::as_str).collect();
            words.push(self.t.one("checks.maybe", names.join(", ")));
        }
        words.join(self.w.language.pick(", ", "，"))
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
            End::NotStarted { reason } => reason.clone(),
        }
    }
}
