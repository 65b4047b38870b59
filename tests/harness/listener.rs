//! Somebody who reads the stream, over the unix socket or with a token.

use crate::rig::PREFIX;
use crate::support::{House, PATIENCE};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Either door.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

pub struct Listener {
    socket: WebSocketStream<Box<dyn Line>>,
    /// What it was told first.
    pub ready: Value,
}

impl House {
    fn server(&self) -> Value {
        let file = std::fs::read(self.state.join("server.json")).unwrap();
        serde_json::from_slice(&file).unwrap()
    }

    /// Opens the stream over the unix socket; else the status of the refusal.
    pub async fn stream(&self, query: &str) -> Result<Listener, u16> {
        let path = self.server()["socket"].as_str().unwrap().to_owned();
        let line = UnixStream::connect(path).await.map_err(|_| 0_u16)?;
        Listener::open(Box::new(line), query, None).await
    }

    /// The same with a token, over TCP.
    pub async fn stream_with(&self, token: &str, query: &str) -> Result<Listener, u16> {
        let url = self.server()["url"].as_str().unwrap().to_owned();
        let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
        let line = TcpStream::connect(format!("127.0.0.1:{port}")).await;
        Listener::open(Box::new(line.unwrap()), query, Some((port, token))).await
    }

    /// The same, and it must be let in.
    pub async fn listens(&self, query: &str) -> Listener {
        match self.stream(query).await {
            Ok(listener) => listener,
            Err(status) => panic!("{query}: {status}\n{}", self.scene().await),
        }
    }

    /// A token.
    pub async fn token(&self, name: &str, scope: &str) -> String {
        let (code, said, error) = self.run(&["token", "create", name, "--scope", scope]).await;
        assert_eq!(code, Some(0), "{error}");
        let token = said.lines().find(|line| line.len() > 40).unwrap();
        token.trim().to_owned()
    }
}

impl Listener {
    async fn open(
        line: Box<dyn Line>,
        query: &str,
        token: Option<(&str, &str)>,
    ) -> Result<Self, u16> {
        let host = token.map_or("localhost".to_owned(), |(port, _)| {
            format!("127.0.0.1:{port}")
        });
        let address = format!("ws://{host}{PREFIX}/stream{query}");
        let mut request = address.into_client_request().unwrap();
        if let Some((_, token)) = token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let opened = timeout(PATIENCE, client_async(request, line));
        let (socket, _) = opened.await.unwrap().map_err(|error| match error {
            Error::Http(answer) => answer.status().as_u16(),
            error => panic!("{error}"),
        })?;
        let ready = Value::Null;
        let mut listener = Self { socket, ready };
        listener.ready = listener.next().await;
        assert_eq!(listener.ready["type"], "ready", "{:#}", listener.ready);
        Ok(listener)
    }

    /// Where it stood when it came.
    pub fn cursor(&self) -> String {
        self.ready["cursor"].as_str().unwrap().to_owned()
    }

    /// The next text; nothing at the end.
    pub async fn try_next(&mut self) -> Option<Value> {
        // Pings come for ever.
        let next = async {
            loop {
                match self.socket.next().await?.ok()? {
                    Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                    Message::Close(_) => return None,
                    _ => {}
                }
            }
        };
        let next = timeout(PATIENCE, next).await;
        next.expect("nothing is told any more")
    }

    pub async fn next(&mut self) -> Value {
        self.try_next().await.expect("the stream has ended")
    }

    /// Everything up to what is wanted.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut told = Vec::new();
        loop {
            let next = self.next().await;
            let is_last = wanted(&next);
            told.push(next);
            if is_last {
                return told;
            }
        }
    }

    /// Everything up to an event of this name.
    pub async fn until_type(&mut self, name: &str) -> Vec<Value> {
        self.until(|it| it["type"] == name).await
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Says something, and what is answered; no event may come in between.
    pub async fn says(&mut self, command: Value) -> Value {
        self.send(Message::text(command.to_string())).await;
        self.next().await
    }

    /// Follows these threads from now on.
    pub async fn follows(&mut self, threads: &[&str]) {
        let command = json!({ "type": "subscribe", "threadIds": threads });
        assert_eq!(
            self.says(command).await,
            json!({ "type": "ok", "command": "subscribe" })
        );
    }

    /// How it ends: the code, where one is said. Nothing but what was told may be lost.
    pub async fn ends(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => return frame.map(|it| it.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Whether it ends so soon.
    pub async fn ends_within(&mut self, limit: Duration) -> bool {
        let end = async { while let Some(Ok(_)) = self.socket.next().await {} };
        timeout(limit, end).await.is_ok()
    }
}

/// The names of what was told.
pub fn types(told: &[Value]) -> Vec<&str> {
    let types = told.iter().map(|it| it["type"].as_str().unwrap());
    types.collect()
}
