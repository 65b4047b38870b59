//! C: what other pages can do to us, and what our answers tell browsers.

use crate::house::{Answer, House};
use serde_json::json;
use zhongshu::access::Scope;

#[tokio::test]
async fn c1_a_form_of_another_page_changes_nothing() {
    let house = House::open().await;
    let session = house.session();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let evil = house
            .ask("POST", "/api/thing")
            .header("Origin", "https://evil.example")
            .header("Content-Type", kind)
            .body("{}")
            .session(&session);
        evil.send().await.refused(403);
        let ours = house
            .ask("POST", "/api/thing")
            .header("Origin", &format!("http://127.0.0.1:{}", house.port))
            .header("Content-Type", kind)
            .body("{}")
            .session(&session);
        ours.send().await.refused(415);
    }
    for kind in ["application/json; charset=latin-1", "application/jsonx", ""] {
        let ask = house.post("/api/thing", &json!({})).session(&session);
        ask.instead("Content-Type", Some(kind))
            .send()
            .await
            .refused(415);
    }
    let ask = house.post("/api/thing", &json!({})).session(&session);
    ask.instead("Content-Type", None).send().await.refused(415);
    assert_eq!(house.changes(), 0);
    let good = house.post("/api/thing", &json!({})).session(&session);
    let good = good.instead("Content-Type", Some("Application/JSON; charset=UTF-8"));
    assert_eq!(good.send().await.status, 200);
    assert_eq!(house.changes(), 1);
    house.close().await;
}

#[tokio::test]
async fn c2_a_missing_or_null_origin_is_refused_on_changes() {
    let house = House::open().await;
    let (session, token) = (house.session(), house.token("ci", Scope::Human));
    let change = || house.post("/api/thing", &json!({}));
    for origin in ["null", "", "NULL"] {
        let ask = change().instead("Origin", Some(origin)).session(&session);
        ask.send().await.refused(403);
        let ask = change().instead("Origin", Some(origin)).bearer(&token);
        ask.send().await.refused(403);
    }
    let none = change().instead("Origin", None);
    none.clone().send().await.refused(403);
    none.clone().session(&session).send().await.refused(403);
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ] {
        let ask = none.clone().header(name, value);
        ask.clone().session(&session).send().await.refused(403);
        ask.bearer(&token).send().await.refused(403);
    }
    let mode = none.clone().header("Sec-Fetch-Mode", "cors");
    mode.clone().session(&session).send().await.refused(403);
    let twice = change().header("Origin", &format!("http://127.0.0.1:{}", house.port));
    twice.session(&session).send().await.refused(403);
    assert_eq!(house.changes(), 0);
    // What a script does, and what our page does.
    assert_eq!(none.bearer(&token).send().await.json()["actor"], "token:ci");
    assert_eq!(mode.bearer(&token).send().await.json()["actor"], "token:ci");
    let page = change()
        .header("Sec-Fetch-Site", "same-origin")
        .session(&session);
    assert_eq!(page.send().await.status, 200);
    assert_eq!(house.changes(), 3);
    house.close().await;
}

#[tokio::test]
async fn c4_origins_that_only_look_like_ours_are_refused() {
    let house = House::open().await;
    let (session, port) = (house.session(), house.port);
    for origin in [
        format!("http://127.0.0.1:{port}.evil.com"),
        format!("http://127.0.0.1:{port}0"),
        format!("https://127.0.0.1:{port}"),
        format!("http://192.0.2.1:{port}"),
        format!("HTTP://127.0.0.1:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}"),
        format!("http://a@127.0.0.1:{port}"),
        "http://127.0.0.1".to_owned(),
        "http://localhost:3000".to_owned(),
    ] {
        let ask = house.post("/api/thing", &json!({})).session(&session);
        ask.instead("Origin", Some(&origin))
            .send()
            .await
            .refused(403);
        // Reading with a foreign Origin is refused as well.
        let read = house.ask("GET", "/api/status").session(&session);
        read.header("Origin", &origin).send().await.refused(403);
    }
    assert_eq!(house.changes(), 0);
    let host = format!("localhost:{port}");
    let ask = house.post("/api/thing", &json!({})).session(&session);
    let ask = ask
        .instead("Host", Some(&host))
        .instead("Origin", Some(&format!("http://{host}")));
    assert_eq!(ask.send().await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn c5_no_other_page_is_ever_allowed_to_read() {
    let house = House::open().await;
    let session = house.session();
    for origin in ["https://evil.example", "http://localhost:3000", "null"] {
        for path in [
            "/api/status",
            "/api/thing",
            "/",
            "/assets/app.js",
            "/api/nothing",
        ] {
            let preflight = house
                .ask("OPTIONS", path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "x-zhongshu-session")
                .header("Access-Control-Request-Private-Network", "true");
            let read = house
                .ask("GET", path)
                .header("Origin", origin)
                .session(&session);
            for ask in [preflight, read] {
                let answer = ask.send().await;
                assert!(answer.status >= 400, "{path}: {answer:?}");
                let cors = answer
                    .headers
                    .iter()
                    .any(|(name, _)| name.starts_with("access-control"));
                assert!(!cors, "{answer:?}");
            }
        }
    }
    // Another site's image or script of ours, with no Origin at all.
    for site in ["cross-site", "same-site"] {
        let ask = house
            .ask("GET", "/assets/app.js")
            .header("Sec-Fetch-Site", site);
        ask.send().await.refused(403);
        let link = house.ask("GET", "/").header("Sec-Fetch-Site", site);
        assert_eq!(
            link.send().await.status,
            200,
            "a link to the dashboard works"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn c8_every_answer_has_the_security_headers() {
    let house = House::open().await;
    let session = house.session();
    let get = |path: &str| house.ask("GET", path).session(&session);
    for (path, frames) in [
        ("/", "frame-src http://127.0.0.1:20001;"),
        ("/api/status", "frame-src 'none';"),
    ] {
        let answer = get(path).send().await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains(frames), "{path}: {policy}");
    }
    let large = format!("{{\"number\":\"{}\"}}", "x".repeat(2 << 20));
    let cases = [
        (200, house.ask("GET", "/")),
        (200, get("/api/status")),
        (400, get("/api/by_id?id=..%2fx")),
        (401, house.ask("GET", "/api/status")),
        (403, house.ask("GET", "/").instead("Host", Some("evil"))),
        (404, get("/api/nothing")),
        (405, get("/api/thing")),
        (
            413,
            house
                .post("/api/thing", &json!({}))
                .session(&session)
                .body(&large),
        ),
        (
            415,
            house
                .post("/api/thing", &json!({}))
                .instead("Content-Type", None),
        ),
        (500, get("/api/panic")),
    ];
    for (status, ask) in cases {
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status >= 400 {
            answer.refused(status);
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
        assert_headers(&answer);
    }
    let wrong_method = get("/api/thing").send().await;
    assert_eq!(wrong_method.header("allow"), Some("POST"));
    let unknown = get("/api/nothing").send().await;
    assert!(
        unknown.json()["error"]
            .as_str()
            .unwrap()
            .contains("/api/nothing")
    );
    let panicked = get("/api/panic").send().await;
    assert!(!panicked.body.contains("planted"), "{panicked:?}");
    house.close().await;
}

fn assert_headers(answer: &Answer) {
    let csp = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(csp.contains(part), "{csp}");
    }
    assert!(!csp.contains("unsafe"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
}

#[tokio::test]
async fn c12_a_compressed_body_is_refused_unread() {
    let house = House::open().await;
    let session = house.session();
    for encoding in ["gzip", "br", "identity", "deflate, gzip"] {
        let ask = house.post("/api/thing", &json!({})).session(&session);
        let answer = ask.header("Content-Encoding", encoding).send().await;
        assert_eq!(answer.refused(415).json()["code"], "content_encoding");
    }
    assert_eq!(house.changes(), 0);
    house.close().await;
}
