//! Who gets in and what a read-only viewer can do: security.md B, C, W.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use codex_terminal::control::{Over, Request};
use codex_terminal::descriptor::Mode;
use codex_terminal::wire::{Refusal, ToPage};
use support::launcher::{Launcher, ORIGIN, READER, WRITER};
use support::raw::Raw;
use support::{Got, Sidecar, Viewer, handshake, script, wait_until};

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
    assert!((2..8).contains(&took), "{took} s");
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

/// The policy of the page that says who may frame it.
fn framed_by(sidecar: &Sidecar) -> String {
    let answer = sidecar.get("/", "").to_lowercase();
    let (_, policy) = answer.split_once("frame-ancestors ").unwrap();
    policy.split("\r\n").next().unwrap().to_owned()
}

/// The code that a viewer with this token is closed with at once.
async fn refused(sidecar: &Sidecar, token: &str) -> Got {
    let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
    viewer
        .send_text(serde_json::json!({"type": "attach", "token": token}))
        .await;
    viewer.next().await
}

async fn until_closed(viewer: &mut Viewer) -> Got {
    viewer
        .until("the end", |got| matches!(got, Got::Closed(_)))
        .await
}

#[tokio::test]
async fn what_a_credential_opened_ends_with_it_and_the_program_goes_on() {
    let sidecar = Sidecar::script("while read -r line; do echo \"got $line\"; done");
    let mut tab = sidecar.viewer(Mode::Write).await;
    let mut script = sidecar.viewer(Mode::Read).await;
    let ended = std::time::Instant::now();
    sidecar.launcher.revoke(WRITER, Over::LoggedOut);
    assert_eq!(until_closed(&mut tab).await, Got::Closed(4410));
    assert!(ended.elapsed() < Duration::from_secs(1));
    // The launcher of this test still knows the token; a real one does not. What is forgotten is asked for again.
    let (client, _events) = sidecar.control().await;
    client.input("still here\r").await.unwrap();
    script.until_screen("got still here").await;
    sidecar.launcher.revoke(READER, Over::Revoked);
    assert_eq!(until_closed(&mut script).await, Got::Closed(4411));
    assert!(support::alive(sidecar.descriptor.child_pid.unwrap()));
}

#[tokio::test]
async fn a_download_breaks_off_with_its_credential() {
    use std::io::{Read, Write};
    let sidecar = Sidecar::script(
        "head -c 9000000 /dev/zero | tr '\\0' x; echo; echo all-out; exec sleep 1000",
    );
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("all-out").await;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", sidecar.descriptor.port)).unwrap();
    stream.set_read_timeout(Some(support::DEADLINE)).unwrap();
    let request = format!(
        "GET /transcript HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\r\n",
        sidecar.descriptor.port,
        sidecar.token(Mode::Read)
    );
    stream.write_all(request.as_bytes()).unwrap();
    // One that reads slowly: the rest waits in the sidecar.
    let mut piece = [0; 4096];
    assert!(stream.read(&mut piece).unwrap() > 0);
    sidecar.launcher.revoke(READER, Over::Revoked);
    let (client, _events) = sidecar.control().await;
    client.state().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).ok();
    assert!(
        !rest.ends_with(b"0\r\n\r\n"),
        "the download went on to its end"
    );
    assert!(rest.len() < 9_000_000, "{}", rest.len());
}

#[tokio::test]
async fn without_a_launcher_who_looks_goes_on_and_nobody_new_comes_in_or_frames_it() {
    let sidecar = Sidecar::script("while read -r line; do echo \"got $line\"; done");
    let mut tab = sidecar.viewer(Mode::Write).await;
    let mut script = sidecar.viewer(Mode::Read).await;
    assert_eq!(framed_by(&sidecar), ORIGIN);
    sidecar.launcher.leave();
    wait_until("nobody to frame it", || {
        (framed_by(&sidecar) == "'none'").then_some(())
    });
    let (write, read) = (&sidecar.launcher.write, &sidecar.launcher.read);
    assert_eq!(refused(&sidecar, write).await, Got::Closed(4504));
    let bearer = format!("Authorization: Bearer {read}\r\n");
    assert_eq!(status(&sidecar.get("/transcript", &bearer)), "503");
    tab.input(b"typed\r").await;
    script.until_screen("got typed").await;
    // The next one says who still stands, and whoever was logged in to the old one does not.
    let socket = sidecar.path("t.sock");
    let next = Launcher::again(&socket, "new".to_owned(), "newer".to_owned(), &[READER]);
    assert_eq!(until_closed(&mut tab).await, Got::Closed(4412));
    assert_eq!(refused(&sidecar, write).await, Got::Closed(4401));
    // A reload by who stands is let in although the new launcher has never seen the token.
    drop(script);
    let mut again = Viewer::connect(&sidecar.descriptor).await.unwrap();
    again.attach(read, None).await;
    again.until_screen("got typed").await;
    assert_eq!(framed_by(&sidecar), ORIGIN);
    drop(next);
}

#[tokio::test]
async fn only_who_holds_the_launchers_lock_is_believed_to_be_it() {
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("lock");
    let held = std::fs::File::create(&lock).unwrap();
    held.lock().unwrap();
    std::fs::write(&lock, "1\n").unwrap();
    let mut spec = script(&dir, "exec sleep 1000");
    spec.launcher_lock = Some(lock.clone());
    let spec_path = dir.path().join("spec.json");
    spec.write(&spec_path).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_codex-terminal"))
        .arg("--spec")
        .arg(&spec_path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let client = loop {
        let socket = dir.path().join("t.sock");
        match codex_terminal::client::connect(&socket).await {
            Ok((client, _events)) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let attend = || Request::Attend {
        standing: Vec::new(),
        frame_ancestors: Vec::new(),
    };
    // Process 1 holds it, as the file says; we do not.
    let refused = client.request(attend()).await.unwrap_err().to_string();
    assert!(refused.contains("not the launcher"), "{refused}");
    let answer = Request::Answer {
        ask: 1,
        granted: None,
    };
    assert!(client.request(answer).await.is_err());
    std::fs::write(&lock, format!("{}\n", std::process::id())).unwrap();
    client.request(attend()).await.unwrap();
    // The lock went with its holder: whoever comes now is nobody.
    drop(held);
    assert!(client.request(attend()).await.is_err());
    client.close(Duration::ZERO).await.unwrap();
    client.closed().await;
    child.wait().unwrap();
}

#[tokio::test]
async fn strangers_cannot_keep_a_page_out() {
    use std::io::Write;
    let sidecar = Sidecar::script("echo ready; exec sleep 1000");
    // Connections that dribble their heads, and sockets that never show a token.
    let mut dribbling = Vec::new();
    for _ in 0..200 {
        let mut stream =
            std::net::TcpStream::connect(("127.0.0.1", sidecar.descriptor.port)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
        dribbling.push(stream);
    }
    let mut silent = Vec::new();
    for _ in 0..40 {
        let (code, stranger) = Raw::handshake(&sidecar.descriptor);
        assert_eq!(code, 101);
        silent.push(stranger);
    }
    let begun = std::time::Instant::now();
    assert_eq!(status(&sidecar.get("/", "")), "200");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("ready").await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    drop((dribbling, silent));
}
