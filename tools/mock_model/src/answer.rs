//! A step as Responses API output items and server-sent events. Pure: it builds texts and sends nothing.

use serde_json::{Value, json};

use crate::conversation::Conversation;
use crate::script::{Call, Step};
use crate::template::{TemplateError, fill, fill_value};

/// One server-sent event, and how long to wait before it.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub pause_ms: u64,
    pub data: String,
}

impl Frame {
    fn now(event: &Value) -> Self {
        Self {
            pause_ms: 0,
            data: event.to_string(),
        }
    }
}

/// The first event of every stream. Codex waits for more after it.
pub(crate) fn created(number: usize) -> String {
    json!({"type": "response.created", "response": {"id": response_id(number)}}).to_string()
}

/// Everything behind the first event: text, calls, the end.
pub(crate) fn frames(
    step: &Step,
    conversation: &Conversation,
    number: usize,
) -> Result<Vec<Frame>, TemplateError> {
    let mut frames = Vec::new();
    // A turn needs some answer: a step that neither speaks nor calls says the default.
    let silent = step.say.is_none() && step.calls.is_empty();
    let say = if silent {
        Some(crate::engine::NOTHING_TO_SAY)
    } else {
        step.say.as_deref()
    };
    if let Some(say) = say {
        let text = fill(say, conversation)?;
        let phase = if step.calls.is_empty() {
            "final_answer"
        } else {
            "commentary"
        };
        message(&mut frames, &text, phase, step.chunk_delay_ms, number);
    }
    for (index, call) in step.calls.iter().enumerate() {
        let call_id = format!("call_{number}_{index}");
        let item = item(call, &call_id, conversation)?;
        frames.push(Frame::now(
            &json!({"type": "response.output_item.done", "item": item}),
        ));
    }
    let mut response = json!({"id": response_id(number)});
    if let Some(usage) = step.usage {
        response["usage"] = usage.json();
    }
    frames.push(Frame::now(
        &json!({"type": "response.completed", "response": response}),
    ));
    Ok(frames)
}

fn response_id(number: usize) -> String {
    format!("resp_{number}")
}

fn message(
    frames: &mut Vec<Frame>,
    text: &str,
    phase: &str,
    chunk_delay_ms: Option<u64>,
    number: usize,
) {
    let id = format!("msg_{number}");
    let item = |content: Value| json!({"type": "message", "id": id, "role": "assistant", "phase": phase, "content": content});
    if let Some(pause_ms) = chunk_delay_ms {
        frames.push(Frame::now(
            &json!({"type": "response.output_item.added", "item": item(json!([]))}),
        ));
        for word in text.split_inclusive(char::is_whitespace) {
            let delta = json!({"type": "response.output_text.delta", "item_id": id, "output_index": 0, "content_index": 0, "delta": word});
            frames.push(Frame {
                pause_ms,
                data: delta.to_string(),
            });
        }
    }
    let whole = item(json!([{"type": "output_text", "text": text}]));
    frames.push(Frame::now(
        &json!({"type": "response.output_item.done", "item": whole}),
    ));
}

fn item(call: &Call, call_id: &str, conversation: &Conversation) -> Result<Value, TemplateError> {
    let text = |template: &str| fill(template, conversation);
    let mut item = match call {
        Call::Shell {
            cmd,
            workdir,
            escalate,
            yield_time_ms,
        } => {
            let mut arguments = json!({"cmd": text(cmd)?});
            if let Some(workdir) = workdir {
                arguments["workdir"] = text(workdir)?.into();
            }
            if let Some(reason) = escalate {
                arguments["sandbox_permissions"] = "require_escalated".into();
                arguments["justification"] = text(reason)?.into();
            }
            if let Some(yield_time_ms) = yield_time_ms {
                arguments["yield_time_ms"] = (*yield_time_ms).into();
            }
            function(None, "exec_command", arguments)
        }
        Call::Mcp {
            server,
            tool,
            arguments,
        } => function(
            Some(&format!("mcp__{}", text(server)?)),
            &text(tool)?,
            fill_value(arguments, conversation)?,
        ),
        Call::Function {
            namespace,
            name,
            arguments,
        } => {
            let namespace = namespace.as_deref().map(text).transpose()?;
            function(
                namespace.as_deref(),
                &text(name)?,
                fill_value(arguments, conversation)?,
            )
        }
        Call::ApplyPatch { patch } => {
            json!({"type": "custom_tool_call", "name": "apply_patch", "input": text(patch)?})
        }
        // As it is: its call id is the script's own business.
        Call::Raw { item } => return fill_value(item, conversation),
    };
    if conversation.code_mode {
        item = in_code_mode(&item);
    } else if let Some(arguments) = item.get("arguments") {
        item["arguments"] = arguments.to_string().into();
    }
    item["call_id"] = call_id.into();
    Ok(item)
}

fn function(namespace: Option<&str>, name: &str, arguments: Value) -> Value {
    let arguments = if arguments.is_null() {
        json!({})
    } else {
        arguments
    };
    let mut item = json!({"type": "function_call", "name": name, "arguments": arguments});
    if let Some(namespace) = namespace {
        item["namespace"] = namespace.into();
    }
    item
}

/// Models in code mode have one tool, `exec`, that runs JavaScript in which the others are functions.
fn in_code_mode(item: &Value) -> Value {
    let name = item["name"].as_str().unwrap_or_default();
    let function = item["namespace"].as_str().map_or_else(
        || name.to_owned(),
        |namespace| format!("{namespace}__{name}"),
    );
    let function: String = function
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let argument = item.get("input").unwrap_or(&item["arguments"]);
    let script = format!(
        "const r = await tools.{function}({argument}); text(typeof r === 'string' ? r : JSON.stringify(r))"
    );
    json!({"type": "custom_tool_call", "name": "exec", "input": script})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(step: &Step, conversation: &Conversation) -> Vec<Value> {
        let frames = frames(step, conversation, 7).unwrap();
        let events = frames
            .iter()
            .map(|frame| serde_json::from_str::<Value>(&frame.data).unwrap());
        events
            .filter(|event| event["type"] == "response.output_item.done")
            .map(|event| event["item"].clone())
            .collect()
    }

    #[test]
    fn calls_have_the_forms_that_codex_reads() {
        let conversation = Conversation {
            thread_id: "t".to_owned(),
            ..Conversation::default()
        };
        let calls = vec![
            Call::Shell {
                cmd: "echo {{thread_id}}".to_owned(),
                workdir: Some("/w".to_owned()),
                escalate: Some("why".to_owned()),
                yield_time_ms: None,
            },
            Call::mcp("mail", "send", json!({"to": "{{thread_id}}", "n": 1})),
            Call::ApplyPatch {
                patch: "*** Begin Patch".to_owned(),
            },
            Call::Raw {
                item: json!({"type": "x", "call_id": "own", "t": "{{thread_id}}"}),
            },
        ];
        let step = Step {
            calls,
            ..Step::default()
        };
        let shell = json!({"cmd": "echo t", "workdir": "/w", "sandbox_permissions": "require_escalated", "justification": "why"});
        assert_eq!(
            items(&step, &conversation),
            [
                json!({"type": "function_call", "call_id": "call_7_0", "name": "exec_command", "arguments": shell.to_string()}),
                json!({"type": "function_call", "call_id": "call_7_1", "namespace": "mcp__mail", "name": "send",
                    "arguments": json!({"to": "t", "n": 1}).to_string()}),
                json!({"type": "custom_tool_call", "call_id": "call_7_2", "name": "apply_patch", "input": "*** Begin Patch"}),
                json!({"type": "x", "call_id": "own", "t": "t"}),
            ]
        );
        let coding = Conversation {
            code_mode: true,
            ..conversation
        };
        assert_eq!(
            items(&step, &coding)[1]["input"]
                .as_str()
                .unwrap()
                .split(';')
                .next(),
            Some(r#"const r = await tools.mcp__mail__send({"n":1,"to":"t"})"#)
        );
    }

    #[test]
    fn a_streamed_text_is_complete_in_its_deltas() {
        let step = Step {
            chunk_delay_ms: Some(3),
            ..Step::say("one two  three\n")
        };
        let frames = frames(&step, &Conversation::default(), 1).unwrap();
        let deltas: Vec<(u64, String)> = frames
            .iter()
            .map(|frame| {
                (
                    frame.pause_ms,
                    serde_json::from_str::<Value>(&frame.data).unwrap(),
                )
            })
            .filter_map(|(pause, event)| {
                event["delta"]
                    .as_str()
                    .map(|delta| (pause, delta.to_owned()))
            })
            .collect();
        assert!(deltas.iter().all(|(pause, _)| *pause == 3), "{deltas:?}");
        assert_eq!(
            deltas
                .iter()
                .map(|(_, delta)| delta.as_str())
                .collect::<String>(),
            "one two  three\n"
        );
    }
}
