//! What of a client's message matters: its reply to a request of the server, or that it turns to another thread. Pure.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::frames::Message;
use super::report::{Outcome, Said, Secret};

/// What matters of a message. A long one is known by its beginning alone.
pub(super) fn of(message: &Message) -> Option<Said> {
    let mut seen = Seen {
        length: message.length,
        ..Seen::default()
    };
    let mut json = serde_json::Deserializer::from_slice(&message.kept);
    let whole = message.length == message.kept.len() as u64;
    // What had come before a long message was cut off stays in `seen`; what is no JSON says nothing.
    if json.deserialize_map(&mut seen).is_err() && whole {
        return None;
    }
    seen.said()
}

/// The fields of a message, as far as they have come.
#[derive(Default)]
struct Seen {
    length: u64,
    id: Option<Value>,
    method: Option<String>,
    params: Params,
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Params {
    thread_id: Option<String>,
    ephemeral: bool,
}

impl Seen {
    fn said(self) -> Option<Said> {
        let thread_id = self.params.thread_id;
        match (self.method.as_deref(), self.outcome) {
            (None, Some(outcome)) => Some(Said::Answered {
                request: self.id?.to_string(),
                outcome,
            }),
            // Those are for a question by the way: the TUI goes back by itself.
            (Some("thread/start" | "thread/fork"), _) if self.params.ephemeral => None,
            (Some("thread/start" | "thread/fork"), _) => Some(Said::Started {}),
            (Some("thread/resume"), _) => Some(Said::Resumed {
                thread_id: thread_id?,
            }),
            (Some("thread/unsubscribe"), _) => Some(Said::Unsubscribed {
                thread_id: thread_id?,
            }),
            (Some("turn/start" | "turn/steer"), _) => Some(Said::Spoke {
                thread_id: thread_id?,
            }),
            _ => None,
        }
    }
}

impl<'de> Visitor<'de> for &mut Seen {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a message of JSON-RPC")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "id" => self.id = Some(map.next_value()?),
                "method" => self.method = Some(map.next_value()?),
                "params" => map.next_value_seed(&mut self.params)?,
                "result" | "error" => {
                    self.outcome = Some(Outcome::TooLong { bytes: self.length });
                    let value: Value = map.next_value()?;
                    let text = Secret::new(value.to_string());
                    self.outcome = Some(match name.as_str() {
                        "result" => Outcome::Result(text),
                        _ => Outcome::Error(text),
                    });
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for &mut Params {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Params {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("parameters")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "threadId" => self.thread_id = map.next_value()?,
                "ephemeral" => self.ephemeral = map.next_value::<Option<bool>>()? == Some(true),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<S: serde::de::SeqAccess<'de>>(self, mut all: S) -> Result<(), S::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("parameters are no text"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::frames::KEPT_BYTES;
    use super::*;

    fn said(text: &str) -> Option<Said> {
        of(&Message {
            kept: text.as_bytes()[..text.len().min(KEPT_BYTES)].to_vec(),
            length: text.len() as u64,
        })
    }

    fn answered(request: &str, outcome: Outcome) -> Option<Said> {
        let request = request.to_owned();
        Some(Said::Answered { request, outcome })
    }

    #[test]
    fn replies_and_turns_to_other_threads_are_told_apart_from_all_else() {
        let result = |text: &str| Outcome::Result(Secret::new(text.to_owned()));
        assert_eq!(
            said(r#"{"id":0,"result":{"decision":"accept"}}"#),
            answered("0", result(r#"{"decision":"accept"}"#))
        );
        assert_eq!(
            said(r#"{"result":null,"id":"seven"}"#),
            answered(r#""seven""#, result("null"))
        );
        let error = Outcome::Error(Secret::new(r#"{"code":-32601}"#.to_owned()));
        assert_eq!(
            said(r#"{"id":1,"error":{"code":-32601}}"#),
            answered("1", error)
        );
        assert_eq!(
            said(r#"{"id":2,"method":"thread/start","params":{"cwd":null}}"#),
            Some(Said::Started {})
        );
        assert_eq!(
            said(r#"{"id":2,"method":"thread/fork","params":{"threadId":"t","ephemeral":false}}"#),
            Some(Said::Started {})
        );
        let thread_id = "t".to_owned();
        assert_eq!(
            said(
                r#"{"id":2,"method":"thread/resume","params":{"path":{"threadId":"no"},"threadId":"t"}}"#
            ),
            Some(Said::Resumed {
                thread_id: thread_id.clone()
            })
        );
        assert_eq!(
            said(r#"{"params":{"threadId":"t"},"method":"thread/unsubscribe","id":3}"#),
            Some(Said::Unsubscribed {
                thread_id: thread_id.clone()
            })
        );
        assert_eq!(
            said(r#"{"id":4,"method":"turn/start","params":{"threadId":"t","input":[]}}"#),
            Some(Said::Spoke { thread_id })
        );
        for other in [
            r#"{"method":"initialized"}"#,
            r#"{"id":1,"method":"thread/read","params":{"threadId":"t","result":1}}"#,
            r#"{"id":1,"method":"thread/start","params":{"ephemeral":true}}"#,
            r#"{"id":1,"method":"thread/fork","params":{"threadId":"t","ephemeral":true}}"#,
            r#"{"id":1,"method":"thread/resume","params":[1]}"#,
            r#"{"id":1,"method":"thread/resume","params":null}"#,
            r#"{"id":1,"method":"x","params":"text"}"#,
            r#"[{"id":1,"result":2}]"#,
            r#"{"id":1,"result":2"#,
            r#"{"result":2}"#,
            "",
        ] {
            assert_eq!(said(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_message_is_known_by_its_beginning() {
        let long = "x".repeat(KEPT_BYTES);
        let reply = format!(r#"{{"id":4,"result":{{"answers":"{long}"}}}}"#);
        let bytes = reply.len() as u64;
        assert_eq!(said(&reply), answered("4", Outcome::TooLong { bytes }));
        let picture = format!(
            r#"{{"id":4,"method":"turn/start","params":{{"input":"{long}","threadId":"t"}}}}"#
        );
        assert_eq!(said(&picture), None);
        let resume = format!(
            r#"{{"id":4,"method":"thread/resume","params":{{"threadId":"t","base":"{long}"}}}}"#
        );
        let thread_id = "t".to_owned();
        assert_eq!(said(&resume), Some(Said::Resumed { thread_id }));
    }
}
