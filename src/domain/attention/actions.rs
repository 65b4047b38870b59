//! What can be done about what waits: each an ordinary request of the API, so that a page, the command line and a program do the same.

use super::list::About;
use super::{PlanSeen, Waiting};
use crate::domain::language::Language;
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
    fn say(&self, en: &str, zh: &str) -> String {
        self.language.pick(en, zh).to_owned()
    }

    fn make(
        &self,
        id: &'static str,
        label: (&str, &str),
        effect: (&str, &str),
        path: &str,
        body: Value,
    ) -> Action {
        Action {
            id,
            label: self.say(label.0, label.1),
            effect: self.say(effect.0, effect.1),
            needs: Vec::new(),
            method: "POST",
            path: path.to_owned(),
            body,
        }
    }

    fn words(&self, field: &'static str, required: bool, en: &str, zh: &str) -> Vec<Need> {
        vec![Need {
            field,
            kind: NeedKind::Words,
            label: self.say(en, zh),
            required,
        }]
    }

    fn reason(&self, required: bool) -> Vec<Need> {
        match required {
            true => self.words("reason", true, "Why", "原因"),
            false => self.words("reason", false, "Why (optional)", "原因（可不填）"),
        }
    }

    fn message(&self, to: &str) -> Action {
        let message = self.make(
            "message",
            ("Send a message", "发消息"),
            (
                "The session gets it at once and goes on with it.",
                "会话会立即收到并据此继续。",
            ),
            "/api/session_input",
            json!({"session_id": to}),
        );
        Action {
            needs: self.words("input", true, "What you tell it", "告诉它的话"),
            ..message
        }
    }

    fn resume(&self, session: &str) -> Action {
        self.make(
            "resume",
            ("Resume", "继续"),
            ("It goes on where it ended.", "从结束的地方继续。"),
            "/api/resume_session",
            json!({"session_id": session}),
        )
    }

    fn restart(&self, planner: &str) -> Action {
        self.make(
            "restart",
            ("Start another in its place", "另启一个接替"),
            (
                "A new planner takes over its plan, its queue and its open results.",
                "新的中书省接手它的方案、队列和未处理的结果。",
            ),
            "/api/restart_zhongshu_session",
            json!({"session_id": planner}),
        )
    }

    fn stop(&self, session: &str) -> Action {
        self.make(
            "stop",
            ("Stop it", "停止"),
            (
                "The session ends; what it changed stays.",
                "会话结束；它所做的修改会保留。",
            ),
            "/api/stop_session",
            json!({"session_id": session}),
        )
    }

    fn acknowledge(&self, report_id: &str) -> Action {
        self.make(
            "acknowledge",
            ("I have taken notice", "我已知悉"),
            ("Work that waited for it goes on.", "等待它的工作会继续。"),
            "/api/ack_result",
            json!({"report_id": report_id}),
        )
    }

    fn try_again(&self) -> Action {
        self.make(
            "try_again",
            ("Try again", "重试"),
            (
                "What waits is tried again, and the next failure is told anew.",
                "等待的工作会重试；再次失败会重新告知。",
            ),
            "/api/queue/resume",
            json!({}),
        )
    }

    fn reject_plan(&self, planner: &str) -> Action {
        let reject = self.make(
            "reject",
            ("Reject", "驳回"),
            (
                "The planner is told why and makes another plan.",
                "中书省会得知原因并重新拟订方案。",
            ),
            "/api/reject_plan",
            json!({"session_id": planner}),
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
            ("Confirm as proposed", "按原方案确认"),
            (
                "The lines that the planner selected are queued, exactly as they are shown.",
                "中书省选定的各项会按所示内容进入队列。",
            ),
            "/api/start_assignments",
            json!({"parent_session_id": planner, "plan_sha256": plan.plan_sha256}),
        );
        let needs = match overrules {
            true => self.words(
                "override_reason",
                true,
                "Why you go on without menxia's approval",
                "为何不待门下省同意",
            ),
            false => Vec::new(),
        };
        Some(Action { needs, ..confirm })
    }

    fn review_plan(&self, planner: &str, plan: &PlanSeen) -> Action {
        self.make(
            "review",
            ("Have menxia review it", "送门下省复核"),
            ("A session of menxia looks at the plan and says yes or no.", "门下省的会话会审看方案，并给出同意或否决。"),
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
            | Self::Settings { .. }
            | Self::DutyFailed { .. }
            | Self::GateMissing { .. }
            | Self::Blocked { .. }
            | Self::ReviewLimit { .. } => Vec::new(),
            Self::Login { .. } | Self::Fault { .. } => vec![m.try_again()],
            Self::Trust { .. } => vec![m.make(
                "accept",
                (
                    "Allow Codex to work in this repository",
                    "允许 Codex 在此仓库工作",
                ),
                (
                    "Codex starts, and sessions can run.",
                    "Codex 会启动，会话可以运行。",
                ),
                "/api/trust",
                json!({"accept": true, "language": language}),
            )],
            Self::Powers { sha256, .. } => vec![m.make(
                "accept",
                ("Allow exactly this", "只同意以上内容"),
                (
                    "It holds from now on, until it says something else.",
                    "从现在起生效，直到内容变化。",
                ),
                "/api/powers",
                json!({"sha256": sha256, "accept": true}),
            )],
            Self::TurnFailed { .. } | Self::Silent { .. } => {
                vec![m.message(session), m.stop(session)]
            }
            Self::StartFailed { .. } | Self::SessionLost { .. } => {
                vec![m.resume(session), m.restart(session)]
            }
            Self::PlannerEnded { .. } => vec![m.resume(planner), m.restart(planner)],
            Self::PlanToConfirm(plan) => {
                let confirm = m.confirm_plan(planner, plan, false);
                confirm
                    .into_iter()
                    .chain([m.reject_plan(planner)])
                    .collect()
            }
            Self::PlanVetoed(plan) => {
                let confirm = m.confirm_plan(planner, plan, true);
                confirm
                    .into_iter()
                    .chain([m.reject_plan(planner)])
                    .collect()
            }
            Self::VerdictMissing(plan) => {
                let mut actions = match plan.review {
                    "left_to_person" => Vec::new(),
                    _ => vec![m.review_plan(planner, plan)],
                };
                actions.extend(m.confirm_plan(planner, plan, true));
                actions.push(m.reject_plan(planner));
                actions
            }
            Self::PlanFile { plan_sha256, .. } => {
                let body = json!({"session_id": planner, "plan_sha256": plan_sha256});
                vec![
                    m.make(
                        "take",
                        ("Take it as the plan", "作为方案采用"),
                        ("It becomes the planner's newest plan, and is confirmed or rejected as any other.", "它会成为中书省的最新方案，照常确认或驳回。"),
                        "/api/take_plan_file",
                        body.clone(),
                    ),
                    m.make(
                        "discard",
                        ("Take it away", "移除"),
                        ("Nothing comes of it.", "不会产生任何结果。"),
                        "/api/discard_plan_file",
                        body,
                    ),
                ]
            }
            Self::ResultNeedsPerson { report_id, .. } => {
                vec![m.acknowledge(report_id.as_str()), m.message(planner)]
            }
            Self::OutsideScope { report_id, .. } => {
                let accept = m.make(
                    "accept",
                    ("Accept the changes", "接受这些修改"),
                    (
                        "They count as wanted; your reason is kept with them.",
                        "视为应有的修改；原因会一并保留。",
                    ),
                    "/api/accept_changes",
                    json!({"report_id": report_id}),
                );
                let needs = m.reason(true);
                vec![Action { needs, ..accept }]
            }
            Self::Fallback { report_id, .. } => {
                vec![m.resume(session), m.acknowledge(report_id.as_str())]
            }
            Self::FileRejected { .. } => vec![m.message(session)],
            Self::CommitUnapproved { commit, .. } => {
                let accept = m.make(
                    "accept",
                    ("I have seen it", "我已查看"),
                    (
                        "It is not told again; the commit stays as it is.",
                        "不再提示；提交保持不变。",
                    ),
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
                        ("Start it anyway", "仍然启动"),
                        (
                            "It starts without what it should come after.",
                            "不等它应依赖的工作，直接启动。",
                        ),
                        "/api/queue/force",
                        body.clone(),
                    ),
                    m.make(
                        "cancel_work",
                        ("Take it out of the queue", "移出队列"),
                        (
                            "It is not done; what comes after it fails as well.",
                            "不会执行；依赖它的工作也会失败。",
                        ),
                        "/api/queue/cancel",
                        body,
                    ),
                ]
            }
            Self::QueuePaused { .. } => vec![m.make(
                "resume_queue",
                ("Go on", "继续"),
                (
                    "Work that waits starts as slots are free.",
                    "有空位时，等待的工作就会开始。",
                ),
                "/api/queue/resume",
                json!({}),
            )],
        }
    }
}
