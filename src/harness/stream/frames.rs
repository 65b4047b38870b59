//! An event of the stream, and the frames by which readers are told of it. They are made once, by whoever looks first, and shared by all.
//!
//! # Deleted threads, and the launcher's own
//!
//! Of a thread that was deleted here nothing is told but that it was: for everybody it is gone. Of a copy in which the model is asked something
//! aside nothing is told at all. Of a thread that the launcher drives there
//! are no signals; whoever follows that very thread is told by its other names, as the table of filters has it. So with one frame for each
//! event the frame is the first one that the reader is told at all.

use super::names::{self, Alias};
use super::reach::{Filter, Reach};
use crate::codex::events::RequestKind;
use crate::codex::wire::RequestId;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::{Arc, OnceLock};

/// What an event weighs besides its text.
const OWN_WEIGHT: usize = 1024;
/// How often a text of Codex stands in the backlog when all its frames are made.
const TIMES: usize = 4;

/// Whose a thread is, for the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Anybody's.
    Users,
    /// The launcher's.
    Launchers,
    /// It was deleted here.
    Deleted,
    /// A copy that leaves no trace.
    Nobodys,
}

/// What is known of a thread when its frames are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// Whose it is.
    pub whose: Whose,
    /// What it is called.
    pub title: Option<String>,
    /// Its project.
    pub project_id: Option<String>,
}

/// What Codex said by itself.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The whole message.
    pub text: Box<str>,
    /// Its method.
    pub method: String,
    /// When it came.
    pub at: DateTime<Utc>,
    /// The thread that it is about.
    pub thread_id: Option<String>,
    /// The turn that it is about, or that runs.
    pub turn_id: Option<String>,
    /// Its number, when it is a request.
    pub request: Option<RequestId>,
}

/// Something of ours.
#[derive(Debug, Clone)]
pub struct Own {
    /// The name of the event.
    pub name: &'static str,
    /// The thread that it is about.
    pub thread_id: Option<String>,
    /// Whether everybody is told, whatever they follow.
    pub for_everybody: bool,
    /// What it says.
    pub payload: Box<RawValue>,
}

impl Own {
    /// Something about a thread, or about none.
    pub fn new(name: &'static str, thread_id: Option<&str>, payload: &impl Serialize) -> Self {
        Self {
            name,
            thread_id: thread_id.map(str::to_owned),
            for_everybody: false,
            payload: serde_json::value::to_raw_value(payload).expect("plain data serialises"),
        }
    }

    /// The same, for everybody.
    #[must_use]
    pub fn for_everybody(mut self) -> Self {
        self.for_everybody = true;
        self
    }
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// Codex said something.
    Heard(Box<Heard>),
    /// Something of ours.
    Own(Box<Own>),
}

impl What {
    /// What it counts for in the backlog, with all its frames.
    pub fn weight(&self) -> usize {
        let text = match self {
            Self::Heard(heard) => heard.text.len() * TIMES,
            Self::Own(own) => own.payload.get().len() * 2,
        };
        OWN_WEIGHT + text
    }

    fn thread_id(&self) -> Option<&str> {
        match self {
            Self::Heard(heard) => heard.thread_id.as_deref(),
            Self::Own(own) => own.thread_id.as_deref(),
        }
    }

    /// Whether it has a name by which everybody is told.
    fn is_for_everybody(&self) -> bool {
        match self {
            Self::Heard(heard) => {
                heard.request.is_none()
                    && names::alias(&heard.method).is_some_and(|it| it.for_everybody)
            }
            Self::Own(own) => own.for_everybody,
        }
    }
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// What happened.
    pub what: What,
    frames: OnceLock<Vec<Frame>>,
}

/// One message to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whom it concerns.
    pub reach: Reach,
    /// JSON.
    pub text: Arc<str>,
}

/// How a frame looks.
#[derive(Serialize)]
struct Wire<'a, P> {
    #[serde(rename = "type")]
    name: &'a str,
    #[serde(rename = "threadId")]
    thread_id: Option<&'a str>,
    payload: P,
    seq: u64,
}

/// What Codex said, with what is known about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signal<'a> {
    source: &'static str,
    signal_type: &'static str,
    event_type: &'a str,
    method: &'a str,
    received_at: String,
    context: Context<'a>,
    params: &'a RawValue,
    session: Option<Session<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a RequestId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    thread_id: Option<&'a str>,
    turn_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    id: &'a str,
    title: Option<&'a str>,
    project_id: Option<&'a str>,
}

/// What Codex said, as it came.
#[derive(Serialize)]
struct Plain<'a> {
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId>,
    params: &'a RawValue,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Event {
    /// An event of which no frame is made yet.
    pub fn new(seq: u64, what: What) -> Self {
        Self {
            seq,
            what,
            frames: OnceLock::new(),
        }
    }

    /// The frames that a reader with this filter is told, in their order; looks up what is known of the thread when they are made.
    pub fn frames(
        &self,
        filter: &Filter,
        scene: impl FnOnce(&str) -> Scene,
    ) -> impl Iterator<Item = &Frame> {
        let frames = match self.may_concern(filter) {
            true => self.frames.get_or_init(|| self.make(scene)).as_slice(),
            false => &[],
        };
        frames.iter().filter(|it| filter.lets_through(&it.reach))
    }

    /// Whether it is worth a look.
    fn may_concern(&self, filter: &Filter) -> bool {
        match (filter, self.what.thread_id()) {
            (Filter::Everything, _) => true,
            (Filter::Threads(threads), Some(id)) if threads.contains(id) => true,
            (Filter::Threads(_), _) => self.what.is_for_everybody(),
        }
    }

    fn make(&self, scene: impl FnOnce(&str) -> Scene) -> Vec<Frame> {
        let thread_id = self.what.thread_id();
        let scene = thread_id.map(scene);
        let reach = match (thread_id, scene.as_ref().map(|it| it.whose)) {
            (None, _) => Reach::NoThread,
            (Some(id), Some(Whose::Launchers)) => Reach::SystemThread(id.to_owned()),
            (Some(id), _) => Reach::Thread(id.to_owned()),
        };
        let is_hidden = |it: &Scene| matches!(it.whose, Whose::Deleted | Whose::Nobodys);
        let is_hidden = scene.as_ref().is_some_and(is_hidden);
        match &self.what {
            What::Own(own) if own.for_everybody => {
                vec![self.frame(own.name, &own.payload, Reach::Everybody)]
            }
            _ if is_hidden => Vec::new(),
            What::Own(own) => vec![self.frame(own.name, &own.payload, reach)],
            What::Heard(heard) => self.of_codex(heard, &reach, scene.as_ref()),
        }
    }

    fn of_codex(&self, heard: &Heard, reach: &Reach, scene: Option<&Scene>) -> Vec<Frame> {
        // What came over the connection was JSON.
        let message: Option<Message<'_>> = serde_json::from_str(&heard.text).ok();
        let params = message.and_then(|it| it.params).unwrap_or(RawValue::NULL);
        let mut frames = Vec::with_capacity(3);
        if !matches!(reach, Reach::SystemThread(_)) {
            frames.push(self.signal(heard, params, reach.clone(), scene));
        }
        let plain = Plain {
            method: &heard.method,
            id: heard.request.as_ref(),
            params,
        };
        if heard.request.is_some() {
            // The others have names of their own once they are recorded.
            if RequestKind::of(&heard.method) == RequestKind::Unknown {
                frames.push(self.frame("server_request", plain, reach.clone()));
            }
            return frames;
        }
        if let Some(Alias {
            name,
            for_everybody,
        }) = names::alias(&heard.method)
        {
            let reach = match for_everybody {
                true => Reach::Everybody,
                false => reach.clone(),
            };
            frames.push(self.frame(name, params, reach));
        }
        frames.push(self.frame("notification", plain, reach.clone()));
        frames
    }

    fn signal(
        &self,
        heard: &Heard,
        params: &RawValue,
        reach: Reach,
        scene: Option<&Scene>,
    ) -> Frame {
        let event_type = names::signal(&heard.method);
        let (signal_type, name) = match heard.request {
            None => ("notification", format!("app_server.{event_type}")),
            Some(_) => ("request", format!("app_server.request.{event_type}")),
        };
        let session = heard.thread_id.as_deref().zip(scene);
        let signal = Signal {
            source: "app_server",
            signal_type,
            event_type: &event_type,
            method: &heard.method,
            received_at: heard.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            context: Context {
                thread_id: heard.thread_id.as_deref(),
                turn_id: heard.turn_id.as_deref(),
            },
            params,
            session: session.map(|(id, scene)| Session {
                id,
                title: scene.title.as_deref(),
                project_id: scene.project_id.as_deref(),
            }),
            request_id: heard.request.as_ref(),
        };
        self.frame(&name, signal, reach)
    }

    fn frame(&self, name: &str, payload: impl Serialize, reach: Reach) -> Frame {
        let wire = Wire {
            name,
            thread_id: self.what.thread_id(),
            payload,
            seq: self.seq,
        };
        let text = serde_json::to_string(&wire).expect("plain data serialises");
        Frame {
            reach,
            text: text.into(),
        }
    }
}

#[cfg(test)]
mod tests;
