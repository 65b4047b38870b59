//! A WebSocket through the same door as requests.

use super::door::Line;
use super::{Client, ClientError, Reply};
use futures_util::StreamExt as _;
use hyper::Uri;
use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A server pings more often than this; a connection that is silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection whose frames are text.
pub struct WebSocket(WebSocketStream<Box<dyn Line>>);

impl Client {
    /// Opens one.
    ///
    /// # Errors
    /// When the server cannot be reached, or says no.
    pub async fn websocket(&self, path: &str) -> Result<WebSocket, ClientError> {
        let bad = |error: &dyn std::fmt::Display| ClientError::BadRequest(error.to_string());
        let authority = self.door.authority();
        let uri: Uri = format!("ws://{authority}{path}")
            .parse()
            .map_err(|error| bad(&error))?;
        let mut request = Request::builder()
            .uri(uri)
            .header("Host", authority)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key());
        if let Some(bearer) = self.door.bearer() {
            request = request.header(AUTHORIZATION, bearer);
        }
        let request = request.body(()).map_err(|error| bad(&error))?;
        let line = self.door.open().await?;
        let handshake = async {
            match client_async(request, line).await {
                Ok((socket, _)) => Ok(WebSocket(socket)),
                Err(tungstenite::Error::Http(answer)) => {
                    let status = answer.status();
                    let body = Bytes::from(answer.into_body().unwrap_or_default());
                    Err(Reply { status, body }.refusal())
                }
                Err(error) => Err(ClientError::Broken(error.to_string())),
            }
        };
        self.patiently(handshake).await
    }
}

impl WebSocket {
    /// The next text; `None` when the server has ended it.
    ///
    /// # Errors
    /// When the connection broke, or nothing at all comes any more.
    pub async fn next(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            let next = tokio::time::timeout(SILENCE, self.0.next());
            let next = next.await.map_err(|_| ClientError::Slow(SILENCE))?;
            match next {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.to_string())),
                Some(Ok(Message::Binary(bytes))) => {
                    return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
                }
                // The library answers pings when it is asked for the next message.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Err(error)) => return Err(ClientError::Broken(error.to_string())),
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Whoever does not hear it sees the connection end.
        let _ = self.0.close(None).await;
    }
}
