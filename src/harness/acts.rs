//! What is done to a thread as a whole: copied, summed up, taken back, reviewed, its commands ended.

use super::Harness;
use super::ceilings::By;
use super::index::Known;
use super::refused::Refused;
use super::sessions::read_thread;
use super::transcript;
use super::turns::{is_fresh, unless_archived};
use crate::domain::harness::event::Event;
use crate::domain::harness::state::State;
use crate::domain::prompts;
use crate::domain::sentence::say;
use serde_json::{Value, json};

/// Turns that one page of their list holds without their items.
const TURNS_PER_PAGE: usize = 100;

/// Turns that the answer shows of a thread of which some were taken back.
const TURNS_SHOWN: u32 = 200;

/// What is reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reviewed {
    /// What is not committed.
    Uncommitted,
    /// Everything since this branch.
    BaseBranch {
        /// The branch.
        branch: String,
    },
    /// One commit.
    Commit {
        /// Which.
        sha: String,
        /// What it is called.
        title: Option<String>,
    },
    /// Whatever these words say; without any, the work as it stands.
    Custom {
        /// The words.
        instructions: Option<String>,
    },
}

impl Harness {
    /// Copies a thread with its controls, settings and project; answers the copy as Codex has it.
    ///
    /// # Errors
    /// When it is put away, or Codex refuses.
    pub async fn fork(&self, by: &By, known: &Known) -> Result<(Known, Value), Refused> {
        let id = known.id.as_str();
        unless_archived(known)?;
        let held = self.in_force(id).controls;
        self.allows(by, Some(id), &held.controls).await?;
        let thread = self.thread(id)?;
        // Without a name the copy's model would be the configuration's.
        let model = match &held.controls.model {
            Some(model) => Some(model.clone()),
            None => self.held_by_codex(&thread).await.and_then(|it| it.model),
        };
        let params = json!({
            "threadId": id,
            "excludeTurns": true,
            "model": model,
            "approvalPolicy": held.controls.approval_policy.for_codex(),
            "sandbox": held.controls.filesystem_sandbox.for_codex(),
        });
        let forked = self.call("thread/fork", params).await;
        let mut forked = forked.map_err(|refused| refused.of_session(id))?;
        let thread = forked["thread"].take();
        let copy = Known::of(&read_thread(&thread)?, false);
        self.holds(&copy.id).await;
        let copy_id = copy.id.clone();
        let source = id.to_owned();
        let started = move |state: &State| {
            let of = state.sessions.get(&source);
            let started = Event::SessionStarted {
                session_id: copy_id,
                project_id: of.and_then(|it| it.project_id.clone()),
                forked_from: Some(source),
                controls: held.controls,
                settings: held.settings,
            };
            Ok((vec![started], ()))
        };
        self.decide(by.actor.clone(), started).await?;
        self.index.put(copy.clone());
        Ok((copy, thread))
    }

    /// Has the model sum a thread up, and go on from that.
    ///
    /// # Errors
    /// While a turn runs, which it would break off.
    pub async fn compact(&self, by: &By, known: &Known) -> Result<Value, Refused> {
        let id = known.id.as_str();
        self.may_work(by, known).await?;
        let params = json!({"threadId": id});
        self.call_thread(id, "thread/compact/start", params).await
    }

    /// Has it review something, in a turn of its own; answers what Codex says of that.
    ///
    /// # Errors
    /// While a turn runs, which it would break off.
    pub async fn review(
        &self,
        by: &By,
        known: &Known,
        reviewed: Reviewed,
    ) -> Result<Value, Refused> {
        let id = known.id.as_str();
        self.may_work(by, known).await?;
        let language = self.core.policy().catalog.language;
        let target = match reviewed {
            Reviewed::Uncommitted => json!({"type": "uncommittedChanges"}),
            Reviewed::BaseBranch { branch } => json!({"type": "baseBranch", "branch": branch}),
            Reviewed::Commit { sha, title } => {
                json!({"type": "commit", "sha": sha, "title": title})
            }
            Reviewed::Custom { instructions } => {
                let instructions =
                    instructions.unwrap_or_else(|| prompts::review_work(language).to_owned());
                json!({"type": "custom", "instructions": instructions})
            }
        };
        let params = json!({"threadId": id, "target": target});
        self.call_thread(id, "review/start", params).await
    }

    /// Lets through what has the model do something by itself, and sees that it runs under what the thread has here.
    async fn may_work(&self, by: &By, known: &Known) -> Result<(), Refused> {
        let id = known.id.as_str();
        unless_archived(known)?;
        let own = self.in_force(id).controls.controls;
        self.allows(by, Some(id), &own).await?;
        let thread = self.thread(id)?;
        self.must_be_idle(&thread, id).await?;
        let logged_in = self.must_be_logged_in().await;
        logged_in.map_err(|refused| refused.of_session(id))?;
        self.bring(&thread, id).await
    }

    /// Takes back so many turns, the newest ones; answers the thread as it is then. Files stay as they are.
    ///
    /// # Errors
    /// When it has fewer, or one of them runs.
    pub async fn roll_back(&self, by: &By, known: &Known, turns: usize) -> Result<Value, Refused> {
        let id = known.id.as_str();
        unless_archived(known)?;
        let thread = self.thread(id)?;
        self.must_be_idle(&thread, id).await?;
        let newest = self.newest_turns(id, turns).await?;
        let oldest = match newest.last() {
            Some(oldest) if newest.len() == turns => oldest.clone(),
            _ => {
                let message = say!("refusal.harness.too_few_turns", turns = newest.len());
                return Err(Refused::invalid("numTurns", message).of_session(id));
            }
        };
        let params = json!({"threadId": id, "beforeTurnId": oldest});
        self.call_thread(id, "thread/revert", params).await?;
        let session_id = id.to_owned();
        let dropped = move |state: &State| {
            let rows = state.sessions.get(&session_id).map(|it| &it.rows);
            let mut rows = rows.into_iter().flatten();
            let any = rows.any(|row| newest.contains(&row.entry.turn_id));
            let dropped = Event::RowsDropped {
                session_id,
                turn_ids: newest,
            };
            Ok((any.then_some(dropped).into_iter().collect(), ()))
        };
        self.decide(by.actor.clone(), dropped).await?;
        let (thread, _, _) = transcript::of(self, known, TURNS_SHOWN).await?;
        Ok(thread)
    }

    /// The newest turns, newest first, at most so many.
    async fn newest_turns(&self, id: &str, count: usize) -> Result<Vec<String>, Refused> {
        let codex = self.codex()?;
        let mut turns = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let limit = (count - turns.len()).min(TURNS_PER_PAGE);
            let params =
                json!({"threadId": id, "cursor": cursor, "limit": limit, "itemsView": "notLoaded"});
            let page = match codex.call_raw("thread/turns/list", &params).await {
                Ok(page) => page,
                Err(error) if is_fresh(&error) => return Ok(turns),
                Err(error) => return Err(Refused::of_codex(&error).of_session(id)),
            };
            let data = page["data"].as_array();
            let ids = data.into_iter().flatten();
            turns.extend(ids.filter_map(|turn| turn["id"].as_str().map(str::to_owned)));
            cursor = page["nextCursor"].clone();
            if turns.len() >= count || cursor.is_null() {
                turns.truncate(count);
                return Ok(turns);
            }
        }
    }

    /// Ends the commands that a thread left in the background.
    ///
    /// # Errors
    /// When Codex refuses.
    pub async fn end_background(&self, known: &Known) -> Result<Value, Refused> {
        let id = known.id.as_str();
        let method = "thread/backgroundTerminals/clean";
        let params = json!({"threadId": id});
        self.call_thread(id, method, params).await
    }
}
