//! What the stream of sessions tells of one session, one state after the other.

use crate::support::{House, LOOK, PATIENCE};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What was told of a session since somebody listens.
pub struct Told {
    of: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// So many were looked at.
    seen: usize,
}

#[derive(Clone)]
struct Heard {
    session: Value,
    /// Between the moment at which the launcher heard of it and this one.
    took: Duration,
    /// This one.
    at: DateTime<Utc>,
}

impl Told {
    /// Listens to what is told of a session.
    pub async fn of(house: &House, session: &str) -> Self {
        let path = format!("/api/session_stream?id={session}");
        let events = house.client().events(&path).await.unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut events = Box::pin(events);
            while let Some(Ok(event)) = events.next().await {
                let Ok(session) = serde_json::from_str::<Value>(&event.data) else {
                    continue;
                };
                let sign = session["last_activity_at"].as_str();
                let sign = sign.and_then(|at| at.parse::<DateTime<Utc>>().ok());
                let took = sign.and_then(|at| (Utc::now() - at).to_std().ok());
                let mut kept = kept.lock().unwrap();
                let before = kept.last().map(|it: &Heard| it.session["doing"].clone());
                if session["doing"]["state"].is_string() && before != Some(session["doing"].clone())
                {
                    kept.push(Heard {
                        session,
                        took: took.unwrap_or_default(),
                        at: Utc::now(),
                    });
                }
            }
        });
        Self {
            of: session.to_owned(),
            heard,
            seen: 0,
        }
    }

    fn all(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The states one after the other, each named once.
    pub fn states(&self) -> Vec<String> {
        let heard = self.all();
        let states = heard.iter().map(|it| it.session["doing"]["state"].as_str());
        let mut states: Vec<String> = states.flatten().map(str::to_owned).collect();
        states.dedup();
        states
    }

    /// The same, with the moment at which each was told first, in milliseconds since 1970.
    pub fn moments(&self) -> Vec<(String, i64)> {
        let heard = self.all();
        let state = |it: &Heard| it.session["doing"]["state"].as_str().map(str::to_owned);
        let moments = heard.iter();
        let moments = moments.filter_map(|it| Some((state(it)?, it.at.timestamp_millis())));
        let mut moments: Vec<_> = moments.collect();
        moments.dedup_by(|later, before| later.0 == before.0);
        moments
    }

    /// The session, once it is told to be in this state; what was looked at before does not count.
    pub async fn until(&mut self, house: &House, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = self.all();
            let mut news = heard.iter().enumerate().skip(self.seen);
            if let Some((at, it)) = news.find(|(_, it)| it.session["doing"]["state"] == state) {
                self.seen = at + 1;
                return it.session.clone();
            }
            if Instant::now() > deadline {
                let scene = house.scene().await;
                panic!(
                    "{} is never {state}, but {:?}\n{scene}",
                    self.of,
                    self.states()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How long it took from what Codex said to what the stream told, for each change of state; shortest first.
    pub fn took(&self) -> Vec<Duration> {
        let passing = ["thinking", "writing", "tool"];
        let heard = self.all();
        let told = heard.iter().filter(|it| {
            let state = it.session["doing"]["state"].as_str().unwrap_or_default();
            passing.contains(&state)
        });
        let mut took: Vec<Duration> = told.map(|it| it.took).collect();
        took.sort_unstable();
        took
    }
}
