//! One thread of Codex: opened, resumed, spoken to, ended. What else is done to one is in `acts`.

use super::settings;
use crate::codex::calls::{Call, ThreadResume, ThreadStart, TurnStart, TurnsWanted};
use crate::codex::items::{Item, ThreadStatus, Turn, TurnStatus};
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::department::{Approval, Sandbox};
use crate::domain::steering::Settings;
use crate::process;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How a thread is opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Where its commands run.
    pub root: PathBuf,
    /// Model; `None` leaves the choice to Codex.
    pub model: Option<String>,
    /// Approval policy.
    pub approval: Approval,
    /// Sandbox.
    pub sandbox: Sandbox,
}

/// How long Codex may take for an answer that is passed on: what takes longer, whoever asked has given up.
pub const PASSED_ON_LIMIT: Duration = Duration::from_secs(120);

/// A thread, and who has it.
#[derive(Clone)]
pub struct Thread<'a> {
    pub(super) codex: &'a Codex,
    /// Its name in Codex.
    pub id: ThreadId,
}

impl<'a> Thread<'a> {
    pub(super) fn of(codex: &'a Codex, id: ThreadId) -> Self {
        Self { codex, id }
    }

    /// Opens a new one, and answers what is in force in it. Without a turn it leaves nothing behind.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn open(
        codex: &'a Codex,
        opening: Opening,
    ) -> Result<(Self, Option<Settings>), CallError> {
        let start = ThreadStart {
            cwd: Some(opening.root),
            model: opening.model,
            approval_policy: Some(settings::approval(opening.approval)),
            sandbox: Some(settings::sandbox(opening.sandbox)),
            ..ThreadStart::default()
        };
        let opened = codex.start_thread(&start).await?;
        let settings = settings::at_opening(&opened);
        Ok((Self::of(codex, opened.thread.id), settings))
    }

    /// Names it. Without a name no TUI can attach before its first turn has written something.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn name(&self, name: &str) -> Result<(), CallError> {
        self.codex.name_thread(&self.id, name).await
    }

    /// Loads it and subscribes to it, with patience for one that was started a moment ago; answers what it is doing, and what is in force
    /// in it.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn resume(&self) -> Result<(ThreadStatus, Option<Settings>), CallError> {
        let params = ThreadResume::new(self.id.clone());
        let resumed = self.codex.resume_thread(&params).await?;
        let settings = settings::at_opening(&resumed);
        Ok((resumed.thread.status, settings))
    }

    /// Makes a call that needs the thread in Codex's memory: one that is not there is loaded, and then the call is made once more.
    ///
    /// # Errors
    /// What Codex says to the call, or, where the thread cannot be loaded for a reason that says more, that reason.
    pub(super) async fn call<C: Call>(&self, params: &C) -> Result<C::Reply, CallError> {
        self.loaded(|| self.codex.call(params)).await
    }

    /// A call as the others, by the name of its method, for whoever passes on what Codex says, within [`PASSED_ON_LIMIT`].
    ///
    /// # Errors
    /// As there.
    pub async fn call_raw(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        let codex = self.codex.within(PASSED_ON_LIMIT);
        self.loaded(|| codex.call_raw(method, params)).await
    }

    async fn loaded<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, CallError> {
        match call().await {
            Err(error) if error.is_refusal("thread not found") => match self.resume().await {
                Ok(_) => call().await,
                // What was said first says as much.
                Err(CallError::Refused { message, .. }) if message.contains("no rollout found") => {
                    Err(error)
                }
                Err(reason) => Err(reason),
            },
            done => done,
        }
    }

    /// Sends a message: it begins a turn, or goes into the one that runs. That Codex took it does not mean that it has it:
    /// `client_id` stands in the thread's history when it arrived.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn message(&self, client_id: String, text: String) -> Result<(), CallError> {
        let turn = TurnStart {
            client_user_message_id: Some(client_id),
            ..TurnStart::text(self.id.clone(), text)
        };
        self.call(&turn).await.map(drop)
    }

    /// Its newest turn, with a summary of its items; `None` when it has none.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn newest_turn(&self) -> Result<Option<Turn>, CallError> {
        let page = self.codex.turns(&self.id, 1).await?;
        Ok(page.data.into_iter().next())
    }

    /// The items of the turn that runs, those that are not complete among them. The answer has all that its commands printed, and of a
    /// turn that printed more than a message may hold there is none, but another connection.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn items_of_running_turn(&self) -> Result<Vec<Item>, CallError> {
        let wanted = TurnsWanted {
            limit: 1,
            items_view: "full",
        };
        let params = ThreadResume {
            initial_turns_page: Some(wanted),
            ..ThreadResume::new(self.id.clone())
        };
        let resumed = self.codex.resume_thread(&params).await?;
        let turns = resumed.initial_turns_page.map(|page| page.data);
        let mut turns = turns.unwrap_or_default().into_iter();
        let running = turns.find(|turn| turn.status == TurnStatus::InProgress);
        Ok(running.map(|turn| turn.items).unwrap_or_default())
    }

    /// Whether a turn runs; one that is not known runs none.
    pub(super) async fn is_active(&self) -> Result<bool, CallError> {
        match self.codex.read_thread(&self.id).await {
            Ok(thread) => Ok(thread.status.is_active()),
            Err(CallError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Interrupts its turn, if one runs.
    ///
    /// # Errors
    /// When Codex could not be asked. A refusal means that no turn runs any more.
    pub async fn interrupt_running(&self) -> Result<(), CallError> {
        if let Some(turn) = unless_refused(self.running_turn().await)?.flatten() {
            unless_refused(self.codex.interrupt(&self.id, &turn).await)?;
        }
        Ok(())
    }

    /// Interrupts its turn, ends its background commands and unsubscribes.
    ///
    /// # Errors
    /// When Codex could not be asked. A refusal means that what should end is gone already.
    pub async fn end(&self) -> Result<(), CallError> {
        self.interrupt_running().await?;
        unless_refused(self.end_background().await)?;
        unless_refused(self.codex.unsubscribe(&self.id).await)?;
        Ok(())
    }
}

fn unless_refused<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Refused { message, .. }) => {
            tracing::info!(%message, "Codex knows nothing of what should end");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Ends what commands of these threads have left behind: Codex tells every command whose it is.
pub async fn end_commands(threads: impl IntoIterator<Item = String>) {
    let threads = threads.into_iter().collect();
    if let Err(error) = process::terminate_marked("CODEX_THREAD_ID", threads).await {
        tracing::error!(%error, "commands of a session could not be ended");
    }
}

/// Whether Codex has nothing left of a thread.
///
/// It writes a thread down some 10 ms after it has opened it, and what it answers when it died meanwhile depends on the moment: it
/// knows no such thread, finds its file empty, or cannot read the file's first line. A thread that never got its prompt (`prompted`)
/// holds nothing that could be lost, so whatever is refused of it is a reason to begin anew, unless somebody else has it open.
pub fn has_nothing_left(prompted: bool, error: &CallError) -> bool {
    const NOTHING_LEFT: [&str; 4] = [
        "no rollout found",
        "not found",
        "is empty",
        "failed to parse first rollout record",
    ];
    match prompted {
        true => NOTHING_LEFT.iter().any(|said| error.is_refusal(said)),
        false => matches!(error, CallError::Refused { .. }) && !is_open_elsewhere(error),
    }
}

/// Whether the thread is put away.
pub fn is_archived(error: &CallError) -> bool {
    error.is_refusal("is archived")
}

/// Whether another process has the thread open.
pub fn is_open_elsewhere(error: &CallError) -> bool {
    error.is_refusal("already has an active writer")
}
