//! What a provider says about how much was used: tokens at the end of an answer, limits of the account in its headers.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tokens of one answer, as the provider counts them: cached ones are part of the input, reasoning is part of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// What was read.
    pub input: u64,
    /// How much of that was cached.
    pub cached: u64,
    /// What was written.
    pub output: u64,
    /// How much of that was reasoning.
    pub reasoning: u64,
}

/// Limits of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Which limit of the account, such as `codex_other`; `None` is the account's own. An error is for the one that is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The short window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<Window>,
    /// The long one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<Window>,
    /// What is left to be bought from, as the provider writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<String>,
}

/// One window of a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// How much of it is used.
    pub used_percent: f64,
    /// How long it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// When it begins anew, in seconds from the moment of the answer; negative is the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_in_s: Option<i64>,
}

impl Usage {
    /// As it stands in the last event of an answer.
    pub(crate) fn json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.input + self.output,
        })
    }
}

impl Limits {
    /// As headers, with the times counted from now.
    pub(crate) fn headers(&self) -> HeaderMap {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since_1970.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX));
        let mut headers = HeaderMap::new();
        let mut set = |name: String, value: String| {
            let name = HeaderName::try_from(name).expect("a plain name");
            // A value that no header can hold is a mistake in the script; it is left out.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        let prefix = self.id.as_deref().unwrap_or("codex").replace('_', "-");
        if let Some(id) = &self.id {
            set("x-codex-active-limit".to_owned(), id.clone());
        }
        if let Some(name) = &self.name {
            set(format!("x-{prefix}-limit-name"), name.clone());
        }
        for (name, window) in [("primary", self.primary), ("secondary", self.secondary)] {
            let Some(window) = window else { continue };
            let named = |what: &str| format!("x-{prefix}-{name}-{what}");
            set(named("used-percent"), window.used_percent.to_string());
            if let Some(minutes) = window.minutes {
                set(named("window-minutes"), minutes.to_string());
            }
            if let Some(resets_in_s) = window.resets_in_s {
                set(
                    named("reset-at"),
                    now.saturating_add(resets_in_s).to_string(),
                );
            }
        }
        if let Some(credits) = &self.credits {
            set("x-codex-credits-has-credits".to_owned(), "true".to_owned());
            set("x-codex-credits-unlimited".to_owned(), "false".to_owned());
            set("x-codex-credits-balance".to_owned(), credits.clone());
        }
        headers
    }
}
