//! An extension in Rust with nothing but the standard library: one file, built with `rustc -O greeter.rs`. It says in the transcript that a
//! turn is over.

use std::io::{BufRead, Write};

/// What stands after a name in a text of JSON, as it stands there: the first of it after `from`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let after = text.split_once(&format!("\"{name}\":"))?.1.trim_start();
    let mut inside = false;
    let mut escaped = false;
    let mut depth = 0;
    for (at, letter) in after.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if inside => {}
            '{' | '[' => depth += 1,
            '}' | ']' if depth > 0 => depth -= 1,
            ',' | '}' | ']' if depth == 0 => return Some(after[..at].trim_end()),
            _ => {}
        }
    }
    Some(after)
}

fn answer(message: &str) -> Option<String> {
    let method = value(message, "method")?.trim_matches('"');
    Some(match method {
        "initialize" => {
            let version = value(message, "protocolVersion")?;
            format!(
                r#"{{"protocolVersion":{version},"capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"greeter","version":"1.0.0"}}}}"#
            )
        }
        "tools/list" => r#"{"tools":[{"name":"handle_event","inputSchema":{"type":"object"},"_meta":{"events":["turn.completed"]}}]}"#.to_owned(),
        "tools/call" => {
            // Names are alike at several places: what is wanted stands in the context.
            let turn = value(value(message, "context")?, "turnId")?;
            let row = format!(
                r#"{{"messageId":{turn},"turnId":{turn},"role":"system","type":"rust.note","content":"This turn is over.","status":"complete"}}"#
            );
            format!(
                r#"{{"content":[],"structuredContent":{{"results":[{{"kind":"action_request","actionType":"transcript.upsert","payload":{row},"idempotencyKey":{turn}}}]}}}}"#
            )
        }
        _ => "{}".to_owned(),
    })
}

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        // A notification has no id, and wants no answer.
        let (Some(id), Some(result)) = (value(&line, "id"), answer(&line)) else {
            continue;
        };
        let said = writeln!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        if said.and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
