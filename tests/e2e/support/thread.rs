//! Another client of the app-server, as any program may be one: a raw WebSocket on its socket.

use super::House;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

pub struct Stranger {
    socket: WebSocketStream<UnixStream>,
    next: u64,
}

impl Stranger {
    /// Connects to the house's app-server.
    pub async fn connect(house: &House) -> Self {
        let descriptor = std::fs::read(house.state.join("app-server.json")).unwrap();
        let descriptor: Value = serde_json::from_slice(&descriptor).unwrap();
        let stream = UnixStream::connect(descriptor["socket"].as_str().unwrap())
            .await
            .unwrap();
        let (socket, _) = tokio_tungstenite::client_async("ws://localhost/", stream)
            .await
            .unwrap();
        let mut stranger = Self { socket, next: 0 };
        let client = json!({ "clientInfo": { "name": "stranger", "title": "stranger", "version": "0" },
            "capabilities": { "experimentalApi": true } });
        stranger.call("initialize", client).await;
        stranger.send(json!({ "method": "initialized" })).await;
        stranger
    }

    async fn send(&mut self, message: Value) {
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// Calls and waits for the answer; what comes in between is not ours.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.asked(method, params).await;
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].clone()
    }

    /// What Codex says against a call.
    #[allow(dead_code)]
    pub async fn refused(&mut self, method: &str, params: Value) -> String {
        let answer = self.asked(method, params).await;
        let words = answer["error"]["message"].as_str();
        words.expect("a refusal").to_owned()
    }

    async fn asked(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(json!({ "id": id, "method": method, "params": params }))
            .await;
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id && answer.get("method").is_none() {
                return answer;
            }
        }
    }

    /// The next thing that anybody is asked on a thread that this client subscribes to, as it came in.
    pub async fn next_request(&mut self) -> Value {
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let asked: Value = serde_json::from_str(&text).unwrap();
            if asked.get("method").is_some() && asked.get("id").is_some() {
                return asked;
            }
        }
    }

    /// Waits until it is told of this.
    #[allow(dead_code)]
    pub async fn told(&mut self, method: &str) -> Value {
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let told: Value = serde_json::from_str(&text).unwrap();
            if told["method"] == method {
                return told;
            }
        }
    }

    /// Answers a request, whoever was asked: any connection may.
    #[allow(dead_code)]
    pub async fn reply(&mut self, id: u64, answer: Value) {
        self.send(json!({ "id": id, "result": answer })).await;
    }

    /// Subscribes to a thread and answers the first thing that it asks.
    pub async fn answer(&mut self, thread_id: &str, answer: Value) {
        self.next += 1;
        let resume = json!({ "id": self.next, "method": "thread/resume", "params": { "threadId": thread_id } });
        self.send(resume).await;
        let asked = self.next_request().await;
        self.send(json!({ "id": asked["id"], "result": answer }))
            .await;
    }
}

/// The app-server's process.
pub fn app_server_pid(house: &House) -> u32 {
    let descriptor = std::fs::read(house.state.join("app-server.json")).unwrap();
    let descriptor: Value = serde_json::from_slice(&descriptor).unwrap();
    descriptor["pid"].as_u64().unwrap().try_into().unwrap()
}
