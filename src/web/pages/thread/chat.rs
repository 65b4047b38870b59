//! What of a thread's page is for driving it, where it is no session's.

use super::Page;
use crate::domain::harness::controls::Controls;
use crate::domain::transcript::Turn;
use crate::web::pages::threads;
use crate::web::views::{ChatView, ThreadOwner};

/// When Codex can ask, by the names of the API.
const APPROVALS: [&str; 3] = ["untrusted", "on-request", "never"];

impl Page<'_> {
    pub(super) fn chat_title<'c>(&self, chat: &'c ChatView) -> &'c str {
        let new = crate::domain::words::text(self.v.language, "chat.new");
        chat.item.title.as_deref().unwrap_or(new)
    }

    pub(super) fn chat_badge(&self, chat: &ChatView) -> &'static str {
        threads::badge(&chat.item)
    }

    /// Its name as one changes it.
    pub(super) fn chat_name(&self, chat: &ChatView) -> String {
        threads::seen(chat.item.title.as_deref().unwrap_or_default())
    }

    /// Whether a turn of it runs.
    pub(super) fn chat_runs(&self, chat: &ChatView) -> bool {
        chat.item.status.is_active() || self.v.turns.iter().any(Turn::is_running)
    }

    /// Whether anything can be done to it.
    pub(super) fn chat_is_open(&self, chat: &ChatView) -> bool {
        chat.may_be_driven() && !chat.archived
    }

    /// The launcher's session whose thread it is.
    pub(super) fn chat_session(&self, chat: &ChatView) -> Option<String> {
        match &chat.item.owner {
            ThreadOwner::Launcher(session) => session.as_ref().map(ToString::to_string),
            ThreadOwner::Anybody => None,
        }
    }

    /// What holds, in one line.
    pub(super) fn in_force(&self, controls: &Controls) -> String {
        let model = controls.model.as_deref();
        let model = model.unwrap_or_else(|| self.t.get("chat.model_of_codex"));
        let words = [
            ("approval", controls.approval_policy.name()),
            ("sandbox", controls.filesystem_sandbox.for_codex()),
            ("network", controls.network_access.name()),
        ];
        let words = words.map(|(group, word)| self.t.word(group, word).into_owned());
        [model.to_owned()]
            .into_iter()
            .chain(words)
            .collect::<Vec<_>>()
            .join(" · ")
    }

    /// Both sets of controls: what each is for, and whether it can be changed.
    pub(super) fn control_sets<'c>(
        &self,
        chat: &'c ChatView,
    ) -> [(&'static str, &'c Controls, Option<&'c str>); 2] {
        [
            ("session", &chat.controls, None),
            ("default", &chat.defaults, chat.locked.as_deref()),
        ]
    }

    /// The models to choose from, and the one that is set although nobody offers it any more.
    pub(super) fn models_beside<'c>(&self, chat: &'c ChatView, set: &'c Controls) -> Vec<&'c str> {
        let mut models: Vec<&str> = chat.models.iter().map(String::as_str).collect();
        models.extend(set.model.as_deref().filter(|own| !models.contains(own)));
        models
    }

    /// The policies to choose from: the one that this Codex has no more only where it is set.
    pub(super) fn approvals(&self, set: &Controls) -> Vec<&'static str> {
        let own = set.approval_policy.name();
        let mut all = APPROVALS.to_vec();
        if !all.contains(&own) {
            all.push(own);
        }
        all
    }

    /// A suggestion as it is put into the field: what is seen is what is sent.
    pub(super) fn seen(&self, text: &str) -> String {
        threads::seen(text)
    }

    pub(super) fn sandboxes(&self) -> [&'static str; 3] {
        ["read-only", "workspace-write", "danger-full-access"]
    }

    pub(super) fn networks(&self) -> [&'static str; 2] {
        ["restricted", "enabled"]
    }
}
