//! `zhongshu ps`: the sessions of a running server, or what still runs without one.

mod doing;

use super::attention;
use super::error::CommandError;
use super::table;
use crate::cli::ExitCode;
use crate::client::{Client, ClientError};
use crate::domain::powers::meaning;
use crate::domain::sentence::Sentence;
use crate::domain::usage::shown;
use crate::governance::render::printable;
use crate::paths::Places;
use crate::process::Identity;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// Things that wait which are told one by one: a screen holds them beside the sessions. `zhongshu attention` lists all.
const MOST_WAITING: usize = 10;

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
                if let Some(older @ 1..) = status["older_sessions"].as_u64() {
                    writeln!(out, "and {older} older ones: zhongshu history")?;
                }
                let list = client.get("/api/attention").await?;
                what_waits(&status, &list, out)?;
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
    let now = Utc::now();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| {
            let mut task: String = text(session, "task").chars().take(60).collect();
            let why = &session["doing"]["reason"];
            let reasons =
                [why, &session["status_reason"]].map(|it| it.as_str().unwrap_or_default());
            for (at, reason) in reasons.iter().enumerate() {
                if !reason.is_empty() && !reasons[..at].contains(reason) {
                    task.push_str(&format!("  ({})", printable(reason)));
                }
            }
            if let Some(code) = session["exit_code"].as_i64().filter(|code| *code != 0) {
                task.push_str(&format!("  (exit code {code})"));
            }
            vec![
                text(session, "id"),
                text(session, "department"),
                text(session, "status"),
                doing::said(&session["doing"], now),
                text(session, "sandbox"),
                tokens(&session["usage"]),
                window(&session["usage"]),
                task,
            ]
        })
        .collect();
    let head = [
        "ID",
        "DEPARTMENT",
        "STATUS",
        "DOING",
        "SANDBOX",
        "TOKENS",
        "WINDOW",
        "TASK",
    ];
    table::print(&head, &rows, out)?;
    Ok(())
}

/// What a session has taken.
fn tokens(usage: &Value) -> String {
    let total = usage["tokens"]["total"].as_u64().filter(|it| *it > 0);
    total.map_or_else(|| "-".to_owned(), shown::tokens)
}

/// How full its model's window is.
fn window(usage: &Value) -> String {
    let of = |name: &str| usage[name].as_u64();
    match (of("context_used"), of("context_window")) {
        (Some(used), Some(window @ 1..)) => {
            format!("{}%", (used.saturating_mul(100) / window).min(100))
        }
        _ => "-".to_owned(),
    }
}

/// What waits for a person, in the words of the list that every surface shows; and what only this one says.
fn what_waits(status: &Value, list: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let queued = status["queue"].as_array().map_or(0, Vec::len);
    if queued > 0 {
        writeln!(out, "{queued} waiting in the queue")?;
    }
    let items = list["items"].as_array().into_iter().flatten();
    // What asks for a yes stands here with the line that gives it, however much else waits.
    let is_shown = |(place, item): &(usize, &Value)| {
        *place < MOST_WAITING || matches!(item["kind"].as_str(), Some("powers" | "trust"))
    };
    let mut shown = 0;
    for (_, item) in items.enumerate().filter(is_shown) {
        shown += 1;
        attention::headline(item, out)?;
        match item["kind"].as_str() {
            Some("powers") => powers(&item["what"], out)?,
            Some("trust") => writeln!(out, "    {}", text(&item["what"]["statement"]))?,
            _ => continue,
        }
        for action in item["actions"].as_array().into_iter().flatten() {
            let line = attention::command_of(item, action);
            writeln!(out, "    {}: {line}", text(&action["label"]))?;
        }
    }
    attention::rest(list, shown, out)?;
    let bare = status["powers"]["unsandboxed"].as_array();
    let bare: Vec<String> = bare.into_iter().flatten().map(text).collect();
    if !bare.is_empty() {
        writeln!(
            out,
            "no sandbox (tier T0): these run as you and could approve their own work: {}",
            bare.join(", ")
        )?;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

/// What a yes would allow, in full.
fn powers(asked: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    writeln!(out, "    {}", text(&asked["statement"]))?;
    let lines = asked["lines"].as_array().into_iter().flatten();
    for line in lines.filter(|line| line["now"] != line["before"]) {
        let entry = text(&line["entry"]);
        let bare = if line["unsandboxed"] == true {
            " (no sandbox)"
        } else {
            ""
        };
        match line["now"].as_str() {
            None => writeln!(out, "      {entry}")?,
            Some(now) => writeln!(out, "      {entry}{bare}: {}", printable(now))?,
        }
        if let Some(key) = meaning(&entry) {
            writeln!(out, "        {}", Sentence::of(key))?;
        }
        if let Some(news) = news_of(&line["file"]) {
            writeln!(out, "        {news}")?;
        }
        if !line["before"].is_null() {
            writeln!(out, "        approved before: {}", text(&line["before"]))?;
        }
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
    fn what_waits_for_a_person_is_said_in_the_words_of_the_list() {
        let said = |status: Value, list: Value| {
            let mut out = Vec::new();
            what_waits(&status, &list, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let item = json!({"id": "plan_to_confirm-zhongshu-1-2", "kind": "plan_to_confirm", "urgency": "blocks_queue", "since": "2026-01-01T00:00:00.1Z",
            "title": "Version 2 of the plan waits for your decision", "why": "a\u{1b}b", "what": {}, "actions": []});
        let text = said(
            json!({"queue": [{}, {}]}),
            json!({"count": 9, "more": 8, "items": [item]}),
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[0], "2 waiting in the queue");
        assert_eq!(lines[1], "Version 2 of the plan waits for your decision");
        assert_eq!(
            lines[3],
            "    blocks the queue, since 2026-01-01T00:00:00Z  plan_to_confirm-zhongshu-1-2"
        );
        assert_eq!(lines[4], "and 8 more");
        assert!(!text.contains('\u{1b}'));
        assert_eq!(
            said(json!({"queue": []}), json!({"count": 0, "items": []})),
            ""
        );
    }

    #[test]
    fn what_asks_for_a_yes_is_said_with_the_line_that_gives_it() {
        let line = |entry: &str, now: Value, before: Value| json!({"entry": entry, "now": now, "before": before, "unsandboxed": true});
        let yes = |path: &str, body: Value| json!([{"id": "allow", "label": "Allow", "path": path, "body": body, "needs": []}]);
        let list = json!({ "count": 2, "items": [
            {"kind": "trust", "what": {"statement": "Codex will write."}, "actions": yes("/api/trust", json!({"accept": true}))},
            {
                "kind": "powers",
                "what": {
                    "statement": "It asks for more.",
                    "lines": [
                        line("drivers.x.command", json!("x -b\u{1b}"), json!("x -a")),
                        json!({"entry": "drivers.x.command: a.sh", "now": "sha256 1", "before": "sha256 0", "file": "changed"}),
                        line("driver", json!("x"), json!("x")),
                    ],
                },
                "actions": yes("/api/powers", json!({"accept": true, "sha256": "ab12"})),
            },
        ]});
        let status = json!({"powers": {"unsandboxed": ["planner (x)"]}});
        let mut out = Vec::new();
        what_waits(&status, &list, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "Codex will write.",
            "Allow: zhongshu api POST /api/trust --data '{\"accept\":true}'",
            "drivers.x.command (no sandbox): x -b",
            "approved before: x -a",
            "drivers.x.command: a.sh: sha256 1\n        this file changed since your yes\n        approved before: sha256 0",
            "Allow: zhongshu api POST /api/powers --data '{\"accept\":true,\"sha256\":\"ab12\"}'",
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
        let session = json!({"id": "menxia-1", "department": "menxia", "status": "running", "task": "a\u{1b}[2Jb\nc", "status_reason": "d\ne", "exit_code": 3,
            "usage": {"tokens": {"total": 12_345}, "context_used": 50, "context_window": 200}});
        let fresh = json!({"id": "menxia-2", "usage": {"tokens": {"total": 0}, "context_used": 7, "context_window": null}});
        table(&[session, fresh], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("menxia-1  menxia"), "{text}");
        assert!(text.contains("  12.3k   25%     a"), "{text}");
        assert!(text.contains("  -       -       -"), "{text}");
        assert!(text.contains("c  (d"), "{text}");
        assert!(text.contains("(exit code 3)"), "{text}");
    }
}
