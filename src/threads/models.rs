//! The models that Codex offers, with how long each can think.

use super::Threads;
use crate::codex::calls::Model;
use crate::codex::features::Feature;
use serde::Serialize;
use std::sync::PoisonError;

/// A model on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelChoice {
    /// What a request names.
    pub model: String,
    /// For people.
    pub display_name: String,
    /// For people.
    pub description: String,
    /// Whether Codex takes it when nobody says.
    pub is_default: bool,
    /// How long it can think, from short to long.
    pub efforts: Vec<EffortChoice>,
    /// How long it thinks when nobody says; null where Codex does not tell.
    pub default_effort: Option<String>,
    /// The model that should be used in its place, if Codex names one.
    pub replacement: Option<String>,
}

/// How long a model can think.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffortChoice {
    /// What a request names.
    pub effort: String,
    /// For people.
    pub description: String,
}

impl From<Model> for ModelChoice {
    fn from(model: Model) -> Self {
        let efforts = model.supported_reasoning_efforts.into_iter();
        Self {
            model: model.model,
            display_name: model.display_name,
            description: model.description,
            is_default: model.is_default,
            efforts: efforts
                .map(|it| EffortChoice {
                    effort: it.reasoning_effort,
                    description: it.description,
                })
                .collect(),
            default_effort: Some(model.default_reasoning_effort).filter(|it| !it.is_empty()),
            replacement: model.upgrade,
        }
    }
}

impl Threads {
    /// Asks Codex what it offers, unless that is known.
    pub async fn look_for_models(&self) {
        if self.models().is_empty() {
            self.ask_for_models().await;
        }
    }

    /// Asks Codex what it offers, and says whether it told.
    pub async fn ask_for_models(&self) -> bool {
        let Ok(codex) = &self.codex else {
            return false;
        };
        if !self.can(Feature::Models) {
            return false;
        }
        match codex.models().await {
            Ok(models) => {
                let mut shown: Vec<_> = models.into_iter().filter(|model| !model.hidden).collect();
                shown.sort_by_key(|model| !model.is_default);
                *self.models.lock().unwrap_or_else(PoisonError::into_inner) =
                    shown.into_iter().map(Into::into).collect();
                true
            }
            Err(error) => {
                tracing::warn!(%error, "Codex's models could not be listed");
                false
            }
        }
    }

    /// What Codex offers, its default first; empty until it was asked.
    pub fn models(&self) -> Vec<ModelChoice> {
        self.models
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The efforts that a model takes: its own, or, of a model that Codex does not know, those of all others. `None` while nobody knows.
    pub fn efforts(&self, model: Option<&str>) -> Option<Vec<String>> {
        let models = self.models();
        let own = model.and_then(|model| models.iter().find(|it| it.model == model));
        let mut efforts = Vec::new();
        for choice in own.map_or(&models[..], std::slice::from_ref) {
            for EffortChoice { effort, .. } in &choice.efforts {
                if !efforts.contains(effort) {
                    efforts.push(effort.clone());
                }
            }
        }
        (!efforts.is_empty()).then_some(efforts)
    }
}
