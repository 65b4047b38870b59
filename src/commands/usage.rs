//! `zhongshu usage`: what was taken and what bounds it; `zhongshu budget`: what a person allows. Both from the running server.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::cli::usage::{Budget, BudgetCommand, Subject, Usage};
use crate::client::Client;
use crate::domain::usage::shown;
use crate::governance::render::printable;
use crate::paths::Places;
use serde_json::{Value, json};
use std::io::Write;

/// Cells of a drawn bar.
const BAR: u64 = 20;
/// Sessions that are printed; `--json` has more.
const SHOWN: usize = 30;

/// Prints what was taken. With `--try-now` a provider that refuses is tried again first.
///
/// # Errors
/// When no server runs, or the server refuses to try.
pub async fn run(
    places: &Places,
    wanted: &Usage,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    if wanted.try_now {
        let only = json!({ "only": "provider" });
        client.post("/api/queue/resume", &only).await?;
    }
    let usage = client.get("/api/usage").await?;
    match wanted.json {
        true => writeln!(out, "{usage}")?,
        false => show(&usage, out)?,
    }
    Ok(ExitCode::Ok)
}

/// Sets, shows or takes away what a person allows.
///
/// # Errors
/// When no server runs, or the server refuses it.
pub async fn budget(
    places: &Places,
    wanted: &Budget,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    match &wanted.command {
        BudgetCommand::Set {
            subject,
            tokens,
            interrupt,
        } => {
            let body = body(subject, json!(tokens), *interrupt);
            let answer = client.post("/api/budgets", &body).await?;
            let budget = &answer["budget"];
            writeln!(out, "{}", standing(budget))?;
            if budget["reached"] == true {
                let then = match *interrupt {
                    true => "nothing new starts, and what runs is interrupted",
                    false => "nothing new starts",
                };
                writeln!(out, "that is used up already: {then}, until it is raised")?;
            }
        }
        BudgetCommand::Clear { subject } => {
            let body = body(subject, Value::Null, false);
            let answer = client.post("/api/budgets", &body).await?;
            match answer["budget"].is_null() {
                true => writeln!(out, "nothing bounds it any more")?,
                false => writeln!(out, "by governance.yaml: {}", standing(&answer["budget"]))?,
            }
        }
        BudgetCommand::List { json } => {
            let usage = client.get("/api/usage").await?;
            match json {
                true => writeln!(out, "{}", usage["budgets"])?,
                false => list(&usage, out)?,
            }
        }
    }
    Ok(ExitCode::Ok)
}

fn body(subject: &Subject, tokens: Value, interrupt: bool) -> Value {
    let mut body = json!({ "tokens": tokens, "interrupt": interrupt });
    let fields = [("session", &subject.session), ("plan", &subject.plan)];
    for (field, id) in fields {
        if let Some(id) = id {
            body[field] = json!(id);
        }
    }
    if let Some(version) = subject.version {
        body["version"] = json!(version);
    }
    body
}

fn list(usage: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let budgets = &usage["budgets"];
    let defaults = &budgets["defaults"];
    for (field, what) in [
        ("plan_tokens", "each plan"),
        ("session_tokens", "each session"),
    ] {
        if let Some(tokens) = defaults[field].as_u64() {
            let tokens = shown::tokens(tokens);
            writeln!(out, "{what}, by governance.yaml: {tokens}")?;
        }
    }
    let set = budgets["set"].as_array().cloned().unwrap_or_default();
    for budget in &set {
        writeln!(out, "{}", standing(budget))?;
    }
    if set.is_empty() {
        writeln!(out, "nobody set a budget; `zhongshu budget set` does")?;
    }
    Ok(())
}

/// One budget in a line.
fn standing(budget: &Value) -> String {
    let id = text(&budget["session_id"]);
    let what = match budget["of"] == "plan" {
        true => format!("plan version {} of {id}", budget["version"]),
        false => format!("session {id}"),
    };
    let (used, most) = (number(&budget["used"]), number(&budget["tokens"]));
    let interrupts = match budget["interrupt"] == true {
        true => ", interrupts",
        false => "",
    };
    let (bar, used, most) = (bar(used, most), shown::tokens(used), shown::tokens(most));
    format!("{bar} {used} of {most}{interrupts}  {what}")
}

fn show(usage: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let total = &usage["total"];
    writeln!(out, "all: {}", spent(total))?;
    limits(usage, out)?;
    for (name, field, most) in [
        ("departments", "departments", usize::MAX),
        ("plans", "plans", SHOWN),
        ("sessions", "sessions", SHOWN),
    ] {
        let rows = usage[field].as_array().cloned().unwrap_or_default();
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "{name}:")?;
        let tokens = |row: &Value| number(&row["tokens"]["total"]);
        let highest = rows.iter().map(tokens).max().unwrap_or(0);
        for row in rows.iter().take(most) {
            let who = match field {
                "departments" => text(&row["title"]),
                "plans" if row["version"] == 0 => {
                    format!("without a plan, {}", text(&row["session_id"]))
                }
                "plans" => format!("version {} of {}", row["version"], text(&row["session_id"])),
                _ => format!("{}{}", text(&row["session_id"]), context(row)),
            };
            writeln!(out, "  {} {}  {who}", bar(tokens(row), highest), spent(row))?;
        }
        if rows.len() > most {
            writeln!(out, "  and {} more (--json has them)", rows.len() - most)?;
        }
    }
    Ok(())
}

fn limits(usage: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let own = &usage["rate_limits"];
    let others = own["others"].as_array().into_iter().flatten();
    for limit in std::iter::once(own).chain(others) {
        windows(limit, out)?;
    }
    if let Some(retry_at) = usage["held"]["retry_at"].as_str() {
        let retry_at = printable(retry_at);
        writeln!(
            out,
            "the provider refuses; it is tried again at {retry_at} (`zhongshu usage --try-now` tries now)"
        )?;
    }
    Ok(())
}

/// One limit: a line for each of its windows, and what is left to be bought from.
fn windows(limit: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let id = limit["limit_id"].as_str().filter(|id| *id != "codex");
    let title = id.map(|id| limit["limit_name"].as_str().unwrap_or(id));
    let of = title.map_or_else(String::new, |title| format!("  {}", printable(title)));
    for name in ["primary", "secondary"] {
        let window = &limit[name];
        let Some(percent) = window["used_percent"].as_u64() else {
            continue;
        };
        let length = window["minutes"]
            .as_u64()
            .map_or_else(String::new, |minutes| match minutes {
                0..120 => format!(" of {minutes} minutes"),
                120..2880 => format!(" of {} hours", minutes / 60),
                _ => format!(" of {} days", minutes / 1440),
            });
        let anew = window["resets_at"].as_str();
        let anew = anew.map_or_else(String::new, |at| format!(", anew at {}", printable(at)));
        let bar = bar(percent, 100);
        writeln!(out, "limit {bar} {percent}%{length}{anew}{of}")?;
    }
    let credits = &limit["credits"]["balance"];
    if credits.is_string() {
        writeln!(out, "credits: {}{of}", text(credits))?;
    }
    Ok(())
}

fn context(row: &Value) -> String {
    let (used, window) = (number(&row["context_used"]), number(&row["context_window"]));
    match window {
        0 => String::new(),
        _ => format!("  window {}%", used.saturating_mul(100) / window),
    }
}

fn spent(row: &Value) -> String {
    let tokens = &row["tokens"];
    format!(
        "{:>7} tokens ({} read, {} of it cached; {} written) in {}, {} turns",
        shown::tokens(number(&tokens["total"])),
        shown::tokens(number(&tokens["input"])),
        shown::tokens(number(&tokens["cached"])),
        shown::tokens(number(&tokens["output"])),
        time(number(&row["seconds"])),
        number(&row["turns"]),
    )
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `[████······]`
fn bar(part: u64, whole: u64) -> String {
    let cells = match whole {
        0 => 0,
        // What there is a little of is seen.
        _ => (part.saturating_mul(BAR).div_ceil(whole)).min(BAR),
    };
    let full = "█".repeat(usize::try_from(cells).unwrap_or(0));
    let empty = "·".repeat(usize::try_from(BAR - cells).unwrap_or(0));
    format!("[{full}{empty}]")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}
