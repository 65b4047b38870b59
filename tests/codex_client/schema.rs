//! Our types against the schema that the installed Codex prints about itself: what we send is what it takes, what it sends is what we read,
//! and each difference has a name.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use zhongshu::codex::asks::{self, Told};
use zhongshu::codex::calls::{
    AccountRateLimitsRead, AccountRead, ApprovalPolicy, Call, Capabilities, ClientInfo, ConfigRead,
    Initialize, McpServerStatusList, ModelList, ReviewStart, ReviewTarget, SandboxMode,
    SandboxPolicy, ThreadArchive, ThreadBackgroundTerminalsClean, ThreadCompactStart, ThreadDelete,
    ThreadFork, ThreadItemsList, ThreadList, ThreadLoadedList, ThreadNameSet, ThreadRead,
    ThreadResume, ThreadRevert, ThreadSettingsUpdate, ThreadStart, ThreadTurnsList,
    ThreadUnarchive, ThreadUnsubscribe, TurnInterrupt, TurnStart, TurnSteer, TurnsWanted,
};
use zhongshu::codex::events::{Notification, RequestKind, ServerRequest};
use zhongshu::codex::features::Feature;
use zhongshu::codex::items::{Item, ThreadStatus, TurnStatus, UserInput};
use zhongshu::codex::schema::{Schema, SchemaError};
use zhongshu::codex::wire::{ThreadId, TurnId};
use zhongshu::domain::ask::given::Given;
use zhongshu::domain::ask::{RequestKey, What};

/// What Codex printed.
struct Printed {
    _folder: tempfile::TempDir,
    out: PathBuf,
}

impl Printed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (home, out) = (folder.path().join("home"), folder.path().join("out"));
        std::fs::create_dir(&home).unwrap();
        let printed = Command::new(super::codex_program::codex_program())
            .args([
                "app-server",
                "generate-json-schema",
                "--experimental",
                "--out",
            ])
            .arg(&out)
            .env("CODEX_HOME", home)
            .output()
            .unwrap();
        assert!(printed.status.success(), "{printed:?}");
        Self {
            _folder: folder,
            out,
        }
    }

    fn file(&self, name: &str) -> Value {
        let text = std::fs::read(self.out.join(name)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// The messages of a union, by method, each with the schema of its parameters.
fn messages(union: &Value) -> Vec<(String, Value)> {
    let messages = union["oneOf"].as_array().unwrap().iter();
    messages
        .map(|message| {
            let method = message["properties"]["method"]["enum"][0].as_str().unwrap();
            (method.to_owned(), message["properties"]["params"].clone())
        })
        .collect()
}

/// Makes values as a schema describes them: the smallest, or the fullest.
struct Maker<'a> {
    definitions: &'a Value,
    full: bool,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, depth: usize) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/definitions/").unwrap();
            return self.make(&self.definitions[name], depth + 1);
        }
        for one_of in ["oneOf", "anyOf", "allOf"] {
            if let Some(ways) = schema[one_of].as_array() {
                let is_null = |way: &&Value| way["type"] == "null";
                let mut ways = ways.iter().filter(|way| !is_null(way));
                let made = ways.next().map(|way| self.make(way, depth + 1));
                let mut made = made.unwrap_or_default();
                if let (Some(made), true) = (made.as_object_mut(), schema["type"] == "object") {
                    // What all ways have stands beside them.
                    made.extend(self.object(schema, depth).as_object().cloned().unwrap());
                }
                return made;
            }
        }
        if let Some(names) = schema["enum"].as_array() {
            return names[0].clone();
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null"),
            kind => Some(kind),
        };
        match kind.and_then(Value::as_str) {
            Some("object") => self.object(schema, depth),
            Some("array") if self.full && depth < 12 => {
                json!([self.make(&schema["items"], depth + 1)])
            }
            Some("array") => json!([]),
            Some("string") => json!("text"),
            Some("integer") => json!(7),
            Some("number") => json!(0.5),
            Some("boolean") => json!(true),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema["properties"].as_object();
        let mut made = Map::new();
        for (name, property) in properties.into_iter().flatten() {
            if required.contains(&name.as_str()) || (self.full && depth < 12) {
                made.insert(name.clone(), self.make(property, depth + 1));
            }
        }
        Value::Object(made)
    }
}

/// The smallest and the fullest value of a schema.
fn both(definitions: &Value, schema: &Value) -> [Value; 2] {
    [false, true].map(|full| Maker { definitions, full }.make(schema, 0))
}

/// One of our calls with everything set, and whether a reply can be read.
struct Sample {
    method: &'static str,
    params: Value,
    reads: fn(Value) -> Result<(), String>,
    reply: &'static str,
}

fn sample<C: Call>(params: &C, reply: &'static str) -> Sample {
    Sample {
        method: C::METHOD,
        params: serde_json::to_value(params).unwrap(),
        reads: |value| {
            let read: Result<C::Reply, _> = serde_json::from_value(value);
            read.map(drop).map_err(|error| error.to_string())
        },
        reply,
    }
}

fn settings(sandbox: SandboxPolicy) -> Sample {
    let settings = ThreadSettingsUpdate {
        thread_id: ThreadId::from("0190a000-0000-7000-8000-000000000001"),
        model: Some("m".to_owned()),
        effort: Some("high".to_owned()),
        approval_policy: Some(ApprovalPolicy::Never),
        sandbox_policy: Some(sandbox),
    };
    sample(&settings, "v2/ThreadSettingsUpdateResponse.json")
}

fn review(target: ReviewTarget) -> Sample {
    let review = ReviewStart {
        thread_id: ThreadId::from("0190a000-0000-7000-8000-000000000001"),
        target,
    };
    sample(&review, "v2/ReviewStartResponse.json")
}

/// Every call of ours. One that is forgotten here is found by its method.
fn calls() -> Vec<Sample> {
    let thread_id = || ThreadId::from("0190a000-0000-7000-8000-000000000001");
    let turn_id = || TurnId::from("0190a000-0000-7000-8000-000000000002");
    let text = || Some("text".to_owned());
    let input = || vec![UserInput::text("hello")];
    let config = || Map::from_iter([("model".to_owned(), json!("m"))]);
    vec![
        sample(
            &Initialize {
                client_info: ClientInfo {
                    name: "zhongshu".to_owned(),
                    title: "zhongshu".to_owned(),
                    version: "1".to_owned(),
                },
                capabilities: Capabilities {
                    experimental_api: true,
                    opt_out_notification_methods: vec!["x".to_owned()],
                },
            },
            "v1/InitializeResponse.json",
        ),
        sample(&ThreadList::new(true, text()), "v2/ThreadListResponse.json"),
        sample(
            &ThreadStart {
                cwd: Some("/repo".into()),
                model: text(),
                approval_policy: Some(ApprovalPolicy::OnRequest),
                sandbox: Some(SandboxMode::WorkspaceWrite),
                config: config(),
                developer_instructions: text(),
                thread_source: Some("user".to_owned()),
                ephemeral: true,
            },
            "v2/ThreadStartResponse.json",
        ),
        sample(
            &ThreadResume {
                initial_turns_page: Some(TurnsWanted {
                    limit: 1,
                    items_view: "full",
                }),
                approval_policy: Some(ApprovalPolicy::Never),
                sandbox: Some(SandboxMode::ReadOnly),
                config: config(),
                ..ThreadResume::new(thread_id())
            },
            "v2/ThreadResumeResponse.json",
        ),
        sample(
            &ThreadNameSet {
                thread_id: thread_id(),
                name: "a name".to_owned(),
            },
            "v2/ThreadSetNameResponse.json",
        ),
        sample(
            &ThreadRead {
                thread_id: thread_id(),
                include_turns: true,
            },
            "v2/ThreadReadResponse.json",
        ),
        sample(
            &ThreadArchive {
                thread_id: thread_id(),
            },
            "v2/ThreadArchiveResponse.json",
        ),
        sample(
            &ThreadUnsubscribe {
                thread_id: thread_id(),
            },
            "v2/ThreadUnsubscribeResponse.json",
        ),
        sample(
            &ThreadLoadedList { cursor: text() },
            "v2/ThreadLoadedListResponse.json",
        ),
        sample(
            &ThreadTurnsList {
                thread_id: thread_id(),
                cursor: text(),
                limit: Some(5),
                items_view: Some("full".to_owned()),
                sort_direction: Some("desc".to_owned()),
            },
            "v2/ThreadTurnsListResponse.json",
        ),
        sample(
            &ThreadItemsList {
                thread_id: thread_id(),
                turn_id: Some(turn_id()),
                cursor: text(),
                limit: Some(5),
                sort_direction: Some("desc".to_owned()),
            },
            "v2/ThreadItemsListResponse.json",
        ),
        sample(
            &TurnStart {
                client_user_message_id: text(),
                model: text(),
                approval_policy: Some(ApprovalPolicy::Untrusted),
                ..TurnStart::text(thread_id(), "hello")
            },
            "v2/TurnStartResponse.json",
        ),
        sample(
            &TurnSteer {
                thread_id: thread_id(),
                expected_turn_id: turn_id(),
                input: input(),
                client_user_message_id: text(),
            },
            "v2/TurnSteerResponse.json",
        ),
        sample(
            &TurnInterrupt {
                thread_id: thread_id(),
                turn_id: turn_id(),
            },
            "v2/TurnInterruptResponse.json",
        ),
        sample(&ModelList { cursor: text() }, "v2/ModelListResponse.json"),
        sample(
            &ThreadFork {
                thread_id: thread_id(),
                model: text(),
                exclude_turns: true,
            },
            "v2/ThreadForkResponse.json",
        ),
        sample(
            &ThreadCompactStart {
                thread_id: thread_id(),
            },
            "v2/ThreadCompactStartResponse.json",
        ),
        sample(
            &ThreadRevert {
                thread_id: thread_id(),
                before_turn_id: turn_id(),
            },
            "v2/ThreadRevertResponse.json",
        ),
        sample(
            &ThreadUnarchive {
                thread_id: thread_id(),
            },
            "v2/ThreadUnarchiveResponse.json",
        ),
        sample(
            &ThreadDelete {
                thread_id: thread_id(),
            },
            "v2/ThreadDeleteResponse.json",
        ),
        settings(SandboxPolicy::WorkspaceWrite {
            writable_roots: Vec::new(),
            network_access: false,
        }),
        settings(SandboxPolicy::ReadOnly {
            network_access: false,
        }),
        settings(SandboxPolicy::DangerFullAccess),
        sample(
            &ThreadBackgroundTerminalsClean {
                thread_id: thread_id(),
            },
            "v2/ThreadBackgroundTerminalsCleanResponse.json",
        ),
        review(ReviewTarget::UncommittedChanges),
        review(ReviewTarget::BaseBranch {
            branch: "main".to_owned(),
        }),
        review(ReviewTarget::Commit {
            sha: "abc".to_owned(),
        }),
        review(ReviewTarget::Custom {
            instructions: "look".to_owned(),
        }),
        sample(&AccountRead {}, "v2/GetAccountResponse.json"),
        sample(
            &AccountRateLimitsRead {},
            "v2/GetAccountRateLimitsResponse.json",
        ),
        sample(
            &ConfigRead {
                cwd: Some("/repo".into()),
                include_layers: true,
            },
            "v2/ConfigReadResponse.json",
        ),
        sample(
            &McpServerStatusList {
                thread_id: Some(thread_id()),
            },
            "v2/ListMcpServerStatusResponse.json",
        ),
    ]
}

/// The properties that an object of this schema may have.
fn properties<'a>(definitions: &'a Value, schema: &'a Value) -> &'a Map<String, Value> {
    match schema["$ref"].as_str() {
        Some(name) => {
            let name = name.strip_prefix("#/definitions/").unwrap();
            properties(definitions, &definitions[name])
        }
        // Parameters that may be left out altogether.
        None if schema["properties"].is_null() => properties(definitions, &schema["anyOf"][0]),
        None => schema["properties"].as_object().unwrap(),
    }
}

#[test]
fn what_we_send_is_what_codex_takes_and_its_answers_can_be_read() {
    let printed = Printed::new();
    let union = printed.file("ClientRequest.json");
    let known = messages(&union);
    let mut wrong = Vec::new();
    for call in calls() {
        let Some((_, schema)) = known.iter().find(|(method, _)| method == call.method) else {
            wrong.push(format!("{}: Codex has no such method", call.method));
            continue;
        };
        let allowed = properties(&union["definitions"], schema);
        for name in call.params.as_object().unwrap().keys() {
            if !allowed.contains_key(name) {
                wrong.push(format!("{}: it takes no {name}", call.method));
            }
        }
        let mut schema = schema.clone();
        schema["definitions"] = union["definitions"].clone();
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("params.json", schema).unwrap();
        let compiled = compiler.compile("params.json", &mut schemas).unwrap();
        if let Err(error) = schemas.validate(&call.params, compiled) {
            wrong.push(format!("{}: {error}", call.method));
        }
        let reply = printed.file(call.reply);
        for value in both(&reply["definitions"], &reply) {
            if let Err(error) = (call.reads)(value.clone()) {
                wrong.push(format!("{}: its answer {value}: {error}", call.method));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_call_of_ours_is_in_the_test_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codex/calls.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let tried: Vec<_> = calls().iter().map(|call| call.method).collect();
    let table = source.split("calls! {").nth(1).unwrap();
    let table = table.split("\n}").next().unwrap();
    let ours = table.lines().filter_map(|line| line.split('"').nth(1));
    let forgotten: Vec<_> = ours.filter(|method| !tried.contains(method)).collect();
    assert_eq!(forgotten, [""; 0]);
}

#[test]
fn what_codex_tells_is_read_and_what_is_kept_raw_has_a_name() {
    let printed = Printed::new();
    let union = printed.file("ServerNotification.json");
    let mut raw = Vec::new();
    for (method, schema) in messages(&union) {
        let made = both(&union["definitions"], &schema);
        let read = made.map(|params| Notification::read(method.clone(), params));
        let is_raw = |read: &Notification| matches!(read, Notification::Other { .. });
        match read.iter().filter(|read| is_raw(read)).count() {
            0 => {}
            2 => raw.push(method),
            _ => panic!("{method} is typed only when it has everything, or only when not"),
        }
    }
    insta::assert_snapshot!("notifications_kept_raw", raw.join("\n"));
}

#[test]
fn items_and_states_are_typed_and_what_is_kept_raw_has_a_name() {
    let printed = Printed::new();
    let union = printed.file("ServerNotification.json");
    let definitions = &union["definitions"];
    let mut raw = Vec::new();
    for kind in definitions["ThreadItem"]["oneOf"].as_array().unwrap() {
        let name = kind["properties"]["type"]["enum"][0].as_str().unwrap();
        let read =
            both(definitions, kind).map(|made| serde_json::from_value::<Item>(made).unwrap());
        let is_raw = |item: &Item| matches!(item, Item::Other(_));
        match read.iter().filter(|item| is_raw(item)).count() {
            0 => {}
            2 => raw.push(format!("item {name}")),
            _ => panic!("{name} is typed only when it has everything, or only when not"),
        }
        assert!(read.iter().all(|item| item.id() == Some("text")), "{name}");
    }
    for kind in definitions["ThreadStatus"]["oneOf"].as_array().unwrap() {
        let [status, _] = both(definitions, kind);
        let read: ThreadStatus = serde_json::from_value(status.clone()).unwrap();
        if matches!(read, ThreadStatus::Other(_)) {
            raw.push(format!("thread status {status}"));
        }
    }
    for status in definitions["TurnStatus"]["enum"].as_array().unwrap() {
        let read: TurnStatus = serde_json::from_value(status.clone()).unwrap();
        if matches!(read, TurnStatus::Other(_)) {
            raw.push(format!("turn status {status}"));
        }
    }
    let union = printed.file("ClientRequest.json");
    let definitions = &union["definitions"];
    for policy in definitions["AskForApproval"]["oneOf"].as_array().unwrap() {
        let names = policy["enum"].as_array().cloned();
        for name in names.unwrap_or_else(|| both(definitions, policy).to_vec()) {
            let read: ApprovalPolicy = serde_json::from_value(name.clone()).unwrap();
            if matches!(read, ApprovalPolicy::Other(_)) {
                raw.push(format!("approval policy {name}"));
            }
        }
    }
    for mode in definitions["SandboxMode"]["enum"].as_array().unwrap() {
        if serde_json::from_value::<SandboxMode>(mode.clone()).is_err() {
            raw.push(format!("sandbox {mode}"));
        }
    }
    insta::assert_snapshot!("items_kept_raw", raw.join("\n"));
}

#[test]
fn what_codex_asks_is_known_and_what_is_not_has_a_name() {
    let printed = Printed::new();
    let union = printed.file("ServerRequest.json");
    let mut unknown = Vec::new();
    for (method, schema) in messages(&union) {
        let [params, _] = both(&union["definitions"], &schema);
        let request = ServerRequest { method, params };
        if request.kind() == RequestKind::Unknown {
            unknown.push(request.method);
        }
    }
    insta::assert_snapshot!("requests_not_known", unknown.join("\n"));
}

/// Where an answer is described.
fn answers_of(method: &str) -> Option<&'static str> {
    match method {
        "item/commandExecution/requestApproval" => {
            Some("CommandExecutionRequestApprovalResponse.json")
        }
        "item/fileChange/requestApproval" => Some("FileChangeRequestApprovalResponse.json"),
        "item/permissions/requestApproval" => Some("PermissionsRequestApprovalResponse.json"),
        "item/tool/requestUserInput" => Some("ToolRequestUserInputResponse.json"),
        "item/tool/call" => Some("DynamicToolCallResponse.json"),
        "mcpServer/elicitation/request" => Some("McpServerElicitationRequestResponse.json"),
        _ => None,
    }
}

#[test]
fn each_decision_about_what_codex_asks_is_an_answer_that_it_takes() {
    let printed = Printed::new();
    let requests = printed.file("ServerRequest.json");
    let mut decided = BTreeSet::new();
    for (method, params) in messages(&requests) {
        let Some(file) = answers_of(&method) else {
            continue;
        };
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("answer", printed.file(file)).unwrap();
        let answer = compiler.compile("answer", &mut schemas).unwrap();
        let [least, mut full] = both(&requests["definitions"], &params);
        // One kind of elicitation is made; the others differ in these fields alone.
        let mut samples = vec![full.clone()];
        if method.starts_with("mcpServer") {
            for mode in ["form", "openai/form", "openaiForm", "url"] {
                full["mode"] = mode.into();
                full["message"] = "m".into();
                full["url"] = "https://x/".into();
                full["requestedSchema"] = json!({ "type": "object" });
                samples.push(full.clone());
            }
            full["_meta"] = json!({ "codex_approval_kind": "mcp_tool_call", "tool_name": "t", "persist": ["session", "always"] });
            samples.push(full);
        } else {
            samples.push(least);
        }
        if method.starts_with("item/commandExecution") {
            let rule = |action: &str| json!({ "applyNetworkPolicyAmendment": { "network_policy_amendment": { "host": "h", "action": action } } });
            let words =
                json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["a"] } });
            let all = json!([
                "accept",
                "acceptForSession",
                words,
                rule("allow"),
                rule("deny"),
                "decline",
                "cancel"
            ]);
            samples[0]["availableDecisions"] = all;
        }
        for params in samples {
            let request = ServerRequest {
                method: method.clone(),
                params,
            };
            let origin = asks::Origin {
                key: RequestKey {
                    server: "1@1".to_owned(),
                    request: "0".to_owned(),
                },
                session_id: None,
                at: chrono::DateTime::UNIX_EPOCH,
                changes: Vec::new(),
            };
            let ask = asks::read(&request, origin);
            for decision in &ask.offered {
                let mut given = Given {
                    decision: decision.id().to_owned(),
                    ..Given::default()
                };
                if let (What::Questions { questions, .. }, "answer") = (&ask.what, decision.id()) {
                    let all = questions.iter().map(|it| {
                        let option = it.options.first().map(|option| option.label.clone());
                        (it.id.clone(), vec![option.unwrap_or_default() + "x"])
                    });
                    given.answers = all.collect();
                }
                if let What::ToolCall { .. } = &ask.what {
                    let items = json!([{ "type": "inputText", "text": "a" }, { "type": "inputImage", "imageUrl": "https://x/" }]);
                    given.content = Some(json!({ "success": true, "contentItems": items }));
                }
                let checked = ask.check(given).unwrap();
                let Told::Result(result) = asks::answer(&ask.what, &checked) else {
                    panic!("{method}: what is offered is answered");
                };
                let taken = schemas.validate(&result, answer);
                assert!(taken.is_ok(), "{method}: {result}: {:?}", taken.err());
                decided.insert(format!("{} {}", ask.what.kind(), decision.id()));
            }
        }
    }
    let decided = Vec::from_iter(decided).join("\n");
    insta::assert_snapshot!("decisions", decided);
}

#[tokio::test]
async fn the_tested_codex_lacks_nothing_and_one_that_tells_nothing_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let program = super::codex_program::codex_program();
    let schema = Schema::of(&program, scratch.path()).await.unwrap();
    assert_eq!(schema.lacks(), []);
    assert!(Feature::ALL.len() > 5 && schema.calls.len() > 100);
    let silent = Schema::of(Path::new("/bin/false"), scratch.path()).await;
    assert!(matches!(silent, Err(SchemaError::NotPrinted(_))));
    let left: Vec<_> = std::fs::read_dir(scratch.path()).unwrap().collect();
    assert!(left.is_empty(), "these were left: {left:?}");
}
