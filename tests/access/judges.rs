//! A mount that judges by itself: who has which role there, and that nothing of it holds anywhere else.

use crate::house::{Answer, Ask, House};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use zhongshu::access::{AccessEvent, Scope};
use zhongshu::web::caller::RequirePerson;
use zhongshu::web::error::ApiError;
use zhongshu::web::mount::Mount;
use zhongshu::web::role::{Acting, RequireAdmin, RequireMember, RequireOwner};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines_with(&self, part: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let lines = text.lines().filter(|line| line.contains(part));
        lines.map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Shows what is known about a no.
fn envelope(error: &ApiError) -> Vec<u8> {
    let mut shown = error.details().cloned().unwrap_or_default();
    shown.insert("ok".to_owned(), json!(false));
    shown.insert("code".to_owned(), json!(error.code));
    shown.insert("error".to_owned(), json!(error.message));
    Value::from(shown).to_string().into_bytes()
}

/// Who acted, and how many changes there were before.
fn done(acting: &Acting, changes: &AtomicU64) -> Json<Value> {
    let before = changes.fetch_add(1, Ordering::SeqCst);
    let (actor, role) = (acting.actor(), acting.role.word());
    Json(json!({ "actor": actor, "role": role, "before": before }))
}

fn own(changes: &Arc<AtomicU64>) -> Mount {
    let count = || Arc::clone(changes);
    let (admins, deleted, owners) = (count(), count(), count());
    let look = get(async |RequireMember(acting): RequireMember| {
        Json(json!({ "actor": acting.actor(), "role": acting.role.word() }))
    });
    let routes = Router::new()
        .route("/own/look", look)
        .route(
            "/own/change",
            post(async move |RequireAdmin(acting): RequireAdmin| done(&acting, &admins)),
        )
        .route(
            "/own/thing/{id}",
            delete(async move |RequireAdmin(acting): RequireAdmin| done(&acting, &deleted)),
        )
        .route(
            "/own/config",
            post(async move |RequireOwner(acting): RequireOwner| done(&acting, &owners)),
        )
        .route("/own/person", get(async |_: RequirePerson| "you"));
    Mount::at("/own", routes, envelope).judging()
}

async fn open() -> (House, Arc<AtomicU64>) {
    let changes = Arc::new(AtomicU64::new(0));
    let house = House::with(Some(own(&changes))).await;
    (house, changes)
}

#[track_caller]
fn is_no(answer: &Answer, status: u16, code: &str) {
    answer.refused(status);
    assert_eq!(answer.json()["code"], code, "{answer:?}");
}

fn role_of(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["role"].clone()
}

#[tokio::test]
async fn each_credential_has_its_role_and_no_more() {
    let (house, changes) = open().await;
    let looks = [("GET", "/own/look")];
    let alters = [("POST", "/own/change"), ("DELETE", "/own/thing/1")];
    let owns = [("POST", "/own/config")];
    let cases = [
        (Scope::Read, "member", 1),
        (Scope::Harness, "admin", 3),
        (Scope::Human, "owner", 4),
    ];
    for (scope, role, allowed) in cases {
        let token = house.token(role, scope);
        let all = looks.iter().chain(&alters).chain(&owns).enumerate();
        for (number, (method, path)) in all {
            let answer = house.ask(method, path).bearer(&token).send().await;
            if number < allowed {
                assert_eq!(role_of(&answer), role, "{method} {path}");
            } else {
                is_no(&answer, 403, "insufficient_role");
                let body = answer.json();
                assert_eq!(body["role"], role, "{method} {path}");
                let required = if *path == "/own/config" {
                    "owner"
                } else {
                    "admin"
                };
                assert_eq!(body["required"], required, "{method} {path}");
            }
        }
    }
    assert_eq!(changes.load(Ordering::SeqCst), 2 + 3);
    let page = house.post("/own/config", &json!({}));
    let page = page.session(&house.session()).send().await;
    assert_eq!(role_of(&page), "owner");
    let line = house
        .ask("POST", "/own/config")
        .send_over(&house.socket())
        .await;
    assert_eq!(line.json()["actor"], "person:cli");
    // What is the person's alone stays it, whatever the role is called.
    let token = house.token("drives", Scope::Harness);
    let person = house.ask("GET", "/own/person").bearer(&token).send().await;
    is_no(&person, 403, "person_only");
    house.close().await;
}

#[tokio::test]
async fn nobody_and_no_agent_is_let_in_anywhere() {
    let (house, changes) = open().await;
    for (method, path) in [
        ("GET", "/own/look"),
        ("POST", "/own/change"),
        ("DELETE", "/own/thing/1"),
        ("GET", "/own/nothing"),
        ("GET", "/own"),
    ] {
        let origin = format!("http://127.0.0.1:{}", house.port);
        let ask = house.ask(method, path).header("Origin", &origin);
        let ask = ask.json(&json!({})).header("X-Codex-Role", "owner");
        is_no(&ask.clone().send().await, 401, "login_required");
        let agent = ask.header("X-Zhongshu-Thread", "thread-1");
        is_no(
            &agent.send_over(&house.socket()).await,
            403,
            "not_for_agents",
        );
    }
    assert_eq!(changes.load(Ordering::SeqCst), 0);
    house.close().await;
}

#[tokio::test]
async fn headers_only_take_rights_away() {
    let (house, changes) = open().await;
    let reader = house.token("looks", Scope::Read);
    let drives = house.token("drives", Scope::Harness);
    let human = house.token("mine", Scope::Human);
    for name in ["X-Codex-Role", "X-Codex-Rbac-Role"] {
        let change = |token: &str, role: &str| {
            house
                .ask("POST", "/own/change")
                .bearer(token)
                .header(name, role)
        };
        for role in ["owner", "admin", "member"] {
            let raised = change(&reader, role).send().await;
            is_no(&raised, 403, "insufficient_role");
        }
        let config = house.ask("POST", "/own/config").bearer(&drives);
        let config = config.header(name, "owner").send().await;
        is_no(&config, 403, "insufficient_role");
        assert_eq!(config.json()["role"], "admin");
        let lowered = change(&human, "member").send().await;
        is_no(&lowered, 403, "insufficient_role");
        assert_eq!(lowered.json()["role"], "member");
        assert_eq!(role_of(&change(&human, "admin").send().await), "admin");
        for wrong in ["system", "", "root", "Owner", "owner, admin"] {
            is_no(&change(&human, wrong).send().await, 400, "invalid_role");
            let look = house.ask("GET", "/own/look").bearer(&human);
            is_no(&look.header(name, wrong).send().await, 400, "invalid_role");
        }
    }
    assert_eq!(changes.load(Ordering::SeqCst), 2);
    house.close().await;
}

#[tokio::test]
async fn whom_a_caller_names_is_told_beside_them_and_never_instead() {
    let (house, _) = open().await;
    let token = house.token("drives", Scope::Harness);
    let look = |name: &str, value: &str| {
        let ask = house.ask("GET", "/own/look").bearer(&token);
        ask.header(name, value).send()
    };
    for name in ["X-Codex-Actor", "X-Codex-Rbac-Actor"] {
        let named = look(name, "person:cli").await;
        assert_eq!(named.json()["actor"], "harness:drives as person:cli");
        let hidden = look(name, "a\u{202e}b").await;
        assert_eq!(hidden.json()["actor"], "harness:drives as a⟨U+202E⟩b");
        assert_eq!(look(name, " ").await.json()["actor"], "harness:drives");
        is_no(&look(name, &"x".repeat(121)).await, 400, "invalid_actor");
    }
    house.close().await;
}

#[tokio::test]
async fn a_harness_token_changes_nothing_of_the_launchers() {
    let (house, changes) = open().await;
    let token = house.token("drives", Scope::Harness);
    let with = |ask: Ask| ask.bearer(&token).header("X-Codex-Role", "owner").send();
    let status = with(house.ask("GET", "/api/status")).await;
    assert_eq!(status.json()["actor"], "harness:drives");
    let tokens = with(house.ask("GET", "/api/tokens")).await;
    is_no(&tokens, 403, "person_only");
    for (method, path) in [
        ("POST", "/api/thing"),
        ("POST", "/api/tokens"),
        ("POST", "/api/login_key"),
        ("POST", "/api/shutdown"),
        ("DELETE", "/api/thing"),
        ("PUT", "/api/nothing"),
        ("POST", "/own/../api/thing"),
        ("POST", "/owner"),
        ("POST", "//own/change"),
        ("POST", "/%6fwn/change"),
    ] {
        let answer = with(house.ask(method, path).json(&json!({}))).await;
        // The dots are no way out: under the mount there is no such path.
        match path.starts_with("/own/") {
            true => is_no(&answer, 404, "unknown_path"),
            false => is_no(&answer, 403, "harness_only_token"),
        }
    }
    assert_eq!((house.changes(), changes.load(Ordering::SeqCst)), (0, 0));
    house.close().await;
}

#[tokio::test]
async fn the_other_place_for_a_token_is_one_under_the_mount_alone() {
    let (house, changes) = open().await;
    let token = house.token("mine", Scope::Human);
    let other = house.token("other", Scope::Human);
    let session = house.session();
    let place = |ask: Ask, token: &str| ask.header("X-Codex-Rbac-Token", token);
    let change = || house.ask("POST", "/own/change");
    let good = place(change(), &token).send().await;
    assert_eq!(good.json()["actor"], "token:mine");
    let equal = place(change(), &token).bearer(&token).send().await;
    assert_eq!(role_of(&equal), "owner");
    for wrong in ["", "nobody", &format!("Bearer {token}"), &token[1..]] {
        let answer = place(change(), wrong).send().await;
        is_no(&answer, 401, "invalid_header_token");
    }
    let twice = place(place(change(), &token), &token).send().await;
    is_no(&twice, 401, "invalid_header_token");
    let differ = place(change(), &token).bearer(&other).send().await;
    is_no(&differ, 400, "two_credentials");
    let basic = place(change(), &token).header("Authorization", &token);
    is_no(&basic.send().await, 400, "two_credentials");
    let page = house.post("/own/change", &json!({})).session(&session);
    is_no(&place(page, &token).send().await, 400, "two_credentials");
    let browser = place(change(), &token).header("Sec-Fetch-Site", "same-origin");
    is_no(&browser.send().await, 403, "origin_missing");
    assert_eq!(changes.load(Ordering::SeqCst), 2);

    // Elsewhere it is nothing: neither a credential nor the lack of a page's.
    let read = place(house.ask("GET", "/api/status"), &token).send().await;
    is_no(&read, 401, "login_required");
    let change = house.ask("POST", "/api/thing").json(&json!({}));
    let change = place(change, &token).send().await;
    is_no(&change, 403, "origin_missing");
    let silent = house.ask("POST", "/api/thing");
    is_no(&place(silent, &token).send().await, 415, "content_type");
    let page = house.post("/api/thing", &json!({})).session(&session);
    assert_eq!(place(page, "nobody").send().await.status, 200);
    assert_eq!(house.changes(), 1);
    house.close().await;
}

#[tokio::test]
async fn what_others_try_beyond_their_rights_is_in_the_journal_with_their_name() {
    let (house, _) = open().await;
    let refused = || -> Vec<(Option<String>, String)> {
        let events = house.events.lock().unwrap();
        let refused = events.iter().filter_map(|event| match event {
            AccessEvent::Refused { by, path, .. } => Some((by.clone(), path.clone())),
            _ => None,
        });
        refused.collect()
    };
    let expected = |by: &str, path: &str| (Some(by.to_owned()), path.to_owned());
    let reader = house.token("looks", Scope::Read);
    let drives = house.token("drives", Scope::Harness);
    let human = house.token("mine", Scope::Human);

    // By the guard and by handlers alike.
    let change = house.ask("POST", "/own/change?a=b").bearer(&reader);
    is_no(&change.send().await, 403, "insufficient_role");
    let config = house.ask("POST", "/own/config").bearer(&drives);
    is_no(&config.send().await, 403, "insufficient_role");
    let thing = house.ask("POST", "/api/thing").bearer(&drives);
    is_no(&thing.send().await, 403, "harness_only_token");
    let agent = house.ask("GET", "/api/status");
    let agent = agent.header("X-Zhongshu-Thread", "t-1");
    is_no(
        &agent.send_over(&house.socket()).await,
        403,
        "not_for_agents",
    );
    let told = [
        expected("reader:looks", "/own/change"),
        expected("harness:drives", "/own/config"),
        expected("harness:drives", "/api/thing"),
        expected("agent:t-1", "/api/status"),
    ];
    assert_eq!(refused(), told);

    // The person may try what they like, and what is not there or not understood is no attempt.
    let lowered = house.ask("POST", "/own/config").bearer(&human);
    let lowered = lowered.header("X-Codex-Role", "member").send().await;
    is_no(&lowered, 403, "insufficient_role");
    let nothing = house.ask("GET", "/own/nothing").bearer(&drives);
    is_no(&nothing.send().await, 404, "unknown_path");
    assert_eq!(refused(), told);

    // A flood of them is counted, not written down.
    for _ in 0..60 {
        let change = house.ask("POST", "/own/change").bearer(&reader);
        is_no(&change.send().await, 403, "insufficient_role");
    }
    assert!(refused().len() < 40, "{}", refused().len());
    house.close().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_ours_that_is_in_the_log() {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || lines.clone())
        .finish();
    // The server runs on this thread as well.
    let _logs = tracing::subscriber::set_default(subscriber);
    let (house, _) = open().await;
    let token = house.token("mine", Scope::Human);
    let mut seen = std::collections::HashSet::new();
    for (method, path, status) in [
        ("GET", "/healthz", 200),
        ("GET", "/own/look", 200),
        ("GET", "/own/look", 200),
        ("GET", "/own/nothing", 404),
        ("GET", "/api/panic", 500),
        ("PUT", "/own/look", 405),
    ] {
        let ask = house.ask(method, path).bearer(&token);
        let answer = ask.header("X-Request-Id", "theirs").send().await;
        assert_eq!(answer.status, status, "{method} {path}");
        let name = answer.header("x-request-id").unwrap().to_owned();
        let plain = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(plain && name.len() == 32, "{name}");
        let told = log.lines_with(&name);
        let expected = match status {
            200 => vec![],
            500 => vec!["WARN"],
            _ => vec!["INFO"],
        };
        let levels: Vec<&str> = told
            .iter()
            .filter_map(|it| it.split_whitespace().nth(1))
            .collect();
        assert_eq!(levels, expected, "{method} {path}: {told:?}");
        assert!(seen.insert(name), "{answer:?}");
    }
    let foreign = house.ask("GET", "/own/look");
    let foreign = foreign.instead("Host", Some("evil.example")).send().await;
    assert!(foreign.header("x-request-id").is_some(), "{foreign:?}");
    house.close().await;
}
