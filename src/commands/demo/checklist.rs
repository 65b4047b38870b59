//! `zhongshu demo-agent` without a prompt: the MCP server of `demo --codex`. It has one tool, `sign_off`, and whoever calls it has a form filled in
//! by the person. It speaks on standard input and output, a line each.

use serde_json::{Value, json};
use std::io::{self, BufRead, Write};

/// Our own request has this id; no other goes out.
const FORM: &str = "form";

/// Answers until standard input ends.
///
/// # Errors
/// When a line cannot be read or written.
pub fn run() -> io::Result<()> {
    serve(io::stdin().lock(), io::stdout().lock())
}

fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    // The call that waits for the form.
    let mut call = Value::Null;
    for line in input.lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        let id = &message["id"];
        let said = match message["method"].as_str() {
            Some("initialize") => answer(id, hello(&message["params"])),
            Some("tools/list") => answer(id, tools()),
            Some("tools/call") => {
                call = id.clone();
                json!({ "jsonrpc": "2.0", "id": FORM, "method": "elicitation/create",
                    "params": form(&message["params"]["arguments"]) })
            }
            None if *id == FORM => answer(&call, outcome(&message["result"])),
            _ => continue,
        };
        writeln!(output, "{said}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn hello(asked: &Value) -> Value {
    json!({
        "protocolVersion": asked["protocolVersion"],
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "checklist", "version": env!("CARGO_PKG_VERSION") },
    })
}

fn tools() -> Value {
    json!({ "tools": [{
        "name": "sign_off",
        "description": "Has the person sign the change off.",
        "inputSchema": { "type": "object", "properties": { "language": { "type": "string" } } },
        "annotations": { "readOnlyHint": true },
    }] })
}

fn form(arguments: &Value) -> Value {
    let zh = arguments["language"] == "zh";
    let say = |en: &'static str, zh_text: &'static str| if zh { zh_text } else { en };
    json!({
        "message": say("Before this leaves the review: sign the change off.", "复核结束之前：请为这次改动签字。"),
        "requestedSchema": {
            "type": "object",
            "required": ["name", "risk"],
            "properties": {
                "name": { "type": "string", "title": say("Who signs", "签字人") },
                "risk": { "type": "string", "title": say("Risk", "风险"), "enum": ["low", "medium", "high"],
                    "enumNames": [say("low", "低"), say("medium", "中"), say("high", "高")] },
                "announce": { "type": "boolean", "title": say("Tell the users", "告知用户"), "default": true },
            },
        },
    })
}

fn outcome(answered: &Value) -> Value {
    let text = match answered["action"].as_str() {
        Some("accept") => format!("signed off: {}", answered["content"]),
        _ => "not signed off".to_owned(),
    };
    json!({ "content": [{ "type": "text", "text": text }] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_call_is_answered_with_what_the_person_filled_in() {
        let asked = [
            json!({ "id": 0, "method": "initialize", "params": { "protocolVersion": "2025-06-18" } }),
            json!({ "method": "notifications/initialized" }),
            json!({ "id": 1, "method": "tools/call", "params": { "name": "sign_off", "arguments": { "language": "zh" } } }),
            json!({ "id": FORM, "result": { "action": "accept", "content": { "name": "Ada" } } }),
        ];
        let input = asked.map(|line| format!("{line}\n")).concat();
        let mut output = Vec::new();
        serve(input.as_bytes(), &mut output).unwrap();
        let said: Vec<Value> = String::from_utf8(output)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(said.len(), 3);
        assert_eq!(said[0]["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(
            said[1]["params"]["message"],
            "复核结束之前：请为这次改动签字。"
        );
        assert_eq!(said[2]["id"], 1);
        assert_eq!(
            said[2]["result"]["content"][0]["text"],
            r#"signed off: {"name":"Ada"}"#
        );
    }
}
