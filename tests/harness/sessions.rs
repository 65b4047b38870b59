//! The life of sessions: begun, spoken in, named, put away, fetched back; whose they are; and what is left after a crash.

use crate::rig::house;
use crate::support::House;
use crate::support::script::{assignment, plan, planner};
use crate::support::thread::Stranger;
use serde_json::{Value, json};

#[tokio::test]
async fn a_session_is_begun_spoken_in_named_put_away_and_fetched_back() {
    let house = house([]).await;
    let begun = house.granted("POST", "/sessions", None, 200).await;
    let session = begun["session"].clone();
    let id = session["sessionId"].as_str().unwrap().to_owned();
    assert_eq!(begun["thread"]["id"], id.as_str());
    assert_eq!(begun.get("status"), None);
    let repo = house.repo.to_str().unwrap();
    let expected = json!({
        "sessionId": id, "title": "New chat", "materialized": false, "modelProvider": "mock",
        "approvalPolicy": "on-request",
        "sessionControls": { "model": null, "approvalPolicy": "on-request", "networkAccess": "restricted",
            "filesystemSandbox": "workspace-write", "settings": {} },
        "createdAt": session["createdAt"], "updatedAt": session["updatedAt"],
        "cwd": repo, "source": session["source"], "projectId": null,
        "status": session["status"], "pending": 0, "archived": false,
    });
    assert_eq!(session, expected);
    assert!(session["createdAt"].as_i64().unwrap() > 1_700_000_000);
    let at = format!("/sessions/{id}");

    let whole = house.look(&at).await;
    assert_eq!(
        (&whole["transcript"], &whole["thread"]["turns"]),
        (&json!([]), &json!([]))
    );
    let no = house
        .denied("POST", &format!("{at}/archive"), None, 409)
        .await;
    assert_eq!(
        (&no["status"], &no["sessionId"]),
        (&json!("not_materialized"), &json!(id))
    );

    let turn = house.has_turn(&id, "Hello there").await;
    let said = house.listed(&id, "it has had a turn", |it| it["materialized"] == true);
    assert_eq!(said.await["title"], "Hello there");
    let whole = house.look(&at).await;
    let rows = whole["transcript"].as_array().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&row["type"], &row["role"], &row["content"]))
        .collect();
    let (user, agent) = (json!("userMessage"), json!("agentMessage"));
    assert_eq!(
        told,
        [
            (&user, &json!("user"), &json!("Hello there")),
            (&agent, &json!("assistant"), &json!("Told."))
        ]
    );
    for row in rows {
        assert_eq!(
            (&row["turnId"], &row["status"]),
            (&json!(turn), &json!("complete"))
        );
        assert!(row["completedAt"].as_i64() >= row["startedAt"].as_i64());
        let item: Value = serde_json::from_str(row["details"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&item["id"], &item["type"]),
            (&row["messageId"], &row["type"])
        );
    }
    assert_eq!(whole["thread"]["turns"][0]["id"], turn);
    assert_eq!(
        whole["thread"]["turns"][0]["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    house.has_turn(&id, "Once more").await;
    let newest = house.look(&format!("{at}?turns=1")).await;
    assert_eq!(newest["transcript"][0]["content"], "Once more");
    assert!(newest["nextCursor"].is_string(), "{newest:#}");
    house
        .denied("GET", &format!("{at}?turns=0"), None, 400)
        .await;

    let renamed = house
        .make(&format!("{at}/rename"), json!({ "title": " Greetings " }))
        .await;
    assert_eq!(
        (&renamed["status"], &renamed["session"]["title"]),
        (&json!("ok"), &json!("Greetings"))
    );
    for wrong in [
        json!({}),
        json!({ "title": "  " }),
        json!({ "title": "x".repeat(201) }),
    ] {
        house
            .denied("POST", &format!("{at}/rename"), Some(wrong), 400)
            .await;
    }
    let resumed = house
        .granted("POST", &format!("{at}/resume"), None, 200)
        .await;
    assert_eq!(
        (&resumed["session"]["sessionId"], &resumed["thread"]["id"]),
        (&json!(id), &json!(id))
    );
    let no = house
        .denied(
            "POST",
            &format!("{at}/resume"),
            Some(json!({ "dynamicTools": [] })),
            501,
        )
        .await;
    assert_eq!(no["code"], "method_not_supported");

    let done = json!({ "status": "ok", "sessionId": id });
    for _ in 0..2 {
        assert_eq!(
            house
                .granted("POST", &format!("{at}/archive"), None, 200)
                .await,
            done
        );
        house
            .listed(&id, "it is put away", |it| it["archived"] == true)
            .await;
    }
    let no = house
        .denied(
            "POST",
            &format!("{at}/rename"),
            Some(json!({ "title": "x" })),
            409,
        )
        .await;
    assert_eq!(no["code"], "invalid_state");
    assert_eq!(house.look(&at).await["session"]["archived"], true);
    for _ in 0..2 {
        let back = house
            .granted("POST", &format!("{at}/unarchive"), None, 200)
            .await;
        assert_eq!(
            (&back["status"], &back["session"]["archived"]),
            (&json!("ok"), &json!(false))
        );
        assert_eq!(
            (&back["session"]["title"], &back["thread"]["id"]),
            (&json!("Greetings"), &json!(id))
        );
    }
    house.close().await;
}

#[tokio::test]
async fn what_a_session_begins_with_is_looked_at() {
    let mut house = House::build(crate::rig::script([]), crate::support::GOVERNANCE).await;
    house.start(&[]).await;
    let no = house.denied("POST", "/sessions", None, 409).await;
    assert_eq!(no["code"], "trust_required");
    house.allow().await;
    let offered = |status: &Value| !status["model_choices"].as_array().unwrap().is_empty();
    house.status("the models on offer", offered).await;
    house.look("/sessions").await;
    for wrong in [
        json!({ "model": "no such model" }),
        json!({ "model": "gpt-nothing" }),
        json!({ "cwd": "no/such/folder" }),
        json!({ "cwd": "README.md" }),
        json!({ "approvalPolicy": "sometimes" }),
        json!({ "networkAccess": true }),
        json!({ "filesystemSandbox": "none" }),
        json!({ "dynamicTools": [{ "name": "x" }] }),
        json!({ "dynamicTools": vec![json!({ "name": "x", "description": "", "inputSchema": {} }); 129] }),
    ] {
        let no = house
            .denied("POST", "/sessions", Some(wrong.clone()), 400)
            .await;
        assert_eq!(no["code"], "invalid_request", "{wrong}");
    }
    let tool = |name: &str, schema: Value| json!({ "name": name, "description": "", "inputSchema": schema });
    for wrong in [
        json!([tool("ring it", json!({}))]),
        json!([tool("mcp__ring", json!({}))]),
        json!([tool("ring", json!({})), tool("ring", json!({}))]),
        json!([tool("ring", json!({ "properties": 5 }))]),
    ] {
        let body = json!({ "dynamicTools": wrong });
        let no = house
            .denied("POST", "/sessions", Some(body.clone()), 400)
            .await;
        assert_eq!(no["code"], "invalid_params", "{body}: {no:#}");
    }
    std::os::unix::fs::symlink("/", house.repo.join("out")).unwrap();
    for outside in ["/", "..", "src/../..", "/nowhere/at/all", "out"] {
        let no = house
            .denied("POST", "/sessions", Some(json!({ "cwd": outside })), 403)
            .await;
        assert_eq!(no["code"], "above_ceiling", "{outside}");
    }
    let body = json!({ "cwd": "src", "model": mock_model::MODEL, "approvalPolicy": "on-failure",
        "networkAccess": "enabled", "filesystemSandbox": "read-only",
        "dynamicTools": [{ "name": "ring", "description": "Rings.", "inputSchema": { "type": "object" } }] });
    let begun = house.make("/sessions", body).await;
    let session = &begun["session"];
    assert_eq!(session["cwd"], house.repo.join("src").to_str().unwrap());
    assert_eq!(session["approvalPolicy"], "on-failure");
    assert_eq!(
        session["sessionControls"],
        json!({ "model": mock_model::MODEL, "approvalPolicy": "on-failure",
        "networkAccess": "enabled", "filesystemSandbox": "read-only", "settings": {} })
    );
    house.close().await;
}

#[tokio::test]
async fn after_a_crash_everything_is_there_and_what_was_deleted_is_not() {
    let mut house = house([]).await;
    let (fresh, spoken, gone) = (house.chat().await, house.chat().await, house.chat().await);
    house.has_turn(&spoken, "Hello").await;
    house
        .make(
            &format!("/sessions/{fresh}/rename"),
            json!({ "title": "Kept" }),
        )
        .await;
    house
        .make(
            &format!("/sessions/{gone}/rename"),
            json!({ "title": "Gone" }),
        )
        .await;
    let deleted = house
        .granted("DELETE", &format!("/sessions/{gone}"), None, 200)
        .await;
    assert_eq!(
        (&deleted["status"], &deleted["sessionId"], &deleted["title"]),
        (&json!("ok"), &json!(gone), &json!("Gone"))
    );
    assert_eq!(deleted["deletedFileCount"], 1);
    house
        .granted("POST", &format!("/sessions/{spoken}/archive"), None, 200)
        .await;
    for _ in 0..2 {
        house.kill_launcher().await;
        house.start(&[]).await;
        let open = house.look("/sessions").await;
        let ids: Vec<_> = open["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["sessionId"])
            .collect();
        assert_eq!(ids, [&json!(fresh)]);
        assert_eq!(open["data"][0]["title"], "Kept");
        let archived = house.look("/sessions?archived=true").await;
        assert_eq!(archived["data"][0]["sessionId"], spoken.as_str());
        let at = format!("/sessions/{gone}");
        for (method, path, body) in [
            ("GET", at.clone(), None),
            ("DELETE", at.clone(), None),
            ("POST", format!("{at}/resume"), None),
            // Gone is gone, whatever the body is.
            ("POST", format!("{at}/rename"), Some(json!({}))),
            (
                "POST",
                format!("{at}/project"),
                Some(json!({ "projectId": null })),
            ),
            ("POST", format!("{at}/archive"), None),
            ("POST", format!("{at}/unarchive"), None),
        ] {
            let no = house.denied(method, &path, body, 410).await;
            assert_eq!(
                (&no["status"], &no["sessionId"], &no["title"]),
                (&json!("deleted"), &json!(gone), &json!("Gone"))
            );
            assert!(no["deletedAt"].as_str().unwrap().contains('T'), "{no:#}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn what_nobody_knows_is_404_on_every_route() {
    let house = house([]).await;
    for id in [
        "no-such-id",
        "0199aaaa-0000-7000-8000-000000000000",
        "%2e%2e",
        "a%2Fb",
    ] {
        let at = format!("/sessions/{id}");
        for (method, path, body) in [
            ("GET", at.clone(), None),
            ("DELETE", at.clone(), None),
            ("POST", format!("{at}/resume"), None),
            ("POST", format!("{at}/rename"), Some(json!({}))),
            ("POST", format!("{at}/project"), Some(json!({}))),
            ("POST", format!("{at}/archive"), None),
            ("POST", format!("{at}/unarchive"), None),
        ] {
            let no = house.denied(method, &path, body, 404).await;
            assert_eq!(no["status"], "not_found", "{path}");
            assert!(no["sessionId"].is_string(), "{path}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn the_launchers_own_sessions_are_read_and_not_driven() {
    let rule = planner(plan([assignment("lingyubu", "works")]));
    let house = house([rule]).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    let shown = house
        .session(&planner, "it has a thread", |it| {
            it["thread_id"].is_string()
        })
        .await;
    let id = shown["thread_id"].as_str().unwrap();
    let list = |query: &'static str| {
        let house = &house;
        async move {
            house.look(&format!("/sessions{query}")).await["data"]
                .as_array()
                .unwrap()
                .len()
        }
    };
    assert_eq!(
        (list("").await, list("?includeSystemOwned=true").await),
        (0, 1)
    );
    let at = format!("/sessions/{id}");
    assert_eq!(house.look(&at).await["session"]["sessionId"], id);
    for (method, path) in [
        ("DELETE", at.clone()),
        ("POST", format!("{at}/resume")),
        ("POST", format!("{at}/rename")),
        ("POST", format!("{at}/project")),
        ("POST", format!("{at}/archive")),
        ("POST", format!("{at}/unarchive")),
    ] {
        let no = house.denied(method, &path, None, 403).await;
        assert_eq!(
            (&no["code"], &no["sessionId"]),
            (&json!("system_session"), &json!(id)),
            "{path}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn threads_of_other_clients_belong_here_when_they_work_here() {
    let mut house = house([]).await;
    let mut stranger = Stranger::connect(&house).await;
    let mut begin = async |cwd: &std::path::Path| {
        let begun = stranger.call("thread/start", json!({ "cwd": cwd })).await;
        begun["thread"]["id"].as_str().unwrap().to_owned()
    };
    let inside = begin(&house.repo.join("src")).await;
    let elsewhere = begin(&house.root.join("home")).await;
    for id in [&inside, &elsewhere] {
        let input = json!([{ "type": "text", "text": "Hello from afar" }]);
        stranger
            .call("turn/start", json!({ "threadId": id, "input": input }))
            .await;
    }
    let told = |it: &Value| it["title"] == "Hello from afar" && it["status"] == "idle";
    house.listed(&inside, "its turn is over", told).await;
    house
        .denied("GET", &format!("/sessions/{elsewhere}"), None, 404)
        .await;
    stranger
        .call(
            "thread/name/set",
            json!({ "threadId": inside, "name": "From afar" }),
        )
        .await;
    house
        .listed(&inside, "its name", |it| it["title"] == "From afar")
        .await;
    stranger
        .call("thread/archive", json!({ "threadId": inside }))
        .await;
    house
        .listed(&inside, "it is put away", |it| it["archived"] == true)
        .await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house
        .listed(&inside, "it is put away", |it| {
            it["archived"] == true && it["title"] == "From afar"
        })
        .await;
    stranger
        .call("thread/unarchive", json!({ "threadId": inside }))
        .await;
    house
        .listed(&inside, "it is back", |it| it["archived"] == false)
        .await;
    house
        .denied("GET", &format!("/sessions/{elsewhere}"), None, 404)
        .await;
    house.close().await;
}
