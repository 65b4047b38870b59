//! Who gets in and what a read-only viewer can do: security.md B, C, W.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use codex_terminal::control::Request;
use codex_terminal::descriptor::Mode;
use codex_terminal::wire::{Refusal, ToPage};
use support::{Got, Sidecar, Viewer, handshake, script};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test]
async fn every_route_refuses_a_foreign_host_before_anything_else() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let port = sidecar.descriptor.port;
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.com:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        format!("127.1:{port}"),
        format!("localhost.:{port}"),
        format!("a@127.0.0.1:{port}"),
        "127.0.0.1".to_owned(),
        "127.0.0.1:80".to_owned(),
        format!("127.0.0.1:{port}0"),
    ];
    for path in [
        "/",
        "/healthz",
        "/assets/main.js",
        "/assets/none",
        "/transcript",
        "/ws",
        "/none",
    ] {
        for host in &foreign {
            for method in ["GET", "POST", "OPTIONS"] {
                let answer = sidecar.http(&format!(
                    "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
                ));
                assert_eq!(status(&answer), "403", "{method} {path} {host}: {answer}");
            }
        }
        let twice = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(status(&sidecar.http(&twice)), "403");
        let absolute = format!(
            "GET http://evil{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(status(&sidecar.http(&absolute)), "403");
        let none = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&sidecar.http(&none)), "403");
    }
    for host in [format!("127.0.0.1:{port}"), format!("LocalHost:{port}")] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&sidecar.http(&request)), "200", "{host}");
    }
}

#[tokio::test]
async fn the_page_is_inert_and_every_answer_has_the_headers() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let (client, _events) = sidecar.control().await;
    let origins = vec!["http://127.0.0.1:6211".to_owned()];
    client
        .request(Request::SetFrameAncestors { origins })
        .await
        .unwrap();
    for (path, expected) in [
        ("/", "200"),
        ("/assets/main.js", "200"),
        ("/assets/xterm.mjs", "200"),
        ("/assets/addon-webgl.mjs", "200"),
        ("/healthz", "200"),
        ("/none", "404"),
        ("/assets/..%2f..%2fetc%2fpasswd", "404"),
        ("/transcript", "401"),
        ("/ws", "403"),
    ] {
        let answer = sidecar.get(path, "");
        assert_eq!(status(&answer), expected, "{path}");
        let lower = answer.to_lowercase();
        for header in [
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "frame-ancestors http://127.0.0.1:6211\r\n",
            "content-security-policy: default-src 'none'; script-src 'self';",
        ] {
            assert!(lower.contains(header), "{path} lacks {header}: {answer}");
        }
        assert!(!lower.contains("access-control"), "{path}");
        for secret in [Mode::Write, Mode::Read] {
            assert!(!answer.contains(sidecar.token(secret)));
        }
    }
    let index = sidecar.get("/", "");
    assert!(!index.contains("<script>") && !index.contains("style=") && !index.contains("onclick"));
}

#[tokio::test]
async fn the_handshake_needs_the_own_origin_and_the_first_message_a_token() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let port = sidecar.descriptor.port;
    let good = format!("http://127.0.0.1:{port}");
    for origin in [
        None,
        Some("null".to_owned()),
        Some("https://evil.example".to_owned()),
        Some(format!("http://localhost:{port}")),
        Some(format!("https://127.0.0.1:{port}")),
        Some(format!("http://127.0.0.1:{port}.evil.com")),
        Some(format!("http://127.0.0.1:{port}0")),
        Some("http://127.0.0.1:6211".to_owned()),
    ] {
        let refused = handshake(port, None, origin.as_deref()).await;
        assert_eq!(refused.err(), Some(403), "{origin:?}");
    }
    let other = Sidecar::script("exec sleep 1000");
    let write = sidecar.token(Mode::Write).to_owned();
    for token in [
        String::new(),
        write[..42].to_owned(),
        format!("{write}A"),
        write.to_uppercase(),
        other.token(Mode::Write).to_owned(),
        "x".repeat(10_000),
    ] {
        let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        viewer
            .send_text(serde_json::json!({"type": "attach", "token": token}))
            .await;
        assert_eq!(viewer.next().await, Got::Closed(4401), "{token}");
    }
    // Anything but an attach comes too early, a good token in the address counts for nothing.
    for first in [r#"{"type":"focus"}"#, "nonsense", r#"{"type":"attach"}"#] {
        let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        viewer
            .send_text(serde_json::from_str(first).unwrap_or_default())
            .await;
        assert_eq!(viewer.next().await, Got::Closed(4401), "{first}");
    }
    let mut binary = Viewer::connect(&sidecar.descriptor).await.unwrap();
    binary.send_binary(vec![1, 0, 0, 0, 0, b'x']).await;
    assert_eq!(binary.next().await, Got::Closed(4401));
    let query = sidecar.get(&format!("/transcript?token={write}"), "");
    assert_eq!(status(&query), "401");
    let local = format!("localhost:{port}");
    let origin = format!("http://localhost:{port}");
    assert!(handshake(port, Some(&local), Some(&origin)).await.is_ok());
    assert!(handshake(port, None, Some(&good)).await.is_ok());
}

#[tokio::test]
async fn the_transcript_needs_a_token_in_a_header() {
    let sidecar = Sidecar::script("printf 'all of it'; exec sleep 1000");
    let mut viewer = sidecar.viewer(Mode::Read).await;
    viewer.until_screen("all of it").await;
    let token = sidecar.token(Mode::Read);
    let good = sidecar.get("/transcript", &format!("Authorization: Bearer {token}\r\n"));
    assert!(
        status(&good) == "200" && good.contains("all of it"),
        "{good}"
    );
    let cross = format!("Authorization: Bearer {token}\r\nSec-Fetch-Site: same-site\r\n");
    for headers in ["", "Authorization: Bearer x\r\n", &cross] {
        assert_eq!(status(&sidecar.get("/transcript", headers)), "401");
    }
}

#[tokio::test]
async fn a_read_only_viewer_cannot_type_answer_or_size() {
    let sidecar = Sidecar::script(
        "stty -echo; trap 'echo SIZED' WINCH; echo ready; while read -r line; do echo \"got $line\"; done",
    );
    let mut reader = sidecar.viewer(Mode::Read).await;
    assert_eq!(reader.mode, Mode::Read);
    reader.until_screen("ready").await;
    reader.send_binary(b"\x01\0\0\0\0typed\r".to_vec()).await;
    reader.send_binary(b"\x02replied\r".to_vec()).await;
    reader
        .send_text(serde_json::json!({"type": "resize", "cols": 33, "rows": 11}))
        .await;
    reader.send_text(serde_json::json!({"type": "focus"})).await;
    let refused = |got: &Got| {
        matches!(
            got,
            Got::Text(ToPage::Refused {
                reason: Refusal::ReadOnly,
                ..
            })
        )
    };
    reader.until("the refusal", refused).await;
    // A writer that comes later is answered by the program; nothing of the reader's came before it.
    let mut writer = sidecar.viewer(Mode::Write).await;
    writer.input(b"mine\r").await;
    let screen = writer.until_screen("got mine").await;
    assert_eq!(screen.trim(), "ready\ngot mine");
    let (client, _events) = sidecar.control().await;
    let state = client.state().await.unwrap();
    assert_eq!((state.cols, state.rows), (120, 32));
    let views: Vec<_> = state
        .viewers
        .iter()
        .map(|view| (view.mode, view.owner, view.dropped))
        .collect();
    assert_eq!(views, [(Mode::Read, false, 4), (Mode::Write, true, 0)]);
}

#[tokio::test]
async fn only_the_size_owner_answers_queries_and_sizes_and_the_focus_moves_that() {
    let sidecar = Sidecar::script("stty -echo; while read -r line; do echo \"got $line\"; done");
    let mut first = sidecar.viewer(Mode::Write).await;
    let mut second = sidecar.viewer(Mode::Write).await;
    second.send_binary(b"\x02two\r".to_vec()).await;
    second
        .send_text(serde_json::json!({"type": "resize", "cols": 33, "rows": 11}))
        .await;
    // Handled in order: once this is taken, the two before it were looked at. Typing is a focus.
    second.input(b"typed\r").await;
    let screen = second.until_screen("got typed").await;
    assert!(!screen.contains("two"), "{screen}");
    let lost = |got: &Got| *got == Got::Text(ToPage::Owner { owner: false });
    first.until("the loss of the size", lost).await;
    second.send_binary(b"\x02three\r".to_vec()).await;
    second.until_screen("got three").await;
    second
        .send_text(serde_json::json!({"type": "resize", "cols": -4, "rows": 1e9}))
        .await;
    let sized = |got: &Got| {
        *got == Got::Text(ToPage::Size {
            cols: 1,
            rows: 1000,
        })
    };
    first.until("the clamped size", sized).await;
    first.send_text(serde_json::json!({"type": "focus"})).await;
    let won = |got: &Got| *got == Got::Text(ToPage::Owner { owner: true });
    first.until("the size", won).await;
}

#[tokio::test]
async fn ten_thousand_resizes_become_a_few() {
    let sidecar = Sidecar::script(
        "n=0; trap 'n=$((n+1))' WINCH; while ! read -t 0.02 line; do :; done; echo \"sized $n times\"; sleep 1000",
    );
    let mut viewer = sidecar.viewer(Mode::Write).await;
    for number in 0..10_000u32 {
        let (cols, rows) = (20 + number % 100, 10 + number % 30);
        viewer
            .send_text(serde_json::json!({"type": "resize", "cols": cols, "rows": rows}))
            .await;
    }
    viewer
        .send_text(serde_json::json!({"type": "resize", "cols": 77, "rows": 22}))
        .await;
    let last = |got: &Got| *got == Got::Text(ToPage::Size { cols: 77, rows: 22 });
    viewer.until("the last size", last).await;
    viewer.input(b"\r").await;
    let screen = viewer.until_screen("times").await;
    let count: u32 = screen.split(' ').nth(1).unwrap().parse().unwrap();
    let sizes = viewer
        .texts
        .iter()
        .filter(|text| matches!(text, ToPage::Size { .. }))
        .count();
    assert!(
        count <= 200 && sizes <= 200 && count >= 1,
        "{count} {sizes}"
    );
}

#[tokio::test]
async fn the_ninth_viewer_gets_503_and_places_come_free() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let mut viewers = Vec::new();
    for _ in 0..8 {
        viewers.push(sidecar.viewer(Mode::Read).await);
    }
    assert_eq!(Viewer::connect(&sidecar.descriptor).await.err(), Some(503));
    viewers.pop();
    let (client, _events) = sidecar.control().await;
    while client.state().await.unwrap().viewers.len() == 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sidecar.viewer(Mode::Read).await;
}

#[tokio::test]
async fn slow_and_idle_connections_are_closed_in_time() {
    use std::io::{Read, Write};
    let sidecar = Sidecar::script("exec sleep 1000");
    let address = ("127.0.0.1", sidecar.descriptor.port);
    let mut dribbling = std::net::TcpStream::connect(address).unwrap();
    dribbling.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let mut silent = Viewer::connect(&sidecar.descriptor).await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(silent.next().await, Got::Closed(4408));
    dribbling.set_read_timeout(Some(support::DEADLINE)).unwrap();
    let mut rest = Vec::new();
    dribbling.read_to_end(&mut rest).unwrap();
    let took = begun.elapsed().as_secs();
    assert!((9..15).contains(&took), "{took} s");
}

#[tokio::test]
async fn the_program_gets_a_clean_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(
        &dir,
        "ls -l /proc/self/fd | awk '{print $9}' | xargs echo; echo $TERM $FOO ${BAR-unset}; umask; exec sleep 1000",
    );
    if let codex_terminal::spec::Source::Program {
        env_set,
        env_remove,
        ..
    } = &mut spec.source
    {
        env_set.insert("FOO".into(), "foo".into());
        env_remove.push("HOME".into());
        env_remove.push("BAR".into());
    }
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewer = sidecar.viewer(Mode::Read).await;
    let screen = viewer.until_screen("00").await;
    assert!(
        screen.starts_with("0 1 2 3\nxterm-256color foo unset\n"),
        "{screen}"
    );
}
