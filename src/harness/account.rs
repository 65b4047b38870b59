//! Codex's account: who is logged in, and a login's beginning and end.

use super::ceilings::By;
use super::{Harness, Refused};
use crate::domain::harness::ceilings::Act;
use crate::domain::sentence::say;
use serde_json::{Value, json};

impl Harness {
    /// Begins a login.
    ///
    /// # Errors
    /// When a person does not let the caller; else what Codex says, by cause.
    pub async fn start_login(&self, by: &By, params: Value) -> Result<Value, Refused> {
        self.allows_act(by, Act::Account).await?;
        let answer = self.call("account/login/start", params).await?;
        self.look_who_is_logged_in().await;
        Ok(answer)
    }

    /// Gives up a login that waits for a browser.
    ///
    /// # Errors
    /// When a person does not let the caller, or there is no such login; else what Codex says, by cause.
    pub async fn cancel_login(&self, by: &By, login_id: &str) -> Result<Value, Refused> {
        self.allows_act(by, Act::Account).await?;
        let params = json!({"loginId": login_id});
        let answer = self.call("account/login/cancel", params).await?;
        // Codex says so with a success.
        match answer["status"].as_str() {
            Some("notFound") => Err(Refused::new(
                404,
                "not_found",
                say!("refusal.harness.no_login"),
            )),
            _ => Ok(answer),
        }
    }

    /// Ends the login.
    ///
    /// # Errors
    /// When a person does not let the caller; else what Codex says, by cause.
    pub async fn logout(&self, by: &By) -> Result<Value, Refused> {
        self.allows_act(by, Act::Account).await?;
        let answer = self.call("account/logout", Value::Null).await?;
        self.look_who_is_logged_in().await;
        Ok(answer)
    }

    /// A login that was made in a browser shows when somebody looks.
    async fn look_who_is_logged_in(&self) {
        let Ok(codex) = self.codex() else { return };
        match codex.account().await {
            Ok(account) => self.threads.set_logged_in(Some(account.is_usable())),
            Err(error) => tracing::warn!(%error, "Codex could not be asked for its login"),
        }
    }
}
