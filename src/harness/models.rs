//! Whether somebody offers a model, and whether it can think so long. Codex takes any name, and fails later.

use super::Harness;
use super::refused::Refused;
use crate::domain::sentence::say;
use crate::domain::shown::short;
use serde_json::json;

/// How long a model can think, in the words that Codex knows.
const EFFORTS: [&str; 8] = [
    "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra",
];

impl Harness {
    /// Lets a model through that is configured, Codex's own choice, or on offer; any, while nobody knows what is.
    ///
    /// # Errors
    /// When nobody offers it.
    pub async fn check_model(&self, model: &str) -> Result<(), Refused> {
        self.threads.look_for_models().await;
        let offered = self.threads.models();
        let configured = self
            .core
            .policy()
            .catalog
            .models
            .clone()
            .unwrap_or_default();
        let mut known: Vec<String> = configured;
        known.extend(offered.into_iter().map(|it| it.model));
        let is_known = |known: &[String]| known.iter().any(|it| it == model);
        if known.is_empty() || is_known(&known) {
            return Ok(());
        }
        known.extend(self.configured_model().await?);
        if is_known(&known) {
            return Ok(());
        }
        known.sort();
        known.dedup();
        let message = say!(
            "refusal.harness.unknown_model",
            model = short(model),
            known = known.join(", ")
        );
        Err(Refused::invalid("model", message))
    }

    /// Lets an effort through that this model can make; of a model that nobody knows, what any can.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check_effort(&self, model: Option<&str>, effort: &str) -> Result<(), Refused> {
        self.threads.look_for_models().await;
        let known = self.threads.efforts(model);
        let known = known.unwrap_or_else(|| EFFORTS.map(str::to_owned).to_vec());
        if known.iter().any(|it| it == effort) {
            return Ok(());
        }
        let message = say!(
            "refusal.harness.unknown_effort",
            effort = short(effort),
            known = known.join(", ")
        );
        Err(Refused::invalid("effort", message))
    }

    /// The model that Codex takes when nobody names one.
    pub(super) async fn configured_model(&self) -> Result<Option<String>, Refused> {
        let config = self.call("config/read", json!({})).await?;
        let own = config["config"]["model"].as_str().map(str::to_owned);
        Ok(own.or_else(|| {
            let models = self.threads.models();
            models
                .into_iter()
                .find(|it| it.is_default)
                .map(|it| it.model)
        }))
    }
}
