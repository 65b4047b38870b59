//! What threads run with: controls and settings, of one thread and of those that begin later. The ledger has them; Codex is told at once where
//! it has the thread in memory, and with the next turn anyway.

use super::Harness;
use super::ceilings::By;
use super::refused::Refused;
use crate::domain::harness::change::{Change, Changed, TooLarge, Wanted};
use crate::domain::harness::controls::{
    Controls, MAX_SETTINGS_BYTES, SessionControls, Settings, Wish,
};
use crate::domain::harness::event::Provenance;
use crate::domain::harness::state::State;
use crate::domain::sentence::{Sentence, say};
use crate::threads::Thread;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

/// What holds for a thread, for those that begin later, and whether the latter can be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The thread's own.
    pub controls: SessionControls,
    /// Those of threads that begin later.
    pub defaults: SessionControls,
    /// Why the defaults cannot be changed, if that is so.
    pub locked: Option<Sentence>,
}

/// Which controls or settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The thread, in whose transcript it is told.
    pub session_id: String,
    /// Whether it is about threads that begin from now on.
    pub for_new: bool,
}

impl Harness {
    /// What holds for a thread.
    pub fn in_force(&self, session_id: &str) -> InForce {
        let both = |state: &State| (state.session_controls(session_id), state.default_controls());
        let (controls, defaults) = self.ledger.read(both);
        InForce {
            controls,
            defaults,
            locked: self.lock(),
        }
    }

    /// Settings of one scope.
    pub fn settings(&self, target: &Target) -> Settings {
        let read = |state: &State| match target.for_new {
            true => state.default_settings.clone(),
            false => state.session_controls(&target.session_id).settings,
        };
        self.ledger.read(read)
    }

    fn lock(&self) -> Option<Sentence> {
        let locked = self.core.policy().defaults_locked;
        locked.then(|| say!("refusal.harness.defaults_locked"))
    }

    fn check_lock(&self, target: &Target) -> Result<(), Refused> {
        match self.lock() {
            Some(reason) if target.for_new => {
                let settings = self.settings(target);
                Err(Refused::locked(reason, "default", settings).of_session(&target.session_id))
            }
            _ => Ok(()),
        }
    }

    /// Sets all controls, and the settings where there are any.
    ///
    /// # Errors
    /// When the defaults are locked, nobody offers the model, or something is above a ceiling or too large.
    pub async fn set_controls(
        &self,
        by: &By,
        target: Target,
        controls: Controls,
        settings: Option<Settings>,
        provenance: Provenance,
    ) -> Result<Changed, Refused> {
        self.check_lock(&target)?;
        let held = self.in_force(&target.session_id);
        let held = match target.for_new {
            true => held.defaults,
            false => held.controls,
        };
        if let Some(model) = &controls.model
            && held.controls.model.as_ref() != Some(model)
        {
            let checked = self.check_model(model).await;
            checked.map_err(|refused| refused.of_session(&target.session_id))?;
        }
        self.allows(by, Some(&target.session_id), &controls).await?;
        let wanted = Wanted::Controls(controls, settings);
        self.change(by, target, wanted, provenance).await
    }

    /// Sets some controls of a thread.
    ///
    /// # Errors
    /// When they are above a ceiling.
    pub async fn set_some_controls(
        &self,
        by: &By,
        session_id: &str,
        wish: Wish,
    ) -> Result<Changed, Refused> {
        let held = self.in_force(session_id).controls.controls;
        let wished = held.with(wish.clone());
        self.allows(by, Some(session_id), &wished).await?;
        let target = Target {
            session_id: session_id.to_owned(),
            for_new: false,
        };
        let provenance = Provenance::default();
        self.change(by, target, Wanted::Some(wish), provenance)
            .await
    }

    /// Sets or takes away settings.
    ///
    /// # Errors
    /// When the defaults are locked, or it would be too much.
    pub async fn set_settings(
        &self,
        by: &By,
        target: Target,
        wanted: Wanted,
        provenance: Provenance,
    ) -> Result<Changed, Refused> {
        self.check_lock(&target)?;
        self.change(by, target, wanted, provenance).await
    }

    /// Records, and tells Codex.
    pub(super) async fn change(
        &self,
        by: &By,
        target: Target,
        wanted: Wanted,
        provenance: Provenance,
    ) -> Result<Changed, Refused> {
        let (session_id, for_new) = (target.session_id.clone(), target.for_new);
        let changed = self.record(by, target, wanted, provenance, None).await?;
        if !for_new {
            self.tell(&session_id, &changed).await;
        }
        Ok(changed)
    }

    /// Records a change, which came with a turn or by itself.
    pub(super) async fn record(
        &self,
        by: &By,
        target: Target,
        wanted: Wanted,
        provenance: Provenance,
        turn_id: Option<String>,
    ) -> Result<Changed, Refused> {
        let session_id = target.session_id.clone();
        let change = Change {
            session_id: target.session_id,
            for_new: target.for_new,
            wanted,
            by: provenance,
            actor: by.actor.clone(),
            turn_id,
            row_id: format!("session-controls-{}", Uuid::now_v7()),
            at: Utc::now(),
        };
        let decide = move |state: &State| {
            change.decide(state).map_err(|TooLarge| {
                let kib = MAX_SETTINGS_BYTES >> 10;
                Refused::settings_too_large(kib)
            })
        };
        let recorded = self.decide(by.actor.clone(), decide).await;
        recorded.map_err(|refused| refused.of_session(&session_id))
    }

    /// Tells Codex. What it does not take now it gets with the next turn.
    pub(super) async fn tell(&self, session_id: &str, changed: &Changed) {
        let (before, after) = (&changed.before.controls, &changed.after.controls);
        if before == after {
            return;
        }
        let Ok(codex) = self.codex() else { return };
        let mut params = update(session_id, after);
        // A turn that names no model keeps the last one, so that a choice that is given back has to be told.
        let given_back = after.model.is_none() && before.model.is_some();
        let model = match given_back {
            true => self.configured_model().await.unwrap_or_default(),
            false => after.model.clone(),
        };
        if let Some(model) = model {
            params["model"] = Value::String(model);
        }
        let told = match (given_back, self.threads.thread(session_id)) {
            (true, Some(thread)) => thread.call_raw(UPDATE, &params).await,
            _ => codex.call_raw(UPDATE, &params).await,
        };
        match told {
            Ok(_) => {}
            Err(error) if error.is_refusal("thread not found") => {}
            Err(error) => {
                tracing::warn!(thread.id = %session_id, %error, "Codex learns of new controls with the next turn only");
            }
        }
    }

    /// Has Codex hold what the thread has here, for a turn that cannot carry it.
    pub(super) async fn bring(&self, thread: &Thread<'_>, id: &str) -> Result<(), Refused> {
        let own = self.in_force(id).controls.controls;
        if let Some(held) = self.held_by_codex(thread).await
            && own.is_held_as(&held)
        {
            return Ok(());
        }
        let told = thread.call_raw(UPDATE, &update(id, &own)).await;
        let told = told.map_err(|error| Refused::of_codex(&error).of_session(id));
        told.map(drop)
    }

    /// What is in force in Codex itself, which has it in memory and tells us of it from then on; `None` where it does not say.
    pub(super) async fn held_by_codex(&self, thread: &Thread<'_>) -> Option<Controls> {
        let (_, settings) = thread.resume().await.ok()?;
        self.holds(&thread.id.0).await;
        settings.map(|it| Controls::said(&it.model, &it.approval, &it.sandbox, it.network))
    }
}

/// Changes what is in force in a thread that Codex has in memory.
const UPDATE: &str = "thread/settings/update";

fn update(id: &str, controls: &Controls) -> Value {
    let mut params = json!({
        "threadId": id,
        "approvalPolicy": controls.approval_policy.for_codex(),
        "sandboxPolicy": controls.sandbox_policy(),
    });
    if let Some(model) = &controls.model {
        params["model"] = Value::from(model.as_str());
    }
    params
}
