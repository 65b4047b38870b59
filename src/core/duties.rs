//! What the launcher does all the time, each by a task of its own, and what became of those tasks. Tasks are kept alive by
//! `server::supervisor`; this is what a person sees of it.

use crate::domain::department::Localized;
use crate::domain::language::Language;
use crate::domain::sentence::say;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;

/// Longest reason that is kept, in characters.
const MAX_REASON_CHARS: usize = 400;

/// Something that a task of the launcher does from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Takes in what lies in the mailboxes.
    Mailbox,
    /// Does what is due: dispatch, starts, reminders, ends.
    Reconciler,
    /// One step of that, or one answer to what a driver said.
    Step,
    /// Looks after Codex's app-server.
    AppServer,
    /// Hears what Codex says.
    Codex,
    /// Hears what terminals say.
    Terminals,
    /// Watches for commits.
    Commits,
    /// Takes over changes of `governance.yaml`.
    Governance,
    /// Records who got access.
    Access,
    /// Tells a program of the person's what waits.
    Notify,
}

impl Duty {
    /// Its name in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Reconciler => "reconciler",
            Self::Step => "step",
            Self::AppServer => "app_server",
            Self::Codex => "codex",
            Self::Terminals => "terminals",
            Self::Commits => "commits",
            Self::Governance => "governance",
            Self::Access => "access",
            Self::Notify => "notify",
        }
    }

    /// What it does, for people.
    fn title(self) -> Localized {
        let (zh, en) = match self {
            Self::Mailbox => ("接收信箱文件", "takes in mailbox files"),
            Self::Reconciler => ("推进会话与队列", "moves sessions and queue on"),
            Self::Step => ("执行单个步骤", "does one step of a session"),
            Self::AppServer => ("看护 Codex 的 app-server", "looks after Codex's app-server"),
            Self::Codex => ("接收 Codex 消息", "hears what Codex says"),
            Self::Terminals => ("接收终端消息", "hears what terminals say"),
            Self::Commits => ("监视提交", "watches for commits"),
            Self::Governance => ("重读 governance.yaml", "reads changes of governance.yaml"),
            Self::Access => ("记录访问", "records who got access"),
            Self::Notify => (
                "把等待您处理的事告诉 notify 程序",
                "tells the program of `notify` what waits",
            ),
        };
        Localized::new(zh, en)
    }
}

/// How often a duty failed since the start, and the last reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    times: u32,
    reason: String,
}

/// Duties that ended since the start, and those that cannot be done. An end is a defect of the launcher: it stays here until the launcher is
/// started again, so that somebody hears of it. What cannot be done stays until it can be.
#[derive(Debug, Default)]
pub struct Troubles {
    ended: Mutex<BTreeMap<Duty, Trouble>>,
    hindered: Mutex<BTreeMap<Duty, String>>,
}

impl Troubles {
    /// Notes one more failure; answers how many there were.
    pub fn note(&self, duty: Duty, reason: &str) -> u32 {
        let mut all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = all.entry(duty).or_insert_with(|| Trouble {
            times: 0,
            reason: String::new(),
        });
        trouble.times = trouble.times.saturating_add(1);
        trouble.reason = reason.chars().take(MAX_REASON_CHARS).collect();
        trouble.times
    }

    /// A duty goes on, and cannot do its work now: this is why.
    pub fn begin(&self, duty: Duty, reason: &str) {
        let reason = reason.chars().take(MAX_REASON_CHARS).collect();
        let mut all = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(duty, reason);
    }

    /// It does its work again.
    pub fn end(&self, duty: Duty) {
        let mut all = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&duty);
    }

    /// A sentence for each duty that ended (`<name>`) or cannot be done (`<name>-now`).
    pub fn list(&self, language: Language) -> Vec<(String, String)> {
        let all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let sentence = |(duty, trouble): (&Duty, &Trouble)| {
            let Trouble { times, reason } = trouble;
            let title = duty.title();
            let sentence = Localized::new(
                format!(
                    "zhongshu 的一个内部任务（{}）意外结束了 {times} 次，已自动重新开始；最近一次的原因：{reason}。日志中有更多信息；如再次出现，请重启 zhongshu",
                    title.zh
                ),
                format!(
                    "the part of zhongshu that {} ended unexpectedly (times: {times}) and was started again; the last reason: {reason}. \
                     The log says more; restart zhongshu if it happens again",
                    title.en
                ),
            )
            .get(language)
            .to_owned();
            (duty.name().to_owned(), sentence)
        };
        let hindered = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        let hindrance = |(duty, reason): (&Duty, &String)| {
            let title = duty.title();
            let sentence = Localized::new(
                format!(
                    "zhongshu 的一个内部任务（{}）目前无法进行，正在重试：{reason}。在恢复之前，应由它发现的事不会显示",
                    title.zh
                ),
                format!(
                    "the part of zhongshu that {} cannot do so now, and tries again: {reason}. What it would notice is told when it can",
                    title.en
                ),
            )
            .get(language)
            .to_owned();
            (format!("{}-now", duty.name()), sentence)
        };
        let ended = all.iter().map(sentence);
        ended.chain(hindered.iter().map(hindrance)).collect()
    }
}

/// Runs `work` to its end; when it panics, says with what.
///
/// # Errors
/// The words of the panic.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    // What the work shared with others sits behind locks that survive a panic (`PoisonError::into_inner`), or is made anew.
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.map_err(|panic| words_of(&*panic))
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| say!("reason.panicked").to_string())
        .to_owned()
}
