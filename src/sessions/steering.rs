//! What a person does to a session without its terminal: each act is checked, recorded, and then told to Codex.

mod models;
mod own_reviews;
mod refusals;

use self::refusals::refused;
use super::agents::Agents;
use super::drivers::codex::{noticed, tui};
use super::texts;
use crate::core::live::Activity;
use crate::core::{LAUNCHER, Refused};
use crate::domain::event::Event;
use crate::domain::flow::steering::{check, check_wider, steer};
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::Session;
use crate::domain::steering::{Act, Fate, Target, Wish};
use crate::threads::wire::{CallError, TurnId};
use crate::threads::{Feature, Thread};
use std::time::{Duration, Instant};

/// A turn that Codex has begun stands in its list within a few milliseconds; whoever sees a session work looks this long for its turn.
const TURN_LISTED_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Ctrl-C, as a keyboard sends it.
const CTRL_C: &str = "\u{3}";

/// What a person may do to sessions.
pub struct Steering<'a>(&'a Agents);

/// What came of an act, as far as Codex has said so yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// The turn that was broken off, or that has begun.
    pub turn_id: Option<String>,
    /// The copy that was made.
    pub fork_id: Option<String>,
}

impl Agents {
    /// What a person may do to sessions.
    pub fn steering(&self) -> Steering<'_> {
        Steering(self)
    }
}

impl Steering<'_> {
    /// Breaks off the turn that runs; `background` ends what its commands left running as well. A program gets Ctrl-C.
    ///
    /// # Errors
    /// When no turn runs, or it cannot be broken off.
    pub async fn interrupt(
        &self,
        actor: &str,
        id: &SessionId,
        background: bool,
    ) -> Result<Done, Refused> {
        let act = Act::Interrupt { background };
        let session = self.check(id, &act)?;
        if session.brief.driver.program().is_some() {
            return self.press_interrupt(actor, id, act).await;
        }
        let thread = self.thread(&session)?;
        let turn = self.running_turn(&session, &thread).await?;
        if turn.is_none() && !background {
            return Err(no_turn(id).into());
        }
        self.record(actor, id, act).await?;
        if let Some(turn) = &turn {
            thread.interrupt(turn).await.map_err(|it| refused(id, it))?;
        }
        if background {
            thread
                .end_background()
                .await
                .map_err(|it| refused(id, it))?;
        }
        Ok(Done {
            turn_id: turn.map(|turn| turn.to_string()),
            ..Done::default()
        })
    }

    async fn press_interrupt(
        &self,
        actor: &str,
        id: &SessionId,
        act: Act,
    ) -> Result<Done, Refused> {
        // Many a program that is at its prompt takes Ctrl-C for its end. What says nothing of itself may be at work.
        if self.0.core.live.observed(id).activity == Activity::Idle {
            return Err(no_turn(id).into());
        }
        let session = self.record(actor, id, act).await?;
        let gone = || Refusal::conflict("terminal_gone", say!("refusal.terminal_ended"));
        let terminal = session.terminal_id.as_ref().ok_or_else(gone)?;
        let pressed = self.0.terminals.press(terminal, CTRL_C).await;
        pressed.map_err(|error| {
            Refusal::unavailable("terminal_failed", say!("reason.failed", error))
        })?;
        Ok(Done::default())
    }

    /// Has the model sum the thread up.
    ///
    /// # Errors
    /// When a turn runs and `interrupt` does not say that it may be broken off, or Codex refuses.
    pub async fn compact(
        &self,
        actor: &str,
        id: &SessionId,
        interrupt: bool,
    ) -> Result<Done, Refused> {
        let act = Act::Compact { interrupt };
        let session = self.able(id, &act, Feature::Compaction)?;
        let thread = self.thread(&session)?;
        let turn_id = self.may_break_off(&session, &thread, interrupt).await?;
        self.record(actor, id, act).await?;
        thread.compact().await.map_err(|it| refused(id, it))?;
        Ok(Done {
            turn_id,
            ..Done::default()
        })
    }

    /// Takes back a turn and all after it. Files stay as they are.
    ///
    /// # Errors
    /// When there is no such turn, or a turn runs and `interrupt` does not say that it may be broken off.
    pub async fn revert(
        &self,
        actor: &str,
        id: &SessionId,
        turn_id: String,
        interrupt: bool,
    ) -> Result<Done, Refused> {
        let act = Act::Revert {
            turn_id: turn_id.clone(),
            interrupt,
        };
        let session = self.able(id, &act, Feature::Reverts)?;
        let thread = self.thread(&session)?;
        // To be asked for a turn that is not there, Codex breaks off the one that runs.
        if !thread
            .has_turn(&turn_id)
            .await
            .map_err(|it| refused(id, it))?
        {
            let message = say!("refusal.steer.unknown_turn");
            return Err(Refusal::not_found("unknown_turn", message).into());
        }
        let broken_off = self.may_break_off(&session, &thread, interrupt).await?;
        self.record(actor, id, act).await?;
        thread
            .revert(&turn_id)
            .await
            .map_err(|it| refused(id, it))?;
        Ok(Done {
            turn_id: broken_off,
            ..Done::default()
        })
    }

    /// Copies the thread. The copy is nobody's session: it does no assignment and reports nothing.
    ///
    /// # Errors
    /// When Codex refuses.
    pub async fn fork(
        &self,
        actor: &str,
        id: &SessionId,
        title: Option<String>,
    ) -> Result<Done, Refused> {
        let session = self.able(id, &Act::Fork, Feature::Forks)?;
        if let Some(title) = title.clone() {
            self.check(id, &Act::Rename { title })?;
        }
        let thread = self.thread(&session)?;
        self.record(actor, id, Act::Fork).await?;
        let state = &session.thread_state;
        let number = state.forks.len() + 1;
        let name = title.unwrap_or_else(|| {
            let of = state.name.clone();
            let of = of.unwrap_or_else(|| texts::thread_name(&session.brief));
            format!("{of} · fork {number}")
        });
        // The model of a copy would be the configuration's.
        let settings = state.settings.as_ref();
        let model = settings
            .map(|it| it.model.clone())
            .or_else(|| session.brief.model.clone());
        let copy = thread.fork(model).await.map_err(|it| refused(id, it))?;
        let fork_id = copy.id.to_string();
        // Recorded before anything else can fail: a copy that nobody knows of could never be deleted.
        let event = Event::ThreadForked {
            session_id: id.clone(),
            thread_id: thread.id.to_string(),
            fork_id: fork_id.clone(),
        };
        let noted = self
            .0
            .core
            .decide(LAUNCHER, |_| Ok((vec![event], ())))
            .await;
        copy.dismiss_copy(&name).await;
        noted?;
        Ok(Done {
            fork_id: Some(fork_id),
            ..Done::default()
        })
    }

    /// Gives the thread another name.
    ///
    /// # Errors
    /// When the name cannot be one, or Codex refuses.
    pub async fn rename(
        &self,
        actor: &str,
        id: &SessionId,
        title: String,
    ) -> Result<Done, Refused> {
        let act = Act::Rename {
            title: title.clone(),
        };
        let session = self.check(id, &act)?;
        let thread = self.thread(&session)?;
        self.record(actor, id, act).await?;
        thread.name(&title).await.map_err(|it| refused(id, it))?;
        noticed::renamed(self.0, &thread.id, &title).await;
        Ok(Done::default())
    }

    /// Puts the thread of a session that is over away.
    ///
    /// # Errors
    /// When the session lives, or Codex refuses.
    pub async fn archive(&self, actor: &str, id: &SessionId) -> Result<Done, Refused> {
        let session = self.able(id, &Act::Archive, Feature::Removal)?;
        let thread = self.thread(&session)?;
        self.record(actor, id, Act::Archive).await?;
        thread.archive().await.map_err(|it| refused(id, it))?;
        noticed::became(self.0, &thread.id, Fate::Archived).await;
        Ok(Done::default())
    }

    /// Deletes the thread of a session that is over, or a copy of a thread.
    ///
    /// # Errors
    /// When the session lives, or a copy needs the thread's history.
    pub async fn delete(
        &self,
        actor: &str,
        id: &SessionId,
        fork_id: Option<String>,
    ) -> Result<Done, Refused> {
        let act = Act::Delete {
            fork_id: fork_id.clone(),
        };
        let session = self.able(id, &act, Feature::Removal)?;
        let thread = match &fork_id {
            Some(fork) => self.0.threads.thread(fork),
            None => Some(self.thread(&session)?),
        };
        let thread = thread.ok_or_else(|| self.no_codex())?;
        self.record(actor, id, act).await?;
        thread.delete().await.map_err(|it| refused(id, it))?;
        noticed::became(self.0, &thread.id, Fate::Deleted).await;
        Ok(Done::default())
    }

    /// Has other settings hold from the next turn on. `wider` says that they may allow more than the session was confirmed with.
    ///
    /// # Errors
    /// When nobody offers the model or the effort, or they allow more and nobody said that they may.
    pub async fn set(
        &self,
        actor: &str,
        id: &SessionId,
        wish: Wish,
        wider: bool,
    ) -> Result<Done, Refused> {
        let act = |session: &Session| Act::Settings {
            wish: wish.clone(),
            wider: wish.wider_than(session.brief.approval, session.brief.sandbox),
        };
        let session = self.0.core.known_session(id)?;
        let act = act(&session);
        let session = self.able(id, &act, Feature::ThreadSettings)?;
        self.0.threads.look_for_models().await;
        self.check_model(&session, &wish)?;
        if let Act::Settings { wider: more, .. } = &act {
            check_wider(&session, more, wider)?;
        }
        let thread = self.thread(&session)?;
        self.record(actor, id, act).await?;
        thread.set(&wish).await.map_err(|it| refused(id, it))?;
        Ok(Done::default())
    }

    /// Has Codex review something in the session's thread.
    ///
    /// # Errors
    /// When a turn runs and `interrupt` does not say that it may be broken off, or Codex refuses.
    pub async fn review(
        &self,
        actor: &str,
        id: &SessionId,
        target: Target,
        interrupt: bool,
    ) -> Result<Done, Refused> {
        let act = Act::Review {
            target: target.clone(),
            interrupt,
        };
        let session = self.able(id, &act, Feature::Reviews)?;
        let thread = self.thread(&session)?;
        self.may_break_off(&session, &thread, interrupt).await?;
        self.record(actor, id, act).await?;
        let turn = thread.review(&target).await;
        let turn = turn.map_err(|it| refused(id, it))?;
        Ok(Done {
            turn_id: Some(turn.to_string()),
            ..Done::default()
        })
    }

    /// Has the session's terminal show the session's own thread again: it is closed, and another one opened.
    ///
    /// # Errors
    /// When it shows that thread, or cannot be opened.
    pub async fn bring_back(&self, actor: &str, id: &SessionId) -> Result<TerminalId, Refused> {
        let session = self.record(actor, id, Act::Back).await?;
        if let Some(terminal) = &session.terminal_id {
            let reason = say!("reason.terminal.brought_back").to_string();
            self.0.end_terminal(terminal, &reason).await;
        }
        let session = self.0.core.known_session(id)?;
        let shown = tui::show(self.0, &session).await;
        shown.map_err(|reason| {
            Refusal::unavailable("terminal_failed", Sentence::recognised(&reason)).into()
        })
    }

    fn check(&self, id: &SessionId, act: &Act) -> Result<Session, Refusal> {
        let look = |state: &_| check(state, id, act).cloned();
        self.0.core.ledger.read(look)
    }

    /// The session, if this can be done to it, with this Codex.
    fn able(&self, id: &SessionId, act: &Act, feature: Feature) -> Result<Session, Refusal> {
        let session = self.check(id, act)?;
        match self.0.threads.can(feature) {
            true => Ok(session),
            false => Err(Refusal::unavailable("codex_lacks", feature.loss())),
        }
    }

    async fn record(&self, actor: &str, id: &SessionId, act: Act) -> Result<Session, Refused> {
        let key = id.clone();
        self.0
            .core
            .decide(actor, move |state| steer(state, &key, act))
            .await
    }

    fn thread(&self, session: &Session) -> Result<Thread<'_>, Refusal> {
        let thread = session.thread_id.as_deref();
        let thread = thread.and_then(|id| self.0.threads.thread(id));
        thread.ok_or_else(|| self.no_codex())
    }

    fn no_codex(&self) -> Refusal {
        let reason = self.0.threads.codex.as_ref().err().cloned();
        let reason = reason.map_or_else(|| say!("refusal.thread.not_begun"), Into::into);
        Refusal::unavailable("codex_unavailable", reason)
    }

    /// The turn that runs. One that has only just begun is waited for.
    async fn running_turn(
        &self,
        session: &Session,
        thread: &Thread<'_>,
    ) -> Result<Option<TurnId>, Refused> {
        let begin = Instant::now();
        loop {
            match thread.running_turn().await {
                Ok(None) if self.is_at_work(session) && begin.elapsed() < TURN_LISTED_WITHIN => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                // Nothing was ever said in it.
                Err(CallError::Refused { message, .. }) if message.contains("not loaded") => {
                    return Ok(None);
                }
                found => return found.map_err(|it| refused(session.id(), it)),
            }
        }
    }

    fn is_at_work(&self, session: &Session) -> bool {
        let activity = self.0.core.live.observed(session.id()).activity;
        matches!(activity, Activity::Working | Activity::Blocked)
    }

    /// The turn that this breaks off, if one runs.
    async fn may_break_off(
        &self,
        session: &Session,
        thread: &Thread<'_>,
        interrupt: bool,
    ) -> Result<Option<String>, Refused> {
        match self.running_turn(session, thread).await? {
            Some(_) if !interrupt => {
                let message = say!("refusal.steer.turn_running", id = session.id());
                Err(Refusal::conflict("turn_running", message).into())
            }
            turn => Ok(turn.map(|turn| turn.to_string())),
        }
    }
}

fn no_turn(id: &SessionId) -> Refusal {
    Refusal::conflict("no_turn_running", say!("refusal.steer.no_turn", id))
}
