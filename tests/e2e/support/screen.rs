//! What a person sees in a terminal's page, and types there: a viewer on the sidecar's WebSocket.

use super::{LOOK, PATIENCE};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

fn side(cells: u64) -> NonZeroU16 {
    u16::try_from(cells).unwrap().try_into().unwrap()
}

/// One page that shows a session's terminal.
pub struct Screen {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    parser: vt100::Parser,
    next_input: u32,
}

impl Screen {
    /// Opens the page of a session's terminal at the address that the person is given.
    pub async fn open(session: &Value) -> Self {
        let url = session["browser_terminal_url"].as_str().unwrap();
        let (origin, token) = url.split_once("/#token=").unwrap();
        let authority = origin.strip_prefix("http://").unwrap();
        let mut request = format!("ws://{authority}/ws")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let attach = json!({ "type": "attach", "token": token, "offset": null });
        socket
            .send(Message::text(attach.to_string()))
            .await
            .unwrap();
        let parser = vt100::Parser::new(side(24), side(80), 0);
        let mut screen = Self {
            socket,
            parser,
            next_input: 0,
        };
        screen.read().await;
        screen
    }

    /// Takes one message into the picture; false at the end of the terminal.
    async fn read(&mut self) -> bool {
        let Some(Ok(message)) = self.socket.next().await else {
            return false;
        };
        match message {
            Message::Text(text) => {
                let said: Value = serde_json::from_str(&text).unwrap();
                if let (Some(cols), Some(rows)) = (said["cols"].as_u64(), said["rows"].as_u64()) {
                    self.parser.screen_mut().set_size(side(rows), side(cols));
                }
                if let Some(number) = said["next_input"].as_u64() {
                    self.next_input = number.try_into().unwrap();
                }
            }
            // Output comes behind its offset, a snapshot behind its offset and size.
            Message::Binary(bytes) if bytes[0] == 1 => self.parser.process(&bytes[9..]),
            Message::Binary(bytes) if bytes[0] == 2 => self.parser.process(&bytes[13..]),
            _ => {}
        }
        true
    }

    /// What is on the screen now.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Looks until the screen holds `text`.
    pub async fn until(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(
                Instant::now() < deadline,
                "{text:?} does not appear:\n{}",
                self.text()
            );
            tokio::time::timeout(LOOK * 10, self.read()).await.ok();
        }
    }

    /// Takes in what comes, for so long or until the terminal has ended.
    pub async fn look(&mut self, time: Duration) {
        let all = async { while self.read().await {} };
        // It goes on: an animation never rests.
        tokio::time::timeout(time, all).await.ok();
    }

    /// Types.
    pub async fn press(&mut self, keys: &str) {
        let mut frame = vec![1];
        frame.extend_from_slice(&self.next_input.to_be_bytes());
        frame.extend_from_slice(keys.as_bytes());
        // An ended terminal takes nothing more.
        let sent = self.socket.send(Message::Binary(frame.into())).await;
        sent.ok();
        self.next_input += 1;
    }
}
