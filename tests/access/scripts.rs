//! What programs send and pages do not: no Origin, no body, no type, and what Node adds by itself.

use crate::house::{Ask, House};
use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zhongshu::access::Scope;
use zhongshu::web::caller::RequirePerson;
use zhongshu::web::error;
use zhongshu::web::mount::Mount;

/// Counts what is done. It wants nothing said.
fn silent(changes: &Arc<AtomicU64>) -> Mount {
    let changes = Arc::clone(changes);
    let act = async move |_: RequirePerson| {
        changes.fetch_add(1, Ordering::SeqCst);
        "done"
    };
    let routes = Router::new().route("/silent", post(act.clone()).delete(act));
    Mount::at("/silent", routes, error::envelope)
}

async fn open() -> (House, Arc<AtomicU64>) {
    let changes = Arc::new(AtomicU64::new(0));
    let house = House::with(Some(silent(&changes))).await;
    (house, changes)
}

#[tokio::test]
async fn a_script_may_say_nothing_at_all_and_a_page_may_not() {
    let (house, changes) = open().await;
    let (session, token) = (house.session(), house.token("ci", Scope::Human));
    let origin = format!("http://127.0.0.1:{}", house.port);
    for method in ["POST", "DELETE"] {
        let ask = || house.ask(method, "/silent");
        for ask in [ask(), ask().header("Content-Length", "0")] {
            let taken = ask.clone().bearer(&token).send().await;
            assert_eq!(taken.status, 200, "{taken:?}");
            let taken = ask.clone().send_over(&house.socket()).await;
            assert_eq!(taken.status, 200, "{taken:?}");
            // Whatever a page can make a browser send without asking us first.
            let page = ask.clone().header("Origin", &origin);
            page.clone().send().await.refused(415);
            page.session(&session).send().await.refused(415);
            ask.clone().session(&session).send().await.refused(415);
            ask.send().await.refused(415);
        }
        // Something is said then, and what it is has to be told.
        let kinds = [None, Some("text/plain"), Some("")];
        let chunked = |ask: Ask| ask.header("Transfer-Encoding", "chunked");
        for kind in kinds {
            let said = ask().body("{}").instead("Content-Type", kind);
            said.clone().bearer(&token).send().await.refused(415);
            said.send_over(&house.socket()).await.refused(415);
        }
        let form = ask().header("Content-Type", "application/x-www-form-urlencoded");
        form.bearer(&token).send().await.refused(415);
        let mut pieces = chunked(ask().bearer(&token))
            .header("Connection", "close")
            .bytes();
        pieces.extend_from_slice(b"2\r\n{}\r\n0\r\n\r\n");
        crate::house::raw(house.port, &pieces).await.refused(415);
        let packed = ask().header("Content-Encoding", "gzip").bearer(&token);
        packed.send().await.refused(415);
        // A token that does not hold is no script's.
        ask().bearer("zhongshu_nobody").send().await.refused(401);
    }
    assert_eq!(changes.load(Ordering::SeqCst), 8);
    house.close().await;
}

#[tokio::test]
async fn nothing_is_no_answer_where_something_is_wanted() {
    let house = House::open().await;
    let token = house.token("ci", Scope::Human);
    let ask = || house.ask("POST", "/api/thing").bearer(&token);
    let typed = ask().header("Content-Type", "application/json");
    for ask in [ask(), typed.clone(), typed.header("Content-Length", "0")] {
        let answer = ask.send().await;
        let code = answer.refused(400).json()["code"].clone();
        assert_eq!(code, "body_not_an_object", "{answer:?}");
    }
    assert_eq!(house.changes(), 0);
    house.close().await;
}

/// Prints the status of everything that it asks for.
const NODE: &str = r#"
const [base, token] = process.argv.slice(1);
const authorization = `Bearer ${token}`;
const json = { 'content-type': 'application/json' };
const asks = [
  ['POST', '/silent', {}],
  ['DELETE', '/silent', {}],
  ['POST', '/api/thing', { headers: json, body: '{"number":1}' }],
  ['GET', '/api/status', {}],
  ['POST', '/silent', { headers: { 'sec-fetch-site': 'cross-site' } }],
  ['POST', '/silent', { headers: { origin: 'http://evil.example' } }],
  ['POST', '/silent', { body: 'number=1' }],
];
const said = [];
for (const [method, path, { headers, body }] of asks) {
  const answer = await fetch(base + path, { method, body, headers: { authorization, ...headers } });
  await answer.text();
  said.push(answer.status);
}
const nobody = await fetch(`${base}/silent`, { method: 'POST' });
said.push(nobody.status);
console.log(JSON.stringify(said));
"#;

#[tokio::test]
async fn fetch_of_node_is_no_browser() {
    let (house, changes) = open().await;
    let token = house.token("node", Scope::Human);
    let base = format!("http://127.0.0.1:{}", house.port);
    let node = std::env::var_os("NODE").unwrap_or_else(|| "node".into());
    let run = move || {
        let mut script = Command::new(node);
        script.args(["--input-type=module", "-e", NODE, "--", &base, &token]);
        script.output().expect("install Node.js 20 or newer")
    };
    let ended = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(said, json!([200, 200, 200, 200, 403, 403, 415, 415]));
    assert_eq!(changes.load(Ordering::SeqCst), 2);
    house.close().await;
}
