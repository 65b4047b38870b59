//! What can be done about what waits: each an ordinary request of the API, so that a page, the command line and a program do the same.

use super::list::About;
use super::{PlanSeen, Waiting};
use crate::domain::language::Language;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::Session;
use serde::Serialize;
use serde_json::{Value, json};

/// Something that can be done: a request, and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Action {
    /// Its name; no two of an item share it, but for hosts.
    pub id: &'static str,
    /// What a button says.
    pub label: String,
    /// What happens by it.
    pub effect: String,
    /// What has to be added to `body`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The request's method.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its body, as far as it is known.
    pub body: Value,
}

/// A field that a person fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Its name in the body.
    pub field: &'static str,
    /// What it is.
    pub kind: NeedKind,
    /// What to write there.
    pub label: String,
    /// Whether it may not be left out.
    pub required: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// A text.
    Words,
    /// Texts for each question of `what.questions`.
    Answers,
    /// An object as `what.schema` wants it.
    Content,
    /// What is granted of what was asked.
    Permissions,
}

impl Action {
    /// Whether it says no.
    pub fn declines(&self) -> bool {
        matches!(
            self.id,
            "decline" | "cancel" | "deny_host" | "reject" | "discard" | "cancel_work" | "stop"
        )
    }
}

/// Makes the actions of one item.
struct Maker {
    language: Language,
}

impl Maker {
    fn make(
        &self,
        id: &'static str,
        label: Sentence,
        effect: Sentence,
        path: &str,
        body: Value,
    ) -> Action {
        Action {
            id,
            label: label.text(self.language),
            effect: effect.text(self.language),
            needs: Vec::new(),
            method: "POST",
            path: path.to_owned(),
            body,
        }
    }

    fn words(&self, field: &'static str, required: bool, label: Sentence) -> Vec<Need> {
        vec![Need {
            field,
            kind: NeedKind::Words,
            label: label.text(self.language),
            required,
        }]
    }

    fn reason(&self, required: bool) -> Vec<Need> {
        match required {
            true => self.words("reason", true, say!("need.reason")),
            false => self.words("reason", false, say!("need.reason_optional")),
        }
    }

    fn message(&self, to: &str) -> Action {
        let message = self.make(
            "message",
            say!("action.message.label"),
            say!("action.message.effect"),
            "/api/session_input",
            json!({"session_id": to}),
        );
        Action {
            needs: self.words("input", true, say!("need.input")),
            ..message
        }
    }

    fn resume(&self, session: &str) -> Action {
        self.make(
            "resume",
            say!("action.resume.label"),
            say!("action.resume.effect"),
            "/api/resume_session",
            json!({"session_id": session}),
        )
    }

    fn restart(&self, planner: &str) -> Action {
        self.make(
            "restart",
            say!("action.restart.label"),
            say!("action.restart.effect"),
            "/api/restart_zhongshu_session",
            json!({"session_id": planner}),
        )
    }

    fn interrupt(&self, session: &str) -> Action {
        self.make(
            "interrupt",
            say!("action.interrupt.label"),
            say!("action.interrupt.effect"),
            "/api/interrupt_session",
            json!({"session_id": session}),
        )
    }

    fn stop(&self, session: &str) -> Action {
        self.make(
            "stop",
            say!("action.stop.label"),
            say!("action.stop.effect"),
            "/api/stop_session",
            json!({"session_id": session}),
        )
    }

    fn acknowledge(&self, report_id: &str, revision: u32) -> Action {
        self.make(
            "acknowledge",
            say!("action.acknowledge.label"),
            say!("action.acknowledge.effect"),
            "/api/ack_result",
            json!({"report_id": report_id, "revision": revision}),
        )
    }

    fn try_again(&self) -> Action {
        self.make(
            "try_again",
            say!("action.try_again.label"),
            say!("action.try_again.effect"),
            "/api/queue/resume",
            json!({}),
        )
    }

    fn reject_plan(&self, planner: &str, plan: &PlanSeen) -> Action {
        let reject = self.make(
            "reject",
            say!("action.reject_plan.label"),
            say!("action.reject_plan.effect"),
            "/api/reject_plan",
            json!({"session_id": planner, "plan_sha256": plan.plan_sha256}),
        );
        Action {
            needs: self.reason(true),
            ..reject
        }
    }

    /// Nothing when the item does not show all that would be confirmed: that is done where it is shown.
    fn confirm_plan(&self, planner: &str, plan: &PlanSeen, overrules: bool) -> Option<Action> {
        if !plan.is_whole() {
            return None;
        }
        let confirm = self.make(
            "confirm",
            say!("action.confirm_plan.label"),
            say!("action.confirm_plan.effect"),
            "/api/start_assignments",
            json!({"parent_session_id": planner, "plan_sha256": plan.plan_sha256}),
        );
        let needs = match overrules {
            true => self.words("override_reason", true, say!("need.override_reason")),
            false => Vec::new(),
        };
        Some(Action { needs, ..confirm })
    }

    fn review_plan(&self, planner: &str, plan: &PlanSeen) -> Action {
        self.make(
            "review",
            say!("action.review_plan.label"),
            say!("action.review_plan.effect"),
            "/api/review_plan",
            json!({"session_id": planner, "version": plan.version, "plan_sha256": plan.plan_sha256}),
        )
    }
}

impl Waiting {
    /// What can be done about it; nothing where the cause lies outside of zhongshu.
    pub(super) fn actions(&self, language: Language, about: &About<'_>) -> Vec<Action> {
        let m = Maker { language };
        let session = about.session.map_or("", |it| it.id().as_str());
        let planner = about.planner.map_or("", |it| it.as_str());
        match self {
            Self::Ask { .. }
            | Self::ReadOnly { .. }
            | Self::CodexDown { .. }
            | Self::CodexLacks { .. }
            | Self::JournalDamaged { .. }
            | Self::Settings { .. }
            | Self::DutyFailed { .. }
            | Self::GateMissing { .. }
            | Self::Blocked { .. }
            | Self::ReviewLimit { .. } => Vec::new(),
            Self::Login { .. } | Self::Fault { .. } => vec![m.try_again()],
            Self::Trust { .. } => vec![m.make(
                "accept",
                say!("action.accept_trust.label"),
                say!("action.accept_trust.effect"),
                "/api/trust",
                json!({"accept": true, "language": language}),
            )],
            Self::Powers { sha256, .. } => vec![m.make(
                "accept",
                say!("action.accept_powers.label"),
                say!("action.accept_powers.effect"),
                "/api/powers",
                json!({"sha256": sha256, "accept": true}),
            )],
            Self::TurnFailed { .. } => vec![m.message(session), m.stop(session)],
            Self::Silent { .. } | Self::Looping { .. } => {
                let in_codex = |it: &&Session| it.brief.driver.needs_codex();
                let interrupt = about.session.filter(in_codex).map(|_| m.interrupt(session));
                let message = std::iter::once(m.message(session));
                message.chain(interrupt).chain([m.stop(session)]).collect()
            }
            Self::StartFailed { .. } | Self::SessionLost { .. } => {
                vec![m.resume(session), m.restart(session)]
            }
            Self::PlannerEnded { .. } => vec![m.resume(planner), m.restart(planner)],
            Self::PlanToConfirm(plan) => {
                let confirm = m.confirm_plan(planner, plan, false);
                confirm
                    .into_iter()
                    .chain([m.reject_plan(planner, plan)])
                    .collect()
            }
            Self::PlanVetoed(plan) => {
                let confirm = m.confirm_plan(planner, plan, true);
                confirm
                    .into_iter()
                    .chain([m.reject_plan(planner, plan)])
                    .collect()
            }
            Self::VerdictMissing(plan) => {
                let mut actions = match plan.review {
                    "left_to_person" => Vec::new(),
                    _ => vec![m.review_plan(planner, plan)],
                };
                actions.extend(m.confirm_plan(planner, plan, true));
                actions.push(m.reject_plan(planner, plan));
                actions
            }
            Self::PlanFile { plan_sha256, .. } => {
                let body = json!({"session_id": planner, "plan_sha256": plan_sha256});
                vec![
                    m.make(
                        "take",
                        say!("action.take_plan_file.label"),
                        say!("action.take_plan_file.effect"),
                        "/api/take_plan_file",
                        body.clone(),
                    ),
                    m.make(
                        "discard",
                        say!("action.discard_plan_file.label"),
                        say!("action.discard_plan_file.effect"),
                        "/api/discard_plan_file",
                        body,
                    ),
                ]
            }
            Self::ResultNeedsPerson {
                report_id,
                revision,
                ..
            } => {
                vec![
                    m.acknowledge(report_id.as_str(), *revision),
                    m.message(planner),
                ]
            }
            Self::OutsideScope {
                report_id,
                revision,
                ..
            } => {
                let accept = m.make(
                    "accept",
                    say!("action.accept_changes.label"),
                    say!("action.accept_changes.effect"),
                    "/api/accept_changes",
                    json!({"report_id": report_id, "revision": revision}),
                );
                let needs = m.reason(true);
                vec![Action { needs, ..accept }]
            }
            Self::Fallback {
                report_id,
                revision,
                ..
            } => {
                vec![
                    m.resume(session),
                    m.acknowledge(report_id.as_str(), *revision),
                ]
            }
            Self::FileRejected { .. } => vec![m.message(session)],
            Self::CommitUnapproved { commit, .. } => {
                let accept = m.make(
                    "accept",
                    say!("action.accept_commit.label"),
                    say!("action.accept_commit.effect"),
                    "/api/reviews/accept_commit",
                    json!({"commit": commit}),
                );
                let needs = m.reason(false);
                vec![Action { needs, ..accept }]
            }
            Self::DependencyFailed { assignment_id, .. } => {
                let body = json!({"assignment_id": assignment_id});
                vec![
                    m.make(
                        "force",
                        say!("action.force.label"),
                        say!("action.force.effect"),
                        "/api/queue/force",
                        body.clone(),
                    ),
                    m.make(
                        "cancel_work",
                        say!("action.cancel_work.label"),
                        say!("action.cancel_work.effect"),
                        "/api/queue/cancel",
                        body,
                    ),
                ]
            }
            Self::RateLimited { .. } | Self::BudgetReached { .. } => self.limit_actions(language),
            Self::QueuePaused { .. } => vec![m.make(
                "resume_queue",
                say!("action.resume_queue.label"),
                say!("action.resume_queue.effect"),
                "/api/queue/resume",
                json!({}),
            )],
            Self::TerminalLeft { .. } => vec![m.make(
                "back",
                say!("action.terminal_back.label"),
                say!("action.terminal_back.effect"),
                "/api/session_browser_terminal/back",
                json!({"session_id": session}),
            )],
        }
    }
}
