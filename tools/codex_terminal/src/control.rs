//! The control protocol between launcher and sidecar: JSON lines over a unix socket, requests one way, events the
//! other. Types only; [`crate::client`] and `control_server` speak it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::descriptor::{Descriptor, State};
use crate::relay::report::Report;
use crate::signals::AgentState;
use crate::token::{Mode, TokenHash};

/// The longest line either side accepts. A paste of [`MAX_PASTE_BYTES`] fits even when JSON escapes every second byte.
pub const MAX_LINE_BYTES: usize = 4 << 20;
/// The longest text that Codex itself takes in one message.
pub const MAX_PASTE_BYTES: usize = 1 << 20;

/// One line to the sidecar. Answered by [`Event::Ack`] or [`Event::Error`] with the same id, when it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// Comes back in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What is wanted.
    #[serde(flatten)]
    pub request: Request,
}

/// What a launcher may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Types bytes. Taken whole or refused as busy.
    Input {
        /// Text, or base64 of bytes.
        data: String,
        /// Whether `data` is base64.
        #[serde(default)]
        base64: bool,
    },
    /// Pastes text, bracketed when the program asked for that; control characters other than line ends and tabs are
    /// taken out. The brackets and the Enter go to the program in one piece.
    Paste {
        /// At most [`MAX_PASTE_BYTES`].
        text: String,
        /// Whether Enter follows.
        #[serde(default)]
        submit: bool,
        /// Names this paste: what was pasted under the same name before is not pasted again. For a client that may have been killed
        /// before it could note the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        once: Option<String>,
    },
    /// Sizes the terminal, whoever owns its size in the browser.
    Resize {
        /// Columns, clamped to 1..=1000.
        cols: u16,
        /// Rows, clamped to 1..=1000.
        rows: u16,
    },
    /// Ends the program's whole process tree, then the sidecar. Acknowledged when begun; done when the connection closes.
    Close {
        /// Time between TERM and KILL.
        #[serde(default = "default_grace_ms")]
        grace_ms: u64,
    },
    /// Cuts every browser off; their tokens stay good.
    CloseViewers,
    /// Says that this connection is the launcher's, which must hold the lock that the spec names. For as long as it lives
    /// tokens are asked of it, and its pages may show the terminal.
    Attend {
        /// Holders whose credentials still stand; what others opened under an earlier launcher ends.
        standing: Vec<String>,
        /// Origins that may show the page in a frame, `http://host:port` each.
        frame_ancestors: Vec<String>,
    },
    /// Answers [`Event::Presented`].
    Answer {
        /// Of the question.
        ask: u64,
        /// Whose it is; absent: nobody's.
        #[serde(default)]
        granted: Option<Granted>,
    },
    /// A credential has ended: whoever looks by it is cut off.
    Revoke {
        /// The holder, as the answer named it.
        holder: String,
        /// How it ended.
        over: Over,
    },
    /// Reports up to this one were dealt with; the next one may come. The launcher's alone.
    Heard {
        /// Number of a report.
        number: u64,
    },
    /// Asks for [`Event::State`] before the ack.
    State,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The launcher's name for the credential that it was given to.
    pub holder: String,
    /// What it allows.
    pub mode: Mode,
}

/// How a credential ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The browser was logged out.
    LoggedOut,
    /// The token was revoked.
    Revoked,
    /// It did not outlive a restart of the launcher.
    Restarted,
}

fn default_grace_ms() -> u64 {
    5000
}

/// One line from the sidecar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// First on every connection; again when events were missed.
    Hello {
        /// The terminal as its descriptor has it.
        #[serde(flatten)]
        descriptor: Descriptor,
        /// Bytes of output so far.
        offset: u64,
        /// The newest announcement, if there was one.
        agent_state: Option<AgentState>,
    },
    /// There was output; at most one per 250 ms.
    Output {
        /// Bytes of output so far.
        offset: u64,
        /// When.
        at: DateTime<Utc>,
    },
    /// The program announced its state (`OSC 7501`).
    AgentState(AgentState),
    /// The program ended and all its output is recorded.
    Exited {
        /// Exit code.
        code: Option<i32>,
        /// Signal number.
        signal: Option<i32>,
    },
    /// Somebody showed a token: to the launcher alone, which says whose it is.
    Presented {
        /// Comes back in the answer.
        ask: u64,
        /// The token's hash.
        token_sha256: TokenHash,
    },
    /// What the program said to its server, over the relay: to the launcher alone, one after the other.
    Relayed(Report),
    /// The answer to `state`.
    State(StateView),
    /// The request was done (or begun, for `close`).
    Ack {
        /// Of the request.
        id: u64,
    },
    /// The request was refused.
    Error {
        /// Of the request, when it could be read and had one.
        id: Option<u64>,
        /// A sentence.
        message: String,
    },
}

/// The terminal at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateView {
    /// Of the request.
    pub id: Option<u64>,
    /// Bytes of output so far.
    pub offset: u64,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Whether the program runs.
    pub state: State,
    /// The newest announcement.
    pub agent_state: Option<AgentState>,
    /// Whether the transcript had to be given up.
    pub transcript_failed: bool,
    /// Who looks.
    pub viewers: Vec<ViewerView>,
    /// Reports of the relay that no launcher has dealt with yet.
    #[serde(default)]
    pub untold: usize,
}

/// One browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewerView {
    /// Its number.
    pub number: u64,
    /// What it may do.
    pub mode: Mode,
    /// Whether it decides the size.
    pub owner: bool,
    /// What it was not allowed to send and sent nevertheless.
    pub dropped: u64,
    /// How often output was skipped because it was too slow.
    pub gaps: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_look_as_documented() {
        let line: RequestLine =
            serde_json::from_str(r#"{"id":7,"type":"paste","text":"a","submit":true}"#).unwrap();
        let request = Request::Paste {
            text: "a".into(),
            submit: true,
            once: None,
        };
        assert_eq!(
            line,
            RequestLine {
                id: Some(7),
                request
            }
        );
        let line: RequestLine = serde_json::from_str(r#"{"type":"close"}"#).unwrap();
        assert_eq!(line.request, Request::Close { grace_ms: 5000 });
        let event = Event::AgentState(AgentState {
            state: crate::signals::AgentActivity::Blocked,
            kind: Some("permission".into()),
        });
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text,
            r#"{"type":"agent_state","state":"blocked","kind":"permission"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
