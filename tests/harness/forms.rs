//! What MCP servers ask, among the approvals of a session: whether a tool may be called, and forms, which are filled in elsewhere.

use crate::rig::script;
use crate::support::script::on_message;
use crate::support::{GOVERNANCE, House};
use crate::waits::{ASK, decision_of};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};

/// A server with two tools: `form`, which asks for a colour, and `plain`, about which Codex asks.
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
      printf '{"jsonrpc":"2.0","id":900,"method":"elicitation/create","params":{"message":"Which colour?","requestedSchema":{"type":"object","properties":{"colour":{"type":"string","enum":["red","blue"]}},"required":["colour"]}}}\n' ;;
    *'"method":"tools/call"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"plainly"}]}}\n' "$id" ;;
    *'"id":900'*)
      printf '%s\n' "$line" >> "$1"
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"thanks"}]}}\n' "$call" ;;
  esac
done
"#;

/// A house whose model calls this tool of the server.
async fn calling(tool: &str) -> House {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let call = Step::call(Call::mcp("forms", tool, json!({})));
    let rule = on_message("asks", ASK, vec![call, Step::say("Done.")]);
    house.model.set_script(script([rule]));
    let program = house.root.join("forms.sh");
    std::fs::write(&program, SERVER).unwrap();
    let arguments = [&program, &house.root.join("heard")].map(|it| it.display().to_string());
    let server = format!("\n[mcp_servers.forms]\ncommand = \"sh\"\nargs = {arguments:?}\n");
    let config = house.codex_home.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + &server).unwrap();
    house.start(&[]).await;
    house.allow().await;
    house.knows_sessions().await;
    house
}

/// What the server was answered.
fn heard(house: &House) -> Vec<Value> {
    let text = std::fs::read_to_string(house.root.join("heard")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[tokio::test]
async fn whether_a_tool_may_be_called_is_an_approval() {
    let house = calling("plain").await;
    for (decision, called) in [("decline", false), ("accept", true)] {
        let id = house.chat().await;
        let (turn, approval) = house.asks(&id, "approvals").await;
        assert_eq!(
            approval["method"], "mcpServer/elicitation/request",
            "{approval:#}"
        );
        assert_eq!(
            (&approval["threadId"], &approval["turnId"]),
            (&json!(id), &json!(turn))
        );
        assert_eq!(
            approval["details"]["_meta"]["tool_name"], "plain",
            "{approval:#}"
        );
        let offered = approval["availableDecisions"].as_array().unwrap();
        for one in ["accept", "decline", "cancel"] {
            assert!(offered.contains(&json!(one)), "{offered:?}");
        }
        house
            .make(&decision_of(&approval), json!({ "decision": decision }))
            .await;
        assert_eq!(house.over(&id, &turn).await["status"], "completed");
        let requests = house.model.requests();
        let mine = requests.iter().filter(|it| it.thread_id == id);
        let mut outputs = mine.flat_map(|it| &it.tool_outputs);
        assert_eq!(
            outputs.any(|it| it.output.contains("plainly")),
            called,
            "{decision}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_form_is_declined_here_and_filled_in_elsewhere() {
    let house = calling("form").await;
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    assert_eq!(
        approval["method"], "mcpServer/elicitation/request",
        "{approval:#}"
    );
    assert_eq!(
        approval["details"]["message"], "Which colour?",
        "{approval:#}"
    );
    assert_eq!(
        approval["details"]["requestedSchema"]["required"],
        json!(["colour"])
    );
    assert!(
        approval["summary"]
            .as_str()
            .unwrap()
            .contains("Which colour?"),
        "{approval:#}"
    );
    // A yes has to say what is filled in, and that has no place here.
    let path = decision_of(&approval);
    let no = house
        .denied("POST", &path, Some(json!({ "decision": "accept" })), 409)
        .await;
    assert_eq!(
        (&no["status"], &no["code"], &no["approvalId"]),
        (
            &json!("reconciled"),
            &json!("not_eligible"),
            &approval["approvalId"]
        )
    );
    assert_eq!(
        house.pending(&id, "approvals").await["approvalId"],
        approval["approvalId"]
    );
    house.make(&path, json!({ "decision": "decline" })).await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");

    let (turn, approval) = house.asks(&id, "approvals").await;
    let ask = approval["approvalId"].as_str().unwrap();
    let filled = json!({ "decision": "accept", "content": { "colour": "blue" } });
    house.post(&format!("/api/attention/{ask}"), filled).await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    let over = house
        .denied(
            "POST",
            &decision_of(&approval),
            Some(json!({ "decision": "decline" })),
            409,
        )
        .await;
    assert_eq!(over["status"], "reconciled");
    let heard = heard(&house);
    let results: Vec<_> = heard.iter().map(|it| &it["result"]).collect();
    assert_eq!(
        (
            &results[0]["action"],
            &results[1]["action"],
            &results[1]["content"]
        ),
        (
            &json!("decline"),
            &json!("accept"),
            &json!({ "colour": "blue" })
        )
    );
    house.close().await;
}
