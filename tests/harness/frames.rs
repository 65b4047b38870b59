//! Frames that no client of sound mind sends on the stream: answered, or the end of that one socket, and nobody else's.

use crate::listener::Listener;
use crate::rig::{PREFIX, house};
use crate::support::{House, PATIENCE, Random};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// Frames on one socket.
const FRAMES: usize = 1_500;
/// Sockets on which there is nothing but noise.
const NOISY: usize = 60;
/// A thread that is not there: whoever follows it is told of nothing by itself.
const NOWHERE: &str = "01900000-0000-7000-8000-000000000001";

fn noise(random: &mut Random, length: u32) -> Vec<u8> {
    let byte = |_| u8::try_from(random.below(256)).unwrap();
    (0..length).map(byte).collect()
}

/// Something near to a command, or far from it; and whether it is answered.
fn frame(random: &mut Random) -> (Message, Option<&'static str>) {
    let near = [
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","threadIds":[]}"#,
        r#"{"type":"subscribe","threadIds":[""]}"#,
        r#"{"type":"subscribe","threadId":{"a":1}}"#,
        r#"{"type":"Ping"}"#,
        r#"{"type":"ping""#,
        r#"{"type":null}"#,
        r#"[{"type":"ping"}]"#,
        r#""ping""#,
        "null",
        "{}",
        "\u{feff}{}",
    ];
    let length = [1, 2, 100, 5_000, 64 << 10, (64 << 10) + 1][random.below(6) as usize];
    match random.below(8) {
        0 => (Message::binary(noise(random, length)), Some("error")),
        1 => (
            Message::text("é".repeat(length as usize / 2 + 1)),
            Some("error"),
        ),
        2 => (Message::text("[".repeat(length as usize)), Some("error")),
        3 => (Message::text(r#"{"type":"#.repeat(200)), Some("error")),
        4 => (Message::text(""), None),
        5 => (Message::Ping(noise(random, 125).into()), None),
        6 => (Message::text(r#"{"type":"ping","n":[[[]]]}"#), Some("pong")),
        _ => (
            Message::text(near[random.below(12) as usize]),
            Some("error"),
        ),
    }
}

async fn still_works(house: &House, listener: &mut Listener) {
    assert_eq!(
        listener.says(json!({ "type": "ping" })).await["type"],
        "pong"
    );
    assert_eq!(house.look("/health").await["status"], "ok");
}

#[tokio::test]
async fn whatever_is_said_is_answered_once_and_in_order() {
    let house = house([]).await;
    let seed = Random::seed();
    let mut random = Random::of(seed);
    let query = format!("?threadId={NOWHERE}");
    let mut listener = house.listens(&query).await;
    for _ in 0..FRAMES / 10 {
        // Several before an answer is read.
        let mut expected = Vec::new();
        for _ in 0..10 {
            let (message, answer) = frame(&mut random);
            listener.send(message).await;
            expected.extend(answer);
        }
        for answer in expected {
            assert_eq!(listener.next().await["type"], answer, "seed {seed}");
        }
    }
    still_works(&house, &mut listener).await;
    // Everybody else is told as before.
    let mut other = house.listens("?frames=one").await;
    house.make("/projects", json!({ "name": "after" })).await;
    other.until_type("project_upserted").await;
    listener
        .send(Message::binary(vec![0; (256 << 10) + 1]))
        .await;
    assert_eq!(listener.ends().await, Some(1009), "seed {seed}");
    house.close().await;
}

/// A socket after its handshake, for bytes of any kind.
async fn raw(house: &House) -> UnixStream {
    let server = std::fs::read(house.state.join("server.json")).unwrap();
    let server: Value = serde_json::from_slice(&server).unwrap();
    let mut line = UnixStream::connect(server["socket"].as_str().unwrap())
        .await
        .unwrap();
    let hello = format!(
        "GET {PREFIX}/stream?threadId={NOWHERE} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    line.write_all(hello.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|it| it == b"\r\n\r\n") {
        answer.push(line.read_u8().await.unwrap());
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    line
}

/// Frames against the rules: each ends its socket.
fn against_the_rules(random: &mut Random) -> Vec<u8> {
    // The first byte is what it is, the second its length and whether it is masked.
    match random.below(8) {
        // Not masked.
        0 => vec![0x81, 2, b'{', b'}'],
        // A reserved kind.
        1 => vec![0x83, 0x80, 1, 2, 3, 4],
        // Reserved bits.
        2 => vec![0xf1, 0x80, 1, 2, 3, 4],
        // A ping in pieces.
        3 => vec![0x09, 0x80, 1, 2, 3, 4],
        // A ping that is too long.
        4 => [&[0x89, 0xfe, 0, 200][..], &[0; 204]].concat(),
        // The rest of nothing.
        5 => vec![0x80, 0x80, 1, 2, 3, 4],
        // More than anybody has.
        6 => [&[0x82, 0xff][..], &[0x7f; 8], &[0; 4]].concat(),
        // No text.
        _ => vec![0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
    }
}

#[tokio::test]
async fn frames_against_the_rules_end_their_own_socket_alone() {
    let house = house([]).await;
    let seed = Random::seed();
    let mut random = Random::of(seed);
    let mut listener = house.listens(&format!("?threadId={NOWHERE}")).await;
    for number in 0..NOISY {
        let mut line = raw(&house).await;
        let is_noise = number % 3 == 0;
        let bytes = match is_noise {
            true => noise(&mut random, 600),
            false => against_the_rules(&mut random),
        };
        // It may have ended before all is said.
        let _ = line.write_all(&bytes).await;
        if is_noise {
            // What began as a long frame could wait for its rest.
            let _ = line.shutdown().await;
        }
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, line.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "seed {seed}: {bytes:x?} does not end it");
        still_works(&house, &mut listener).await;
    }
    // None of them is counted among the open ones any more.
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(house.listens("").await);
    }
    drop(open);
    house.close().await;
}
