//! `zhongshu api METHOD PATH`: a raw request as the person, as `gh api` does.

use super::error::CommandError;
use super::input;
use crate::cli::ExitCode;
use crate::client::{Client, ClientError};
use crate::paths::Places;
use std::io::Write;

/// Sends the request and prints the body as it is, a stream as it comes.
///
/// # Errors
/// When no server runs.
pub async fn run(
    places: &Places,
    method: &str,
    path: &str,
    data: Option<&str>,
    key: Option<&str>,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let method = method.to_ascii_uppercase();
    let looks = matches!(method.as_str(), "GET" | "HEAD");
    let body = match data {
        Some(_) if looks => {
            return Err(CommandError::Usage(format!(
                "{method} takes no `--data`; put parameters into the path, as in /api/report?mode=staged"
            )));
        }
        Some(given) => Some(input::read("--data", given)?),
        None if looks => None,
        None => Some("{}".to_owned()),
    };
    let fresh = || uuid::Uuid::new_v4().to_string();
    let key = key.map_or_else(fresh, str::to_owned);
    let client = Client::find(places)?.with_key(&key);
    let lost = |error| match error {
        ClientError::Broken(_) | ClientError::Slow(_) if !looks => CommandError::AnswerLost {
            error,
            key: key.clone(),
        },
        error => error.into(),
    };
    let asked = client.stream(&method, path, body.as_deref()).await;
    let (status, mut pieces) = asked.map_err(lost)?;
    let mut last = None;
    while let Some(piece) = pieces.next().await.map_err(lost)? {
        last = piece.last().copied().or(last);
        out.write_all(&piece)?;
        out.flush()?;
    }
    if last.is_some_and(|byte| byte != b'\n') {
        writeln!(out)?;
    }
    Ok(if status.is_success() {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}
