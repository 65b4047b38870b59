//! What things are called in the stream, and which thread and turn they are about. Pure.

use serde_json::Value;

/// The name of a signal: the method's parts, each in snake case, joined by dots.
pub fn signal(method: &str) -> String {
    let parts: Vec<String> = method.split('/').map(snake).collect();
    parts.join(".")
}

fn snake(part: &str) -> String {
    let mut name = String::with_capacity(part.len() + 4);
    let mut before = None;
    let mut letters = part.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_uppercase() {
            let after_small = before.is_some_and(|it: char| it.is_lowercase() || it.is_numeric());
            // `HTTPServer` is `http_server`.
            let begins_word = before.is_some_and(char::is_uppercase)
                && letters.peek().is_some_and(|it| it.is_lowercase());
            if after_small || begins_word {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        } else if letter.is_alphanumeric() {
            name.push(letter);
        } else {
            name.push('_');
        }
        before = Some(letter);
    }
    name
}

/// A notification that has a name of its own besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// Whether everybody is told, whatever they follow.
    pub for_everybody: bool,
}

/// The other name of a notification.
pub fn alias(method: &str) -> Option<Alias> {
    let (name, for_everybody) = match method {
        "turn/plan/updated" => ("turn_plan_updated", false),
        "turn/diff/updated" => ("turn_diff_updated", false),
        "thread/tokenUsage/updated" => ("thread_token_usage_updated", false),
        "app/list/updated" => ("app_list_updated", true),
        "mcpServer/oauthLogin/completed" => ("mcp_oauth_completed", true),
        "account/updated" => ("account_updated", true),
        "account/login/completed" => ("account_login_completed", true),
        "account/rateLimits/updated" => ("account_rate_limits_updated", true),
        _ => return None,
    };
    Some(Alias {
        name,
        for_everybody,
    })
}

/// The thread that something is about.
pub fn thread_of(params: &Value) -> Option<&str> {
    let own = ["threadId", "conversationId"];
    let own = own.into_iter().find_map(|name| text(params, name));
    own.or_else(|| text(params.get("thread")?, "id"))
}

/// The turn that something says it is about.
pub fn turn_of(params: &Value) -> Option<&str> {
    let own = ["turnId", "turn_id"];
    let own = own.into_iter().find_map(|name| text(params, name));
    own.or_else(|| text(params.get("turn")?, "id"))
        .or_else(|| text(params.get("item")?, "turnId"))
}

fn text<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn methods_become_names() {
        for (method, name) in [
            ("item/agentMessage/delta", "item.agent_message.delta"),
            ("turn/started", "turn.started"),
            ("error", "error"),
            (
                "mcpServer/oauthLogin/completed",
                "mcp_server.oauth_login.completed",
            ),
            (
                "item/commandExecution/requestApproval",
                "item.command_execution.request_approval",
            ),
            (
                "windows/worldWritableWarning",
                "windows.world_writable_warning",
            ),
            ("x/HTTPServer/v2Ready", "x.http_server.v2_ready"),
            ("codex/event-kind/a b", "codex.event_kind.a_b"),
            ("a//b", "a..b"),
        ] {
            assert_eq!(signal(method), name);
        }
    }

    proptest! {
        #[test]
        fn a_name_has_as_many_parts_as_its_method_and_is_plain(method in "[a-zA-Z0-9/ _$.-]{0,40}") {
            let name = signal(&method.replace('.', ""));
            let parts = method.replace('.', "").split('/').count();
            prop_assert_eq!(name.split('.').count(), parts);
            prop_assert!(name.chars().all(|it| it == '_' || it == '.' || it.is_ascii_digit() || it.is_ascii_lowercase()));
        }

        #[test]
        fn a_part_that_is_in_snake_case_stays(part in "[a-z0-9]+(_[a-z0-9]+){0,3}") {
            prop_assert_eq!(signal(&part), part);
        }
    }

    #[test]
    fn ids_are_found_wherever_codex_puts_them() {
        for (params, thread, turn) in [
            (
                json!({"threadId": "t", "turnId": "u"}),
                Some("t"),
                Some("u"),
            ),
            (
                json!({"conversationId": "t", "turn_id": "u"}),
                Some("t"),
                Some("u"),
            ),
            (
                json!({"thread": {"id": "t"}, "turn": {"id": "u"}}),
                Some("t"),
                Some("u"),
            ),
            (
                json!({"threadId": "", "item": {"turnId": "u"}}),
                None,
                Some("u"),
            ),
            (
                json!({"threadId": 7, "thread": "t", "turn": null}),
                None,
                None,
            ),
            (json!(null), None, None),
            (json!(["threadId"]), None, None),
        ] {
            assert_eq!(
                (thread_of(&params), turn_of(&params)),
                (thread, turn),
                "{params}"
            );
        }
    }

    #[test]
    fn what_everybody_is_told_is_not_about_a_thread() {
        let told = |method: &str| alias(method).map(|it| (it.name, it.for_everybody));
        assert_eq!(
            told("turn/plan/updated"),
            Some(("turn_plan_updated", false))
        );
        assert_eq!(told("account/updated"), Some(("account_updated", true)));
        assert_eq!(told("turn/started"), None);
    }
}
