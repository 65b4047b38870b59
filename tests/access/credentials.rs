//! A: who gets in, as whom, and how access ends.

use crate::house::{House, ROUTES};
use serde_json::json;
use std::time::Duration;
use zhongshu::access::{AccessEvent, OPEN_KEY_LIFE, Scope};

#[tokio::test]
async fn a1_every_route_and_method_is_closed_without_a_credential() {
    let house = House::open().await;
    let open = [("GET", "/"), ("GET", "/assets/app.js"), ("GET", "/healthz")];
    let more = ["/api/nothing", "/assets/..%2f..%2fetc/passwd"];
    let ours = ROUTES.iter().map(|(path, _)| *path);
    for path in ours.chain(more) {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            let ask = if matches!(method, "GET" | "HEAD" | "OPTIONS") {
                house.ask(method, path)
            } else {
                house.post(path, &json!({})).line(method, path)
            };
            let upgrade = ask
                .clone()
                .header("Upgrade", "websocket")
                .header("Connection", "upgrade")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
            for ask in [ask, upgrade] {
                let answer = ask.send().await;
                let is_open = open.contains(&(if method == "HEAD" { "GET" } else { method }, path));
                if is_open {
                    assert_eq!(answer.status, 200, "{method} {path}");
                } else if (method, path) == ("POST", "/api/login") {
                    answer.refused(400);
                } else {
                    assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
                }
            }
        }
    }
    assert_eq!(house.changes(), 0);
    house.close().await;
}

#[tokio::test]
async fn a1_so_is_every_route_of_every_mount_by_its_own_method() {
    let house = House::open().await;
    let routes = zhongshu::web::every_route();
    let has = |prefix: &str| routes.iter().any(|it| it.path.starts_with(prefix));
    assert!(has("/api/") && has("/harness/api"), "{routes:?}");
    let open = ["/", "/assets/{*path}", "/healthz", "/api/login"];
    for route in routes.iter().filter(|it| !open.contains(&&*it.path)) {
        // Whatever an id is.
        let path = route.path.replace(['{', '}', '*'], "");
        let ask = match route.method {
            "GET" => house.ask("GET", &path),
            method => house.post(&path, &json!({})).line(method, &path),
        };
        let answer = ask.send().await;
        assert_eq!(answer.refused(401).json()["code"], "login_required");
    }
    house.close().await;
}

#[tokio::test]
async fn a2_a_cookie_proves_nothing() {
    let house = House::open().await;
    let secret = house.session();
    let cookie = format!("session={secret}; X-Zhongshu-Session={secret}");
    let read = house.ask("GET", "/api/status").header("Cookie", &cookie);
    read.send().await.refused(401);
    let change = house
        .post("/api/thing", &json!({}))
        .header("Cookie", &cookie);
    change.send().await.refused(401);
    assert_eq!(house.changes(), 0);
    house.close().await;
}

#[tokio::test]
async fn a3_a_secret_in_the_query_proves_nothing_and_is_not_told() {
    let house = House::open().await;
    let (secret, token) = (house.session(), house.token("ci", Scope::Human));
    for query in [
        format!("/api/status?token={token}"),
        format!("/api/status?session={secret}"),
        format!("/api/status?access_token={token}&key={secret}"),
    ] {
        house.ask("GET", &query).send().await.refused(401);
        // Also when the refusal is one that the journal hears of.
        let evil = house
            .ask("GET", &query)
            .instead("Host", Some("evil.example"));
        evil.send().await.refused(403);
    }
    let told = format!("{:?}", house.events.lock().unwrap());
    assert!(told.contains("Refused"));
    assert!(!told.contains(&token) && !told.contains(&secret));
    house.close().await;
}

#[tokio::test]
async fn a4_nothing_that_is_almost_a_token_is_one() {
    let house = House::open().await;
    let token = house.token("ci", Scope::Read);
    let works = house.ask("GET", "/api/status").bearer(&token).send().await;
    assert_eq!(works.json()["actor"], "reader:ci");
    let swapped: String = token
        .chars()
        .map(|c| {
            if c.is_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    for wrong in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token}x"),
        format!("Bearer  {token}"),
        format!("Bearer {swapped}"),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        token.clone(),
        format!("Bearer {}", "x".repeat(8000)),
    ] {
        let ask = house
            .ask("GET", "/api/status")
            .header("Authorization", &wrong);
        ask.send().await.refused(401);
    }
    let huge = house.ask("GET", "/api/status").bearer(&"x".repeat(1 << 20));
    let answer = huge.send().await;
    assert!(matches!(answer.status, 401 | 431 | 0), "{answer:?}");
    let twice = house
        .ask("GET", "/api/status")
        .bearer(&token)
        .bearer(&token);
    twice.send().await.refused(401);
    let session = house.session();
    for wrong in ["", &session[1..], &format!("{session}x")] {
        house
            .ask("GET", "/api/status")
            .session(wrong)
            .send()
            .await
            .refused(401);
    }
    let both = house
        .ask("GET", "/api/status")
        .bearer(&token)
        .session(&session);
    both.send().await.refused(400);
    house.close().await;
}

#[tokio::test]
async fn a6_a_login_key_works_once_and_its_reuse_is_seen() {
    let house = House::open().await;
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    let body = json!({ "key": key.reveal() });
    let answer = house.post("/api/login", &body).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = answer.json()["session"].as_str().unwrap().to_owned();
    let read = house
        .ask("GET", "/api/status")
        .session(&session)
        .send()
        .await;
    assert_eq!(read.json()["actor"], "person");
    let again = house.post("/api/login", &body).send().await;
    assert_eq!(again.refused(401).json()["code"], "login_key_reused");
    house
        .ask("GET", "/api/status")
        .session(&session)
        .send()
        .await
        .refused(401);
    let events = house.events.lock().unwrap().clone();
    let browser = "browser".to_owned();
    assert_eq!(
        events[0],
        AccessEvent::Granted {
            to: browser.clone(),
            scope: "human",
            by: "person".to_owned(),
        }
    );
    assert_eq!(
        events[1],
        AccessEvent::Revoked {
            to: browser,
            by: None
        }
    );
    assert!(
        matches!(&events[2], AccessEvent::Refused { reason, .. } if reason.contains("used before"))
    );
    house.close().await;
}

#[tokio::test]
async fn a7_a_flood_of_wrong_keys_does_not_keep_the_person_out() {
    let house = House::open().await;
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    let mut statuses = Vec::new();
    for number in 0..50 {
        let wrong = json!({ "key": format!("wrong-{number}") });
        let answer = house.post("/api/login", &wrong).send().await;
        if answer.status == 429 {
            assert!(answer.header("retry-after").is_some());
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(
        statuses[10..].iter().filter(|it| **it == 429).count() > 30,
        "{statuses:?}"
    );
    let right = house
        .post("/api/login", &json!({ "key": key.reveal() }))
        .send()
        .await;
    assert_eq!(right.status, 200, "{right:?}");
    house.close().await;
}

#[tokio::test]
async fn a10_a_reader_looks_and_changes_nothing() {
    let house = House::open().await;
    let token = house.token("dash", Scope::Read);
    let change = house
        .ask("POST", "/api/thing")
        .bearer(&token)
        .json(&json!({}));
    assert_eq!(
        change.send().await.refused(403).json()["code"],
        "read_only_token"
    );
    let tokens = house.ask("GET", "/api/tokens").bearer(&token);
    assert_eq!(
        tokens.send().await.refused(403).json()["code"],
        "person_only"
    );
    // Claiming a role in the body or in a header of the socket's changes nothing.
    let claim = house
        .ask("POST", "/api/thing")
        .bearer(&token)
        .header("X-Zhongshu-Thread", "t")
        .json(&json!({ "role": "human", "actor": "person" }));
    claim.send().await.refused(403);
    assert_eq!(house.changes(), 0);
    house.close().await;
}

#[tokio::test]
async fn a11_what_is_open_ends_within_a_second_of_its_credential() {
    let house = House::open().await;
    let (session, token) = (house.session(), house.token("ci", Scope::Read));
    let mut browser = house
        .ask("GET", "/api/events")
        .session(&session)
        .open()
        .await;
    let mut script = house.ask("GET", "/api/events").bearer(&token).open().await;
    browser.until(": connected").await;
    script.until(": connected").await;
    let logout = house
        .post("/api/logout", &json!({}))
        .session(&session)
        .send()
        .await;
    assert_eq!(logout.status, 200);
    assert!(browser.end().await < Duration::from_secs(1));
    house
        .ask("GET", "/api/status")
        .session(&session)
        .send()
        .await
        .refused(401);

    let person = house.session();
    let revoke = house
        .post("/api/tokens/revoke", &json!({ "name": "ci" }))
        .session(&person);
    assert_eq!(revoke.send().await.status, 200);
    assert!(script.end().await < Duration::from_secs(1));
    house
        .ask("GET", "/api/status")
        .bearer(&token)
        .send()
        .await
        .refused(401);
    let unknown = house
        .post("/api/tokens/revoke", &json!({ "name": "ci" }))
        .session(&person);
    unknown.send().await.refused(404);
    house.close().await;
}

#[tokio::test]
async fn a14_no_secret_is_on_disk() {
    let house = House::open().await;
    let secrets = [
        house.session(),
        house.token("a", Scope::Human),
        house.token("b", Scope::Read),
    ];
    let mut looked = 0;
    for entry in walkdir::WalkDir::new(house.ground.path()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            looked += 1;
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
            assert!(
                secrets.iter().all(|secret| !text.contains(secret)),
                "{entry:?}"
            );
        }
    }
    assert!(looked > 5);
    house.close().await;
}
