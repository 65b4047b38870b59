//! `zhongshu stop [ID]`: ends one session, or the server with everything it runs.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::client::{Client, ClientError};
use crate::paths::{Places, running};
use serde_json::json;
use std::io::Write;
use std::time::Duration;

/// How long the server may take to end everything. It promises ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the lock is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Stops a session or the server, and waits until the server is gone.
///
/// # Errors
/// When there is no such session, or the server does not end.
pub async fn run(
    places: &Places,
    id: Option<&str>,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    if let Some(id) = id {
        let body = json!({ "session_id": id });
        Client::find(places)?
            .post("/api/stop_session", &body)
            .await?;
        writeln!(out, "{id} is being stopped")?;
        return Ok(ExitCode::Ok);
    }
    let client = match Client::find(places) {
        Ok(client) => client,
        Err(ClientError::NotRunning(repo)) => {
            writeln!(
                out,
                "no zhongshu runs for {}; `zhongshu ps` shows what was kept running",
                repo.display()
            )?;
            return Ok(ExitCode::Ok);
        }
        Err(error) => return Err(error.into()),
    };
    match client.post("/api/shutdown", &json!({})).await {
        // It may be gone before its answer is through.
        Ok(_) | Err(ClientError::Broken(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let gone = async {
        while running(places)?.is_some_and(|holder| holder.pid == Some(client.pid())) {
            tokio::time::sleep(LOOK).await;
        }
        Ok::<_, CommandError>(())
    };
    match tokio::time::timeout(PATIENCE, gone).await {
        Ok(waited) => waited?,
        Err(_) => {
            return Err(CommandError::Failed(format!(
                "zhongshu (process {}) was asked to stop and still runs after {} seconds; its log says what it waits for",
                client.pid(),
                PATIENCE.as_secs()
            )));
        }
    }
    writeln!(out, "zhongshu has stopped")?;
    Ok(ExitCode::Ok)
}
