//! Questions of the model, and forms and tools of MCP servers.

use crate::asking::{GOVERNANCE, decision, named, offered, path_of, script};
use crate::support::House;
use mock_model::Call;
use serde_json::{Value, json};
use std::path::Path;

/// A house whose Codex has more in its configuration.
async fn house(calls: Vec<Call>, config: impl FnOnce(&Path) -> String) -> (House, String) {
    let mut house = House::build(script(calls), GOVERNANCE).await;
    let path = house.codex_home.join("config.toml");
    let more = config(&house.root);
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config + &more).unwrap();
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    (house, planner)
}

fn function(name: &str, arguments: Value) -> Call {
    Call::Function {
        namespace: None,
        name: name.to_owned(),
        arguments,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_questions_are_answered_by_their_options() {
    let question = |id: &str, text: &str| {
        json!({ "id": id, "header": "Colour", "question": text, "options": [
            { "label": "Red", "description": "Loud." }, { "label": "Blue", "description": "Quiet." }] })
    };
    let asks = json!({ "questions": [question("colour", "Which colour?")] });
    let calls = vec![
        function("request_user_input", asks.clone()),
        function(
            "request_user_input",
            json!({ "questions": asks["questions"], "autoResolutionMs": 90_000 }),
        ),
    ];
    let (house, planner) = house(calls, |_| {
        // The last table of the configuration is that of the features.
        "default_mode_request_user_input = true\n".to_owned()
    })
    .await;
    let ask = house.ask(0).await;
    house.waits("it asks: Which colour?").await;
    assert_eq!(ask["what"]["kind"], "questions", "{ask}");
    assert_eq!(offered(&ask), ["answer", "decline"]);
    let path = path_of(&ask);
    for (answers, code) in [
        (json!({ "size": "Red" }), "unknown_question"),
        (json!({}), "question_not_answered"),
    ] {
        let body = json!({ "decision": "answer", "answers": answers });
        assert_eq!(house.refused(&path, body).await, (400, code.to_owned()));
    }
    let body = json!({ "decision": "answer", "answers": { "colour": "Red" } });
    house.decide(&ask, body).await;
    assert_eq!(house.settled(&ask).await["how"], "here");
    let second = house.ask(1).await;
    eprintln!("{}", second["what"]);
    house.decide(&second, decision("decline")).await;
    house.goes_on(&planner).await;
    let requests = house.model.requests();
    let heard = requests
        .iter()
        .flat_map(|it| &it.tool_outputs)
        .any(|it| it.output.contains("Red"));
    assert!(heard, "the model heard the answer");
    let answered = named(&house.audit().await, "ask_answered");
    assert_eq!(answered[0]["answers"], json!({ "colour": ["Red"] }));
    house.close().await;
}

/// An MCP server with two tools: `form`, which asks for a colour and a pin, and `plain`. It writes down what it was answered.
const SERVER: &str = r#"
while read -r line; do
  id=${line##*'"id":'}; id=${id%%[,\}]*}
  case $line in
    *'"method":"initialize"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"forms","version":"1"}}}\n' "$id" ;;
    *'"method":"tools/list"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"form","description":"f","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},{"name":"plain","description":"p","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
    *'"method":"tools/call"'*'"name":"form"'*|*'"name":"form"'*'"method":"tools/call"'*)
      call=$id
      printf '{"jsonrpc":"2.0","id":900,"method":"elicitation/create","params":{"message":"Which colour?","requestedSchema":{"type":"object","properties":{"colour":{"type":"string","enum":["red","blue"]},"count":{"type":"integer","minimum":1}},"required":["colour"]}}}\n' ;;
    *'"method":"tools/call"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"plainly"}]}}\n' "$id" ;;
    *'"id":900'*)
      printf '%s\n' "$line" >> "$1"
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"thanks"}]}}\n' "$call" ;;
  esac
done
"#;

fn server(root: &Path) -> String {
    let script = root.join("forms.sh");
    std::fs::write(&script, SERVER).unwrap();
    format!(
        "\n[mcp_servers.forms]\ncommand = \"sh\"\nargs = [{:?}, {:?}]\n",
        script.display().to_string(),
        root.join("forms.out").display().to_string()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_form_is_held_against_its_schema_and_a_tool_is_approved() {
    let call = |tool: &str| Call::mcp("forms", tool, json!({}));
    let calls = vec![call("form"), call("plain"), call("plain"), call("form")];
    let (house, planner) = house(calls, server).await;
    let form = house.ask(0).await;
    house.waits("Which colour?").await;
    assert_eq!(form["what"]["kind"], "form", "{form}");
    assert_eq!(form["what"]["server"], "forms");
    let path = path_of(&form);
    for content in [
        json!({ "colour": "green" }),
        json!({ "colour": "red", "count": 0 }),
        json!({}),
        json!([]),
    ] {
        let body = json!({ "decision": "accept", "content": content });
        let (status, code) = house.refused(&path, body).await;
        assert_eq!(status, 400, "{content}: {code}");
    }
    let id = form["ask_id"].as_str().unwrap();
    let filled = r#"{"colour":"blue","count":2}"#;
    let told = ["attention", "answer", id, "accept", "--content", filled];
    let (code, said, error) = house.run(&told).await;
    assert_eq!(code, Some(0), "{said}{error}");
    assert_eq!(house.settled(&form).await["how"], "here");

    let tool = house.ask(1).await;
    assert_eq!(tool["what"]["kind"], "mcp_tool", "{tool}");
    assert_eq!(tool["what"]["tool"], "plain");
    assert!(offered(&tool).contains(&"accept_for_session"), "{tool}");
    house.decide(&tool, decision("accept_for_session")).await;
    // The second call of it is not asked about: the next ask is the form.
    let form = house.ask(2).await;
    assert_eq!(form["what"]["kind"], "form", "{form}");
    house.decide(&form, decision("decline")).await;
    house.goes_on(&planner).await;
    let heard = std::fs::read_to_string(house.root.join("forms.out")).unwrap();
    let heard: Vec<Value> = heard
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(heard[0]["result"]["action"], "accept");
    assert_eq!(
        heard[0]["result"]["content"],
        json!({ "colour": "blue", "count": 2 })
    );
    assert_eq!(heard[1]["result"]["action"], "decline");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_permissions_are_granted_in_part() {
    let asks = json!({ "permissions": { "network": { "enabled": true }, "file_system": { "read": ["/etc"], "write": ["/var/tmp"] } },
        "reason": "to look around" });
    let calls = vec![
        function("request_permissions", asks.clone()),
        function("request_permissions", asks),
    ];
    let (house, planner) = house(calls, |_| "request_permissions_tool = true\n".to_owned()).await;
    let ask = house.ask(0).await;
    assert_eq!(ask["what"]["kind"], "permissions", "{ask}");
    assert_eq!(offered(&ask), ["grant_turn", "grant_session", "decline"]);
    let path = path_of(&ask);
    let more = json!({ "decision": "grant_turn", "permissions": { "write": ["/"] } });
    assert_eq!(
        house.refused(&path, more).await,
        (400, "more_than_asked".to_owned())
    );
    let some = json!({ "decision": "grant_turn", "permissions": { "read": ask["what"]["read"] } });
    house.decide(&ask, some).await;
    assert_eq!(house.settled(&ask).await["how"], "here");
    let second = house.ask(1).await;
    house.decide(&second, decision("decline")).await;
    house.goes_on(&planner).await;
    house.close().await;
}
