//! `zhongshu session …`: what a person does to a session without its terminal, one request each.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::cli::session::{Review, Session, SessionCommand, Set};
use crate::client::Client;
use crate::governance::render::printable;
use crate::paths::Places;
use serde_json::{Map, Value, json};
use std::io::Write;

/// Sends the request, and says what came of it.
///
/// # Errors
/// When no server runs, or it says no.
pub async fn run(
    places: &Places,
    arguments: &Session,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let (path, body) = request(&arguments.command);
    let answer = Client::find(places)?
        .with_key(&uuid::Uuid::new_v4().to_string())
        .post(path, &body)
        .await?;
    match arguments.json {
        true => writeln!(out, "{answer}")?,
        false => writeln!(out, "{}", said(&arguments.command, &answer))?,
    }
    Ok(ExitCode::Ok)
}

/// Which request it is.
fn request(command: &SessionCommand) -> (&'static str, Value) {
    match command {
        SessionCommand::Message { id, text, after } => {
            let when = if *after { "after" } else { "now" };
            let body = json!({"session_id": id, "input": text, "when": when});
            ("/api/session_input", body)
        }
        SessionCommand::TakeBack { id, message } => {
            let body = json!({"session_id": id, "message_id": message});
            ("/api/take_back_message", body)
        }
        SessionCommand::Interrupt { id, background } => {
            let body = json!({"session_id": id, "background": background});
            ("/api/interrupt_session", body)
        }
        SessionCommand::Compact { id, interrupt } => {
            let body = json!({"session_id": id, "interrupt": interrupt});
            ("/api/compact_session", body)
        }
        SessionCommand::Revert {
            id,
            turn,
            interrupt,
        } => {
            let body = json!({"session_id": id, "turn_id": turn, "interrupt": interrupt});
            ("/api/revert_session", body)
        }
        SessionCommand::Fork { id, title } => {
            let body = with(id, [("title", title)]);
            ("/api/fork_session", body)
        }
        SessionCommand::Rename { id, title } => {
            let body = json!({"session_id": id, "title": title});
            ("/api/rename_session", body)
        }
        SessionCommand::Archive { id } => ("/api/archive_session", with(id, [])),
        SessionCommand::Delete { id, fork } => {
            let body = with(id, [("fork_id", fork)]);
            ("/api/delete_session", body)
        }
        SessionCommand::Set(settings) => ("/api/session_settings", of_settings(settings)),
        SessionCommand::Review(review) => ("/api/review_session", of_review(review)),
        SessionCommand::Back { id } => ("/api/session_browser_terminal/back", with(id, [])),
    }
}

/// The session, and the fields that are there.
fn with<const N: usize>(id: &str, fields: [(&str, &Option<String>); N]) -> Value {
    let mut body = Map::from_iter([("session_id".to_owned(), json!(id))]);
    for (name, value) in fields {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(body)
}

fn of_settings(settings: &Set) -> Value {
    let fields = [
        ("model", &settings.model),
        ("effort", &settings.effort),
        ("approval", &settings.approval),
        ("sandbox", &settings.sandbox),
    ];
    let mut body = with(&settings.id, fields);
    if settings.wider {
        body["confirm"] = json!("wider");
    }
    body
}

fn of_review(review: &Review) -> Value {
    let fields = [
        ("branch", &review.base),
        ("commit", &review.commit),
        ("instructions", &review.instructions),
    ];
    let mut body = with(&review.id, fields);
    let target = match (&review.base, &review.commit, &review.instructions) {
        (Some(_), ..) => "base_branch",
        (_, Some(_), _) => "commit",
        (.., Some(_)) => "custom",
        _ => "uncommitted",
    };
    body["target"] = json!(target);
    body["interrupt"] = json!(review.interrupt);
    body
}

/// What came of it, as far as that is known at once.
fn said(command: &SessionCommand, answer: &Value) -> String {
    let field = |value: &Value| printable(value.as_str().unwrap_or_default());
    match command {
        SessionCommand::Message { after: true, .. } => {
            format!(
                "{}: waits for the end of the turn",
                field(&answer["message_id"])
            )
        }
        SessionCommand::Message { .. } => format!("{}: on its way", field(&answer["message_id"])),
        SessionCommand::TakeBack { message, .. } => {
            format!("{}: taken back, nothing was sent", printable(message))
        }
        SessionCommand::Interrupt { .. } if answer["turn_id"].is_null() => {
            "its background commands are ended, or Ctrl-C was pressed; no turn of it ran".to_owned()
        }
        SessionCommand::Interrupt { .. } => {
            format!("turn {} is broken off", field(&answer["turn_id"]))
        }
        SessionCommand::Compact { .. } => "it sums its history up".to_owned(),
        SessionCommand::Revert { turn, .. } => {
            format!(
                "back to before turn {}; files stay as they are",
                printable(turn)
            )
        }
        SessionCommand::Fork { .. } => format!("copied: thread {}", field(&answer["fork_id"])),
        SessionCommand::Rename { .. } => {
            format!(
                "its name is now {}",
                field(&answer["session"]["thread_name"])
            )
        }
        SessionCommand::Archive { .. } => {
            "its thread is archived; to resume the session fetches it back".to_owned()
        }
        SessionCommand::Delete { .. } => "deleted".to_owned(),
        SessionCommand::Set(_) => "from the next turn on".to_owned(),
        SessionCommand::Review(_) => {
            format!("it reviews in turn {}", field(&answer["turn_id"]))
        }
        SessionCommand::Back { .. } => {
            format!(
                "terminal {} shows the session again",
                field(&answer["terminal"]["id"])
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_sent() {
        let settings = Set {
            id: "s".to_owned(),
            effort: Some("low".to_owned()),
            wider: true,
            ..Set::default()
        };
        let sent = request(&SessionCommand::Set(settings));
        let body = json!({"session_id": "s", "effort": "low", "confirm": "wider"});
        assert_eq!(sent, ("/api/session_settings", body));
        let review = Review {
            id: "s".to_owned(),
            ..Review::default()
        };
        let sent = request(&SessionCommand::Review(review));
        let body = json!({"session_id": "s", "target": "uncommitted", "interrupt": false});
        assert_eq!(sent, ("/api/review_session", body));
    }
}
