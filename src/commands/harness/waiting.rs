//! What waits in all sessions: each that has something is asked for it.

use super::answer::Printer;
use super::reach::Reach;
use super::rows;
use crate::cli::ExitCode;
use crate::cli::harness::{Operation, Place};
use crate::commands::error::CommandError;
use crate::commands::transcript::escaped;
use clap::ArgMatches;
use serde_json::{Value, json};
use std::io::Write;

/// Whether no session was named.
pub(super) fn is_about_all(operation: &Operation, given: &ArgMatches) -> bool {
    let mut of_path = operation.fields.iter().filter(|it| it.place == Place::Path);
    of_path.all(|field| given.get_one::<String>(&field.id()).is_none())
}

/// Prints what waits in any session.
///
/// # Errors
/// When the server says no.
pub(super) async fn run(
    reach: &Reach,
    operation: &Operation,
    printer: Printer,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let mut data = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let from = cursor.map(|it| format!("&cursor={}", escaped(&it)));
        let page = format!("/sessions?limit=200{}", from.unwrap_or_default());
        let page = reach.look(&page).await?;
        let sessions = page["data"].as_array().into_iter().flatten();
        for session in sessions.filter(|it| it["pending"].as_u64().is_some_and(|it| it > 0)) {
            let id = escaped(session["sessionId"].as_str().unwrap_or_default());
            let path = operation.path.replace("{sessionId}", &id);
            match reach.look(&path).await {
                Ok(mut waiting) => {
                    let waiting = waiting["data"].as_array_mut().map(std::mem::take);
                    data.extend(waiting.unwrap_or_default());
                }
                // It went meanwhile, with whatever waited in it.
                Err(CommandError::Answered {
                    status: 404 | 410, ..
                }) => {}
                Err(error) => return Err(error),
            }
        }
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let all: Value = json!({ "data": data });
    match printer.is_json {
        true => writeln!(out, "{all}")?,
        false => rows::show(&operation.id, &all, out)?,
    }
    Ok(ExitCode::Ok)
}
