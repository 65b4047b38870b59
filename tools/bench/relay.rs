//! What a terminal's relay adds to the way between a TUI and its app-server: round trips of small frames, and a flood, beside a direct
//! connection in the same run. An echo stands for the app-server. Not a test: it needs a quiet machine, and prints numbers for a person to
//! judge.
//!
//!     cargo build --release && cargo run --release --example relay
#![allow(clippy::unwrap_used)]

use codex_terminal::spec::{Relay, Spec};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Turns of each, one after the other, so that what the machine does meanwhile meets both alike.
const ROUNDS: usize = 20;
/// Round trips of one turn.
const TRIPS: usize = 1000;
const FLOOD_BYTES: usize = 100 << 20;
const HEAD: &[u8] = b"GET /rpc HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, upstream) = (folder.path().join("r.sock"), folder.path().join("u.sock"));
    let listener = UnixListener::bind(&upstream).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || echo(stream));
        }
    });
    let mut spec = Spec::program(
        "bench",
        vec!["sleep".into(), "10000".into()],
        folder.path().to_owned(),
    );
    spec.relay = Some(Relay {
        socket: socket.clone(),
        upstream: upstream.clone(),
    });
    let file = folder.path().join("spec.json");
    spec.write(&file).unwrap();
    let _terminal = Terminal::start(&file, &socket);

    let mut direct = connect(&upstream);
    let mut relayed = connect(&socket);
    let (mut of_direct, mut of_relayed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        round_trips(&mut direct, &mut of_direct);
        round_trips(&mut relayed, &mut of_relayed);
    }
    println!("| round trip of a frame of 70 bytes | median | p99 |\n|---|---|---|");
    let direct = row("direct", of_direct);
    let relayed = row("over the relay", of_relayed);
    println!(
        "| ratio | {:.2} | {:.2} |",
        relayed.0 / direct.0,
        relayed.1 / direct.1
    );
    let speed = |path: &Path| {
        let times = (0..3).map(|_| flood(connect(path)));
        let best = times.min().unwrap().as_secs_f64();
        FLOOD_BYTES as f64 / f64::from(1 << 20) / best
    };
    let (direct, relayed) = (speed(&upstream), speed(&socket));
    println!(
        "\nfrom the server, unmasked 1 MiB at a time: direct {direct:.0} MiB/s, over the relay {relayed:.0} MiB/s"
    );
}

struct Terminal(Child);

impl Terminal {
    fn start(spec: &Path, socket: &Path) -> Self {
        let own = std::env::current_exe().unwrap();
        // An example lies one folder below the programs.
        let program = own.parent().unwrap().with_file_name("zhongshu");
        let child = Command::new(&program)
            .args(["terminal", "--spec"])
            .arg(spec)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while UnixStream::connect(socket).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(child)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // TERM takes the program along.
        let pid = self.0.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        self.0.wait().unwrap();
    }
}

/// Sends back what comes; asked for a flood, it sends that.
fn echo(mut stream: UnixStream) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let sent = match buffer[..count] == *b"flood" {
            true => (0..FLOOD_BYTES >> 20).try_for_each(|_| stream.write_all(&buffer)),
            false => stream.write_all(&buffer[..count]),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// A connection whose handshake is through.
fn connect(path: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(HEAD).unwrap();
    stream.read_exact(&mut [0; HEAD.len()]).unwrap();
    stream
}

fn round_trips(stream: &mut UnixStream, times: &mut Vec<f64>) {
    // A frame of a client, masked with zeros: what the relay reads in full, an answer to a question.
    let text = br#"{"id":123,"result":{"decision":"acceptForSession","more":"....."}}"#;
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(text);
    let mut back = vec![0; frame.len()];
    for _ in 0..TRIPS {
        let begun = Instant::now();
        stream.write_all(&frame).unwrap();
        stream.read_exact(&mut back).unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
}

fn flood(mut stream: UnixStream) -> Duration {
    let mut buffer = vec![0; 1 << 20];
    let begun = Instant::now();
    stream.write_all(b"flood").unwrap();
    let mut left = FLOOD_BYTES;
    while left > 0 {
        left -= stream.read(&mut buffer).unwrap();
    }
    begun.elapsed()
}

fn row(name: &str, mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let (median, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("| {name} | {median:.1} µs | {late:.1} µs |");
    (median, late)
}
