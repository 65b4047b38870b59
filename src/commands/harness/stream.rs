//! `zhongshu harness stream`: frames as they come, a line each. After a cut it goes on behind the last one.

use super::reach::Reach;
use crate::cli::ExitCode;
use crate::client::{ClientError, WebSocket};
use crate::commands::error::CommandError;
use crate::commands::transcript::escaped;
use clap::ArgMatches;
use local_os::tell;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// Between two tries: soon at first, as for a server that is started anew.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// Prints frames until Ctrl-C.
///
/// # Errors
/// When the server cannot be reached at first, or says no.
pub(super) async fn run(
    reach: &Reach,
    given: &ArgMatches,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let text = |name: &str| given.get_one::<String>(name).cloned();
    let mut place = Place::default();
    if let Some(after) = text("after") {
        place.set(&after);
    }
    let wanted = Wanted {
        session: text("session"),
        is_one: text("frames").is_some_and(|it| it == "one"),
    };
    tokio::select! {
        ended = follow(reach, &wanted, &mut place, out) => ended?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

/// What is asked for.
struct Wanted {
    session: Option<String>,
    is_one: bool,
}

impl Wanted {
    fn path(&self, place: &Place) -> String {
        let mut parameters = Vec::new();
        if let Some(session) = &self.session {
            parameters.push(format!("threadId={}", escaped(session)));
        }
        if self.is_one {
            parameters.push("frames=one".to_owned());
        }
        if let Some(cursor) = place.cursor(self.is_one) {
            parameters.push(format!("after={}", escaped(&cursor)));
        }
        match parameters.is_empty() {
            true => "/stream".to_owned(),
            false => format!("/stream?{}", parameters.join("&")),
        }
    }
}

/// How far the stream was read: the server's epoch, and the number of the last event in it. Where an event has several frames the last one may
/// not have come whole, so it is asked for again and what was printed of it is left out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    epoch: Option<String>,
    seq: Option<u64>,
    /// The event before it.
    before: Option<u64>,
    /// Frames of it that were printed.
    printed: usize,
    /// Frames of it that come once more.
    again: usize,
}

impl Place {
    fn set(&mut self, cursor: &str) {
        let (epoch, seq) = match cursor.rsplit_once('.') {
            Some((epoch, seq)) => (epoch, seq.parse().ok()),
            None => (cursor, None),
        };
        *self = Self {
            epoch: Some(epoch.to_owned()),
            seq,
            ..Self::default()
        };
    }

    fn may_be_cut(&self, is_one: bool) -> bool {
        !is_one && self.printed > 0 && self.before.is_some()
    }

    fn cursor(&self, is_one: bool) -> Option<String> {
        let epoch = self.epoch.as_ref()?;
        let seq = match self.may_be_cut(is_one) {
            true => self.before,
            false => self.seq,
        };
        Some(match seq {
            Some(seq) => format!("{epoch}.{seq}"),
            None => epoch.clone(),
        })
    }

    /// The connection was cut.
    fn cut(&mut self, is_one: bool) {
        self.again = match self.may_be_cut(is_one) {
            true => self.printed,
            false => 0,
        };
    }

    /// Moves behind a frame; whether it is a new one. One that says where the stream begins counts only where nothing was read before: what is
    /// replayed comes after it.
    fn read(&mut self, frame: &Value) -> bool {
        let cursor = frame["cursor"].as_str();
        match (frame["type"].as_str(), cursor) {
            (Some("reset"), Some(cursor)) => self.set(cursor),
            (Some("ready"), Some(cursor)) if self.epoch.is_none() => self.set(cursor),
            _ => {}
        }
        match frame["seq"].as_u64() {
            Some(seq) if self.seq == Some(seq) && self.again > 0 => {
                self.again -= 1;
                return false;
            }
            Some(seq) if self.seq == Some(seq) => self.printed += 1,
            Some(seq) => {
                self.before = self.seq.replace(seq);
                (self.printed, self.again) = (1, 0);
            }
            None => {}
        }
        true
    }
}

async fn follow(
    reach: &Reach,
    wanted: &Wanted,
    place: &mut Place,
    out: &mut (impl Write + Send),
) -> Result<(), CommandError> {
    let mut socket = open(reach, wanted, place).await?;
    loop {
        let cut = frames(&mut socket, place, out).await?;
        match cut {
            Some(error) => tell!("{error}; trying again"),
            None => tell!("the server ended the stream; trying again"),
        }
        place.cut(wanted.is_one);
        let mut tries = 0;
        socket = loop {
            tokio::time::sleep(PAUSES[tries.min(PAUSES.len() - 1)]).await;
            tries += 1;
            match open(reach, wanted, place).await {
                Ok(socket) => break socket,
                Err(error) if may_pass(&error) => {}
                Err(error) => return Err(error),
            }
        };
    }
}

async fn open(reach: &Reach, wanted: &Wanted, place: &Place) -> Result<WebSocket, CommandError> {
    let path = reach.address(&wanted.path(place));
    match reach.client()?.websocket(&path).await {
        Ok(socket) => Ok(socket),
        Err(ClientError::Refused {
            status, message, ..
        }) => Err(CommandError::Answered { status, message }),
        Err(error) => Err(error.into()),
    }
}

/// Whether a server may be there again later: one that says no will go on saying it.
fn may_pass(error: &CommandError) -> bool {
    match error {
        CommandError::Answered { status, .. } => matches!(status, 429 | 502..=504),
        CommandError::Client(error) => !matches!(
            error,
            ClientError::ForeignSocket(_) | ClientError::BadRequest(_) | ClientError::Strange(_)
        ),
        _ => false,
    }
}

/// Prints frames until the connection is cut, and says why it was.
async fn frames(
    socket: &mut WebSocket,
    place: &mut Place,
    out: &mut (impl Write + Send),
) -> Result<Option<ClientError>, CommandError> {
    loop {
        match socket.next().await {
            Ok(Some(text)) => {
                let frame = serde_json::from_str::<Value>(&text);
                if frame.is_ok_and(|frame| !place.read(&frame)) {
                    continue;
                }
                // JSON of one line stays one; a line break in it can only stand between its parts.
                let line: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
                writeln!(out, "{line}")?;
                out.flush()?;
            }
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_goes_on_behind_the_last_frame() {
        let wanted = Wanted {
            session: Some("s".to_owned()),
            is_one: true,
        };
        let mut place = Place::default();
        assert_eq!(wanted.path(&place), "/stream?threadId=s&frames=one");
        place.read(&json!({"type": "ready", "threadId": "s", "cursor": "e1.7"}));
        place.read(&json!({"type": "session_renamed", "seq": 9}));
        assert_eq!(place.cursor(true).as_deref(), Some("e1.9"));
        // After a cut the same epoch replays what followed; its beginning tells where the stream is, not what was read.
        place.read(&json!({"type": "ready", "cursor": "e1.30"}));
        assert_eq!(place.cursor(true).as_deref(), Some("e1.9"));
        place.read(&json!({"type": "reset", "cursor": "e2.2"}));
        assert_eq!(
            wanted.path(&place),
            "/stream?threadId=s&frames=one&after=e2.2"
        );
        let all = Wanted {
            session: None,
            is_one: false,
        };
        assert_eq!(all.path(&Place::default()), "/stream");
    }

    #[test]
    fn an_event_that_was_cut_in_the_middle_is_told_whole_and_once() {
        let mut place = Place::default();
        let frame = |seq: u64| json!({"type": "notification", "seq": seq});
        place.read(&json!({"type": "ready", "cursor": "e1.7"}));
        assert!(place.read(&frame(8)) && place.read(&frame(9)) && place.read(&frame(9)));
        place.cut(false);
        assert_eq!(place.cursor(false).as_deref(), Some("e1.8"));
        // Two of its three frames were printed; another cut on the way changes nothing.
        assert!(!place.read(&frame(9)));
        place.cut(false);
        let told: Vec<bool> = (0..3).map(|_| place.read(&frame(9))).collect();
        assert_eq!(told, [false, false, true]);
        assert!(place.read(&frame(10)));
        place.read(&json!({"type": "reset", "cursor": "e2.10"}));
        assert!(place.read(&frame(10)));
    }
}
