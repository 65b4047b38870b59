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
        Self::with(house, "harness").await
    }

    pub async fn with(house: &House, scope: &str) -> Self {
        let token = house.token("bot", scope).await;
        let server = std::fs::read(house.state.join("server.json")).unwrap();
        let server: Value = serde_json::from_slice(&server).unwrap();
        Self {
            url: server["url"]
                .as_str()
                .unwrap()
                .trim_end_matches('/')
                .to_owned(),
            token,
            // What was refused in the middle of its body ends its connection, maybe just as that is used anew.
            http: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{PREFIX}{path}", self.url));
        let answer = request.bearer_auth(&self.token).json(&body).send().await;
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
