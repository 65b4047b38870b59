//! B: which names and addresses the server answers to.

use crate::house::{House, ROUTES, raw};
use serde_json::json;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use zhongshu::web::listen::{ListenError, Listener};

#[tokio::test]
async fn b1_a_foreign_host_is_refused_first_on_every_route() {
    let house = House::open().await;
    let session = house.session();
    for (path, _) in ROUTES.iter().chain(&[("/api/nothing", &["GET"][..])]) {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let ask = house
                .post(path, &json!({}))
                .line(method, path)
                .session(&session)
                .instead("Host", Some("evil.example"));
            let answer = ask.send().await;
            assert_eq!(
                answer.refused(403).json()["code"],
                "foreign_host",
                "{method} {path}"
            );
        }
    }
    assert_eq!(house.changes(), 0);
    house.close().await;
}

#[tokio::test]
async fn b2_requests_that_name_their_target_twice_or_not_at_all_are_refused() {
    let house = House::open().await;
    let port = house.port;
    let good = format!("Host: 127.0.0.1:{port}\r\n");
    for (head, what) in [
        ("GET /healthz HTTP/1.1\r\n".to_owned(), "no Host"),
        (
            format!("GET /healthz HTTP/1.1\r\n{good}{good}"),
            "two Hosts",
        ),
        (
            format!("GET /healthz HTTP/1.1\r\n{good}Host: evil\r\n"),
            "two different Hosts",
        ),
        (
            format!("GET http://evil/healthz HTTP/1.1\r\n{good}"),
            "absolute form",
        ),
        (
            format!("GET http://127.0.0.1:{port}/healthz HTTP/1.1\r\n{good}"),
            "our absolute form",
        ),
        (
            format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n{good}"),
            "CONNECT",
        ),
        (
            "GET /healthz HTTP/1.0\r\n".to_owned(),
            "HTTP/1.0 without Host",
        ),
        ("PRI * HTTP/2.0\r\n".to_owned(), "HTTP/2 without TLS"),
        ("\u{1}\u{2}\r\n".to_owned(), "no HTTP"),
    ] {
        let answer = raw(port, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(matches!(answer.status, 400 | 0), "{what}: {answer:?}");
        assert!(!answer.body.contains("\"ok\":true"), "{what}");
    }
    house.close().await;
}

#[tokio::test]
async fn b3_names_that_only_look_like_ours_are_refused() {
    let house = House::open().await;
    let port = house.port;
    for host in [
        format!("127.0.0.1.evil.com:{port}"),
        format!("localhost.evil:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::]:{port}"),
        format!("127.1:{port}"),
        format!("2130706433:{port}"),
        "127.0.0.1:80".to_owned(),
        "127.0.0.1".to_owned(),
        format!("localhost.:{port}"),
        format!("a@b:{port}"),
        String::new(),
    ] {
        let answer = house
            .ask("GET", "/healthz")
            .instead("Host", Some(&host))
            .send()
            .await;
        assert!(matches!(answer.status, 400 | 403), "{host}: {answer:?}");
    }
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "LocalHost", "[::1]"] {
        let host = format!("{host}:{port}");
        let answer = house
            .ask("GET", "/healthz")
            .instead("Host", Some(&host))
            .send()
            .await;
        assert_eq!(answer.status, 200, "{host}");
    }
    house.close().await;
}

#[tokio::test]
async fn b6_what_a_proxy_would_say_is_ignored() {
    let house = House::open().await;
    let ours = format!("127.0.0.1:{}", house.port);
    let spoof = house
        .ask("GET", "/healthz")
        .instead("Host", Some("evil"))
        .header("X-Forwarded-Host", &ours)
        .header("Forwarded", &format!("host={ours}"));
    spoof.send().await.refused(403);
    let good = house
        .ask("GET", "/healthz")
        .header("X-Forwarded-Host", "evil")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("Forwarded", "host=evil");
    assert_eq!(good.send().await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn b7_both_families_are_held_and_a_taken_one_is_refused() {
    let house = House::open().await;
    if has_ipv6() {
        assert!(TcpListener::bind((Ipv6Addr::LOCALHOST, house.port)).is_err());
        let answer = reqwest::get(format!("http://[::1]:{}/healthz", house.port))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let taken = Listener::bind(house.port, &socket).await.err().unwrap();
    let text = taken.to_string();
    assert!(matches!(taken, ListenError::PortTaken { .. }), "{text}");
    assert!(text.contains("--port"), "{text}");
    assert!(!socket.exists(), "nothing is left behind");

    if has_ipv6() {
        // Somebody sits on [::1] alone: browsers would go there for `localhost`.
        let squatter = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        let port = squatter.local_addr().unwrap().port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            let refused = Listener::bind(port, &socket).await.err().unwrap();
            assert!(refused.to_string().contains("[::1]"), "{refused}");
        }
    }
    house.close().await;
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
