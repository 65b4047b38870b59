//! Owns what the installed Codex can be asked and may ask: the names in the schema that it prints about itself. Experiments tell the rest.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use crate::process::describe_exit;

/// It answers in 0.05 s; ten times this limit would only delay the sentence about a program that hangs.
const PRINT_LIMIT: Duration = Duration::from_secs(10);

/// Every method of one version of Codex, experimental ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// What we may call.
    pub calls: BTreeSet<String>,
    /// What it tells.
    pub notifications: BTreeSet<String>,
    /// What it asks.
    pub requests: BTreeSet<String>,
}

/// Why a schema is not known.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The folder for it cannot be made, or its files not be read.
    #[error("read the schema that codex printed: {0}")]
    Io(#[from] std::io::Error),
    /// The program cannot be started, does not end, or has no such command.
    #[error("have codex print its schema: {0}")]
    NotPrinted(String),
    /// It has another form than we know.
    #[error("read the schema that codex printed: {file}: {reason}")]
    Malformed {
        /// Which file.
        file: &'static str,
        /// What is wrong.
        reason: serde_json::Error,
    },
}

impl Schema {
    /// Has `program` print it into a folder of its own below `scratch`, which is gone afterwards. What Codex writes into its CODEX_HOME at each
    /// start lands there too.
    ///
    /// # Errors
    /// See [`SchemaError`]; a version without this command among them.
    pub async fn of(program: &Path, scratch: &Path) -> Result<Self, SchemaError> {
        let folder = tempfile::Builder::new()
            .prefix("codex-schema-")
            .tempdir_in(scratch)?;
        let (home, out) = (folder.path().join("home"), folder.path().join("out"));
        tokio::fs::create_dir(&home).await?;
        let printing = tokio::process::Command::new(program)
            .args([
                "app-server",
                "generate-json-schema",
                "--experimental",
                "--out",
            ])
            .arg(&out)
            .current_dir(folder.path())
            .env("CODEX_HOME", &home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output();
        let said = tokio::time::timeout(PRINT_LIMIT, printing)
            .await
            .map_err(|_| SchemaError::NotPrinted("it did not end within 10 s".to_owned()))?
            .map_err(|error| SchemaError::NotPrinted(error.to_string()))?;
        if !said.status.success() {
            let text = String::from_utf8_lossy(&said.stderr);
            let last = text.trim().lines().last().unwrap_or_default();
            return Err(SchemaError::NotPrinted(format!(
                "{}: {last}",
                describe_exit(said.status)
            )));
        }
        let read = move || {
            let read = Self::read(&out);
            // The folder goes here, where waiting for the disk holds up nobody.
            drop(folder);
            read
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| SchemaError::NotPrinted(error.to_string()))?
    }

    /// Reads what was printed.
    fn read(folder: &Path) -> Result<Self, SchemaError> {
        Ok(Self {
            calls: methods(folder, "ClientRequest.json")?,
            notifications: methods(folder, "ServerNotification.json")?,
            requests: methods(folder, "ServerRequest.json")?,
        })
    }
}

/// The methods of a union of messages.
fn methods(folder: &Path, file: &'static str) -> Result<BTreeSet<String>, SchemaError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Union {
        one_of: Vec<Message>,
    }
    #[derive(Deserialize)]
    struct Message {
        properties: Properties,
    }
    #[derive(Deserialize)]
    struct Properties {
        method: Method,
    }
    #[derive(Deserialize)]
    struct Method {
        #[serde(rename = "enum")]
        names: Vec<String>,
    }
    let text = std::fs::read(folder.join(file))?;
    let union: Union =
        serde_json::from_slice(&text).map_err(|reason| SchemaError::Malformed { file, reason })?;
    let messages = union.one_of.into_iter();
    Ok(messages
        .flat_map(|message| message.properties.method.names)
        .collect())
}
