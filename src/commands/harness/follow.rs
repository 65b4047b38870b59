//! A message to the end of its turn: what was answered, or why there is no answer.

use super::answer::{Printer, granted};
use super::reach::Reach;
use super::rows;
use crate::cli::ExitCode;
use crate::client::Reply;
use crate::commands::error::CommandError;
use crate::commands::transcript::escaped;
use local_os::tell;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// Between two looks at the session. A turn takes seconds at least.
const PAUSE: Duration = Duration::from_millis(300);
/// Looks in a row at which a turn that was broken off must be over: one that has just begun looks the same at first.
const SURE: usize = 4;

/// How a turn looks.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    /// It runs.
    Runs,
    /// It runs, and something in it waits for an answer.
    Waits,
    /// It looks broken off.
    BrokenOff,
    /// It is done.
    Done,
    /// It went wrong.
    Failed,
}

/// Waits for the end of the turn that a message went into, and prints what came of it.
///
/// # Errors
/// When the message was refused, or the server goes.
pub(super) async fn run(
    reach: &Reach,
    accepted: &Reply,
    printer: Printer,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    printer.refuse(accepted, out)?;
    let accepted = granted(accepted)?;
    let text = |name: &str| accepted[name].as_str().unwrap_or_default().to_owned();
    let (session, turn) = (text("sessionId"), text("turnId"));
    let path = format!("/sessions/{}?turns=20", escaped(&session));
    let (mut is_told, mut broken_off) = (false, 0);
    let (read, course) = loop {
        let read = reach.look(&path).await?;
        let course = course(&read, &turn);
        match course {
            Course::Done | Course::Failed => break (read, course),
            Course::BrokenOff if broken_off >= SURE => break (read, course),
            Course::BrokenOff => broken_off += 1,
            Course::Runs => (is_told, broken_off) = (false, 0),
            Course::Waits => {
                broken_off = 0;
                if !std::mem::replace(&mut is_told, true) {
                    tell!(
                        "it waits for you: `zhongshu harness approvals list {session}` shows what for"
                    );
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    };
    let rows: Vec<&Value> = {
        let all = read["transcript"].as_array().into_iter().flatten();
        all.filter(|row| row["turnId"] == turn.as_str()).collect()
    };
    let answers = rows.iter().filter(|row| row["type"] == "agentMessage");
    let answers = answers.filter_map(|row| row["content"].as_str());
    let answer = answers.collect::<Vec<_>>().join("\n\n");
    let is_done = course == Course::Done;
    if printer.is_json {
        let status = match course {
            Course::Done => "completed",
            Course::Failed => "failed",
            _ => "interrupted",
        };
        let whole = json!({
            "status": status,
            "sessionId": session,
            "turnId": turn,
            "answer": answer,
            "transcript": rows,
        });
        writeln!(out, "{whole}")?;
    } else if !answer.is_empty() {
        writeln!(out, "{}", crate::domain::shown::shown(&answer))?;
    }
    if is_done {
        return Ok(ExitCode::Ok);
    }
    if !printer.is_json {
        let told = |row: &&&Value| {
            let kind = row["type"].as_str();
            matches!(kind, Some("turn.error" | "turn.interrupted"))
        };
        for row in rows.iter().filter(told) {
            rows::transcript_row(row, out)?;
        }
    }
    let what = if course == Course::Failed {
        "failed"
    } else {
        "was broken off"
    };
    Err(CommandError::Failed(format!("turn {turn} {what}")))
}

fn course(read: &Value, turn: &str) -> Course {
    let turns = read["thread"]["turns"].as_array().into_iter().flatten();
    let told = turns.into_iter().find(|it| it["id"] == turn);
    let status = told.and_then(|it| it["status"].as_str());
    match (status, read["session"]["status"].as_str()) {
        (Some("completed"), _) => Course::Done,
        (Some("failed"), _) => Course::Failed,
        (_, Some("waiting_approval" | "waiting_input")) => Course::Waits,
        (_, Some("running")) => Course::Runs,
        // A session that has failed tells so even before its turn does.
        (Some("interrupted"), _) | (None, Some("idle" | "notLoaded" | "error")) => {
            Course::BrokenOff
        }
        _ => Course::Runs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_when_the_turn_itself_is() {
        let read = |session: &str, turn: &str| json!({"session": {"status": session}, "thread": {"turns": [{"id": "t", "status": turn}]}});
        for (session, turn, expected) in [
            ("running", "inProgress", Course::Runs),
            ("waiting_approval", "inProgress", Course::Waits),
            ("running", "completed", Course::Done),
            ("idle", "failed", Course::Failed),
            ("running", "interrupted", Course::Runs),
            ("idle", "interrupted", Course::BrokenOff),
            ("idle", "inProgress", Course::Runs),
        ] {
            assert_eq!(
                course(&read(session, turn), "t"),
                expected,
                "{session} {turn}"
            );
        }
        assert_eq!(
            course(&read("idle", "completed"), "other"),
            Course::BrokenOff
        );
    }
}
