//! An ask as the request that it came as, for whoever shows it in Codex's own words: from what is kept of it.

use super::answers::{approval, profile};
use crate::domain::ask::decision::Decision;
use crate::domain::ask::{Ask, What};
use serde_json::{Map, Value, json};

/// The method of its request.
pub fn method(what: &What) -> &str {
    match what {
        What::Command { .. } => "item/commandExecution/requestApproval",
        What::Patch { .. } => "item/fileChange/requestApproval",
        What::Permissions { .. } => "item/permissions/requestApproval",
        What::Questions { .. } => "item/tool/requestUserInput",
        What::Form { .. } | What::Url { .. } | What::McpTool { .. } => {
            "mcpServer/elicitation/request"
        }
        What::ToolCall { .. } => "item/tool/call",
        What::Unknown { method, .. } => method,
    }
}

/// The parameters of its request, as far as they are kept: those that came are gone with the launcher that heard them.
pub fn params(ask: &Ask) -> Value {
    let mut params = of_kind(&ask.what);
    params.insert("threadId".to_owned(), json!(ask.thread_id));
    params.insert("turnId".to_owned(), json!(ask.turn_id));
    match &ask.what {
        What::ToolCall { .. } => params.insert("callId".to_owned(), json!(ask.item_id)),
        _ => params.insert("itemId".to_owned(), json!(ask.item_id)),
    };
    if let Some(why) = &ask.why {
        params.insert("reason".to_owned(), json!(why));
    }
    Value::Object(params)
}

fn of_kind(what: &What) -> Map<String, Value> {
    let params = match what {
        What::Command {
            command,
            cwd,
            network,
            permissions,
            parsed,
            approval_id,
            ..
        } => json!({
            "command": command,
            "cwd": cwd,
            "commandActions": parsed,
            "networkApprovalContext": network,
            "additionalPermissions": permissions.as_ref().map(profile),
            "approvalId": approval_id,
        }),
        What::Patch {
            files, grant_root, ..
        } => json!({ "changes": files, "grantRoot": grant_root }),
        What::Permissions { access, cwd } => json!({ "permissions": profile(access), "cwd": cwd }),
        What::Questions {
            questions,
            is_blocking,
            answers_itself_ms,
        } => {
            let all = questions.iter().map(|it| {
                json!({
                    "id": it.id,
                    "header": it.header,
                    "question": it.question,
                    "isOther": it.is_other,
                    "isSecret": it.is_secret,
                    "options": it.options,
                })
            });
            json!({
                "questions": all.collect::<Value>(),
                "isBlocking": is_blocking,
                "autoResolutionMs": answers_itself_ms,
            })
        }
        What::Form {
            server,
            message,
            schema,
        } => {
            json!({ "serverName": server, "mode": "form", "message": message, "requestedSchema": schema })
        }
        What::Url {
            server,
            message,
            url,
        } => json!({ "serverName": server, "mode": "url", "message": message, "url": url }),
        What::McpTool {
            server,
            tool,
            params,
            persist,
        } => json!({
            "serverName": server,
            "_meta": {
                "codex_approval_kind": "mcp_tool_call",
                "tool_name": tool,
                "tool_params": params,
                "persist": persist,
            },
        }),
        What::ToolCall { tool, arguments } => json!({ "tool": tool, "arguments": arguments }),
        What::Unknown { params, .. } => params.clone(),
    };
    match params {
        Value::Object(params) => params,
        other => Map::from_iter([("params".to_owned(), other)]),
    }
}

/// A decision in the words of the protocol; what has none there is named like those that have.
pub fn decision_name(decision: &Decision) -> Value {
    match decision {
        Decision::Accept | Decision::GrantTurn => json!("accept"),
        Decision::GrantSession => json!("acceptForSession"),
        Decision::AcceptAlways => json!("acceptAlways"),
        Decision::Answer => json!("answer"),
        other => approval(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Origin, Told, answer, read, read_answer};
    use super::*;
    use crate::codex::events::ServerRequest;
    use crate::domain::ask::RequestKey;
    use crate::domain::ask::given::Given;
    use crate::domain::refusal::Refusal;
    use chrono::DateTime;

    fn asked(method: &str, more: Value) -> Ask {
        let mut params = json!({ "threadId": "t", "turnId": "u" });
        let fields = more.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(fields);
        let request = ServerRequest {
            method: method.to_owned(),
            params,
        };
        let origin = Origin {
            key: RequestKey {
                server: "1@2".to_owned(),
                request: "0".to_owned(),
            },
            session_id: None,
            at: DateTime::UNIX_EPOCH,
            changes: Vec::new(),
        };
        read(&request, origin)
    }

    fn decided(ask: &Ask, given: Value) -> Result<Told, Refusal> {
        let given: Given = serde_json::from_value(given).unwrap();
        Ok(answer(&ask.what, &ask.check(given)?))
    }

    #[test]
    fn an_ask_is_shown_as_the_request_that_it_was() {
        let options = json!([{ "label": "Red", "description": "Loud." }]);
        let question = json!({ "id": "q", "header": "h", "question": "Which?", "isOther": false, "isSecret": false, "options": options });
        let access = json!({ "network": { "enabled": true }, "fileSystem": { "read": ["/etc"] } });
        for (name, params) in [
            (
                "item/commandExecution/requestApproval",
                json!({ "itemId": "i", "command": "ls", "cwd": "/r", "reason": "why", "approvalId": "a" }),
            ),
            (
                "item/permissions/requestApproval",
                json!({ "itemId": "i", "permissions": access, "cwd": "/r" }),
            ),
            (
                "item/tool/requestUserInput",
                json!({ "itemId": "i", "questions": [question], "isBlocking": false }),
            ),
            (
                "mcpServer/elicitation/request",
                json!({ "serverName": "s", "mode": "url", "message": "m", "url": "https://a.example" }),
            ),
            (
                "item/tool/call",
                json!({ "callId": "c", "tool": "weather", "arguments": { "place": "x" } }),
            ),
        ] {
            let ask = asked(name, params.clone());
            assert_eq!(method(&ask.what), name);
            let shown = super::params(&ask);
            for (field, value) in params.as_object().unwrap() {
                assert_eq!(&shown[field], value, "{name}: {field}");
            }
            assert_eq!(
                (&shown["threadId"], &shown["turnId"]),
                (&json!("t"), &json!("u"))
            );
        }
        let future = asked("item/future/request", json!({ "anything": [1] }));
        assert_eq!(method(&future.what), "item/future/request");
        assert_eq!(super::params(&future)["anything"], json!([1]));
    }

    #[test]
    fn a_call_is_answered_with_what_codex_takes_and_nothing_else() {
        let ask = asked(
            "item/tool/call",
            json!({ "callId": "c", "tool": "weather" }),
        );
        assert_eq!(ask.item_id.as_deref(), Some("c"));
        let result =
            json!({ "success": false, "contentItems": [{ "type": "inputText", "text": "no" }] });
        let told = decided(&ask, json!({ "decision": "answer", "content": result })).unwrap();
        assert_eq!(told, Told::Result(result.clone()));
        let read = read_answer(&ask, &result).unwrap();
        assert_eq!(
            (read.decision.as_str(), read.content),
            ("answer", Some(result))
        );
        for content in [
            json!(null),
            json!({ "contentItems": [] }),
            json!({ "success": true, "contentItems": [{ "type": "inputText" }] }),
            json!({ "success": true, "contentItems": [{ "type": "sound", "text": "a" }] }),
        ] {
            let no = decided(&ask, json!({ "decision": "answer", "content": content }));
            assert_eq!(no.unwrap_err().code, "tool_result", "{content}");
        }
        let no = decided(&ask, json!({ "decision": "accept" }));
        assert_eq!(no.unwrap_err().code, "decision_not_offered");
    }

    #[test]
    fn some_decisions_are_taken_although_nobody_offers_them() {
        let question = json!({ "id": "q", "question": "Which?" });
        let asks = asked(
            "item/tool/requestUserInput",
            json!({ "questions": [question] }),
        );
        let told = decided(&asks, json!({ "decision": "cancel" })).unwrap();
        assert_eq!(told, Told::Interrupt);
        assert!(asks.offers("cancel").is_none());
        let command = asked(
            "item/commandExecution/requestApproval",
            json!({ "command": "ls", "availableDecisions": ["accept", "cancel"] }),
        );
        let told = decided(&command, json!({ "decision": "accept_for_session" })).unwrap();
        assert_eq!(
            told,
            Told::Result(json!({ "decision": "acceptForSession" }))
        );
        let host = asked(
            "item/commandExecution/requestApproval",
            json!({ "command": "curl", "networkApprovalContext": { "host": "a.example", "protocol": "https" },
                "availableDecisions": ["accept", "cancel"] }),
        );
        let no = decided(&host, json!({ "decision": "accept_for_session" }));
        assert_eq!(no.unwrap_err().code, "decision_not_offered");
    }
}
