//! One connection against a scripted other side: overload, oversized and unreadable messages, silence, loss.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::transport::{self, MAX_MESSAGE_BYTES};
use super::*;

const LIMIT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Seen {
    methods: Mutex<Vec<String>>,
    refuse: bool,
}

impl Sink for Arc<Seen> {
    fn notification(&self, notification: Notification) -> Result<(), String> {
        let Notification::Other { method, .. } = notification else {
            panic!("typed");
        };
        self.methods.lock().unwrap().push(method);
        if self.refuse {
            return Err("no room".to_owned());
        }
        Ok(())
    }

    fn request(&self, id: RequestId, request: ServerRequest) -> Result<(), String> {
        self.methods
            .lock()
            .unwrap()
            .push(format!("{}#{id}", request.method));
        Ok(())
    }
}

/// A connection, what it hands over, and the other side of it.
async fn pair(seen: Arc<Seen>, silence_limit: Duration) -> (Peer, Socket) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut wide = transport::config();
    wide.max_message_size = None;
    wide.max_frame_size = None;
    wide.max_write_buffer_size = usize::MAX;
    let socket =
        WebSocketStream::from_raw_socket(ours, Role::Client, Some(transport::config())).await;
    let server = WebSocketStream::from_raw_socket(theirs, Role::Server, Some(wide)).await;
    let peer = Peer::start(
        Connection {
            socket,
            peer_pid: None,
        },
        seen,
        silence_limit,
    );
    (peer, server)
}

async fn receive(server: &mut Socket) -> (i64, String) {
    loop {
        if let Message::Text(text) = server.next().await.unwrap().unwrap() {
            match Frame::parse(&text).unwrap() {
                Frame::Request {
                    id: RequestId::Number(id),
                    method,
                    ..
                } => return (id, method),
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn say(server: &mut Socket, value: Value) {
    server.send(Message::text(value.to_string())).await.unwrap();
}

fn calls_waiting(peer: &Peer) -> usize {
    match &*peer.shared.lock() {
        State::Open(replies) => replies.len(),
        State::Closed(_) => 0,
    }
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again() {
    let (peer, mut server) = pair(Arc::default(), LIMIT).await;
    let serve = async {
        for _ in 0..3 {
            let (id, _) = receive(&mut server).await;
            say(
                &mut server,
                json!({"id": id, "error": {"code": -32001, "message": "Server overloaded"}}),
            )
            .await;
        }
        let (id, method) = receive(&mut server).await;
        say(&mut server, json!({"id": id, "result": {"asked": method}})).await;
    };
    let params = json!({});
    let (reply, ()) = tokio::join!(peer.call("a/b", &params, LIMIT), serve);
    assert_eq!(reply.unwrap(), json!({"asked": "a/b"}));
}

#[tokio::test]
async fn one_that_stays_overloaded_is_given_up() {
    let (peer, mut server) = pair(Arc::default(), LIMIT).await;
    let serve = tokio::spawn(async move {
        for count in 0.. {
            if !matches!(server.next().await, Some(Ok(Message::Text(_)))) {
                return count;
            }
            say(
                &mut server,
                json!({"id": count + 1, "error": {"code": -32001, "message": "busy"}}),
            )
            .await;
        }
        0
    });
    let error = peer.call("a", &json!({}), LIMIT).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Refused {
                code: OVERLOADED,
                ..
            }
        ),
        "{error}"
    );
    peer.close("done");
    assert_eq!(serve.await.unwrap(), i64::from(OVERLOAD_RETRIES) + 1);
}

#[tokio::test]
async fn unknown_doubled_and_unreadable_messages_disturb_nothing() {
    let seen = Arc::new(Seen::default());
    let (peer, mut server) = pair(Arc::clone(&seen), LIMIT).await;
    let serve = async {
        let (id, _) = receive(&mut server).await;
        for noise in ["{", "[]", "{}", "\u{1b}", r#"{"id":{"a":1},"result":1}"#] {
            server.send(Message::text(noise)).await.unwrap();
        }
        server
            .send(Message::binary(vec![0xff, 0xfe]))
            .await
            .unwrap();
        say(&mut server, json!({"id": 999, "result": 1})).await;
        say(&mut server, json!({"id": "text", "result": 1})).await;
        say(&mut server, json!({"method": "new/thing", "params": {}})).await;
        say(&mut server, json!({"id": 0, "method": "ask", "params": {}})).await;
        say(&mut server, json!({"id": id, "result": "first"})).await;
        say(&mut server, json!({"id": id, "result": "second"})).await;
        let (id, _) = receive(&mut server).await;
        say(&mut server, json!({"id": id, "result": "third"})).await;
    };
    let ask = async {
        (
            peer.call("a", &Value::Null, LIMIT).await.unwrap(),
            peer.call("b", &Value::Null, LIMIT).await.unwrap(),
        )
    };
    let (replies, ()) = tokio::join!(ask, serve);
    assert_eq!(replies, (json!("first"), json!("third")));
    assert_eq!(*seen.methods.lock().unwrap(), ["new/thing", "ask#0"]);
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_connection_and_its_calls() {
    let (peer, mut server) = pair(Arc::default(), LIMIT).await;
    let serve = async {
        receive(&mut server).await;
        // The other side hangs up in the middle of it.
        let _ = server
            .send(Message::text("x".repeat(MAX_MESSAGE_BYTES + 1)))
            .await;
    };
    let (reply, ()) = tokio::join!(peer.call("a", &Value::Null, LIMIT), serve);
    let error = reply.unwrap_err();
    assert!(
        matches!(&error, CallError::Closed { reason } if reason.contains("too long")),
        "{error}"
    );
    assert!(peer.closed().await.contains("too long"));
    assert!(matches!(
        peer.call("b", &Value::Null, LIMIT).await,
        Err(CallError::Closed { .. })
    ));
}

#[tokio::test]
async fn invalid_text_ends_the_connection_with_its_reason() {
    use tokio::io::AsyncWriteExt;
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket =
        WebSocketStream::from_raw_socket(ours, Role::Client, Some(transport::config())).await;
    let peer = Peer::start(
        Connection {
            socket,
            peer_pid: None,
        },
        Arc::new(Seen::default()),
        LIMIT,
    );
    // The first half of a two-byte character in one frame, nonsense in the next.
    theirs
        .write_all(&[0x01, 1, 0xc3, 0x80, 1, 0x28])
        .await
        .unwrap();
    assert!(peer.closed().await.starts_with("reading failed"));
}

#[tokio::test]
async fn a_split_character_is_put_together() {
    use tokio::io::AsyncWriteExt;
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket =
        WebSocketStream::from_raw_socket(ours, Role::Client, Some(transport::config())).await;
    let seen = Arc::new(Seen {
        refuse: true,
        ..Seen::default()
    });
    let peer = Peer::start(
        Connection {
            socket,
            peer_pid: None,
        },
        Arc::clone(&seen),
        LIMIT,
    );
    let text = r#"{"method":"二"}"#.as_bytes();
    let (first, second) = text.split_at(12);
    for (head, part) in [(0x01, first), (0x80, second)] {
        theirs
            .write_all(&[head, u8::try_from(part.len()).unwrap()])
            .await
            .unwrap();
        theirs.write_all(part).await.unwrap();
    }
    assert_eq!(peer.closed().await, "no room");
    assert_eq!(*seen.methods.lock().unwrap(), ["二"]);
}

#[tokio::test]
async fn a_silent_server_is_left_and_its_calls_fail() {
    let (peer, _server) = pair(Arc::default(), Duration::from_millis(100)).await;
    let error = peer.call("a", &Value::Null, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Closed { reason } if reason.contains("silent")),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nothing_behind() {
    let (peer, mut server) = pair(Arc::default(), LIMIT).await;
    let limit = Duration::from_millis(50);
    let error = peer.call("slow", &Value::Null, limit).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    assert_eq!(calls_waiting(&peer), 0);
    let (id, _) = receive(&mut server).await;
    say(&mut server, json!({"id": id, "result": "late"})).await;
    let serve = async {
        let (id, _) = receive(&mut server).await;
        say(&mut server, json!({"id": id, "result": "right"})).await;
    };
    let (reply, ()) = tokio::join!(peer.call("next", &Value::Null, LIMIT), serve);
    assert_eq!(reply.unwrap(), json!("right"));
}

#[tokio::test]
async fn calls_beyond_the_bound_wait_their_turn() {
    let (peer, mut server) = pair(Arc::default(), LIMIT).await;
    let calls: Vec<_> = (0..MAX_CALLS * 2)
        .map(|_| {
            let peer = peer.clone();
            tokio::spawn(async move { peer.call("a", &Value::Null, LIMIT).await })
        })
        .collect();
    let mut most = 0;
    for _ in 0..calls.len() {
        let (id, _) = receive(&mut server).await;
        most = most.max(calls_waiting(&peer));
        say(&mut server, json!({"id": id, "result": 1})).await;
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(most <= MAX_CALLS, "{most}");
}
