//! `zhongshu harness stream` against a server that cuts the connection: nothing is missed, and Ctrl-C is the end.

use crate::rig::script;
use crate::support::{GOVERNANCE, House, PATIENCE};
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// A client that has come, and what it asked for.
struct Guest {
    socket: WebSocketStream<tokio::net::TcpStream>,
    path: String,
    bearer: String,
}

impl Guest {
    async fn welcome(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut path, mut bearer) = (String::new(), String::new());
        #[allow(clippy::result_large_err, reason = "the library's own type")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            path = request.uri().to_string();
            let shown = request.headers().get("authorization");
            bearer = shown.map_or("", |it| it.to_str().unwrap()).to_owned();
            Ok(response)
        };
        let socket = accept_hdr_async(stream, look).await.unwrap();
        Self {
            socket,
            path,
            bearer,
        }
    }

    async fn tell(&mut self, frame: Value) {
        let frame = Message::text(frame.to_string());
        self.socket.send(frame).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_goes_on_behind_its_last_frame_until_ctrl_c() {
    let house = House::build(script([]), GOVERNANCE).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let file = house.root.join("token.txt");
    std::fs::write(&file, "a-token\n").unwrap();
    let add = [
        "harness",
        "profile",
        "add",
        "p",
        "--url",
        &url,
        "--prefix",
        "/under/it",
    ];
    let token = ["--token-file", file.to_str().unwrap()];
    let (code, ..) = house.run(&[&add[..], &token[..]].concat()).await;
    assert_eq!(code, Some(0));

    let mut follows = house.zhongshu();
    follows.args([
        "harness",
        "stream",
        "--profile",
        "p",
        "--session",
        "s 1",
        "--frames",
        "one",
    ]);
    let mut follows = follows
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follows.stdout.take().unwrap()).lines();
    let mut line = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("no line comes").unwrap().expect("it ended");
        serde_json::from_str::<Value>(&line).unwrap()
    };

    let mut guest = Guest::welcome(&listener).await;
    assert_eq!(guest.path, "/under/it/stream?threadId=s%201&frames=one");
    assert_eq!(guest.bearer, "Bearer a-token");
    let ready = json!({"type": "ready", "threadId": "s 1", "cursor": "e1.7"});
    let event =
        |seq: u64| json!({"type": "session_renamed", "threadId": "s 1", "seq": seq, "payload": {}});
    guest.tell(ready.clone()).await;
    guest.tell(event(8)).await;
    assert_eq!((line().await, line().await), (ready, event(8)));
    drop(guest);

    let mut guest = Guest::welcome(&listener).await;
    assert_eq!(
        guest.path,
        "/under/it/stream?threadId=s%201&frames=one&after=e1.8"
    );
    let ready = json!({"type": "ready", "threadId": "s 1", "cursor": "e2.1"});
    let reset = json!({"type": "reset", "cursor": "e2.1"});
    guest.tell(ready.clone()).await;
    guest.tell(reset.clone()).await;
    assert_eq!((line().await, line().await), (ready, reset));
    // The server says goodbye in good order.
    guest.socket.close(None).await.unwrap();
    drop(guest);
    let mut guest = Guest::welcome(&listener).await;
    assert!(guest.path.ends_with("&after=e2.1"), "{}", guest.path);
    guest.tell(event(2)).await;
    assert_eq!(line().await, event(2));

    let pid = i32::try_from(follows.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = tokio::time::timeout(PATIENCE, follows.wait()).await;
    assert_eq!(ended.expect("it does not end").unwrap().code(), Some(0));
    house.close().await;
}

#[tokio::test]
async fn a_stream_that_nobody_offers_ends_at_once() {
    let house = House::build(script([]), GOVERNANCE).await;
    let (code, said, complaint) = house.run(&["harness", "stream"]).await;
    assert_eq!((code, said.as_str()), (Some(4), ""), "{complaint}");
    house.close().await;
}
