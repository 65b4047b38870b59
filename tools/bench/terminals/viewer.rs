//! One viewer of a terminal, in whichever protocol: types, and takes output with the place that it has in the stream.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::peer::{COLS, ROWS};
use crate::sshx::{self, FromServer, Key};
use crate::ws::{Kind, Socket};

/// An attached viewer.
pub struct Viewer {
    socket: Socket,
    protocol: Protocol,
    scratch: Vec<u8>,
    typed: u64,
    /// Where the next output belongs.
    pub offset: u64,
}

enum Protocol {
    Ours,
    Ttyd,
    Sshx { key: Key, shell: u64 },
}

/// Output, and where in the whole stream it lies. A server that skipped some shows it by the offset.
pub struct Output<'a> {
    /// Of the first byte.
    pub offset: u64,
    /// Output.
    pub bytes: &'a [u8],
}

impl Viewer {
    /// Our protocol, from the first byte.
    pub fn ours(port: u16, token: &str) -> anyhow::Result<Self> {
        let mut socket = Socket::connect(port, "/ws", "")?;
        let attach = format!(
            r#"{{"type":"attach","token":"{token}","offset":0,"client":"{:p}"}}"#,
            &socket
        );
        socket.send(Kind::Text, attach.as_bytes())?;
        Ok(Self::with(socket, Protocol::Ours))
    }

    /// ttyd's protocol; the terminal begins with its viewer.
    pub fn ttyd(port: u16) -> anyhow::Result<Self> {
        let mut socket = Socket::connect(port, "/ws", "Sec-WebSocket-Protocol: tty\r\n")?;
        let attach = format!(r#"{{"AuthToken":"","columns":{COLS},"rows":{ROWS}}}"#);
        socket.send(Kind::Binary, attach.as_bytes())?;
        Ok(Self::with(socket, Protocol::Ttyd))
    }

    /// sshx's protocol: a shell that is there already, or a new one.
    pub fn sshx(port: u16, session: &str, key: &Key, shell: Option<u64>) -> anyhow::Result<Self> {
        let mut socket = Socket::connect(port, &format!("/api/s/{session}"), "")?;
        socket.send(Kind::Binary, &sshx::authenticate(key))?;
        let mut scratch = Vec::new();
        let mut known = shells(&mut socket, &mut scratch)?;
        let shell = match shell {
            Some(shell) => shell,
            None => {
                socket.send(Kind::Binary, &sshx::create())?;
                loop {
                    let now = shells(&mut socket, &mut scratch)?;
                    if let Some(new) = now.iter().find(|shell| !known.contains(shell)) {
                        break *new;
                    }
                    known = now;
                }
            }
        };
        socket.send(Kind::Binary, &sshx::subscribe(shell))?;
        let key = key.clone();
        Ok(Self::with(socket, Protocol::Sshx { key, shell }))
    }

    fn with(socket: Socket, protocol: Protocol) -> Self {
        Self {
            socket,
            protocol,
            scratch: Vec::new(),
            typed: 0,
            offset: 0,
        }
    }

    /// Which one it is, where one connection has several.
    pub fn shell(&self) -> Option<u64> {
        match self.protocol {
            Protocol::Sshx { shell, .. } => Some(shell),
            _ => None,
        }
    }

    /// The connection.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Types.
    pub fn input(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        let message = match &self.protocol {
            Protocol::Ours => {
                let number = (self.typed as u32).to_be_bytes();
                self.typed += 1;
                [&[1][..], &number, keys].concat()
            }
            Protocol::Ttyd => [b"0", keys].concat(),
            Protocol::Sshx { key, shell } => {
                let offset = self.typed;
                self.typed += keys.len() as u64;
                sshx::data(key, *shell, offset, keys)
            }
        };
        self.socket.send(Kind::Binary, &message)
    }

    /// The next output. `None`: nothing came in time.
    pub fn next(&mut self) -> anyhow::Result<Option<Output<'_>>> {
        let found = loop {
            let Some((kind, message)) = self.socket.next()? else {
                return Ok(None);
            };
            if kind == Kind::Close {
                bail!(
                    "the server closed: {}",
                    String::from_utf8_lossy(message.get(2..).unwrap_or_default())
                );
            }
            if kind != Kind::Binary {
                continue;
            }
            match &self.protocol {
                Protocol::Ours => match message {
                    [1, rest @ ..] => {
                        let (offset, bytes) = rest.split_first_chunk().context("a cut frame")?;
                        let offset = u64::from_be_bytes(*offset);
                        break (offset, message.len() - bytes.len()..message.len());
                    }
                    // A snapshot says where output goes on, which the output itself says too.
                    _ => continue,
                },
                Protocol::Ttyd => match message {
                    [b'0', ..] => break (self.offset, 1..message.len()),
                    _ => continue,
                },
                Protocol::Sshx { key, shell } => match sshx::parse(message, &mut self.scratch)? {
                    FromServer::Chunks(of, offset) if of == *shell => {
                        let stream = sshx::output_stream(of);
                        key.apply(stream, offset, &mut self.scratch);
                        break (offset, 0..self.scratch.len());
                    }
                    _ => continue,
                },
            }
        };
        let (offset, range) = found;
        self.offset = offset + range.len() as u64;
        let bytes = match self.protocol {
            Protocol::Sshx { .. } => &self.scratch[range],
            _ => &self.socket.payload()[range],
        };
        Ok(Some(Output { offset, bytes }))
    }

    /// Waits until the output ends with `text`.
    pub fn until(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut seen = Vec::new();
        while !seen.ends_with(text) {
            let output = self.next()?.context("no output came")?;
            seen.extend_from_slice(output.bytes);
            ensure!(
                Instant::now() < deadline,
                "{:?} did not come, but {:?}",
                String::from_utf8_lossy(text),
                String::from_utf8_lossy(&seen)
            );
        }
        Ok(())
    }
}

fn shells(socket: &mut Socket, scratch: &mut Vec<u8>) -> anyhow::Result<Vec<u64>> {
    loop {
        let (_, message) = socket.next()?.context("sshx says nothing")?;
        if let FromServer::Shells(shells) = sshx::parse(message, scratch)? {
            return Ok(shells);
        }
    }
}
