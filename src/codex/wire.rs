//! Owns the frames of the app-server's protocol: JSON-RPC without the `jsonrpc` member, one object per WebSocket text message. It knows no
//! method; those are in `calls` and `events`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Makes a newtype over the text of an id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(
    /// A Codex thread.
    ThreadId
);
id!(
    /// One turn of a thread.
    TurnId
);
id!(
    /// One item of a turn.
    ItemId
);

/// The id of a request in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// A number, as both sides use today.
    Number(i64),
    /// A text, which the protocol allows.
    Text(String),
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(out),
            Self::Text(text) => text.fmt(out),
        }
    }
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RpcError {
    /// The JSON-RPC code.
    pub code: i64,
    /// What the other side says about it.
    pub message: String,
    /// More, for machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// The other side is overloaded; the request may be sent again.
pub const OVERLOADED: i64 = -32001;
/// The honest answer to a request one does not know.
pub const METHOD_NOT_FOUND: i64 = -32601;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A request that wants a reply.
    Request {
        /// Its id.
        id: RequestId,
        /// Its method.
        method: String,
        /// Its parameters.
        params: Value,
    },
    /// A message that wants none.
    Notification {
        /// Its method.
        method: String,
        /// Its parameters.
        params: Value,
    },
    /// A reply.
    Reply {
        /// The id of the request.
        id: RequestId,
        /// The result, or the error.
        outcome: Result<Value, RpcError>,
    },
}

/// Why a message is not a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not JSON, or members of the wrong type.
    #[error("read a message: {0}")]
    Json(#[from] serde_json::Error),
    /// No object with a method or an id.
    #[error("read a message: it is no object with a method or an id")]
    Shapeless,
}

#[derive(Deserialize)]
struct Loose {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Option<RpcError>,
}

impl Frame {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        // serde would fill the members from an array, too.
        if !text.trim_start().starts_with('{') {
            return Err(FrameError::Shapeless);
        }
        let Loose {
            id,
            method,
            params,
            result,
            error,
        } = serde_json::from_str(text)?;
        match (id, method) {
            (Some(id), Some(method)) => Ok(Self::Request { id, method, params }),
            (None, Some(method)) => Ok(Self::Notification { method, params }),
            (Some(id), None) => Ok(Self::Reply {
                id,
                outcome: error.map_or(Ok(result), Err),
            }),
            (None, None) => Err(FrameError::Shapeless),
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { id, method, params } => {
                json!({"id": id, "method": method, "params": params})
            }
            Self::Notification {
                method,
                params: Value::Null,
            } => json!({"method": method}),
            Self::Notification { method, params } => json!({"method": method, "params": params}),
            Self::Reply {
                id,
                outcome: Ok(result),
            } => json!({"id": id, "result": result}),
            Self::Reply {
                id,
                outcome: Err(error),
            } => json!({"id": id, "error": error}),
        }
        .fmt(out)
    }
}

/// Calls that name a thread and nothing else.
macro_rules! thread_call {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The thread.
            pub thread_id: ThreadId,
        })*
    };
}
pub(super) use thread_call;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_frame_survives_the_wire() {
        let frames = [
            Frame::Request {
                id: RequestId::Number(7),
                method: "a/b".into(),
                params: json!({"x": [1, "二"]}),
            },
            Frame::Request {
                id: RequestId::Text("t".into()),
                method: "a".into(),
                params: Value::Null,
            },
            Frame::Notification {
                method: "initialized".into(),
                params: Value::Null,
            },
            Frame::Notification {
                method: "n".into(),
                params: json!({"a": 1}),
            },
            Frame::Reply {
                id: RequestId::Number(0),
                outcome: Ok(Value::Null),
            },
            Frame::Reply {
                id: RequestId::Number(1),
                outcome: Err(RpcError {
                    code: -32600,
                    message: "no".into(),
                    data: None,
                }),
            },
        ];
        for frame in frames {
            assert_eq!(Frame::parse(&frame.to_string()).unwrap(), frame);
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_shapeless_messages_refused() {
        let frame =
            Frame::parse(r#"{"method":"x","params":{},"emittedAtMs":1,"trace":{"a":1}}"#).unwrap();
        assert_eq!(
            frame,
            Frame::Notification {
                method: "x".into(),
                params: json!({})
            }
        );
        assert!(matches!(Frame::parse("{}"), Err(FrameError::Shapeless)));
        assert!(matches!(Frame::parse("[1]"), Err(FrameError::Shapeless)));
        assert!(matches!(
            Frame::parse(r#"{"id":1,"#),
            Err(FrameError::Json(_))
        ));
    }
}
