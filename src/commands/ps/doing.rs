//! What a session is doing, in a cell of the table.

use crate::governance::render::printable;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Longer names of tools would push the task out of sight.
const TOOL_CHARS: usize = 24;

/// What a session is doing, and for how long: `tool cargo test, 3 min`.
pub fn said(doing: &Value, now: DateTime<Utc>) -> String {
    let mut text = printable(doing["state"].as_str().unwrap_or("-"));
    if let Some(tool) = doing["tool"].as_str() {
        let tool = printable(tool);
        let end = tool.char_indices().nth(TOOL_CHARS).map(|(at, _)| at);
        let more = if end.is_some() { "…" } else { "" };
        text.push_str(&format!(" {}{more}", &tool[..end.unwrap_or(tool.len())]));
    }
    if let Some(times) = doing["times"].as_u64() {
        text.push_str(&format!(" ×{times}"));
    }
    let at = |field: &str| doing[field].as_str()?.parse::<DateTime<Utc>>().ok();
    if let Some(until) = at("until") {
        text.push_str(&format!(" until {}", until.format("%Y-%m-%d %H:%M:%SZ")));
    } else if let Some(since) = at("since") {
        text.push_str(&format!(", {}", length((now - since).num_seconds())));
    }
    text
}

/// So many seconds, in the largest unit that fits; the clock may have been set back meanwhile.
fn length(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_session_does_is_a_word_with_its_tool_and_its_age() {
        let now: DateTime<Utc> = "2026-01-01T01:00:00Z".parse().unwrap();
        let early = "2026-01-01T00:57:00Z";
        for (doing, text) in [
            (
                json!({"state": "thinking", "since": early}),
                "thinking, 3 min",
            ),
            (
                json!({"state": "tool", "since": early, "tool": "cargo test --workspace --all-features"}),
                "tool cargo test --workspace -…, 3 min",
            ),
            (
                json!({"state": "looping", "since": "2026-01-01T02:00:00Z", "tool": "make", "times": 5}),
                "looping make ×5, 0 s",
            ),
            (
                json!({"state": "rate_limited", "since": early, "until": early}),
                "rate_limited until 2026-01-01 00:57:00Z",
            ),
            (json!({"state": "idle", "since": null}), "idle"),
            (Value::Null, "-"),
        ] {
            assert_eq!(said(&doing, now), text);
        }
    }
}
