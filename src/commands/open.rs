//! `zhongshu open`: a fresh login link.

use super::browser::open_browser;
use super::error::CommandError;
use crate::cli::ExitCode;
use crate::client::{Client, ClientError};
use crate::paths::{Environment, Places};
use local_os::tell;
use serde_json::json;
use std::io::Write;

/// Asks the server for a link (by the address instead of the name of this start, if wanted), prints it, and opens it.
///
/// # Errors
/// When no server runs.
pub async fn run(
    places: &Places,
    by_address: bool,
    open: bool,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let answer = Client::find(places)?
        .post("/api/login_key", &json!({ "by_address": by_address }))
        .await?;
    let url = answer["login_url"]
        .as_str()
        .ok_or(ClientError::Strange(200))?;
    writeln!(out, "{url}")?;
    out.flush()?;
    if open && let Err(error) = open_browser(places, url, environment) {
        tell!("no browser could be opened ({error}); open the link above yourself within a minute");
    }
    Ok(ExitCode::Ok)
}
