//! Projects: made, renamed, filled, emptied, and gone.

use crate::rig::house;
use crate::support::House;
use serde_json::{Value, json};

async fn project(house: &House, name: &str) -> String {
    let made = house.make("/projects", json!({ "name": name })).await;
    made["project"]["projectId"].as_str().unwrap().to_owned()
}

async fn put_into(house: &House, session: &str, project: &Value) -> Value {
    let path = format!("/sessions/{session}/project");
    house.make(&path, json!({ "projectId": project })).await
}

#[tokio::test]
async fn projects_have_names_of_their_own() {
    let mut house = house([]).await;
    assert_eq!(house.look("/projects").await, json!({ "data": [] }));
    let body = json!({ "name": "  Greeter ", "workingDirectory": "/somewhere" });
    let made = house.make("/projects", body).await;
    assert_eq!(
        (&made["status"], &made["orchestrationSession"]),
        (&json!("ok"), &Value::Null)
    );
    let greeter = made["project"].clone();
    assert_eq!(greeter["name"], "Greeter");
    assert_eq!(greeter["workingDirectory"], "/somewhere");
    assert_eq!(greeter["createdAt"], greeter["updatedAt"]);
    let id = greeter["projectId"].as_str().unwrap();

    let again = json!({ "name": "GREETER" });
    let no = house
        .denied("POST", "/projects", Some(again.clone()), 409)
        .await;
    assert_eq!(
        (&no["status"], &no["projectId"]),
        (&json!("duplicate_name"), &json!(id))
    );
    let other = project(&house, "Archive").await;
    let no = house
        .denied(
            "POST",
            &format!("/projects/{other}/rename"),
            Some(again.clone()),
            409,
        )
        .await;
    assert_eq!(no["projectId"], id);

    // Its own name in other letters is free, and what is not said stays.
    let renamed = house.make(&format!("/projects/{id}/rename"), again).await["project"].clone();
    assert_eq!(
        (&renamed["name"], &renamed["workingDirectory"]),
        (&json!("GREETER"), &json!("/somewhere"))
    );
    let body = json!({ "name": "Hello", "workingDirectory": null });
    let renamed = house.make(&format!("/projects/{id}/rename"), body).await["project"].clone();
    assert_eq!(
        (&renamed["name"], &renamed["workingDirectory"]),
        (&json!("Hello"), &Value::Null)
    );

    let names = |list: &Value| -> Vec<String> {
        let all = list["data"].as_array().unwrap().iter();
        all.map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    house.kill_launcher().await;
    house.start(&[]).await;
    let list = house.look("/projects").await;
    assert_eq!(names(&list), ["Archive", "Hello"]);
    assert_eq!(list["data"][1], renamed);

    for wrong in [
        json!({}),
        json!({ "name": " " }),
        json!({ "name": "x".repeat(121) }),
        json!({ "name": 5 }),
        json!({ "name": "x", "workingDirectory": "x".repeat(2001) }),
    ] {
        let no = house.denied("POST", "/projects", Some(wrong), 400).await;
        assert_eq!(no["code"], "invalid_request");
        assert!(no["issues"][0]["message"].is_string(), "{no:#}");
    }
    let deleted = house
        .granted("DELETE", &format!("/projects/{id}"), None, 200)
        .await;
    assert_eq!(
        deleted,
        json!({ "status": "ok", "projectId": id, "unassignedSessionCount": 0 })
    );
    assert_eq!(names(&house.look("/projects").await), ["Archive"]);
    let name = Some(json!({ "name": "x" }));
    for (method, path, body) in [
        ("DELETE", format!("/projects/{id}"), None),
        ("POST", format!("/projects/{id}/rename"), name),
        ("GET", format!("/projects/{id}/agent-sessions"), None),
        (
            "GET",
            "/projects/session:nobody/agent-sessions".to_owned(),
            None,
        ),
        (
            "POST",
            format!("/projects/{id}/chats/move-all"),
            Some(json!({ "destination": "archive" })),
        ),
        ("POST", format!("/projects/{id}/chats/delete-all"), None),
    ] {
        let no = house.denied(method, &path, body, 404).await;
        assert_eq!(no["status"], "not_found", "{path}");
        assert!(no["projectId"].is_string(), "{path}");
    }
    house.close().await;
}

#[tokio::test]
async fn sessions_go_into_projects_and_out_of_them_together() {
    let house = house([]).await;
    let (greeter, other) = (
        project(&house, "Greeter").await,
        project(&house, "Other").await,
    );
    let (spoken, fresh) = (house.chat().await, house.chat().await);
    house.has_turn(&spoken, "Hello").await;
    house
        .listed(&spoken, "it has had a turn", |it| {
            it["materialized"] == true
        })
        .await;
    let put = put_into(&house, &spoken, &json!(greeter)).await;
    assert_eq!(
        put,
        json!({ "status": "ok", "sessionId": spoken, "projectId": greeter, "previousProjectId": null })
    );
    let put = put_into(&house, &spoken, &json!(other)).await;
    assert_eq!(put["previousProjectId"], greeter);
    put_into(&house, &spoken, &json!(greeter)).await;
    put_into(&house, &fresh, &json!(greeter)).await;
    let shown = house.listed(&fresh, "it is in the project", |it| {
        it["projectId"] == greeter.as_str()
    });
    shown.await;

    let path = format!("/sessions/{fresh}/project");
    let no = house
        .denied("POST", &path, Some(json!({ "projectId": "none" })), 404)
        .await;
    assert_eq!(no["status"], "project_not_found");
    assert_eq!(
        (&no["sessionId"], &no["projectId"]),
        (&json!(fresh), &json!("none"))
    );
    house.denied("POST", &path, Some(json!({})), 400).await;
    house
        .denied("POST", &path, Some(json!({ "projectId": 5 })), 400)
        .await;

    let no = house
        .denied("DELETE", &format!("/projects/{greeter}"), None, 409)
        .await;
    assert_eq!(
        (&no["status"], &no["sessionCount"]),
        (&json!("project_not_empty"), &json!(2))
    );
    let agents = house
        .look(&format!("/projects/{greeter}/agent-sessions"))
        .await;
    assert_eq!(
        agents,
        json!({ "status": "ok", "projectId": greeter, "data": [] })
    );
    let agents = house
        .look(&format!("/projects/session:{fresh}/agent-sessions"))
        .await;
    assert_eq!(agents["data"], json!([]));

    // One cannot be put away, so none is.
    let all = format!("/projects/{greeter}/chats/move-all");
    let no = house
        .denied("POST", &all, Some(json!({ "destination": "archive" })), 409)
        .await;
    assert_eq!(
        (&no["status"], &no["sessionIds"]),
        (&json!("not_materialized_sessions"), &json!([fresh]))
    );
    house
        .listed(&spoken, "it is where it was", |it| {
            it["archived"] == false && it["projectId"] == greeter.as_str()
        })
        .await;
    house
        .denied("POST", &all, Some(json!({ "destination": "away" })), 400)
        .await;

    put_into(&house, &fresh, &Value::Null).await;
    let moved = house.make(&all, json!({ "destination": "archive" })).await;
    assert_eq!(
        moved,
        json!({ "status": "ok", "projectId": greeter, "destination": "archive",
        "movedSessionCount": 1, "archivedSessionCount": 1, "alreadyArchivedSessionCount": 0 })
    );
    house
        .listed(&spoken, "it is put away", |it| {
            it["archived"] == true && it["projectId"].is_null()
        })
        .await;

    put_into(&house, &spoken, &json!(greeter)).await;
    let moved = house.make(&all, json!({ "destination": "archive" })).await;
    assert_eq!(
        (
            &moved["archivedSessionCount"],
            &moved["alreadyArchivedSessionCount"]
        ),
        (&json!(0), &json!(1))
    );
    put_into(&house, &fresh, &json!(greeter)).await;
    let moved = house
        .make(&all, json!({ "destination": "unassigned" }))
        .await;
    assert_eq!(
        (&moved["movedSessionCount"], &moved["archivedSessionCount"]),
        (&json!(1), &json!(0))
    );

    put_into(&house, &spoken, &json!(greeter)).await;
    put_into(&house, &fresh, &json!(greeter)).await;
    let path = format!("/projects/{greeter}/chats/delete-all");
    let deleted = house.granted("POST", &path, None, 200).await;
    assert_eq!(
        deleted,
        json!({ "status": "ok", "projectId": greeter,
        "deletedSessionCount": 2, "skippedSessionCount": 0, "skipped": [] })
    );
    for id in [&spoken, &fresh] {
        house
            .denied("GET", &format!("/sessions/{id}"), None, 410)
            .await;
    }
    house
        .granted("DELETE", &format!("/projects/{greeter}"), None, 200)
        .await;
    house.close().await;
}

#[tokio::test]
async fn a_session_that_another_client_deleted_keeps_no_project() {
    let house = house([]).await;
    let greeter = project(&house, "Greeter").await;
    let session = house.chat().await;
    put_into(&house, &session, &json!(greeter)).await;
    let mut stranger = crate::support::thread::Stranger::connect(&house).await;
    stranger
        .call("thread/delete", json!({ "threadId": session }))
        .await;
    house
        .wait_for("the session is gone", async || {
            let (status, _) = house
                .ask("GET", &format!("/sessions/{session}"), None)
                .await;
            (status == 404).then_some(())
        })
        .await;
    house
        .granted("DELETE", &format!("/projects/{greeter}"), None, 200)
        .await;
    house.close().await;
}
