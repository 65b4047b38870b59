//! What a person reads about what waits: what it is in one line, why, and what happens if nobody answers. Whatever others wrote is shown
//! short in it, with nothing hidden.

use super::list::{About, Scene};
use super::{PlanSeen, Waiting};
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown;

/// The sentences of one item.
pub(super) struct Said {
    pub title: Sentence,
    pub why: Option<Sentence>,
    pub if_nobody_answers: Sentence,
}

/// The name of whom an item is about, for people.
pub(super) fn who(scene: &Scene<'_>, about: &About<'_>) -> Sentence {
    match (about.department, about.session) {
        (Some(department), _) => Sentence::verbatim((scene.title)(department)),
        (None, Some(session)) if session.is_planner() => say!("waiting.who.planner"),
        _ => say!("waiting.who.nobody"),
    }
}

impl Waiting {
    pub(super) fn words(&self, scene: &Scene<'_>, about: &About<'_>) -> Said {
        let who = || who(scene, about);
        let told = |text: &String| Some(Sentence::verbatim(text));
        let waits = say!("waiting.ask.unanswered");
        let (title, why, if_nobody_answers) = match self {
            // An ask says all this about itself.
            Self::Ask { .. } => (Sentence::verbatim(""), None, waits),
            Self::ReadOnly { reason } => (
                say!("waiting.read_only.title"),
                told(reason),
                say!("waiting.read_only.unanswered"),
            ),
            Self::CodexDown { reason, .. } => (
                say!("waiting.codex_down.title"),
                told(reason),
                say!("waiting.codex_down.unanswered"),
            ),
            Self::CodexLacks { sentence } => (
                say!("waiting.codex_lacks.title"),
                told(sentence),
                say!("waiting.codex_lacks.unanswered"),
            ),
            Self::Login { sentence } => (
                say!("waiting.login.title"),
                told(sentence),
                say!("waiting.login.unanswered"),
            ),
            Self::Trust { .. } => (
                say!("waiting.trust.title"),
                None,
                say!("waiting.trust.unanswered"),
            ),
            Self::Powers { .. } => (
                say!("waiting.powers.title"),
                None,
                say!("waiting.powers.unanswered"),
            ),
            Self::JournalDamaged { sentence } => (
                say!("waiting.journal_damaged.title"),
                told(sentence),
                say!("waiting.journal_damaged.unanswered"),
            ),
            Self::Settings { sentence } => (
                say!("waiting.settings.title"),
                told(sentence),
                say!("waiting.settings.unanswered"),
            ),
            Self::DutyFailed { sentence, .. } => (
                say!("waiting.duty_failed.title"),
                told(sentence),
                say!("waiting.duty_failed.unanswered"),
            ),
            Self::GateMissing { mode } => (
                say!("waiting.gate_missing.title"),
                Some(say!("waiting.gate_missing.why", mode = mode.name())),
                say!("waiting.gate_missing.unanswered"),
            ),
            Self::Blocked { notice } => (
                say!("waiting.blocked.title", who => who()),
                notice.as_ref().and_then(told),
                waits,
            ),
            Self::TurnFailed { cause } => (
                say!("waiting.turn_failed.title", who => who()),
                told(cause),
                say!("waiting.turn_failed.unanswered"),
            ),
            Self::Silent { .. } => (
                say!("waiting.silent.title", who => who()),
                Some(say!("waiting.silent.why")),
                say!("waiting.silent.unanswered"),
            ),
            Self::Looping { command, times } => (
                say!("waiting.looping.title", who => who(), times),
                Some(say!("waiting.looping.why", command, times)),
                say!("waiting.looping.unanswered"),
            ),
            Self::StartFailed { reason } => (
                say!("waiting.start_failed.title"),
                told(reason),
                say!("waiting.start_failed.unanswered"),
            ),
            Self::SessionLost { reason, .. } => (
                say!("waiting.session_lost.title"),
                told(reason),
                say!("waiting.session_lost.unanswered"),
            ),
            Self::PlanToConfirm(plan) => (
                say!("waiting.plan_to_confirm.title", version = plan.version),
                None,
                say!("waiting.plan.unanswered"),
            ),
            Self::PlanVetoed(plan) => (
                say!("waiting.plan_vetoed.title", version = plan.version),
                plan.reasons.first().and_then(told),
                say!("waiting.plan_vetoed.unanswered"),
            ),
            Self::VerdictMissing(plan) => (
                say!("waiting.verdict_missing.title", version = plan.version),
                Some(no_verdict(plan)),
                say!("waiting.plan.unanswered"),
            ),
            Self::PlanFile { why, .. } => (
                say!("waiting.plan_file.title"),
                Some(match *why {
                    "planner_has_tool" => say!("waiting.plan_file.planner_has_tool"),
                    _ => say!("waiting.plan_file.known_one_waits"),
                }),
                say!("waiting.plan_file.unanswered"),
            ),
            Self::ResultNeedsPerson { .. } => (
                say!("waiting.result_needs_person.title", who => who()),
                None,
                say!("waiting.result_needs_person.unanswered"),
            ),
            Self::OutsideScope { files, omitted, .. } => {
                let count = files.len() + omitted;
                (
                    say!("waiting.outside_scope.title", who => who(), count),
                    None,
                    say!("waiting.outside_scope.unanswered"),
                )
            }
            Self::Fallback { .. } => (
                say!("waiting.fallback.title", who => who()),
                None,
                say!("waiting.fallback.unanswered"),
            ),
            Self::FileRejected { file, reason } => (
                say!("waiting.file_rejected.title"),
                Some(say!(
                    "waiting.file_rejected.why",
                    file = shown::short(file),
                    reason
                )),
                say!("waiting.file_rejected.unanswered"),
            ),
            Self::CommitUnapproved {
                commit,
                subject,
                count,
                ..
            } => {
                let short_id: String = commit.chars().take(12).collect();
                (
                    match count {
                        1 => say!("waiting.commit_unapproved.title", commit = short_id),
                        _ => {
                            say!("waiting.commit_unapproved.titles", count, commit = short_id)
                        }
                    },
                    (!subject.is_empty()).then(|| Sentence::verbatim(shown::short(subject))),
                    say!("waiting.commit_unapproved.unanswered"),
                )
            }
            Self::Fault {
                name,
                reason,
                found_by,
                ..
            } => (
                say!("waiting.fault.title", name = shown::short(name)),
                Some(say!("waiting.fault.why", name, found_by, reason)),
                say!("waiting.fault.unanswered"),
            ),
            Self::DependencyFailed { .. } => (
                say!("waiting.dependency_failed.title", who => who()),
                None,
                say!("waiting.dependency_failed.unanswered"),
            ),
            Self::PlannerEnded { waiting } => (
                say!("waiting.planner_ended.title", waiting),
                None,
                say!("waiting.planner_ended.unanswered"),
            ),
            Self::ReviewLimit { waiting, limit } => (
                say!("waiting.review_limit.title"),
                Some(say!("waiting.review_limit.why", waiting, limit)),
                say!("waiting.queue.unanswered"),
            ),
            Self::RateLimited { .. } | Self::BudgetReached { .. } => {
                return self.limit_words(scene, about);
            }
            Self::QueuePaused { waiting } => (
                say!("waiting.queue_paused.title"),
                Some(say!("waiting.queue_paused.why", waiting)),
                say!("waiting.queue.unanswered"),
            ),
            Self::TerminalLeft { .. } => (
                say!("waiting.terminal_left.title", who => who()),
                Some(say!("waiting.terminal_left.why")),
                say!("waiting.terminal_left.unanswered"),
            ),
        };
        Said {
            title,
            why,
            if_nobody_answers,
        }
    }
}

/// Why nobody gave a verdict about a plan.
fn no_verdict(plan: &PlanSeen) -> Sentence {
    match plan.review {
        "author_unknown" => say!("waiting.verdict_missing.author_unknown"),
        "left_to_person" => say!("waiting.verdict_missing.left_to_person"),
        _ => say!("waiting.verdict_missing.ended"),
    }
}
