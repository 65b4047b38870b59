//! The wire model: each kind of request as the schema of Codex has it, also those that the real one cannot be brought to ask.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::ask::given::{Checked, Given};
use serde_json::from_value;

fn asked(method: &str, params: Value, changes: Vec<FileChange>) -> Ask {
    let mut all = json!({"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 1});
    all.as_object_mut()
        .unwrap()
        .extend(params.as_object().unwrap().clone());
    let request = ServerRequest {
        method: method.to_owned(),
        params: all,
    };
    let origin = Origin {
        key: AskKey {
            server: "1@2".to_owned(),
            request: "0".to_owned(),
        },
        session_id: Some(SessionId::parse("menxia-1").unwrap()),
        at: DateTime::UNIX_EPOCH,
        changes,
    };
    let ask = read(&request, origin);
    // It survives the journal.
    let text = serde_json::to_string(&ask).unwrap();
    assert_eq!(serde_json::from_str::<Ask>(&text).unwrap(), ask);
    ask
}

fn ids(ask: &Ask) -> Vec<&'static str> {
    ask.offered.iter().map(Decision::id).collect()
}

fn decide(ask: &Ask, given: Value) -> Value {
    let checked = ask.check(from_value::<Given>(given).unwrap()).unwrap();
    let Told::Result(result) = answer(&ask.what, &checked) else {
        panic!("it is told by a result");
    };
    // What another client answered so is read back.
    let kept = checked.kept(&ask.what);
    let read = read_answer(ask, &result).unwrap();
    assert_eq!(
        (&read.decision, &read.answers),
        (&kept.decision, &kept.answers)
    );
    result
}

fn refused(ask: &Ask, given: Value) -> String {
    let given = from_value::<Given>(given).unwrap();
    ask.check(given).unwrap_err().to_string()
}

const COMMAND: &str = "item/commandExecution/requestApproval";
const PATCH_METHOD: &str = "item/fileChange/requestApproval";

#[test]
fn a_command_and_each_of_its_decisions() {
    let ask = asked(
        COMMAND,
        json!({
            "kind": "command", "command": "/bin/bash -lc 'touch /x'", "cwd": "/repo", "reason": "why not",
            "commandActions": [{"type": "unknown", "command": "touch /x"}],
            "availableDecisions": ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "/x"]}},
                "ofAnotherVersion", "cancel"],
        }),
        Vec::new(),
    );
    assert_eq!(
        ids(&ask),
        ["accept", "accept_with_rule", "decline", "cancel"]
    );
    assert_eq!(ask.why.as_deref(), Some("why not"));
    assert!(
        matches!(&ask.what, What::Command { cwd: Some(cwd), parsed, .. } if cwd == "/repo" && parsed.len() == 1)
    );
    for (id, expected) in [
        ("accept", json!("accept")),
        ("decline", json!("decline")),
        ("cancel", json!("cancel")),
        (
            "accept_with_rule",
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "/x"]}}),
        ),
    ] {
        assert_eq!(
            decide(&ask, json!({"decision": id})),
            json!({"decision": expected})
        );
    }
    for id in ["accept_always", "allow_host", "answer", "yes", ""] {
        let said = refused(&ask, json!({"decision": id}));
        assert!(said.starts_with("decision: "), "{said}");
    }
    for field in ["answers", "content", "permissions"] {
        let said = refused(
            &ask,
            json!({"decision": "accept", field: {}, "answers": {"x": "y"}}),
        );
        assert!(said.starts_with("answers: "), "{said}");
    }
    assert!(refused(&ask, json!({"decision": "accept", "words": "go"})).starts_with("words: "));
    let effect = ask.offers("accept_with_rule").unwrap().effect(&ask.what);
    let effect = effect.both();
    assert!(effect.en.contains("every repository") && effect.zh.contains("所有仓库"));
}

#[test]
fn input_to_a_running_program_is_said_so_and_is_one_of_several() {
    for (kind, expected, says) in [
        (json!("command"), CommandKind::Command, "asks to run: id"),
        (json!(null), CommandKind::Command, "asks to run: id"),
        (
            json!("writeStdin"),
            CommandKind::WriteStdin,
            "asks to give a running program this input: id",
        ),
        (
            json!("humanCommand"),
            CommandKind::HumanCommand,
            "asks to run: id",
        ),
        (json!("another"), CommandKind::Other, "asks to run: id"),
    ] {
        let params = json!({"kind": kind, "command": "id", "approvalId": "part"});
        let ask = asked(COMMAND, params, Vec::new());
        assert_eq!(ask.title().to_string(), says);
        assert!(ask.what.is_of_a_part());
        assert!(
            matches!(&ask.what, What::Command { command_kind, .. } if *command_kind == expected)
        );
    }
}

#[test]
fn a_host_and_the_rules_about_it() {
    let allow = json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": "h", "action": "allow"}}});
    let deny = json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": "h", "action": "deny"}}});
    let ask = asked(
        COMMAND,
        json!({"networkApprovalContext": {"host": "h", "protocol": "https"}, "availableDecisions": ["accept", allow, deny, "cancel"]}),
        Vec::new(),
    );
    assert_eq!(
        ids(&ask),
        ["accept", "allow_host", "deny_host", "decline", "cancel"]
    );
    assert_eq!(
        decide(&ask, json!({"decision": "allow_host"})),
        json!({"decision": allow})
    );
    assert_eq!(
        decide(&ask, json!({"decision": "deny_host"})),
        json!({"decision": deny})
    );
}

#[test]
fn oversized_texts_are_cut_and_say_how_long_they_were() {
    let long = format!("echo {}", "é".repeat(1 << 20));
    let ask = asked(COMMAND, json!({"command": long}), Vec::new());
    let What::Command { command, .. } = &ask.what else {
        panic!("{:?}", ask.what);
    };
    assert!(command.len() <= TEXT && long.starts_with(command.as_str()));
    let cut = &ask.cut[0];
    assert_eq!(
        (cut.field.as_str(), cut.bytes),
        ("command", long.len() as u64)
    );
    assert_eq!(cut.sha256, hex(&Sha256::digest(&long)));

    let change = |number: usize| FileChange {
        path: format!("/r/{number}").into(),
        kind: json!({"type": "add"}),
        diff: "x".repeat(100_000),
    };
    let ask = asked(PATCH_METHOD, json!({}), (0..2000).map(change).collect());
    let What::Patch { files, omitted, .. } = &ask.what else {
        panic!("{:?}", ask.what);
    };
    assert_eq!((files.len(), *omitted), (FILES, 2000 - FILES as u64));
    let kept: usize = files.iter().map(|file| file.diff.len()).sum();
    assert!(kept <= PATCH, "{kept}");
    assert!(serde_json::to_string(&ask).unwrap().len() < 2 << 20);
    assert_eq!(ask.cut[0].field, "files");
    assert!(ask.what.title().to_string().contains("2000 files"));

    let deep = (0..100).fold(
        json!({}),
        |inner, _| json!({"properties": {"x": inner, "pad": "y".repeat(2000)}}),
    );
    let form = json!({"serverName": "s", "mode": "form", "message": "m", "requestedSchema": deep});
    let ask = asked("mcpServer/elicitation/request", form, Vec::new());
    assert!(matches!(
        &ask.what,
        What::Form {
            schema: Value::Null,
            ..
        }
    ));
    assert!(refused(&ask, json!({"decision": "accept", "content": {}})).starts_with("content: "));
}

#[test]
fn a_line_about_it_steers_no_terminal() {
    let ask = asked(
        COMMAND,
        json!({"command": "rm \u{1b}[2J\u{202e}x\ny"}),
        Vec::new(),
    );
    let title = ask.title().both();
    for text in [title.en, title.zh] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\n']), "{text}");
    }
}

#[test]
fn a_patch_and_each_of_its_decisions() {
    let change = FileChange {
        path: "/r/a".into(),
        kind: json!({"type": "update"}),
        diff: "@@".to_owned(),
    };
    let ask = asked(PATCH_METHOD, json!({"grantRoot": "/r"}), vec![change]);
    assert_eq!(
        ids(&ask),
        ["accept", "accept_for_session", "decline", "cancel"]
    );
    assert!(
        matches!(&ask.what, What::Patch { files, grant_root: Some(_), .. } if files[0].kind == "update")
    );
    let expected = json!({"decision": "acceptForSession"});
    assert_eq!(
        decide(&ask, json!({"decision": "accept_for_session"})),
        expected
    );
}

#[test]
fn permissions_may_only_shrink() {
    let entry = json!({"access": "read", "path": {"type": "glob_pattern", "pattern": "/x/**"}});
    let ask = asked(
        "item/permissions/requestApproval",
        json!({"cwd": "/r", "permissions": {"network": {"enabled": true}, "fileSystem":
            {"read": ["/a", "/b"], "write": ["/c"], "entries": [entry], "globScanMaxDepth": 3}}}),
        Vec::new(),
    );
    assert_eq!(ids(&ask), ["grant_turn", "grant_session", "decline"]);
    let all = json!({"permissions": {"network": {"enabled": true}, "fileSystem":
        {"read": ["/a", "/b"], "write": ["/c"], "entries": [entry], "globScanMaxDepth": 3}}, "scope": "session"});
    assert_eq!(decide(&ask, json!({"decision": "grant_session"})), all);
    let some = json!({"permissions": {"fileSystem": {"read": ["/b"]}}, "scope": "turn"});
    assert_eq!(
        decide(
            &ask,
            json!({"decision": "grant_turn", "permissions": {"read": ["/b"], "network": false}})
        ),
        some
    );
    let none = json!({"permissions": {}, "scope": "turn"});
    assert_eq!(
        decide(&ask, json!({"decision": "decline", "words": "no"})),
        none
    );
    for (more, field) in [
        (json!({"read": ["/c"]}), "permissions.read: "),
        (json!({"write": ["/c/../d"]}), "permissions.write: "),
        (json!({"write": ["/c", "/a"]}), "permissions.write: "),
        (
            json!({"entries": [{"access": "write"}]}),
            "permissions.entries: ",
        ),
        (json!({}), "permissions: "),
    ] {
        let said = refused(&ask, json!({"decision": "grant_turn", "permissions": more}));
        assert!(said.starts_with(field), "{said}");
    }
    let offline = asked(
        "item/permissions/requestApproval",
        json!({"cwd": "/r", "permissions": {"fileSystem": {"read": ["/a"]}}}),
        Vec::new(),
    );
    let said = refused(
        &offline,
        json!({"decision": "grant_turn", "permissions": {"network": true}}),
    );
    assert!(said.starts_with("permissions.network: "), "{said}");
}

#[test]
fn questions_take_their_options_and_keep_no_secret() {
    let options =
        json!([{"label": "Red", "description": "r"}, {"label": "Blue", "description": "b"}]);
    let question = |id: &str, other: bool, secret: bool, options: Value| json!({"id": id, "header": "h", "question": "q?", "isOther": other, "isSecret": secret, "options": options});
    let ask = asked(
        "item/tool/requestUserInput",
        json!({"isBlocking": true, "questions": [
            question("colour", false, false, options.clone()), question("why", true, false, options), question("key", false, true, Value::Null)]}),
        Vec::new(),
    );
    let given = json!({"decision": "answer", "answers": {"colour": "Red", "why": ["because", "note"], "key": "hunter2"}});
    let result = decide(&ask, given.clone());
    assert_eq!(result["answers"]["key"]["answers"][0], "hunter2");
    assert_eq!(
        result["answers"]["why"]["answers"],
        json!(["because", "note"])
    );
    let checked = ask.check(from_value(given).unwrap()).unwrap();
    let kept = checked.kept(&ask.what);
    assert_eq!(kept.withheld, ["key"]);
    assert!(!format!("{checked:?}{kept:?}").contains("hunter2"));
    assert!(
        Checked::of(&ask, &kept).is_none(),
        "what was secret cannot be sent from what was kept"
    );
    for (answers, field) in [
        (
            json!({"colour": "Green", "why": "x", "key": "k"}),
            "answers.colour: ",
        ),
        (
            json!({"colour": ["Red", "note"], "why": "x", "key": "k"}),
            "answers.colour: ",
        ),
        (json!({"colour": "Red", "why": "x"}), "answers.key: "),
        (
            json!({"colour": "Red", "why": " ", "key": "k"}),
            "answers.why: ",
        ),
        (
            json!({"colour": "Red", "why": [], "key": "k"}),
            "answers.why: ",
        ),
        (
            json!({"size": "x", "colour": "Red", "why": "x", "key": "k"}),
            "answers.size: ",
        ),
        (
            json!({"colour": "Red", "why": "x".repeat(20_000), "key": "k"}),
            "answers.why: ",
        ),
        (json!({}), "answers.colour: "),
    ] {
        let said = refused(&ask, json!({"decision": "answer", "answers": answers}));
        assert!(said.starts_with(field), "{said}");
    }
    assert_eq!(
        decide(&ask, json!({"decision": "decline"})),
        json!({"answers": {}})
    );
}

#[test]
fn what_mcp_servers_ask() {
    const METHOD: &str = "mcpServer/elicitation/request";
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    for mode in ["form", "openai/form", "openaiForm"] {
        let params = json!({"serverName": "s", "mode": mode, "message": "m", "requestedSchema": schema, "turnId": null});
        let ask = asked(METHOD, params, Vec::new());
        assert_eq!(ids(&ask), ["accept", "decline", "cancel"]);
        assert_eq!(ask.turn_id, None);
        let given = json!({"decision": "accept", "content": {"n": 1}});
        assert_eq!(
            decide(&ask, given),
            json!({"action": "accept", "content": {"n": 1}})
        );
        assert_eq!(
            decide(&ask, json!({"decision": "cancel"})),
            json!({"action": "cancel"})
        );
        let said = refused(&ask, json!({"decision": "accept", "content": {"n": "one"}}));
        assert!(said.starts_with("content.n: "), "{said}");
    }
    let params = json!({"serverName": "s", "mode": "url", "message": "m", "url": "https://x/", "elicitationId": "e"});
    let ask = asked(METHOD, params, Vec::new());
    assert_eq!(ask.what.kind(), "url");
    assert_eq!(
        decide(&ask, json!({"decision": "accept"})),
        json!({"action": "accept"})
    );
    let meta = json!({"codex_approval_kind": "mcp_tool_call", "tool_name": "send", "tool_params": {"a": 1}, "persist": ["session", "always"]});
    let params = json!({"serverName": "s", "mode": "form", "message": "m", "requestedSchema": schema, "_meta": meta});
    let ask = asked(METHOD, params, Vec::new());
    assert_eq!(
        ids(&ask),
        [
            "accept",
            "accept_for_session",
            "accept_always",
            "decline",
            "cancel"
        ]
    );
    let expected = json!({"action": "accept", "_meta": {"persist": "session"}});
    assert_eq!(
        decide(&ask, json!({"decision": "accept_for_session"})),
        expected
    );
    assert_eq!(
        decide(&ask, json!({"decision": "accept"})),
        json!({"action": "accept"})
    );
}

#[test]
fn what_is_unknown_is_kept_whole_and_offers_nothing() {
    for (method, params) in [
        ("item/future/request", json!({"anything": [1]})),
        (
            "mcpServer/elicitation/request",
            json!({"serverName": "s", "mode": "openai/userVerification", "challenge": "c"}),
        ),
        ("item/tool/requestUserInput", json!({"questions": "none"})),
        (COMMAND, json!({})),
    ] {
        let ask = asked(method, params.clone(), Vec::new());
        let What::Unknown {
            method: kept,
            params: all,
        } = &ask.what
        else {
            panic!("{:?}", ask.what);
        };
        assert_eq!(kept, method);
        let params = params.as_object().unwrap();
        assert!(params.iter().all(|(name, value)| all[name] == *value));
        let said = refused(&ask, json!({"decision": "accept"}));
        assert!(said.contains("terminal"), "{said}");
    }
}
