//! The launcher of a sidecar under test: attends, and says whose a token is, from a thread of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use codex_terminal::control::{Event, Granted, Over, Request, RequestLine};
use codex_terminal::token::{self, Mode, TokenHash};

/// Where its pages are.
pub const ORIGIN: &str = "http://127.0.0.1:6211";
/// Holders of the two tokens.
pub const WRITER: &str = "browser:1";
pub const READER: &str = "token:ci";

pub struct Launcher {
    stream: UnixStream,
    pub write: String,
    pub read: String,
}

impl Launcher {
    /// Connects and attends, with two new tokens.
    pub fn attend(socket: &Path) -> Self {
        Self::again(
            socket,
            token::generate().unwrap(),
            token::generate().unwrap(),
            &[],
        )
    }

    /// A launcher that knows these tokens; of what earlier ones let in, `standing` goes on.
    pub fn again(socket: &Path, write: String, read: String, standing: &[&str]) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        let launcher = Self {
            stream,
            write,
            read,
        };
        let known = [
            (TokenHash::of(&launcher.write), WRITER, Mode::Write),
            (TokenHash::of(&launcher.read), READER, Mode::Read),
        ];
        launcher.tell(
            Some(1),
            Request::Attend {
                standing: standing.iter().map(|&holder| holder.to_owned()).collect(),
                frame_ancestors: vec![ORIGIN.to_owned()],
            },
        );
        let mut lines = BufReader::new(launcher.stream.try_clone().unwrap()).lines();
        loop {
            let line = lines.next().unwrap().unwrap();
            match serde_json::from_str(&line).unwrap() {
                Event::Ack { id: 1 } => break,
                Event::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        let mut writer = launcher.stream.try_clone().unwrap();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(Event::Presented { ask, token_sha256 }) = serde_json::from_str(&line) else {
                    continue;
                };
                let known = known.iter().find(|(hash, ..)| *hash == token_sha256);
                let granted = known.map(|(_, holder, mode)| Granted {
                    holder: (*holder).to_owned(),
                    mode: *mode,
                });
                // The sidecar may end at any time.
                if send(&mut writer, None, Request::Answer { ask, granted }).is_err() {
                    return;
                }
            }
        });
        launcher
    }

    /// A credential has ended.
    pub fn revoke(&self, holder: &str, over: Over) {
        let holder = holder.to_owned();
        self.tell(None, Request::Revoke { holder, over });
    }

    /// It goes away, as by a crash.
    pub fn leave(&self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }

    fn tell(&self, id: Option<u64>, request: Request) {
        send(&mut self.stream.try_clone().unwrap(), id, request).unwrap();
    }
}

fn send(stream: &mut UnixStream, id: Option<u64>, request: Request) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(&RequestLine { id, request }).unwrap();
    line.push(b'\n');
    stream.write_all(&line)
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.leave();
    }
}
