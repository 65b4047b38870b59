//! How pages show what the launcher found out itself about a result. Words and classes only.

use super::Words;
use crate::domain::conformance::{Conformance, JudgedFile, Standing};
use crate::domain::evidence::{End, Run, Verdict};
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
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
            Standing::Outside => words.push(self.t.get("checks.is_outside").to_owned()),
            Standing::Absent => words.push(self.t.get("checks.is_absent").to_owned()),
            Standing::InScope => {}
        }
        if !file.claimed {
            words.push(self.t.get("checks.is_undeclared").to_owned());
        }
        if self.r.late.contains(&file.path) {
            words.push(self.t.get("checks.is_late").to_owned());
        }
        if !file.ambiguous_with.is_empty() {
            let names: Vec<&str> = file.ambiguous_with.iter().map(SessionId::as_str).collect();
            words.push(self.t.one("checks.maybe", names.join(", ")));
        }
        words.join(self.language.pick(", ", "，"))
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
