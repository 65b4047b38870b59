//! `zhongshu attention`: what waits for the person.

mod answer;

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::cli::attention::{Attention, AttentionCommand};
use crate::client::Client;
use crate::paths::Places;
use std::io::Write;

/// Does what is asked for, and says what came of it.
///
/// # Errors
/// When no server runs, or it says no.
pub async fn run(
    places: &Places,
    arguments: &Attention,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    match &arguments.command {
        AttentionCommand::Answer(given) => answer::run(&client, given, out).await?,
    }
    Ok(ExitCode::Ok)
}
