//! What a reader of the stream says, and what it is answered.

use crate::harness::stream::cursor::Cursor;
use crate::harness::stream::reach::Filter;
use serde::{Deserialize, Serialize};

/// The largest command, in bytes. Ours are below a tenth of it.
pub const MAX_COMMAND_BYTES: usize = 64 << 10;
/// Threads that one reader follows. Each may have to be loaded; ten times as much would be more than Codex keeps in its memory.
pub const MAX_THREADS: usize = 100;

/// What can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// To be told of what this lets through.
    Subscribe(Filter),
    /// To be told of everything.
    Unsubscribe,
    /// To be answered.
    Ping,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    #[serde(rename_all = "camelCase")]
    Subscribe {
        #[serde(default)]
        thread_id: Option<String>,
        #[serde(default)]
        thread_ids: Vec<String>,
    },
    Unsubscribe {},
    Ping {},
}

impl Command {
    /// Reads one; nothing where it is none.
    pub fn read(text: &[u8]) -> Option<Self> {
        // serde would fill the fields from an array, too.
        let is_object = text.trim_ascii_start().starts_with(b"{");
        if text.len() > MAX_COMMAND_BYTES || !is_object {
            return None;
        }
        match serde_json::from_slice(text).ok()? {
            Said::Subscribe {
                thread_id,
                thread_ids,
            } => {
                let named: Vec<_> = thread_id.into_iter().chain(thread_ids).collect();
                let fits = !named.is_empty()
                    && named.len() <= MAX_THREADS
                    && named.iter().all(|id| !id.is_empty());
                fits.then(|| Self::Subscribe(Filter::of(named)))
            }
            Said::Unsubscribe {} => Some(Self::Unsubscribe),
            Said::Ping {} => Some(Self::Ping),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Ping => "ping",
        }
    }
}

/// What a reader is told besides of events.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Notice<'a> {
    /// It is told of what happens from now on, or behind the place it named.
    #[serde(rename_all = "camelCase")]
    Ready {
        /// The thread that it follows.
        thread_id: Option<&'a str>,
        /// Where it stands.
        cursor: String,
    },
    /// Where it stood is not known any more.
    Reset {
        /// Where it stands.
        cursor: String,
    },
    /// A command was taken.
    Ok {
        /// Which.
        command: &'static str,
    },
    /// The answer to `ping`.
    Pong,
    /// What was said is no command.
    Error {
        /// The same for all.
        message: &'static str,
    },
}

impl Notice<'_> {
    /// The answer to what is no command.
    pub const INVALID: Self = Notice::Error {
        message: "invalid websocket command",
    };

    /// The one that says where a reader stands that has to read everything again.
    pub fn reset(cursor: &Cursor) -> Self {
        Notice::Reset {
            cursor: cursor.to_string(),
        }
    }

    /// As it is sent.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data serialises")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn follows(ids: &[&str]) -> Option<Command> {
        let filter = Filter::of(ids.iter().map(ToString::to_string));
        Some(Command::Subscribe(filter))
    }

    #[test]
    fn commands_are_read_with_whatever_else_is_in_them() {
        let read = |text: &str| Command::read(text.as_bytes());
        for (text, command) in [
            (r#"{"type":"subscribe","threadId":"t"}"#, follows(&["t"])),
            (
                r#" {"threadId":"t","x":[1],"type":"subscribe"}"#,
                follows(&["t"]),
            ),
            (
                r#"{"type":"subscribe","threadIds":["t","o","t"]}"#,
                follows(&["t", "o"]),
            ),
            (
                r#"{"type":"subscribe","threadId":null,"threadIds":["t"]}"#,
                follows(&["t"]),
            ),
            (
                r#"{"type":"unsubscribe","threadId":"t"}"#,
                Some(Command::Unsubscribe),
            ),
            (r#"{"type":"ping","at":1}"#, Some(Command::Ping)),
            (r#"{"type":"ping"}"#, Some(Command::Ping)),
        ] {
            assert_eq!(read(text), command, "{text}");
        }
        for text in [
            "",
            "ping",
            "null",
            "1",
            r#""ping""#,
            r#"["ping"]"#,
            "{}",
            r#"{"type":"dance"}"#,
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","threadId":""}"#,
            r#"{"type":"subscribe","threadId":7}"#,
            r#"{"type":"subscribe","threadIds":[]}"#,
            r#"{"type":"subscribe","threadIds":"t"}"#,
            r#"{"type":"subscribe","threadIds":["t",""]}"#,
            r#"{"type":"ping"} {}"#,
            r#"{"type":"ping""#,
            r#"{"type":["ping"]}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let many: Vec<String> = (0..=MAX_THREADS).map(|it| it.to_string()).collect();
        let said = |ids: &[String]| serde_json::json!({"type": "subscribe", "threadIds": ids});
        assert_eq!(read(&said(&many).to_string()), None);
        assert!(read(&said(&many[1..]).to_string()).is_some());
    }

    #[test]
    fn the_largest_command_is_taken_and_a_larger_one_is_not() {
        let ping = |bytes: usize| {
            let frame = r#"{"type":"ping","x":""}"#;
            frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
        };
        let largest = ping(MAX_COMMAND_BYTES);
        assert_eq!(largest.len(), MAX_COMMAND_BYTES);
        assert_eq!(Command::read(largest.as_bytes()), Some(Command::Ping));
        assert_eq!(Command::read(ping(MAX_COMMAND_BYTES + 1).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Command::read(&bytes), None);
        }
    }

    #[test]
    fn notices_look_as_agreed() {
        let ready = Notice::Ready {
            thread_id: None,
            cursor: "e.1".to_owned(),
        };
        assert_eq!(
            ready.text(),
            r#"{"type":"ready","threadId":null,"cursor":"e.1"}"#
        );
        assert_eq!(Notice::Pong.text(), r#"{"type":"pong"}"#);
        assert_eq!(
            Notice::INVALID.text(),
            r#"{"type":"error","message":"invalid websocket command"}"#
        );
        assert_eq!(
            Notice::Ok { command: "ping" }.text(),
            r#"{"type":"ok","command":"ping"}"#
        );
    }
}
