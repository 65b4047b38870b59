//! An answer to a browser session proves that it comes from the server that the browser logged in to.

use crate::house::{Answer, Ask, House};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::json;
use zhongshu::access::{OPEN_KEY_LIFE, Scope};

const CHALLENGE: &str = "abcdefghijklmnopqrstuv";

struct Login {
    session: String,
    proof_key: String,
}

async fn log_in(house: &House) -> Login {
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    let body = json!({ "key": key.reveal() });
    let answer = house.post("/api/login", &body).send().await.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Login {
        session: text("session"),
        proof_key: text("proof_key"),
    }
}

impl Login {
    fn ask(&self, ask: Ask) -> Ask {
        ask.session(&self.session)
            .header("X-Zhongshu-Challenge", CHALLENGE)
    }

    /// What the page does.
    fn believes(&self, answer: &Answer, method: &str, target: &str) -> bool {
        let Some(proof) = answer.header("x-zhongshu-proof") else {
            return false;
        };
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let key = bytes(&self.proof_key).try_into().unwrap();
        let key = VerifyingKey::from_bytes(&key).unwrap();
        let said = format!(
            "zhongshu\n{CHALLENGE}\n{method} {target}\n{}",
            answer.status
        );
        let proof = Signature::from_slice(&bytes(proof)).unwrap();
        key.verify_strict(said.as_bytes(), &proof).is_ok()
    }
}

#[tokio::test]
async fn every_answer_to_a_session_is_proven_refusals_and_the_last_one_included() {
    let house = House::open().await;
    let login = log_in(&house).await;
    let large = "x".repeat(2 << 20);
    for (status, method, target, ask) in [
        (200, "GET", "/", house.ask("GET", "/")),
        (200, "GET", "/healthz", house.ask("GET", "/healthz")),
        (
            200,
            "GET",
            "/api/status?a=%20b",
            house.ask("GET", "/api/status?a=%20b"),
        ),
        (404, "GET", "/api/nothing", house.ask("GET", "/api/nothing")),
        (405, "GET", "/api/thing", house.ask("GET", "/api/thing")),
        (
            415,
            "POST",
            "/api/thing",
            house
                .post("/api/thing", &json!({}))
                .instead("Content-Type", None),
        ),
        (
            413,
            "POST",
            "/api/thing",
            house.post("/api/thing", &json!({})).body(&large),
        ),
        (
            200,
            "POST",
            "/api/logout",
            house.post("/api/logout", &json!({})),
        ),
    ] {
        let answer = login.ask(ask).send().await;
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
        assert!(
            login.believes(&answer, method, target),
            "{method} {target}: {answer:?}"
        );
    }
    // It has ended: nobody can prove anything to it any more.
    let after = login.ask(house.ask("GET", "/api/status")).send().await;
    assert_eq!(after.refused(401).header("x-zhongshu-proof"), None);
    house.close().await;
}

#[tokio::test]
async fn nothing_is_proven_to_whoever_is_no_session_of_ours_or_comes_by_another_name() {
    let house = House::open().await;
    let login = log_in(&house).await;
    let token = house.token("ci", Scope::Human);
    let status = || house.ask("GET", "/api/status");
    for (what, ask) in [
        ("no challenge", status().session(&login.session)),
        (
            "no session",
            status().header("X-Zhongshu-Challenge", CHALLENGE),
        ),
        (
            "a token",
            status()
                .bearer(&token)
                .header("X-Zhongshu-Challenge", CHALLENGE),
        ),
        (
            "the proof key as session",
            status()
                .session(&login.proof_key)
                .header("X-Zhongshu-Challenge", CHALLENGE),
        ),
        (
            "a challenge that is none",
            status()
                .session(&login.session)
                .header("X-Zhongshu-Challenge", "a b"),
        ),
        (
            "two challenges",
            login
                .ask(status())
                .header("X-Zhongshu-Challenge", CHALLENGE),
        ),
        (
            "another name",
            login.ask(status()).instead("Host", Some("x.localhost:1")),
        ),
        (
            "another page",
            login.ask(status()).header("Origin", "http://127.0.0.1:1"),
        ),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.header("x-zhongshu-proof"), None, "{what}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_name_of_this_start_is_served_and_a_worker_left_under_any_name_is_cleared() {
    let house = House::open().await;
    let page = house.access.address().page_url();
    let host = page
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let login = log_in(&house).await;
    let change = house.post("/api/thing", &json!({}));
    let ours = change
        .clone()
        .instead("Host", Some(&host))
        .instead("Origin", Some(&format!("http://{host}")));
    assert_eq!(login.ask(ours).send().await.status, 200);
    // A page under one of our names is no page under another.
    let mixed = change.instead("Host", Some(&host));
    login.ask(mixed).send().await.refused(403);
    for name in [host.as_str(), &format!("127.0.0.1:{}", house.port)] {
        for path in ["/worker.js", "/", "/assets/app.js", "/api/status"] {
            let asked = house
                .ask("GET", path)
                .instead("Host", Some(name))
                .header("Service-Worker", "script");
            let answer = asked.send().await;
            assert_eq!(answer.header("clear-site-data"), Some("\"*\""), "{path}");
        }
        let plain = house.ask("GET", "/").instead("Host", Some(name));
        assert_eq!(plain.send().await.header("clear-site-data"), None);
    }
    house.close().await;
}
