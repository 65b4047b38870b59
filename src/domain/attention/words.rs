//! What a person reads about what waits: what it is in one line, why, and what happens if nobody answers. Whatever others wrote is shown
//! short in it, with nothing hidden.

use super::list::{About, Scene};
use super::{PlanSeen, Waiting, say, short};
use crate::domain::shown;

/// The sentences of one item.
pub(super) struct Said {
    pub title: String,
    pub why: Option<String>,
    pub if_nobody_answers: String,
}

/// The name of whom an item is about, for people.
pub(super) fn who(scene: &Scene<'_>, about: &About<'_>) -> String {
    match (about.department, about.session) {
        (Some(department), _) => (scene.title)(department),
        (None, Some(session)) if session.is_planner() => {
            say(scene.language, "The planner", "中书省")
        }
        _ => say(
            scene.language,
            "A thread of no session here",
            "不属于任何会话的线程",
        ),
    }
}

impl Waiting {
    pub(super) fn words(&self, scene: &Scene<'_>, about: &About<'_>) -> Said {
        let language = scene.language;
        let tell = |en: &str, zh: &str| language.pick(en, zh).to_owned();
        let who = || who(scene, about);
        let waits = tell(
            "It waits until somebody answers.",
            "会一直等待，直到有人回答。",
        );
        let (title, why, if_nobody_answers) = match self {
            Self::Ask { .. } => (String::new(), None, waits),
            Self::ReadOnly { reason } => (
                tell("Nothing can be written", "无法写入"),
                Some(reason.clone()),
                tell(
                    "Nothing can be decided or started until this is mended and zhongshu is started again.",
                    "在修复并重新启动 zhongshu 之前，不能决定或启动任何事。",
                ),
            ),
            Self::CodexDown { reason, .. } => (
                tell("Codex does not run", "Codex 没有运行"),
                Some(reason.clone()),
                tell(
                    "Sessions of Codex stand still, and none starts. zhongshu tries again by itself where that can help.",
                    "Codex 会话停滞，也不会启动新的。若重试有用，zhongshu 会自动重试。",
                ),
            ),
            Self::CodexLacks { sentence } => (
                tell(
                    "This version of Codex cannot do everything",
                    "这个版本的 Codex 不能完成所有功能",
                ),
                Some(sentence.clone()),
                tell(
                    "What it cannot do stays switched off.",
                    "它做不到的功能保持关闭。",
                ),
            ),
            Self::Login { sentence } => (
                tell("Codex is not logged in", "Codex 尚未登录"),
                Some(sentence.clone()),
                tell("No session of Codex can work.", "Codex 会话无法工作。"),
            ),
            Self::Trust { .. } => (
                tell(
                    "Before Codex starts here for the first time",
                    "Codex 首次在此仓库启动之前",
                ),
                None,
                tell(
                    "Nothing of Codex runs here until you allow it.",
                    "在您允许之前，Codex 的任何部分都不会在此运行。",
                ),
            ),
            Self::Powers { .. } => (
                tell(
                    "Before programs start and sandboxes open",
                    "在程序启动之前、沙箱放宽之前",
                ),
                None,
                tell(
                    "The safe defaults hold, and work that needs more waits.",
                    "安全默认值继续有效，需要更多权力的工作会等待。",
                ),
            ),
            Self::Settings { sentence } => (
                tell("Something is wrong with the settings", "设置有问题"),
                Some(sentence.clone()),
                tell(
                    "Nothing stops for it. A governance.yaml with a mistake is not followed: what was read before stays in force.",
                    "不会因此停止任何事。有错误的 governance.yaml 不会生效，此前读取的内容继续有效。",
                ),
            ),
            Self::DutyFailed { sentence, .. } => (
                tell("A part of zhongshu failed", "zhongshu 的一部分出了故障"),
                Some(sentence.clone()),
                tell("It is tried again by itself.", "会自动重试。"),
            ),
            Self::GateMissing { mode } => (
                tell("The commit gate is not installed", "提交关口没有安装"),
                Some(say(
                    language,
                    format!(
                        "It should be `{}`, but nothing stands before `git commit`; install it with `zhongshu hook install`",
                        mode.name()
                    ),
                    format!(
                        "关口应为 `{}`，但 `git commit` 之前没有任何检查；请用 `zhongshu hook install` 安装",
                        mode.name()
                    ),
                )),
                tell(
                    "Commits pass without a look; they are told afterwards.",
                    "提交不经检查即可通过，事后才会提示。",
                ),
            ),
            Self::Blocked { notice } => (
                say(
                    language,
                    format!("{} waits for an answer in its terminal", who()),
                    format!("{}在终端里等待回答", who()),
                ),
                notice.clone(),
                waits,
            ),
            Self::TurnFailed { cause } => (
                say(
                    language,
                    format!("{}: its last turn failed", who()),
                    format!("{}：上一轮失败", who()),
                ),
                Some(cause.clone()),
                tell(
                    "A department is reminded to report, and ended if it stays silent; a planner waits.",
                    "部门会被提醒上报，若仍无回音则被结束；中书省会等待。",
                ),
            ),
            Self::Silent { .. } => (
                say(
                    language,
                    format!("{} gives no sign of life", who()),
                    format!("{}没有动静", who()),
                ),
                None,
                tell(
                    "It keeps its slot. Nothing ends it while a turn runs.",
                    "它继续占用名额；在一轮进行中不会被结束。",
                ),
            ),
            Self::StartFailed { reason } => (
                tell("A planner could not be started", "中书省无法启动"),
                Some(reason.clone()),
                tell("Nothing more happens.", "不会再有任何进展。"),
            ),
            Self::SessionLost { reason, .. } => (
                tell("A planner ended unexpectedly", "中书省意外结束"),
                Some(reason.clone()),
                tell(
                    "Its plan and its queue wait for a planner.",
                    "它的方案和队列会等待中书省。",
                ),
            ),
            Self::PlanToConfirm(plan) => (
                version(scene, plan, "waits for your decision", "等待您决定"),
                None,
                tell("Nothing of it starts.", "其中任何一项都不会开始。"),
            ),
            Self::PlanVetoed(plan) => (
                version(scene, plan, "was vetoed by menxia", "被门下省否决"),
                plan.reasons.first().cloned(),
                tell(
                    "The planner was told and makes another plan.",
                    "中书省已得知，会重新拟订方案。",
                ),
            ),
            Self::VerdictMissing(plan) => (
                version(scene, plan, "has no verdict of menxia", "没有门下省的结论"),
                Some(verdict(scene, plan)),
                tell("Nothing of it starts.", "其中任何一项都不会开始。"),
            ),
            Self::PlanFile { why, .. } => (
                tell(
                    "A plan in a file from nobody known",
                    "一份来历不明的方案文件",
                ),
                Some(match *why {
                    "planner_has_tool" => tell(
                        "The planner reports its plans with its tool; whoever can write into the mailbox may have written this.",
                        "中书省用自己的工具上报方案；任何能写入信箱的人都可能写了这个文件。",
                    ),
                    _ => tell(
                        "A plan that is known to be the planner's waits already.",
                        "已有一份来源可靠的方案在等待决定。",
                    ),
                }),
                tell("Nothing comes of it.", "不会产生任何结果。"),
            ),
            Self::ResultNeedsPerson { .. } => (
                say(
                    language,
                    format!("{} needs your decision", who()),
                    format!("{}需要您决定", who()),
                ),
                None,
                tell(
                    "Further work of the same planner waits.",
                    "同一中书省的后续工作会等待。",
                ),
            ),
            Self::OutsideScope { files, omitted, .. } => {
                let count = files.len() + omitted;
                (
                    say(
                        language,
                        format!("{} changed files outside of its assignment: {count}", who()),
                        format!("{}修改了任务之外的 {count} 个文件", who()),
                    ),
                    None,
                    tell(
                        "The changes stay in the working tree, marked as outside of the assignment.",
                        "修改保留在工作区，并标记为任务之外。",
                    ),
                )
            }
            Self::Fallback { .. } => (
                say(
                    language,
                    format!("{} ended without a report", who()),
                    format!("{}没有上报就结束了", who()),
                ),
                None,
                tell(
                    "Its planner was told. Work that comes after it waits.",
                    "中书省已得知。依赖它的工作会等待。",
                ),
            ),
            Self::FileRejected { file, reason } => (
                tell(
                    "A file in the planner's mailbox was not taken",
                    "中书省信箱里的一个文件未被接收",
                ),
                Some(say(
                    language,
                    format!("`{}`: {reason}", shown::short(file)),
                    format!("`{}`：{reason}", shown::short(file)),
                )),
                tell(
                    "It stays in `rejected/` of the mailbox.",
                    "它留在信箱的 `rejected/` 里。",
                ),
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
                        1 => say(
                            language,
                            format!("Commit {short_id} went around the gate"),
                            format!("提交 {short_id} 绕过了关口"),
                        ),
                        _ => say(
                            language,
                            format!("{count} commits up to {short_id} went around the gate"),
                            format!("到 {short_id} 为止的 {count} 个提交绕过了关口"),
                        ),
                    },
                    (!subject.is_empty()).then(|| shown::short(subject)),
                    tell("It stays on record as unreviewed.", "会一直记为未经复核。"),
                )
            }
            Self::Fault {
                name,
                reason,
                found_by,
                ..
            } => (
                say(
                    language,
                    format!("Work for {} waits", shown::short(name)),
                    format!("需要 {} 的工作在等待", shown::short(name)),
                ),
                Some(say(
                    language,
                    format!(
                        "work for {name} waits, because session {found_by} failed with it: {reason}; `POST /api/queue/resume` tries again"
                    ),
                    format!(
                        "需要 {name} 的工作在等待，因为会话 {found_by} 使用它时失败：{reason}；`POST /api/queue/resume` 会重试"
                    ),
                )),
                tell("It waits; other work goes on.", "它会等待；其他工作继续。"),
            ),
            Self::DependencyFailed { .. } => (
                say(
                    language,
                    format!("{} waits for work that failed", who_waits(scene, about)),
                    format!("{}等待的工作失败了", who_waits(scene, about)),
                ),
                None,
                tell("It never starts.", "它永远不会开始。"),
            ),
            Self::PlannerEnded { waiting } => (
                say(
                    language,
                    format!("Work in the queue whose planner ended: {waiting}"),
                    format!("队列中有 {waiting} 项工作的中书省已结束"),
                ),
                None,
                tell(
                    "It waits until its planner is resumed, or another takes over.",
                    "会一直等待，直到其中书省继续，或由另一个接手。",
                ),
            ),
            Self::ReviewLimit { waiting, limit } => (
                tell(
                    "Too many results wait for your eyes",
                    "等待您查看的结果太多",
                ),
                Some(say(
                    language,
                    format!(
                        "{waiting} results wait; `review_limit` is {limit}. Take notice of some of them"
                    ),
                    format!(
                        "有 {waiting} 个结果在等待；`review_limit` 为 {limit}。请先处理其中一些"
                    ),
                )),
                tell("Nothing more starts.", "不会再启动任何工作。"),
            ),
            Self::QueuePaused { waiting } => (
                tell("The queue is paused", "队列已暂停"),
                Some(say(
                    language,
                    format!("assignments that wait: {waiting}"),
                    format!("等待的任务：{waiting}"),
                )),
                tell("Nothing more starts.", "不会再启动任何工作。"),
            ),
        };
        Said {
            title,
            why: why.map(|it| short(&it)),
            if_nobody_answers,
        }
    }
}

fn who_waits(scene: &Scene<'_>, about: &About<'_>) -> String {
    about
        .department
        .map_or_else(String::new, |it| (scene.title)(it))
}

fn version(scene: &Scene<'_>, plan: &PlanSeen, en: &str, zh: &str) -> String {
    let version = plan.version;
    say(
        scene.language,
        format!("Version {version} of the plan {en}"),
        format!("方案第 {version} 版{zh}"),
    )
}

fn verdict(scene: &Scene<'_>, plan: &PlanSeen) -> String {
    match plan.review {
        "author_unknown" => say(
            scene.language,
            "Nobody is known to have written it, so no review was started.",
            "这个方案出自何人无从得知，因此没有启动复核。",
        ),
        "left_to_person" => say(
            scene.language,
            "There were vetoes, or tries, enough: you decide.",
            "否决或尝试次数已够：由您决定。",
        ),
        _ => say(
            scene.language,
            "The session that should review it ended without a verdict.",
            "负责复核的会话没有给出结论就结束了。",
        ),
    }
}
