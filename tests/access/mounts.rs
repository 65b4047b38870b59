//! A second API under a prefix of its own words every no itself, whichever layer says it.

use crate::house::{Answer, House};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use zhongshu::access::Scope;
use zhongshu::web::MAX_BODY_BYTES;
use zhongshu::web::body::Body;
use zhongshu::web::caller::{RequirePerson, RequireReader};
use zhongshu::web::error::ApiError;
use zhongshu::web::mount::Mount;

fn envelope(error: &ApiError) -> Vec<u8> {
    json!({ "fault": { "name": error.code, "sentence": error.message } })
        .to_string()
        .into_bytes()
}

async fn panics(_: RequireReader) -> StatusCode {
    panic!("a planted defect")
}

fn other() -> Mount {
    let thing =
        post(async |_: RequirePerson, Body(_): Body<Value>| Json(json!({ "done": "well" })));
    let routes = Router::new()
        .route("/other/thing", thing)
        .route("/other/panic", get(panics));
    Mount::at("/other", routes, envelope)
}

#[track_caller]
fn is_fault(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body.as_object().map(|it| it.len()), Some(1), "{answer:?}");
    assert_eq!(body["fault"]["name"], name, "{answer:?}");
    let sentence = body["fault"]["sentence"].as_str().unwrap();
    assert!(sentence.len() > 10, "{answer:?}");
}

#[tokio::test]
async fn each_layer_says_no_in_the_envelope_of_its_mount() {
    let house = House::with(Some(other())).await;
    let session = house.session();
    let reader = house.token("looks", Scope::Read);
    let get = |path: &str| house.ask("GET", path).session(&session);
    let post = |body: &Value| house.post("/other/thing", body).session(&session);

    let answer = post(&json!({})).send().await;
    assert_eq!(
        (answer.status, answer.json()["done"].clone()),
        (200, json!("well"))
    );

    let nothing = house.ask("GET", "/other/thing").send().await;
    is_fault(&nothing, 401, "login_required");
    let foreign = get("/other/thing").instead("Host", Some("evil.example"));
    is_fault(&foreign.send().await, 403, "foreign_host");
    let looks = house.ask("POST", "/other/thing").json(&json!({}));
    is_fault(&looks.bearer(&reader).send().await, 403, "read_only_token");
    is_fault(&get("/other/nothing").send().await, 404, "unknown_path");
    is_fault(&get("/other").send().await, 404, "unknown_path");
    let method = get("/other/thing").send().await;
    is_fault(&method, 405, "method_not_allowed");
    assert_eq!(method.header("allow"), Some("POST"));
    let long = MAX_BODY_BYTES + 1;
    let announced = post(&json!({})).instead("Content-Length", Some(&long.to_string()));
    is_fault(&announced.send().await, 413, "body_too_large");
    let kind = post(&json!({})).instead("Content-Type", Some("text/plain"));
    is_fault(&kind.send().await, 415, "content_type");
    let list = post(&json!([]));
    is_fault(&list.send().await, 400, "body_not_an_object");
    is_fault(&get("/other/panic").send().await, 500, "internal");

    // In the language that is asked for; the name is the same.
    let chinese = post(&json!([])).instead("Accept-Language", Some("zh-CN,en;q=0.5"));
    let chinese = chinese.send().await;
    assert_eq!(chinese.json()["fault"]["name"], "body_not_an_object");
    let sentence = chinese.json()["fault"]["sentence"].clone();
    assert_eq!(
        sentence,
        "请求体必须是形如 `{…}` 的 JSON 对象，实际却是列表"
    );

    // Beside it everything is as it was.
    for path in ["/api/nothing", "/others", "/otherwise/thing"] {
        get(path).send().await.refused(404);
    }
    get("/api/panic").send().await.refused(500);
    house.ask("GET", "/api/status").send().await.refused(401);
    house.close().await;
}
