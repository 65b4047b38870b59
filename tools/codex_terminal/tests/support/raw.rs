//! A WebSocket client that does what no browser does: frames of any kind, one byte at a time.
#![allow(clippy::unwrap_used, dead_code)]

use std::io::{Read, Write};
use std::net::TcpStream;

use codex_terminal::descriptor::Descriptor;

use super::DEADLINE;

/// Bits of the first byte of a frame.
pub const FIN: u8 = 0x80;
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;

pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    /// The answer's status, and the connection when it is 101.
    pub fn handshake(descriptor: &Descriptor) -> (u16, Self) {
        let port = descriptor.port;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, Self { stream })
    }

    /// A viewer that has shown its token.
    pub fn attached(descriptor: &Descriptor, token: &str) -> Self {
        let (status, mut raw) = Self::handshake(descriptor);
        assert_eq!(status, 101);
        let attach = serde_json::json!({"type": "attach", "token": token}).to_string();
        raw.stream
            .write_all(&frame(FIN | TEXT, attach.as_bytes()))
            .unwrap();
        let (first, hello) = raw.read_frame().expect("a hello");
        assert_eq!(first, FIN | TEXT);
        assert!(hello.starts_with(br#"{"type":"hello""#));
        raw
    }

    /// The next frame; none when the connection has ended.
    pub fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        let mut length = u64::from(head[1]);
        if length >= 126 {
            let mut long = vec![0; if length == 126 { 2 } else { 8 }];
            self.stream.read_exact(&mut long).ok()?;
            length = long.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        }
        let mut body = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut body).ok()?;
        Some((head[0], body))
    }

    /// Reads to the end; the code that the server closed with, 0 when it said none.
    pub fn close_code(&mut self) -> u16 {
        while let Some((first, body)) = self.read_frame() {
            if first & 0x0f == CLOSE {
                return body
                    .get(..2)
                    .map_or(0, |code| u16::from_be_bytes([code[0], code[1]]));
            }
        }
        0
    }
}

/// A frame as a client sends it, with a mask of zeros.
pub fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = head(first, body.len(), 0x80);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(body);
    frame
}

/// The head of a frame, up to its length.
pub fn head(first: u8, length: usize, masked: u8) -> Vec<u8> {
    match length {
        0..=125 => vec![first, masked | length as u8],
        126..=65_535 => {
            let [a, b] = (length as u16).to_be_bytes();
            vec![first, masked | 126, a, b]
        }
        _ => {
            let mut head = vec![first, masked | 127];
            head.extend_from_slice(&(length as u64).to_be_bytes());
            head
        }
    }
}
