//! What Codex offers: lists that are passed on as they come.

use super::ceilings::By;
use super::{Harness, Refused};
use serde_json::{Value, json};

/// One page of a list of Codex.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The entries.
    pub data: Vec<Value>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl Harness {
    /// Reads one page of a list.
    ///
    /// # Errors
    /// What Codex says, by cause.
    pub async fn listed(&self, method: &str, params: Value) -> Result<Listed, Refused> {
        let mut answer = self.call(method, params).await?;
        let data = match answer["data"].take() {
            Value::Array(data) => data,
            _ => Vec::new(),
        };
        let next_cursor = answer["nextCursor"].as_str().map(str::to_owned);
        Ok(Listed { data, next_cursor })
    }

    /// The skills that a thread in a folder has; without a folder in the repository.
    ///
    /// # Errors
    /// When the folder is outside of the repository; else what Codex says, by cause.
    pub async fn skills(
        &self,
        by: &By,
        cwd: Option<&str>,
        force_reload: bool,
    ) -> Result<Listed, Refused> {
        let cwd = self.folder(by, cwd).await?;
        let params = json!({"cwds": [cwd], "forceReload": force_reload});
        self.listed("skills/list", params).await
    }
}
