//! The unix socket: the person without a credential, the tool server with its thread, and an orderly end.

use crate::house::{House, PATIENCE};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};
use zhongshu::web::listen::{ListenError, Listener};

#[tokio::test]
async fn whoever_reaches_the_socket_is_the_person() {
    let house = House::open().await;
    let mode = std::fs::metadata(house.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = house
        .ask("GET", "/api/status")
        .instead("Host", Some("localhost"));
    assert_eq!(
        read.send_over(&house.socket()).await.json()["actor"],
        "person:cli"
    );
    let change = house
        .ask("POST", "/api/thing")
        .json(&json!({ "number": 3 }));
    assert_eq!(change.send_over(&house.socket()).await.json()["number"], 3);
    // The rest of the rules hold here too.
    let form = house
        .ask("POST", "/api/thing")
        .body("{}")
        .header("Content-Type", "text/plain");
    form.send_over(&house.socket()).await.refused(415);
    house
        .ask("GET", "/api/nothing")
        .send_over(&house.socket())
        .await
        .refused(404);
    house.close().await;
}

#[tokio::test]
async fn the_tool_server_speaks_for_one_thread_and_has_no_other_rights() {
    let house = House::open().await;
    let call = || house.ask("POST", "/mcp/call").json(&json!({}));
    let thread = |ask: crate::house::Ask| ask.header("X-Zhongshu-Thread", "thread-1");
    let answer = thread(call()).send_over(&house.socket()).await;
    assert_eq!(answer.json()["thread"], "thread-1");
    call().send_over(&house.socket()).await.refused(401);
    for path in [
        "/api/thing",
        "/api/tokens",
        "/api/login_key",
        "/api/shutdown",
    ] {
        let ask = thread(house.ask("POST", path).json(&json!({})));
        ask.send_over(&house.socket()).await.refused(403);
    }
    let read = thread(house.ask("GET", "/api/status"));
    read.send_over(&house.socket()).await.refused(403);
    assert_eq!(house.changes(), 0);
    // Over TCP these routes do not exist, whoever asks.
    let session = house.session();
    let outside = thread(house.post("/mcp/call", &json!({}))).session(&session);
    outside.send().await.refused(404);
    house.close().await;
}

#[tokio::test]
async fn a_dead_servers_socket_is_replaced_and_a_live_ones_is_not() {
    let house = House::open().await;
    let live = Listener::bind(0, &house.socket()).await.err().unwrap();
    assert!(matches!(live, ListenError::SocketLive(_)), "{live}");
    let stale = house.ground.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert!(Listener::bind(0, &stale).await.is_ok());
    let file = house.ground.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let blocked = Listener::bind(0, &file).await.err().unwrap();
    assert!(
        matches!(blocked, ListenError::SocketBlocked(_)),
        "{blocked}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    house.close().await;
}

#[tokio::test]
async fn an_orderly_end_waits_for_nobody_who_only_listens() {
    let house = House::open().await;
    let session = house.session();
    let mut stream = house
        .ask("GET", "/api/events")
        .session(&session)
        .open()
        .await;
    stream.until(": connected").await;
    let idle = tokio::net::TcpStream::connect(("127.0.0.1", house.port))
        .await
        .unwrap();
    let served = house.ask("GET", "/healthz").open().await;
    let (port, socket) = (house.port, house.socket());
    let started = Instant::now();
    house.stop.cancel();
    tokio::time::timeout(PATIENCE, house.server)
        .await
        .unwrap()
        .unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    stream.end().await;
    assert!(!socket.exists());
    assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok());
    drop((idle, served));
    house.ledger.close().await;
}
