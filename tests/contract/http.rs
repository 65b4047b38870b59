//! Plain HTTP over a unix socket or TCP: one connection per request, exactly the headers that are asked for.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// No answer takes longer unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where to send a request.
pub enum Door<'a> {
    /// The launcher's own socket: the person.
    Socket(&'a Path),
    /// The same socket as the tool server uses it: for the thread of an agent.
    SocketOf(&'a Path, &'a str),
    /// TCP with these headers (a credential, an Origin).
    Tcp(u16, &'a [(&'a str, &'a str)]),
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body of a yes.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        assert_eq!(body["ok"], true, "{self:?}");
        body
    }

    /// A no in the shape that every no has; returns its sentence.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["ok"], false, "{self:?}");
        assert_eq!(body["code"], code, "{self:?}");
        let sentence = body["error"].as_str().unwrap_or_default().to_owned();
        assert!(sentence.len() > 15, "no sentence: {self:?}");
        sentence
    }
}

trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

fn connect(door: &Door<'_>) -> Box<dyn Connection> {
    match door {
        Door::Socket(path) | Door::SocketOf(path, _) => {
            let stream = UnixStream::connect(path).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            Box::new(stream)
        }
        Door::Tcp(port, _) => {
            let stream = TcpStream::connect(("127.0.0.1", *port)).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            Box::new(stream)
        }
    }
}

fn head(door: &Door<'_>, method: &str, path: &str) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    match door {
        Door::Socket(_) => head.push_str("Host: zhongshu\r\n"),
        Door::SocketOf(_, thread) => {
            head.push_str(&format!(
                "Host: zhongshu\r\nx-zhongshu-thread: {thread}\r\n"
            ));
        }
        Door::Tcp(port, headers) => {
            if !headers.iter().any(|(name, _)| *name == "Host") {
                head.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
            }
            for (name, value) in *headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
    }
    head
}

/// Sends bytes as the body; `kind` is the Content-Type.
pub fn send(
    door: &Door<'_>,
    method: &str,
    path: &str,
    kind: Option<&str>,
    body: Option<&[u8]>,
) -> Answer {
    let mut stream = connect(door);
    let mut text = head(door, method, path);
    text.push_str("Connection: close\r\n");
    if let Some(kind) = kind {
        text.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    if let Some(body) = body {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body.unwrap_or_default());
    // The server may answer and close before everything is sent.
    stream.write_all(&bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    parse(&answer)
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: body.to_owned(),
    }
}

/// One event of an event stream.
#[derive(Debug, Clone, Default)]
pub struct Event {
    pub id: Option<u64>,
    pub name: String,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// An event stream that is being read.
pub struct Events {
    lines: BufReader<Box<dyn Connection>>,
}

impl Events {
    pub fn open(door: &Door<'_>, path: &str) -> Self {
        let mut stream = connect(door);
        let text = format!("{}\r\n", head(door, "GET", path));
        stream.write_all(text.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert!(first.contains(" 200 "), "{first}");
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line == "\r\n" {
                return Self { lines };
            }
        }
    }

    /// Reads until the server ends the stream; returns the names of the events before the end.
    #[track_caller]
    pub fn until_end(&mut self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut names = Vec::new();
        loop {
            assert!(Instant::now() < deadline, "the stream goes on: {names:?}");
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => return names,
                Ok(_) if line == "0\r\n" => return names,
                Ok(_) => {
                    let name = line.strip_prefix("event: ");
                    names.extend(name.map(|name| name.trim_end().to_owned()));
                }
                Err(error) => panic!("the stream goes on ({error}): {names:?}"),
            }
        }
    }

    /// The next event that `wanted` accepts.
    #[track_caller]
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + PATIENCE;
        let mut event = Event::default();
        let mut seen = Vec::new();
        loop {
            assert!(
                Instant::now() < deadline,
                "no event with {what}; seen: {seen:?}"
            );
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(1..) => {}
                end => panic!("the stream ended ({end:?}) before {what}; seen: {seen:?}"),
            }
            // Lengths of chunks and comments are no fields.
            let line = line.trim_end();
            if let Some(id) = line.strip_prefix("id: ") {
                event.id = id.parse().ok();
            } else if let Some(name) = line.strip_prefix("event: ") {
                event.name = name.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                event.data.push_str(data);
            } else if line.is_empty() && !event.name.is_empty() {
                let whole = std::mem::take(&mut event);
                if wanted(&whole) {
                    return whole;
                }
                seen.push(whole.name);
            }
        }
    }
}
