//! What the tests of the sidecar share: a real sidecar process in its own folder, a viewer that speaks the protocol,
//! and waiting for conditions. Ends every process it started.
#![allow(clippy::unwrap_used, dead_code)]

pub mod launcher;
pub mod raw;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream as StdStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_terminal::client::{self, Client};
use codex_terminal::control::Event;
use codex_terminal::descriptor::{Descriptor, Mode};
use codex_terminal::model::Model;
use codex_terminal::spec::Spec;
use codex_terminal::wire::ToPage;
use futures_util::{SinkExt, StreamExt};
use launcher::Launcher;
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub const DEADLINE: Duration = Duration::from_secs(20);

/// A running sidecar.
pub struct Sidecar {
    pub dir: TempDir,
    pub child: Child,
    pub descriptor: Descriptor,
    pub launcher: Launcher,
}

/// A spec of a shell script in its own folder, with everything a launcher would set.
pub fn script(dir: &TempDir, text: &str) -> Spec {
    let argv = ["/bin/bash", "--norc", "-c", text]
        .map(str::to_owned)
        .to_vec();
    with_paths(dir, Spec::program("t1", argv, dir.path().to_owned()))
}

pub fn with_paths(dir: &TempDir, mut spec: Spec) -> Spec {
    spec.log_path = Some(dir.path().join("t.log"));
    spec.descriptor_path = Some(dir.path().join("t.json"));
    spec.control_socket = Some(dir.path().join("t.sock"));
    spec
}

impl Sidecar {
    /// Starts a sidecar for a shell script.
    pub fn script(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spec = script(&dir, text);
        Self::start(dir, &spec)
    }

    pub fn start(dir: TempDir, spec: &Spec) -> Self {
        let path = dir.path().join("spec.json");
        spec.write(&path).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_codex-terminal"))
            .arg("--spec")
            .arg(&path)
            .env("HOME", dir.path())
            // The tests look at its files and its memory.
            .env(local_os::platform::TRACEABLE, "1")
            .env("CODEX_TERMINAL_LOG", "codex_terminal=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let stderr = std::fs::read_to_string(dir.path().join("stderr")).unwrap();
        let url = line.trim().strip_prefix("[codex-terminal] url=");
        let url = url.unwrap_or_else(|| panic!("no address: {line:?} {stderr}"));
        let descriptor = Descriptor::read(spec.descriptor_path.as_ref().unwrap());
        if descriptor.is_err() {
            child.kill().unwrap();
        }
        let descriptor = descriptor.unwrap();
        assert_eq!(url, descriptor.address(), "the address holds no token");
        let launcher = Launcher::attend(&dir.path().join("t.sock"));
        Self {
            dir,
            child,
            descriptor,
            launcher,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn reread(&self) -> Descriptor {
        Descriptor::read(&self.path("t.json")).unwrap()
    }

    pub async fn control(&self) -> (Client, mpsc::Receiver<Event>) {
        client::connect(&self.path("t.sock")).await.unwrap()
    }

    /// A viewer that starts from a snapshot.
    pub async fn viewer(&self, mode: Mode) -> Viewer {
        let mut viewer = Viewer::connect(&self.descriptor).await.unwrap();
        viewer.attach(self.token(mode), None).await;
        viewer
    }

    pub fn token(&self, mode: Mode) -> &str {
        match mode {
            Mode::Write => &self.launcher.write,
            Mode::Read => &self.launcher.read,
        }
    }

    pub fn url(&self, mode: Mode) -> String {
        self.descriptor.url(self.token(mode))
    }

    /// Sends raw bytes and gives the whole answer.
    pub fn http(&self, request: &str) -> String {
        let mut stream = StdStream::connect(("127.0.0.1", self.descriptor.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn get(&self, path: &str, headers: &str) -> String {
        let host = format!("127.0.0.1:{}", self.descriptor.port);
        self.http(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        ))
    }

    pub fn wait_for_exit(&mut self) -> i32 {
        let child = &mut self.child;
        let status = wait_until("the sidecar to exit", || child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    pub fn status_kib(&self, field: &str) -> u64 {
        self.kib("status", field)
    }

    /// The memory that is this process's alone. Pages of the program file are left out: their share changes with the
    /// number of other sidecars.
    pub fn own_kib(&self) -> u64 {
        self.kib("smaps_rollup", "Pss_Anon:")
    }

    fn kib(&self, file: &str, field: &str) -> u64 {
        let pid = self.child.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_ascii_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            // TERM ends the program's tree as well.
            Command::new("kill")
                .arg(self.child.id().to_string())
                .status()
                .unwrap();
            let end = Instant::now() + Duration::from_secs(15);
            while self.child.try_wait().unwrap().is_none() {
                if Instant::now() > end {
                    self.child.kill().unwrap();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if std::thread::panicking() {
            let stderr = std::fs::read_to_string(self.path("stderr")).unwrap_or_default();
            eprintln!("the sidecar said:\n{stderr}");
        }
    }
}

/// Polls a condition that no event announces (processes, files of others).
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn alive(pid: u32) -> bool {
    local_os::platform::process_start_ticks(pid).is_some()
}

pub fn pid_in(path: &Path) -> u32 {
    wait_until("a pid file", || {
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    })
}

/// A small, reproducible source of numbers. Says its seed when a test fails.
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % sides
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the dice began with {:#x}", self.seed);
        }
    }
}

/// What a viewer got.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Output(u64, Vec<u8>),
    Snapshot {
        offset: u64,
        cols: u16,
        rows: u16,
        bytes: Vec<u8>,
    },
    Gap(u64, u64),
    Taken(u32),
    Busy(u32),
    Text(ToPage),
    Closed(u16),
}

pub struct Viewer {
    pub socket: Socket,
    pub next_input: u32,
    pub mode: Mode,
    pub resumed: bool,
    /// All output since the last snapshot, and where it began.
    pub seen: Vec<u8>,
    pub base: u64,
    pub snapshot: Vec<u8>,
    pub size: (u16, u16),
    pub gaps: Vec<(u64, u64)>,
    pub texts: Vec<ToPage>,
}

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub async fn handshake(port: u16, host: Option<&str>, origin: Option<&str>) -> Result<Socket, u16> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    handshake_over(stream, host, origin).await
}

/// A handshake on a connection that is there already.
pub async fn handshake_over(
    stream: TcpStream,
    host: Option<&str>,
    origin: Option<&str>,
) -> Result<Socket, u16> {
    let port = stream.peer_addr().unwrap().port();
    let mut request = format!("ws://127.0.0.1:{port}/ws")
        .into_client_request()
        .unwrap();
    if let Some(host) = host {
        request.headers_mut().insert("host", host.parse().unwrap());
    }
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

impl Viewer {
    pub async fn connect(descriptor: &Descriptor) -> Result<Self, u16> {
        let origin = format!("http://127.0.0.1:{}", descriptor.port);
        let socket = handshake(descriptor.port, None, Some(&origin)).await?;
        Ok(Self::over(socket))
    }

    /// One whose system takes little in advance of what it reads.
    pub async fn connect_narrow(descriptor: &Descriptor) -> Self {
        let narrow = TcpSocket::new_v4().unwrap();
        narrow.set_recv_buffer_size(64 << 10).unwrap();
        let address = ([127, 0, 0, 1], descriptor.port).into();
        let stream = narrow.connect(address).await.unwrap();
        let origin = format!("http://127.0.0.1:{}", descriptor.port);
        let socket = handshake_over(stream, None, Some(&origin)).await;
        Self::over(socket.unwrap())
    }

    pub fn over(socket: Socket) -> Self {
        Self {
            socket,
            next_input: 0,
            mode: Mode::Read,
            resumed: false,
            seen: Vec::new(),
            base: 0,
            snapshot: Vec::new(),
            size: (0, 0),
            gaps: Vec::new(),
            texts: Vec::new(),
        }
    }

    pub async fn send_text(&mut self, text: serde_json::Value) {
        let message = Message::Text(text.to_string().into());
        self.socket.send(message).await.unwrap();
    }

    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .unwrap();
    }

    pub async fn attach(&mut self, token: &str, offset: Option<u64>) {
        self.attach_as(serde_json::json!({"type": "attach", "token": token, "offset": offset}))
            .await;
    }

    pub async fn attach_as(&mut self, attach: serde_json::Value) {
        self.send_text(attach).await;
        match self.next().await {
            Got::Text(ToPage::Hello {
                mode,
                cols,
                rows,
                next_input,
                resumed,
                ..
            }) => {
                (self.mode, self.next_input, self.resumed) = (mode, next_input, resumed);
                self.size = (cols, rows);
            }
            other => panic!("no hello but {other:?}"),
        }
    }

    /// The next message, also taken into the viewer's own picture.
    pub async fn next(&mut self) -> Got {
        let got = tokio::time::timeout(DEADLINE, self.read())
            .await
            .expect("a message within the deadline");
        match &got {
            Got::Output(offset, bytes) => {
                assert_eq!(
                    *offset,
                    self.base + self.seen.len() as u64,
                    "no hole, no repetition"
                );
                self.seen.extend_from_slice(bytes);
            }
            Got::Snapshot {
                offset,
                bytes,
                cols,
                rows,
            } => {
                (self.base, self.size) = (*offset, (*cols, *rows));
                self.seen.clear();
                self.snapshot.clone_from(bytes);
            }
            Got::Gap(from, to) => self.gaps.push((*from, *to)),
            Got::Text(text) => {
                if let ToPage::Size { cols, rows } = text {
                    self.size = (*cols, *rows);
                }
                self.texts.push(text.clone());
            }
            _ => {}
        }
        got
    }

    async fn read(&mut self) -> Got {
        loop {
            let message = match self.socket.next().await {
                None | Some(Err(_)) => return Got::Closed(0),
                Some(Ok(message)) => message,
            };
            let number = |bytes: &[u8]| u64::from_be_bytes(bytes[..8].try_into().unwrap());
            let short = |bytes: &[u8]| u16::from_be_bytes(bytes[..2].try_into().unwrap());
            match message {
                Message::Text(text) => return Got::Text(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => {
                    return Got::Closed(frame.map_or(0, |CloseFrame { code, .. }| code.into()));
                }
                Message::Binary(bytes) => {
                    let rest = &bytes[1..];
                    return match bytes[0] {
                        1 => Got::Output(number(rest), rest[8..].to_vec()),
                        2 => Got::Snapshot {
                            offset: number(rest),
                            cols: short(&rest[8..]),
                            rows: short(&rest[10..]),
                            bytes: rest[12..].to_vec(),
                        },
                        3 => Got::Gap(number(rest), number(&rest[8..])),
                        4 => Got::Taken(u32::from_be_bytes(rest.try_into().unwrap())),
                        5 => Got::Busy(u32::from_be_bytes(rest.try_into().unwrap())),
                        other => panic!("frame {other}"),
                    };
                }
                _ => {}
            }
        }
    }

    pub fn end(&self) -> u64 {
        self.base + self.seen.len() as u64
    }

    /// Reads until the screen, as a terminal would show it, holds `text`.
    pub async fn until_screen(&mut self, text: &str) -> String {
        self.until_screen_has(&[text]).await
    }

    /// The same for texts that stand one after the other.
    pub async fn until_screen_has(&mut self, texts: &[&str]) -> String {
        loop {
            let screen = self.screen();
            let mut rest = screen.as_str();
            let in_order = texts.iter().all(|text| match rest.split_once(text) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            });
            if in_order {
                return screen;
            }
            let got = self.next().await;
            assert!(
                !matches!(got, Got::Closed(_)),
                "closed before {texts:?}; screen:\n{screen}"
            );
        }
    }

    pub async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Got) -> bool) -> Got {
        loop {
            let got = self.next().await;
            if wanted(&got) {
                return got;
            }
            assert!(!matches!(got, Got::Closed(_)), "closed before {what}");
        }
    }

    /// What the viewer shows: its snapshot and what came after it.
    pub fn screen(&self) -> String {
        let (cols, rows) = self.size;
        let mut model = Model::new(cols, rows);
        model.feed(&self.snapshot);
        model.feed(&self.seen);
        model.contents()
    }

    /// A terminal that shows what this viewer got.
    pub fn parser(&self) -> vt100::Parser {
        let (cols, rows) = self.size;
        let side = |cells: u16| cells.max(1).try_into().unwrap();
        let mut parser = vt100::Parser::new(side(rows), side(cols), 0);
        parser.process(&self.snapshot);
        parser.process(&self.seen);
        parser
    }

    /// Forgets the output so far, as a terminal that has drawn it does.
    pub fn drawn(&mut self) {
        self.base = self.end();
        self.seen.clear();
    }

    /// Sends one numbered input and does not wait.
    pub async fn send_input(&mut self, number: u32, data: &[u8]) {
        let mut frame = vec![1];
        frame.extend_from_slice(&number.to_be_bytes());
        frame.extend_from_slice(data);
        self.send_binary(frame).await;
    }

    /// Types one piece and waits until it is with the program.
    pub async fn input(&mut self, data: &[u8]) {
        loop {
            self.send_input(self.next_input, data).await;
            let expected = self.next_input + 1;
            match self
                .until("an answer to input", |got| {
                    matches!(got, Got::Taken(_) | Got::Busy(_))
                })
                .await
            {
                Got::Taken(next) if next == expected => break,
                Got::Taken(_) => {}
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        self.next_input += 1;
    }
}
