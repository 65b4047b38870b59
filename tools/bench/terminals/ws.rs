//! The client's end of a WebSocket, blocking and with as little work per frame as possible: what is measured is the server.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// One read.
const READ_BYTES: usize = 256 << 10;
/// Nothing for so long means that the server hangs.
const SILENT_AFTER: Duration = Duration::from_secs(20);

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// One connection.
pub struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The payload of the newest message.
    payload: std::ops::Range<usize>,
    /// At most so much per read: a slow reader must not fetch a quarter of a second's worth at once.
    read_bytes: usize,
}

impl Socket {
    /// Connects to 127.0.0.1 and upgrades.
    pub fn connect(port: u16, path: &str, headers: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENT_AFTER))?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut socket = Self {
            stream,
            buffer: vec![0; 2 * READ_BYTES],
            start: 0,
            end: 0,
            payload: 0..0,
            read_bytes: READ_BYTES,
        };
        loop {
            let got = &socket.buffer[..socket.end];
            if let Some(at) = got.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&got[..at]).into_owned();
                ensure!(head.starts_with("HTTP/1.1 101"), "the server said {head}");
                socket.start = at + 4;
                return Ok(socket);
            }
            socket.fill()?;
        }
    }

    /// Reads in pieces of this size from now on.
    pub fn read_slowly(&mut self, bytes: usize) {
        self.read_bytes = bytes;
    }

    /// Sends one whole message.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> anyhow::Result<()> {
        let mut frame = vec![0x80 | kind as u8];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                let length = u16::try_from(length).context("a message is too long")?;
                frame.extend_from_slice(&length.to_be_bytes());
            }
        }
        // A mask of zeros is one like any other, and costs nothing.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        Ok(self.stream.write_all(&frame)?)
    }

    /// The next message that is no ping; pings are answered. `None`: nothing came in time.
    pub fn next(&mut self) -> anyhow::Result<Option<(Kind, &[u8])>> {
        loop {
            let Some((kind, payload)) = self.frame()? else {
                return Ok(None);
            };
            if kind == Kind::Ping {
                let payload = self.buffer[payload].to_vec();
                self.send(Kind::Pong, &payload)?;
                continue;
            }
            self.payload = payload;
            return Ok(Some((kind, self.payload())));
        }
    }

    /// The newest message once more.
    pub fn payload(&self) -> &[u8] {
        &self.buffer[self.payload.clone()]
    }

    fn frame(&mut self) -> anyhow::Result<Option<(Kind, std::ops::Range<usize>)>> {
        loop {
            if let Some((first, header, length)) = header(&self.buffer[self.start..self.end]) {
                ensure!(first & 0x80 != 0, "a fragmented message");
                let kind = match first & 0x0f {
                    1 => Kind::Text,
                    2 => Kind::Binary,
                    8 => Kind::Close,
                    9 => Kind::Ping,
                    10 => Kind::Pong,
                    other => bail!("a frame of kind {other}"),
                };
                let from = self.start + header;
                if self.end - self.start >= header + length {
                    self.start = from + length;
                    return Ok(Some((kind, from..from + length)));
                }
                self.make_room(header + length);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn make_room(&mut self, wanted: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + wanted.max(READ_BYTES) > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if wanted + READ_BYTES > self.buffer.len() {
            self.buffer.resize(wanted + READ_BYTES, 0);
        }
    }

    /// `false`: nothing came in time.
    fn fill(&mut self) -> anyhow::Result<bool> {
        self.make_room(0);
        let room = &mut self.buffer[self.end..];
        let room_bytes = room.len().min(self.read_bytes);
        match self.stream.read(&mut room[..room_bytes]) {
            Ok(0) => bail!("the server ended the connection"),
            Ok(count) => {
                self.end += count;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// First byte, length of the header and of the payload, if they are all there.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    Some(match second & 0x7f {
        126 => {
            let length = bytes.get(2..)?.first_chunk()?;
            (first, 4, u16::from_be_bytes(*length).into())
        }
        127 => {
            let length = bytes.get(2..)?.first_chunk()?;
            (first, 10, u64::from_be_bytes(*length) as usize)
        }
        length => (first, 2, length.into()),
    })
}
