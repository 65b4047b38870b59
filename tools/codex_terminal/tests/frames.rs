//! What a hostile client can do to the connection itself: frames that nobody may send, floods, and hundreds of sockets.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;

use codex_terminal::descriptor::Mode;
use support::raw::{BINARY, CONTINUATION, FIN, PING, Raw, TEXT, frame, head};
use support::{Got, Sidecar, Viewer, wait_until};

/// What is sent after a valid attach, and the code that the connection is closed with.
fn misdeeds() -> Vec<(&'static str, Vec<u8>, u16)> {
    let masked = |first, length: usize| {
        let mut bytes = head(first, length, 0x80);
        bytes.resize(bytes.len() + 4 + length, 0);
        bytes
    };
    let many = |count: usize, body: &[u8]| {
        let mut bytes = frame(BINARY, body);
        for _ in 1..count {
            bytes.extend_from_slice(&frame(CONTINUATION, body));
        }
        bytes
    };
    let then = |mut bytes: Vec<u8>, more: &[u8]| {
        bytes.extend_from_slice(more);
        bytes
    };
    let ping = frame(FIN | PING, b"");
    let foreign = frame(FIN | BINARY, &[9, 9]);
    vec![
        ("an unknown message", foreign.clone(), 1008),
        ("an empty message", frame(FIN | BINARY, b""), 1008),
        ("half an input", frame(FIN | BINARY, &[1, 0]), 1008),
        (
            "a text that is no JSON",
            frame(FIN | TEXT, b"nonsense"),
            1008,
        ),
        (
            "a second attach",
            frame(FIN | TEXT, br#"{"type":"attach","token":"x"}"#),
            1008,
        ),
        (
            "a size that is a string",
            frame(FIN | TEXT, br#"{"type":"resize","cols":"80","rows":24}"#),
            1008,
        ),
        ("a frame of 10 MiB", masked(FIN | BINARY, 10 << 20), 1009),
        ("a frame of 65 KiB", masked(FIN | BINARY, 65 << 10), 1009),
        // Only said to be that long.
        (
            "a frame of 8 EiB",
            then(head(FIN | BINARY, usize::MAX >> 1, 0x80), &[0; 4]),
            1009,
        ),
        ("a message of 10 MiB", many(200, &[0; 50 << 10]), 1009),
        ("100,000 fragments", many(100_000, &[0; 3]), 1009),
        (
            "100,000 empty fragments",
            then(many(100_000, &[]), &frame(FIN | CONTINUATION, b"")),
            1008,
        ),
        (
            "a frame without a mask",
            then(head(FIN | BINARY, 1, 0), b"x"),
            1002,
        ),
        (
            "a text that is not UTF-8",
            frame(FIN | TEXT, b"\"\xff\""),
            1007,
        ),
        (
            "a text that breaks UTF-8 between fragments",
            then(
                frame(TEXT, b"\"\xe5\xae"),
                &frame(FIN | CONTINUATION, b"\""),
            ),
            1007,
        ),
        ("an unknown opcode", frame(FIN | 3, b""), 1002),
        ("a reserved bit", frame(FIN | 0x40 | TEXT, b"{}"), 1002),
        (
            "a continuation of nothing",
            frame(FIN | CONTINUATION, b"x"),
            1002,
        ),
        ("a long ping", frame(FIN | PING, &[0; 126]), 1002),
        ("a ping in parts", frame(PING, b"x"), 1002),
        (
            "a flood of pings",
            then(ping.repeat(100_000), &foreign),
            1008,
        ),
    ]
}

#[tokio::test]
async fn forbidden_frames_end_their_own_connection_and_cost_no_memory() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut good = sidecar.viewer(Mode::Write).await;
    good.until_screen("$ ").await;
    let token = sidecar.token(Mode::Write);
    let before = sidecar.status_kib("VmRSS");
    for (what, bytes, code) in misdeeds() {
        let mut bad = Raw::attached(&sidecar.descriptor, token);
        // It may hang up in the middle of the long ones, and has said why by then.
        bad.stream.write_all(&bytes).ok();
        assert_eq!(bad.close_code(), code, "{what}");
    }
    // Without a token as well.
    let (_, mut stranger) = Raw::handshake(&sidecar.descriptor);
    stranger
        .stream
        .write_all(&[head(FIN | TEXT, 10 << 20, 0x80), vec![0; 4]].concat())
        .unwrap();
    assert_eq!(stranger.close_code(), 1009);
    let most = sidecar.status_kib("VmHWM");
    assert!(most < before + (8 << 10), "{before} KiB became {most} KiB");
    good.input(b"echo still-$((1+1))\r").await;
    good.until_screen("still-2").await;
}

#[tokio::test]
async fn of_a_thousand_handshakes_the_newest_stay_and_the_older_give_way() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let files = || {
        let folder = format!("/proc/{}/fd", sidecar.child.id());
        std::fs::read_dir(folder).unwrap().count()
    };
    let idle = files();
    let mut viewers = Vec::new();
    for _ in 0..4 {
        viewers.push(sidecar.viewer(Mode::Read).await);
    }
    let (mut waiting, mut most) = (Vec::new(), 0);
    for _ in 0..1000 {
        let (status, raw) = Raw::handshake(&sidecar.descriptor);
        assert_eq!(status, 101);
        waiting.push(raw);
        most = most.max(files());
    }
    // 4 that look, 32 that wait, and those that are just leaving.
    assert!(most <= idle + 64, "{most} files, {idle} at first");
    assert_eq!(waiting[0].close_code(), 4408);
    // Those that are in go on, and the places of the others come free as soon as they leave.
    let (client, events) = sidecar.control().await;
    assert_eq!(client.state().await.unwrap().viewers.len(), 4);
    drop(waiting);
    let mut late = wait_until("a place", || {
        let (status, raw) = Raw::handshake(&sidecar.descriptor);
        (status == 101).then_some(raw)
    });
    let attach = serde_json::json!({"type": "attach", "token": sidecar.token(Mode::Read)});
    let attach = frame(FIN | TEXT, attach.to_string().as_bytes());
    late.stream.write_all(&attach).unwrap();
    assert!(
        late.read_frame()
            .unwrap()
            .1
            .starts_with(br#"{"type":"hello""#)
    );
    drop((late, viewers, client, events));
    wait_until("every socket to be closed", || {
        (files() == idle).then_some(())
    });
}

#[tokio::test]
async fn a_hundred_silent_sockets_delay_nobody() {
    let sidecar = Sidecar::script("stty -echo; while read -r line; do echo \"got $line\"; done");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    let silent: Vec<_> = (0..100)
        .map(|_| std::net::TcpStream::connect(("127.0.0.1", sidecar.descriptor.port)).unwrap())
        .collect();
    for number in 0..5 {
        viewer.input(format!("line-{number}\r").as_bytes()).await;
        viewer.until_screen(&format!("got line-{number}")).await;
    }
    let began = std::time::Instant::now();
    let mut newcomer = Viewer::connect(&sidecar.descriptor).await.unwrap();
    newcomer.attach(sidecar.token(Mode::Read), None).await;
    let snapshot = |got: &Got| matches!(got, Got::Snapshot { .. });
    newcomer.until("the screen", snapshot).await;
    // They would be closed after three seconds.
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    drop(silent);
}
