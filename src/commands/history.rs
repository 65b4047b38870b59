//! `zhongshu history`: sessions of any age, by what was said in them. From the running server.

use super::error::CommandError;
use super::table;
use super::transcript::escaped;
use crate::cli::ExitCode;
use crate::cli::history::History;
use crate::client::Client;
use crate::governance::render::printable;
use crate::paths::Places;
use chrono::NaiveDate;
use serde_json::Value;
use std::io::Write;

/// So much of a task or summary, in characters.
const SHOWN: usize = 70;

/// Prints a page of what is found.
///
/// # Errors
/// When no server runs, or it cannot look for this.
pub async fn run(
    places: &Places,
    wanted: &History,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    let found = client.get(&address(wanted)).await?;
    if wanted.json {
        writeln!(out, "{}", found["sessions"])?;
        return Ok(ExitCode::Ok);
    }
    let sessions = found["sessions"].as_array().map_or(&[][..], Vec::as_slice);
    if sessions.is_empty() {
        writeln!(out, "nothing of the kind was found")?;
        return Ok(ExitCode::Ok);
    }
    let rows = Vec::from_iter(sessions.iter().map(row));
    table::print(&["ID", "DEPARTMENT", "ENDED", "STATUS", "SAID"], &rows, out)?;
    if let (Some(older @ 1..), Some(last)) = (found["older_sessions"].as_u64(), sessions.last()) {
        let last = printable(last["id"].as_str().unwrap_or_default());
        writeln!(out, "and {older} older ones: go on with --before {last}")?;
    }
    Ok(ExitCode::Ok)
}

fn row(session: &Value) -> Vec<String> {
    let text = |field: &str| printable(session[field].as_str().unwrap_or("-"));
    let said = ["summary", "task"].map(|it| session[it].as_str().unwrap_or_default().trim());
    let said = said
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default();
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let ended = text("ended_at");
    let minute = ended.get(..16).unwrap_or(&ended);
    vec![
        text("id"),
        text("department"),
        minute.replace('T', " "),
        text("status"),
        printable(&line.chars().take(SHOWN).collect::<String>()),
    ]
}

fn address(wanted: &History) -> String {
    let words = Some(wanted.words.join(" ")).filter(|it| !it.is_empty());
    let limit = Some(wanted.limit.to_string());
    let fields = [
        ("q", words),
        ("file", wanted.file.clone()),
        ("department", wanted.department.clone()),
        ("planner", wanted.planner.clone()),
        ("since", wanted.since.as_deref().map(moment)),
        ("until", wanted.until.as_deref().map(moment)),
        ("before", wanted.before.clone()),
        ("limit", limit),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some(format!("{name}={}", escaped(&value)))
    });
    format!("/api/history?{}", Vec::from_iter(fields).join("&"))
}

/// A day begins at midnight.
fn moment(text: &str) -> String {
    match text.parse::<NaiveDate>() {
        Ok(day) => format!("{day}T00:00:00Z"),
        Err(_) => text.to_owned(),
    }
}
