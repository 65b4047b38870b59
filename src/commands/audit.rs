//! `zhongshu audit`: the journal for people, followed, checked or mended.

mod repair;

use super::error::CommandError;
use crate::cli::{AuditCommand, ExitCode};
use crate::client::{Client, ServerEvent};
use crate::governance::render::printable;
use crate::journal::{self, CopyVerdict};
use crate::paths::Places;
use chrono::{DateTime, Local};
use futures_util::StreamExt as _;
use local_os::tell;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

/// How many earlier events `--follow` shows first.
const LOOK_BACK: u64 = 10;

/// How much of the journal's end is looked at for its last line.
const END_BYTES: u64 = 256 << 10;

/// Events read at a time.
const PAGE: usize = 1000;

/// Longest value that is shown whole.
const MAX_VALUE_CHARS: usize = 120;

/// Shows, follows or verifies.
///
/// # Errors
/// When the journal cannot be read, or there is no server to follow.
pub async fn run(
    places: &Places,
    command: Option<AuditCommand>,
    follow: bool,
    json: bool,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    match command {
        Some(_) if follow => Err(CommandError::Usage(
            "`--follow` does not go together with `verify` or `repair`".to_owned(),
        )),
        Some(AuditCommand::Verify) => verify(places, out),
        Some(AuditCommand::Repair { from_copy, yes }) => repair::run(places, from_copy, yes, out),
        None if follow => follow_events(places, json, out).await,
        None => show(places, json, out),
    }
}

fn show(places: &Places, json: bool, out: &mut impl Write) -> Result<ExitCode, CommandError> {
    if !places.journal().exists() {
        tell!(
            "nothing is recorded for {} yet; zhongshu has not run here",
            places.repo.display()
        );
        return Ok(ExitCode::Ok);
    }
    let mut follower = journal::follow(&places.journal(), 0);
    loop {
        let page = follower.poll(PAGE)?;
        for line in &page.lines {
            print(&line.text, json, out)?;
        }
        if !page.more {
            return Ok(ExitCode::Ok);
        }
    }
}

async fn follow_events(
    places: &Places,
    json: bool,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    let mut after = last_seq(&places.journal()).saturating_sub(LOOK_BACK);
    loop {
        let mut events = Box::pin(client.events(&format!("/api/events?after={after}")).await?);
        let mut again = false;
        while let Some(event) = events.next().await {
            let ServerEvent { id, event, data } = event?;
            match event.as_str() {
                "lagged" => again = true,
                "reset" => {
                    after = 0;
                    again = true;
                }
                _ => {
                    print(&data, json, out)?;
                    out.flush()?;
                    after = id.and_then(|id| id.parse().ok()).unwrap_or(after);
                }
            }
        }
        if !again {
            tell!("zhongshu has stopped");
            return Ok(ExitCode::Ok);
        }
    }
}

/// Seq of the last whole line, found from the end of the file; 0 when it cannot be found, and then everything is shown.
fn last_seq(journal: &Path) -> u64 {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(journal)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES)))?;
        let mut end = Vec::new();
        file.take(END_BYTES).read_to_end(&mut end)?;
        Ok(end)
    };
    let end = read().unwrap_or_default();
    let mut lines = end.rsplit(|byte| *byte == b'\n').skip(1);
    lines
        .next()
        .and_then(|line| serde_json::from_slice::<Value>(line).ok()?["seq"].as_u64())
        .unwrap_or(0)
}

fn verify(places: &Places, out: &mut impl Write) -> Result<ExitCode, CommandError> {
    let (journal, copy) = (places.journal(), places.audit_copy());
    if !journal.exists() {
        if copy.exists() {
            writeln!(
                out,
                "BAD: {} is missing, but its copy {} is there; was the state folder deleted or is `--state-dir` another one?",
                journal.display(),
                copy.display()
            )?;
            return Ok(ExitCode::Failed);
        }
        writeln!(out, "nothing is recorded for {} yet", places.repo.display())?;
        return Ok(ExitCode::Ok);
    }
    let own = one(&journal, Some(&copy), out)?;
    // What other clients did has a journal of its own, once there is something in it.
    let harness = places.harness_journal();
    let others = !harness.exists() || one(&harness, None, out)?;
    Ok(match own && others {
        true => ExitCode::Ok,
        false => ExitCode::Failed,
    })
}

/// Checks one journal; whether it is sound.
fn one(journal: &Path, copy: Option<&Path>, out: &mut impl Write) -> Result<bool, CommandError> {
    let report = journal::verify(journal, copy)?;
    if let Some(bad) = &report.bad {
        writeln!(
            out,
            "BAD: {} line {} (byte {}) {}",
            journal.display(),
            bad.line,
            bad.offset,
            bad.fault
        )?;
    }
    if report.torn_bytes > 0 {
        writeln!(
            out,
            "BAD: {} ends in an unfinished piece of {} bytes; nothing acknowledged is in it, and the next start puts it aside",
            journal.display(),
            report.torn_bytes
        )?;
    }
    let copy_shown = copy.unwrap_or(journal).display();
    match &report.copy {
        CopyVerdict::Identical => writeln!(out, "the copy in the repository is the same")?,
        // What the journal has more is its own unfinished end, which was told above.
        CopyVerdict::Behind { bytes } if *bytes == report.torn_bytes => {
            writeln!(out, "the copy in the repository is the same up to there")?;
        }
        CopyVerdict::Behind { bytes } => writeln!(
            out,
            "the copy in the repository is the same but lacks the last {bytes} bytes; a running server is about to write them, the next start does"
        )?,
        CopyVerdict::Missing => writeln!(out, "BAD: the copy {copy_shown} is missing")?,
        CopyVerdict::Differs { line }
            if report.bad.as_ref().is_some_and(|bad| bad.line == *line) =>
        {
            writeln!(
                out,
                "BAD: the copy {copy_shown} differs from the journal in that line; `zhongshu audit repair` says whether it can replace the journal"
            )?
        }
        CopyVerdict::Differs { line } => writeln!(
            out,
            "BAD: the copy {copy_shown} differs from the journal in line {line}: somebody changed it"
        )?,
        CopyVerdict::Unreadable { reason } => {
            writeln!(out, "BAD: the copy {copy_shown} cannot be read: {reason}")?;
        }
        CopyVerdict::Skipped => {}
    }
    writeln!(
        out,
        "{} good records in {}, last hash {}",
        report.records,
        journal.display(),
        report.last_hash
    )?;
    Ok(report.is_sound())
}

fn print(line: &str, json: bool, out: &mut impl Write) -> Result<(), CommandError> {
    if json {
        writeln!(out, "{}", line.trim_end())?;
    } else {
        writeln!(out, "{}", pretty(line))?;
    }
    Ok(())
}

/// `seq  time  actor  event  field=value …` on one line, whatever is in the fields.
fn pretty(line: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        return printable(line);
    };
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .map(printable)
            .unwrap_or_default()
    };
    let time = fields
        .get("ts")
        .and_then(Value::as_str)
        .and_then(|ts| DateTime::parse_from_rfc3339(ts).ok())
        .map(|ts| {
            ts.with_timezone(&Local)
                .format("%Y-%m-%d %H:%M:%S")
                .to_string()
        })
        .unwrap_or_default();
    let seq = fields.get("seq").and_then(Value::as_u64).unwrap_or(0);
    let mut shown = format!("{seq:>6}  {time}  {:<12}  {}", text("actor"), text("event"));
    for (name, value) in &fields {
        let known = ["seq", "ts", "actor", "event", "prev", "hash"];
        if known.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let value = match value {
            Value::String(text) => printable(text),
            other => printable(&other.to_string()),
        };
        let mut short: String = value.chars().take(MAX_VALUE_CHARS).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        shown.push_str(&format!("  {}={short}", printable(name)));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_that_steers_no_terminal() {
        let line = r#"{"seq":7,"ts":"2026-01-02T03:04:05.000006Z","actor":"person","event":"plan_rejected","session_id":"zhongshu-1","reason":"a\u001b[2J\nb\u202ec","version":2,"prev":"p","hash":"h"}"#;
        let shown = pretty(line);
        assert_eq!(shown.lines().count(), 1);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']));
        for part in [
            "     7  ",
            "person",
            "plan_rejected",
            "session_id=zhongshu-1",
            "version=2",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(!shown.contains("hash"));
    }
}
