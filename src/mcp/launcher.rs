//! The launcher over its unix socket, asked in the name of the thread that calls.

use super::Answer;
use crate::client::{Client, ClientError, Reply};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An inbox is made from memory; whoever needs longer than this is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Longest answer that is handed to an agent. Hundreds of reports fit; ten times as much would fill any context.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

const NOT_RUNNING: &str = "zhongshu is not running at the moment, so it cannot be asked; try again later, results are not lost";

/// Where the launcher listens, as it wrote it down.
#[derive(Debug, Deserialize)]
struct ServerFile {
    socket: PathBuf,
}

fn launcher(state_dir: &Path) -> Option<Client> {
    let bytes = std::fs::read(state_dir.join("server.json")).ok()?;
    let server: ServerFile = serde_json::from_slice(&bytes).ok()?;
    Some(Client::at(&server.socket))
}

/// Whether a launcher answers.
pub(super) async fn launcher_answers(state_dir: &Path) -> bool {
    let Some(launcher) = launcher(state_dir) else {
        return false;
    };
    let answer = tokio::time::timeout(ANSWER_WITHIN, launcher.request("GET", "/healthz", None));
    matches!(answer.await, Ok(Ok(_)))
}

/// Reads the inbox of the planner that owns this thread.
pub(super) async fn inbox(state_dir: &Path, thread_id: &str, peek: bool) -> Answer {
    let path = format!("/mcp/inbox?peek={}", u8::from(peek));
    ask(state_dir, thread_id, "GET", &path, None).await
}

/// Sends the planner's words to the launcher.
pub(super) async fn post(
    state_dir: &Path,
    thread_id: &str,
    path: &str,
    body: &impl Serialize,
) -> Answer {
    let body = serde_json::to_string(body).expect("arguments are plain data");
    ask(state_dir, thread_id, "POST", path, Some(&body)).await
}

async fn ask(
    state_dir: &Path,
    thread_id: &str,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> Answer {
    let launcher = launcher(state_dir)
        .ok_or(NOT_RUNNING)?
        .for_thread(thread_id);
    let request = launcher.request(method, path, body);
    let reply = tokio::time::timeout(ANSWER_WITHIN, request)
        .await
        .map_err(|_| "zhongshu did not answer in time; try again")?;
    text_of(reply).map_err(|error| match error {
        ClientError::NotRunning(_) | ClientError::NoAnswer { .. } => NOT_RUNNING.to_owned(),
        ClientError::Refused { message, .. } => message,
        error => format!("zhongshu could not be asked: {error}; try again"),
    })
}

fn text_of(reply: Result<Reply, ClientError>) -> Result<String, ClientError> {
    let reply = reply?.accepted()?;
    let strange = || ClientError::Strange(reply.status.as_u16());
    match reply.body.len() <= MAX_ANSWER_BYTES {
        true => String::from_utf8(reply.body.to_vec()).map_err(|_| strange()),
        false => Err(strange()),
    }
}
