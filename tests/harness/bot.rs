//! A program with a token of its own.

use crate::rig::PREFIX;
use crate::support::House;
use serde_json::{Value, json};

/// A program with a token.
#[derive(Clone)]
pub struct Bot {
    pub url: String,
    pub token: String,
    pub http: reqwest::Client,
}

impl Bot {
    /// One with a token of scope `harness`.
    pub async fn of(house: &House) -> Self {
        Self::scoped(house, "harness").await
    }

    /// One with a new token.
    pub async fn scoped(house: &House, scope: &str) -> Self {
        Self::with(house, &house.token("bot", scope).await)
    }

    /// A program with this token.
    pub fn with(house: &House, token: &str) -> Self {
        let server = std::fs::read(house.state.join("server.json")).unwrap();
        let server: Value = serde_json::from_slice(&server).unwrap();
        Self {
            url: server["url"]
                .as_str()
                .unwrap()
                .trim_end_matches('/')
                .to_owned(),
            token: token.to_owned(),
            // What was refused in the middle of its body ends its connection, maybe just as that is used anew.
            http: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{PREFIX}{path}", self.url));
        self.answer(request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{PREFIX}{path}", self.url));
        self.answer(request.json(&body)).await
    }

    /// The same in a lower role.
    pub async fn post_as(&self, role: &str, path: &str) -> (u16, Value) {
        let request = self.http.post(format!("{}{PREFIX}{path}", self.url));
        let request = request.header("x-codex-role", role);
        self.answer(request.json(&json!({}))).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// It must be refused, by this ceiling.
    pub async fn met(&self, path: &str, body: Value, ceiling: &str) {
        let (status, no) = self.post(path, body.clone()).await;
        assert_eq!(status, 403, "{path} {body}: {no:#}");
        assert_eq!(
            (&no["code"], &no["ceiling"]),
            (&json!("above_ceiling"), &json!(ceiling)),
            "{path} {body}"
        );
    }
}
