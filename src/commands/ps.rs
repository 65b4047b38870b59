//! `zhongshu ps`: the sessions of a running server, or what still runs without one.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::client::{Client, ClientError};
use crate::governance::render::printable;
use crate::paths::Places;
use crate::process::Identity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// What the descriptor of a terminal says; the rest of it is not for us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Descriptor {
    #[serde(default)]
    id: String,
    #[serde(default)]
    title: String,
    pid: u32,
    #[serde(default)]
    started_at_ticks: Option<u64>,
}

/// Prints a table, or JSON.
///
/// # Errors
/// When the server says no.
pub async fn run(
    places: &Places,
    json: bool,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    match Client::find(places) {
        Ok(client) => {
            let status = client.get("/api/status").await?;
            let sessions = status["sessions"].as_array().cloned().unwrap_or_default();
            if json {
                writeln!(out, "{}", Value::Array(sessions))?;
            } else {
                table(&sessions, out)?;
                what_waits(&status, out)?;
            }
        }
        Err(ClientError::NotRunning(repo)) => {
            let left = left_running(&places.terminals());
            if json {
                let text = serde_json::to_string(&left).map_err(std::io::Error::from)?;
                writeln!(out, "{text}")?;
            } else if left.is_empty() {
                writeln!(
                    out,
                    "no zhongshu runs for {}, and nothing of it is left",
                    repo.display()
                )?;
            } else {
                writeln!(
                    out,
                    "no zhongshu runs for {}, but these do; the next start finds them again:",
                    repo.display()
                )?;
                for one in left {
                    let (id, title) = (printable(&one.id), printable(&one.title));
                    writeln!(out, "process {:<8} {id}  {title}", one.pid)?;
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::Ok)
}

fn table(sessions: &[Value], out: &mut impl Write) -> Result<(), CommandError> {
    if sessions.is_empty() {
        writeln!(
            out,
            "there are no sessions yet; start a planner in the dashboard (`zhongshu open`)"
        )?;
        return Ok(());
    }
    let text = |session: &Value, field: &str| printable(session[field].as_str().unwrap_or("-"));
    let rows: Vec<[String; 6]> = sessions
        .iter()
        .map(|session| {
            let mut task: String = text(session, "task").chars().take(60).collect();
            if session["status_reason"].is_string() {
                task.push_str(&format!("  ({})", text(session, "status_reason")));
            }
            if let Some(code) = session["exit_code"].as_i64().filter(|code| *code != 0) {
                task.push_str(&format!("  (exit code {code})"));
            }
            [
                text(session, "id"),
                text(session, "department"),
                text(session, "status"),
                text(session, "heartbeat_status"),
                text(session, "sandbox"),
                task,
            ]
        })
        .collect();
    let head = ["ID", "DEPARTMENT", "STATUS", "HEARTBEAT", "SANDBOX", "TASK"].map(str::to_owned);
    let mut widths = [0; 5];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&head).chain(&rows) {
        for (cell, width) in row.iter().zip(widths) {
            write!(out, "{cell:<width$}  ")?;
        }
        writeln!(out, "{}", row[5])?;
    }
    Ok(())
}

/// Why nothing goes on, where a person is the reason.
fn what_waits(status: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let list = |name: &str| status[name].as_array().cloned().unwrap_or_default();
    for planner in list("zhongshu_sessions") {
        if planner["plan_status"] == "pending" && planner["ended_at"].is_null() {
            let id = printable(planner["id"].as_str().unwrap_or_default());
            let version = &planner["plan_version"];
            writeln!(
                out,
                "version {version} of the plan of {id} waits for your decision (`zhongshu open`)"
            )?;
            if planner["plan_review"] == "author_unknown" {
                writeln!(
                    out,
                    "  nobody is known to have written it, so no review was started; have menxia review it, or confirm it with a reason"
                )?;
            }
        }
        let beside = planner["plan_file_count"].as_u64().unwrap_or(0);
        if beside > 0 {
            let id = printable(planner["id"].as_str().unwrap_or_default());
            let files = if beside == 1 { "file" } else { "files" };
            writeln!(
                out,
                "{beside} plan {files} from nobody known beside the plan of {id}; nothing comes of them unless you take one (`zhongshu open`)"
            )?;
        }
    }
    let queue = list("queue");
    if !queue.is_empty() {
        let for_person = |item: &&Value| item["hold"] == "waits_for_person";
        let held = queue.iter().filter(for_person).count();
        let reason = match held {
            0 => String::new(),
            held => {
                format!(", {held} of them until you acknowledge a result that needs your decision")
            }
        };
        writeln!(out, "{} waiting in the queue{reason}", queue.len())?;
    }
    if status["queue_paused"] == true {
        writeln!(
            out,
            "the queue is paused; `zhongshu api POST /api/queue/resume` lets it go on"
        )?;
    }
    trust(&status["trust"], out)?;
    powers(&status["powers"], out)?;
    let around = status["unapproved_commits"].as_u64().unwrap_or(0);
    if around > 0 {
        let commits = if around == 1 { "commit" } else { "commits" };
        writeln!(
            out,
            "{around} {commits} went around the gate; “Review” in the dashboard lists what you should know of (`zhongshu open`)"
        )?;
    }
    for warning in list("warnings") {
        writeln!(
            out,
            "warning: {}",
            printable(warning.as_str().unwrap_or_default())
        )?;
    }
    Ok(())
}

fn trust(asked: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    if asked["needed"] == true {
        let statement = printable(asked["statement"].as_str().unwrap_or_default());
        writeln!(out, "{statement}")?;
        writeln!(
            out,
            "yes to this: zhongshu api POST /api/trust --data '{{\"accept\":true}}'"
        )?;
    }
    Ok(())
}

/// What waits for a yes of the person's, in full, and what no sandbox holds.
fn powers(asked: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let list = |name: &str| asked[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    if asked["needed"] == true {
        writeln!(out, "{}", text(&asked["statement"]))?;
        for line in list("lines")
            .iter()
            .filter(|line| line["now"] != line["before"])
        {
            let entry = text(&line["entry"]);
            let bare = if line["unsandboxed"] == true {
                " (no sandbox)"
            } else {
                ""
            };
            match line["now"].as_str() {
                None => writeln!(out, "  {entry}")?,
                Some(now) => writeln!(out, "  {entry}{bare}: {}", printable(now))?,
            }
            if let Some(news) = news_of(&line["file"]) {
                writeln!(out, "    {news}")?;
            }
            if !line["before"].is_null() {
                writeln!(out, "    approved before: {}", text(&line["before"]))?;
            }
        }
        let yes = serde_json::json!({ "sha256": asked["sha256"], "accept": true });
        writeln!(
            out,
            "yes to exactly this: zhongshu api POST /api/powers --data '{yes}'"
        )?;
    }
    let bare: Vec<String> = list("unsandboxed").iter().map(text).collect();
    if !bare.is_empty() {
        writeln!(
            out,
            "no sandbox (tier T0): these run as you and could approve their own work: {}",
            bare.join(", ")
        )?;
    }
    Ok(())
}

/// What became of a file that a command line names.
fn news_of(file: &Value) -> Option<&'static str> {
    match file.as_str()? {
        "new" => Some("a file that agents can write and that was not approved with it"),
        "changed" => Some("this file changed since your yes"),
        "gone" => Some("this file is gone"),
        "unread" => Some(
            "larger than 1 MiB, no ordinary file, or not readable: nobody can approve it; keep it outside of the repository and of temporary folders",
        ),
        _ => None,
    }
}

fn left_running(folder: &Path) -> Vec<Descriptor> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut left: Vec<Descriptor> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok())
        .filter(is_alive)
        .collect();
    left.sort_by(|a, b| a.id.cmp(&b.id));
    left
}

/// Whether that very process still runs; a pid alone may be somebody else's by now.
fn is_alive(one: &Descriptor) -> bool {
    let pid = one.pid;
    match one.started_at_ticks {
        Some(start_ticks) => Identity { pid, start_ticks }.is_alive(),
        None => Identity::of(pid).is_some(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn only_processes_that_are_still_the_same_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let ticks = Identity::of(own).unwrap().start_ticks;
        let write = |name: &str, value: Value| {
            std::fs::write(folder.path().join(name), value.to_string()).unwrap();
        };
        write(
            "a.json",
            json!({"id": "a", "title": "t", "pid": own, "started_at_ticks": ticks, "x": 1}),
        );
        write(
            "b.json",
            json!({"id": "b", "title": "t", "pid": own, "started_at_ticks": 1}),
        );
        write("c.json", json!({"id": "c"}));
        write(
            "d.txt",
            json!({"id": "d", "title": "t", "pid": own, "started_at_ticks": ticks}),
        );
        let left = left_running(folder.path());
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, "a");
    }

    #[test]
    fn what_waits_for_a_person_is_said() {
        let said = |status: Value| {
            let mut out = Vec::new();
            what_waits(&status, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let planner = |ended_at: Value| json!({"id": "zhongshu-1", "plan_status": "pending", "plan_version": 2, "ended_at": ended_at});
        let status = json!({
            "zhongshu_sessions": [planner(Value::Null), planner(json!("2026-01-01T00:00:00Z"))],
            "queue": [{"hold": "waits_for_person"}, {"hold": null}],
            "queue_paused": true,
            "unapproved_commits": 1,
            "warnings": ["a\u{1b}b"],
        });
        let text = said(status);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[0].starts_with("version 2 of the plan of zhongshu-1 waits"));
        assert!(lines[1].starts_with("2 waiting in the queue, 1 of them"));
        assert!(lines[2].starts_with("the queue is paused"));
        assert!(lines[3].starts_with("1 commit went around the gate"));
        assert!(!text.contains('\u{1b}'));
        assert_eq!(said(json!({"queue": [], "queue_paused": false})), "");
    }

    #[test]
    fn what_asks_for_a_yes_is_said_with_the_line_that_gives_it() {
        let line = |entry: &str, now: Value, before: Value| json!({"entry": entry, "now": now, "before": before, "unsandboxed": true});
        let status = json!({
            "trust": {"needed": true, "statement": "Codex will write."},
            "powers": {
                "needed": true,
                "sha256": "ab12",
                "statement": "It asks for more.",
                "lines": [
                    line("drivers.x.command", json!("x -b\u{1b}"), json!("x -a")),
                    json!({"entry": "drivers.x.command: a.sh", "now": "sha256 1", "before": "sha256 0", "file": "changed"}),
                    line("driver", json!("x"), json!("x")),
                ],
                "unsandboxed": ["planner (x)"],
            },
        });
        let mut out = Vec::new();
        what_waits(&status, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "Codex will write.",
            "zhongshu api POST /api/trust --data '{\"accept\":true}'",
            "drivers.x.command (no sandbox): x -b",
            "approved before: x -a",
            "drivers.x.command: a.sh: sha256 1\n    this file changed since your yes\n    approved before: sha256 0",
            "zhongshu api POST /api/powers --data '{\"accept\":true,\"sha256\":\"ab12\"}'",
            "could approve their own work: planner (x)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains('\u{1b}') && !text.contains("  driver:"),
            "{text}"
        );
    }

    #[test]
    fn the_table_cannot_be_steered_by_a_task() {
        let mut out = Vec::new();
        let session = json!({"id": "menxia-1", "department": "menxia", "status": "running", "task": "a\u{1b}[2Jb\nc", "status_reason": "d\ne", "exit_code": 3});
        table(&[session], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("menxia-1  menxia"), "{text}");
        assert!(text.contains("c  (d"), "{text}");
        assert!(text.contains("(exit code 3)"), "{text}");
    }
}
