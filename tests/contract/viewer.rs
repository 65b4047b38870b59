//! A browser that looks at a terminal: the WebSocket of a sidecar, as its page speaks it.

use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest as _, client};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{Error, WebSocket};

/// Nothing takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Viewer {
    socket: WebSocket<TcpStream>,
    /// What the sidecar greeted with.
    pub hello: Value,
    /// Everything that was drawn, control sequences included.
    pub shown: Vec<u8>,
    /// Other messages of the sidecar.
    pub said: Vec<Value>,
    /// The code it was closed with; 0 without one.
    pub closed: Option<u16>,
    next_input: u32,
}

impl Viewer {
    /// Opens the address of a terminal, with the token in its fragment.
    #[track_caller]
    pub fn open(url: &str) -> Self {
        let mut viewer = Self::knock(url);
        viewer.until("a greeting", |viewer| !viewer.hello.is_null());
        viewer.next_input = u32::try_from(viewer.hello["next_input"].as_u64().unwrap()).unwrap();
        viewer
    }

    /// Shows the token at an address, and does not wait for what is said to it.
    pub fn knock(url: &str) -> Self {
        let (address, fragment) = url.split_once("/#token=").unwrap();
        let token = fragment.split('&').next().unwrap();
        let authority = address.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(authority).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let mut request = format!("ws://{authority}/ws")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("origin", address.parse().unwrap());
        let (mut socket, _) = client(request, stream).unwrap();
        // Inputs are numbered by page: two of one name would take each other's for repetitions.
        static PAGES: AtomicU64 = AtomicU64::new(0);
        let page = PAGES.fetch_add(1, Ordering::Relaxed);
        let attach = json!({ "type": "attach", "token": token, "client": format!("page {page}") });
        socket
            .send(Message::Text(attach.to_string().into()))
            .unwrap();
        Self {
            socket,
            hello: Value::Null,
            shown: Vec::new(),
            said: Vec::new(),
            closed: None,
            next_input: 0,
        }
    }

    /// Types without waiting for anything; false when nobody is at the other end any more.
    pub fn tries_to_type(&mut self, text: &str) -> bool {
        let mut frame = vec![1];
        frame.extend_from_slice(&self.next_input.to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        self.socket.send(Message::Binary(frame.into())).is_ok()
    }

    /// What was drawn, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Reads on until a condition holds.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            if Instant::now() > deadline || self.closed.is_some() {
                let text = self.text();
                let end: String = text.chars().rev().take(500).collect();
                let end: String = end.chars().rev().collect();
                panic!(
                    "waited in vain for {what}; closed: {:?}, shown: …{end}",
                    self.closed
                );
            }
            self.read();
        }
    }

    #[track_caller]
    pub fn until_shown(&mut self, text: &str) {
        self.until(text, |viewer| viewer.text().contains(text));
    }

    /// Reads on until the sidecar hangs up; returns the code that it gave.
    #[track_caller]
    pub fn until_closed(&mut self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        while self.closed.is_none() {
            assert!(Instant::now() < deadline, "it is not closed");
            self.read();
        }
        self.closed.unwrap()
    }

    /// Types and waits until it is with the program.
    #[track_caller]
    pub fn types(&mut self, text: &str) {
        let mut frame = vec![1];
        frame.extend_from_slice(&self.next_input.to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        self.socket.send(Message::Binary(frame.into())).unwrap();
        let expected = self.next_input + 1;
        self.until("the input to be taken", |viewer| {
            viewer.next_input == expected
        });
    }

    /// One message, if there is one soon.
    fn read(&mut self) {
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                return;
            }
            Err(_) => {
                self.closed.get_or_insert(0);
                return;
            }
        };
        match message {
            Message::Text(text) => {
                let said: Value = serde_json::from_str(&text).unwrap();
                match said["type"].as_str() {
                    Some("hello") => self.hello = said,
                    _ => self.said.push(said),
                }
            }
            Message::Binary(bytes) => match bytes[0] {
                1 => self.shown.extend_from_slice(&bytes[9..]),
                2 => self.shown.extend_from_slice(&bytes[13..]),
                4 => self.next_input = u32::from_be_bytes(bytes[1..].try_into().unwrap()),
                _ => {}
            },
            Message::Close(frame) => {
                self.closed = Some(frame.map_or(0, |frame| frame.code.into()));
            }
            _ => {}
        }
    }
}
