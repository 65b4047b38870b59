//! Between a program and its server: every byte arrives, what the program says is told to the launcher once, and neither hinders the other. A
//! plain echo stands for the app-server.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use codex_terminal::client::Client;
use codex_terminal::control::{Event, Request};
use codex_terminal::relay::report::{Outcome, Report, Said};
use codex_terminal::spec::Relay;
use support::{DEADLINE, Sidecar, script, wait_until};
use tokio::sync::mpsc::Receiver;

const HEAD: &[u8] = b"GET /rpc HTTP/1.1\r\nHost: localhost\r\nx-codex-app-server-compression: zstd-stream-v1\r\nUpgrade: websocket\r\n\r\n";
const PLAIN_HEAD: &[u8] = b"GET /rpc HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";

/// A sidecar with a relay, and what listens behind it.
struct Rig {
    sidecar: Sidecar,
    upstream: UnixListener,
}

impl Rig {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = script(&dir, "exec sleep 1000");
        let upstream = dir.path().join("up.sock");
        spec.relay = Some(Relay {
            socket: dir.path().join("relay.sock"),
            upstream: upstream.clone(),
        });
        let upstream = UnixListener::bind(upstream).unwrap();
        let sidecar = Sidecar::start(dir, &spec);
        Self { sidecar, upstream }
    }

    fn socket(&self) -> PathBuf {
        self.sidecar.path("relay.sock")
    }

    fn connect(&self) -> UnixStream {
        limited(UnixStream::connect(self.socket()).unwrap())
    }

    fn accept(&self) -> UnixStream {
        limited(self.upstream.accept().unwrap().0)
    }

    /// Both ends of a connection whose handshake is through.
    fn both_ends(&self) -> (UnixStream, UnixStream) {
        let mut client = self.connect();
        client.write_all(HEAD).unwrap();
        let mut server = self.accept();
        let mut head = vec![0; PLAIN_HEAD.len()];
        server.read_exact(&mut head).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&head),
            String::from_utf8_lossy(PLAIN_HEAD)
        );
        (client, server)
    }
}

fn limited(stream: UnixStream) -> UnixStream {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A text message of a client.
fn text(message: &str) -> Vec<u8> {
    let mask = [7, 1, 200, 3];
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x81, 0x80 | 126];
    bytes.extend(length);
    bytes.extend(mask);
    bytes.extend(
        message
            .bytes()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

/// A launcher that listens to what the relay tells.
struct Ear {
    client: Client,
    events: Receiver<Event>,
}

impl Ear {
    async fn attend(rig: &Rig) -> Self {
        let (client, events) = rig.sidecar.control().await;
        let attend = Request::Attend {
            standing: Vec::new(),
            frame_ancestors: Vec::new(),
        };
        client.request(attend).await.unwrap();
        Self { client, events }
    }

    /// The next report; whether it was dealt with is said by `heard`.
    async fn next(&mut self) -> Report {
        let next = async {
            loop {
                let event = self.events.recv().await.expect("the sidecar stays");
                if let Event::Relayed(report) = event {
                    return report;
                }
            }
        };
        tokio::time::timeout(DEADLINE, next)
            .await
            .expect("a report")
    }

    async fn heard(&self, report: &Report) {
        let number = report.number;
        self.client
            .request(Request::Heard { number })
            .await
            .unwrap();
    }
}

fn accepted(request: u32) -> String {
    format!(r#"{{"id":{request},"result":{{"decision":"accept"}}}}"#)
}

fn request_of(report: &Report) -> Option<(&str, &str)> {
    match &report.said {
        Said::Answered {
            request,
            outcome: Outcome::Result(text),
        } => Some((request, text.reveal())),
        _ => None,
    }
}

#[test]
fn a_hundred_megabytes_come_back_byte_for_byte_and_each_end_is_passed_on() {
    const BYTES: usize = 100 << 20;
    let rig = Rig::start();
    let (mut client, mut server) = rig.both_ends();
    let echo = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = server.read(&mut buffer).unwrap();
            if count == 0 {
                break server.shutdown(Shutdown::Write).unwrap();
            }
            server.write_all(&buffer[..count]).unwrap();
        }
    });
    let byte = |at: usize| {
        (at as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_be_bytes()[1]
    };
    let mut sender = client.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        for from in (0..BYTES).step_by(1 << 20) {
            let piece: Vec<u8> = (from..from + (1 << 20)).map(byte).collect();
            sender.write_all(&piece).unwrap();
        }
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let count = client.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        let wrong = (0..count).find(|index| buffer[*index] != byte(at + index));
        assert_eq!(wrong.map(|index| at + index), None);
        at += count;
    }
    assert_eq!(at, BYTES);
    sending.join().unwrap();
    echo.join().unwrap();
    // Nothing of it was kept: one buffer each way.
    let most = rig.sidecar.status_kib("VmHWM:");
    assert!(most < 40 << 10, "{most} KiB");
}

#[test]
fn who_does_not_read_is_waited_for() {
    let rig = Rig::start();
    for server_waits in [true, false] {
        let (client, server) = rig.both_ends();
        let (mut writes, mut reads) = match server_waits {
            true => (client, server),
            false => (server, client),
        };
        writes.set_nonblocking(true).unwrap();
        let piece = vec![0x55; 64 << 10];
        let mut written = 0;
        // Full for good is when nothing more went in for a while.
        let mut full = 0;
        while full < 20 {
            match writes.write(&piece) {
                Ok(count) => (written, full) = (written + count, 0),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                    full += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            assert!(written < 4 << 20, "it swallows everything");
        }
        writes.set_nonblocking(false).unwrap();
        writes.shutdown(Shutdown::Write).unwrap();
        let mut came = Vec::new();
        reads.read_to_end(&mut came).unwrap();
        assert_eq!(came.len(), written);
        assert!(came.iter().all(|byte| *byte == 0x55));
    }
}

#[test]
fn the_socket_is_the_users_alone_and_goes_with_the_terminal() {
    let mut rig = Rig::start();
    let mode = rig.socket().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (mut client, _server) = rig.both_ends();
    let pid = rig.sidecar.child.id().to_string();
    std::process::Command::new("kill")
        .arg(pid)
        .status()
        .unwrap();
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    rig.sidecar.wait_for_exit();
    assert!(!rig.socket().exists());
}

#[test]
fn a_client_whose_server_is_down_is_told_at_once_and_the_next_try_succeeds() {
    let mut rig = Rig::start();
    let (mut client, server) = rig.both_ends();
    drop(server);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0, "its server ended");
    let path = rig.sidecar.path("up.sock");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rig.connect().read(&mut [0; 8]).unwrap(), 0, "there is none");
    rig.upstream = UnixListener::bind(path).unwrap();
    let (_client, _server) = rig.both_ends();
}

#[test]
fn a_socket_that_was_taken_away_is_there_again_for_who_connects_again() {
    let rig = Rig::start();
    let (mut client, server) = rig.both_ends();
    std::fs::remove_file(rig.socket()).unwrap();
    drop(server);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    drop(client);
    wait_until("the socket", || UnixStream::connect(rig.socket()).ok());
    let mode = rig.socket().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_the_program_answers_is_told_to_each_launcher_until_one_has_dealt_with_it() {
    let rig = Rig::start();
    let (_, mut looker) = rig.sidecar.control().await;
    let mut first = Ear::attend(&rig).await;
    let (mut client, mut server) = rig.both_ends();
    // All in one piece with the handshake's end, cut in the middle of a frame.
    let said = [
        text(&accepted(0)),
        text(r#"{"method":"initialized"}"#),
        text(&accepted(1)),
    ]
    .concat();
    let (begin, rest) = said.split_at(9);
    client.write_all(begin).unwrap();
    client.write_all(rest).unwrap();
    let mut passed = vec![0; said.len()];
    server.read_exact(&mut passed).unwrap();
    assert_eq!(passed, said);
    let report = first.next().await;
    assert_eq!(request_of(&report), Some(("0", r#"{"decision":"accept"}"#)));
    assert_eq!((report.number, report.connection, report.lost), (1, 1, 0));
    assert_eq!(report.server.unwrap().pid, std::process::id());
    first.heard(&report).await;
    assert_eq!(request_of(&first.next().await).unwrap().0, "1");
    // It is killed before it has dealt with that; meanwhile more is said.
    drop(first);
    let start = text(r#"{"id":9,"method":"thread/start","params":{}}"#);
    client.write_all(&start).unwrap();
    // What never reached the server was not said.
    server.read_exact(&mut vec![0; start.len()]).unwrap();
    drop((client, server));
    let mut second = Ear::attend(&rig).await;
    let report = second.next().await;
    assert_eq!((report.number, request_of(&report).unwrap().0), (2, "1"));
    second.heard(&report).await;
    let report = second.next().await;
    assert_eq!((report.number, &report.said), (3, &Said::Started {}));
    second.heard(&report).await;
    assert_eq!(second.next().await.said, Said::Ended {});
    // Who only looks hears nothing of it.
    while let Ok(event) = looker.try_recv() {
        assert!(!matches!(event, Event::Relayed(_)), "{event:?}");
    }
    let log = std::fs::read_to_string(rig.sidecar.path("stderr")).unwrap();
    assert!(!log.contains("accept\""), "{log}");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_once_and_passed_on_all_the_same() {
    let rig = Rig::start();
    let mut ear = Ear::attend(&rig).await;
    let (mut client, mut server) = rig.both_ends();
    let mut garbage: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    garbage.extend(text(&accepted(0)));
    let sent = garbage.clone();
    let sending = std::thread::spawn(move || {
        client.write_all(&sent).unwrap();
        client
    });
    let mut passed = vec![0; garbage.len()];
    server.read_exact(&mut passed).unwrap();
    assert!(passed == garbage);
    drop((sending.join().unwrap(), server));
    let report = ear.next().await;
    assert!(matches!(report.said, Said::Unreadable { .. }), "{report:?}");
    ear.heard(&report).await;
    let report = ear.next().await;
    assert_eq!((report.connection, &report.said), (1, &Said::Ended {}));
    ear.heard(&report).await;
    // The next connection is read again, also one that begins with too long a head.
    let mut client = rig.connect();
    let head = [
        b"GET / HTTP/1.1\r\nx: ".to_vec(),
        vec![b'x'; 20 << 10],
        b"\r\n\r\n".to_vec(),
    ]
    .concat();
    client.write_all(&head).unwrap();
    let mut server = rig.accept();
    let mut passed = vec![0; head.len()];
    server.read_exact(&mut passed).unwrap();
    assert!(passed == head);
    let (mut client, _server) = rig.both_ends();
    client.write_all(&text(&accepted(3))).unwrap();
    let mut said = Vec::new();
    for _ in 0..2 {
        let report = ear.next().await;
        ear.heard(&report).await;
        said.push((report.connection, report.said));
    }
    assert!(matches!(&said[0], (2, Said::Unreadable { .. })), "{said:?}");
    assert!(matches!(&said[1], (3, Said::Answered { .. })), "{said:?}");
}
