//! What comes back: with `--json` as it came, else in words. A no is a sentence on standard error, with what does not fit.

use super::rows;
use crate::cli::ExitCode;
use crate::cli::harness::Operation;
use crate::client::Reply;
use crate::commands::error::CommandError;
use crate::domain::shown::shown;
use crate::governance::render::printable;
use serde_json::Value;
use std::io::Write;

/// How answers are printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    pub(super) is_json: bool,
}

impl Printer {
    /// Prints the answer to an operation.
    pub(super) fn print(
        self,
        operation: &Operation,
        reply: &Reply,
        out: &mut impl Write,
    ) -> Result<ExitCode, CommandError> {
        self.refuse(reply, out)?;
        if self.is_json {
            return whole(reply, out);
        }
        let body = granted(reply)?;
        rows::show(&operation.id, &body, out)?;
        Ok(ExitCode::Ok)
    }

    /// Prints the answer to a raw request.
    pub(super) fn raw(self, reply: &Reply, out: &mut impl Write) -> Result<ExitCode, CommandError> {
        // What was asked for raw is shown raw.
        Self { is_json: true }.refuse(reply, out)?;
        whole(reply, out)
    }

    /// Ends a command that was refused.
    pub(super) fn refuse(self, reply: &Reply, out: &mut impl Write) -> Result<(), CommandError> {
        if reply.status.is_success() {
            return Ok(());
        }
        if self.is_json {
            whole(reply, out)?;
        }
        Err(refusal(reply))
    }
}

/// The body of an answer that says yes.
pub(super) fn granted(reply: &Reply) -> Result<Value, CommandError> {
    if !reply.status.is_success() {
        return Err(refusal(reply));
    }
    let status = reply.status.as_u16();
    serde_json::from_slice(&reply.body)
        .map_err(|_| CommandError::Client(crate::client::ClientError::Strange(status)))
}

fn whole(reply: &Reply, out: &mut impl Write) -> Result<ExitCode, CommandError> {
    out.write_all(&reply.body)?;
    if reply.body.last().is_some_and(|byte| *byte != b'\n') {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn refusal(reply: &Reply) -> CommandError {
    let status = reply.status.as_u16();
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = body["message"].as_str().or(body["error"].as_str());
    let mut message = match said {
        // A refusal may repeat what a program said, which has lines of its own.
        Some(said) => shown(said).lines().collect::<Vec<_>>().join("\n  "),
        None => format!("the server answered with status {status} and no sentence"),
    };
    for issue in body["issues"].as_array().into_iter().flatten() {
        let text = |name: &str| printable(issue[name].as_str().unwrap_or_default());
        message.push_str(&format!("\n  {}: {}", text("path"), text("message")));
    }
    CommandError::Answered { status, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_a_sentence_with_its_issues_and_an_exit_code() {
        let reply = |status: u16, body: &'static str| Reply {
            status: hyper::StatusCode::from_u16(status).unwrap_or_default(),
            body: body.into(),
        };
        let error = refusal(&reply(
            400,
            r#"{"message":"No.","issues":[{"path":"text","message":"too short"}]}"#,
        ));
        assert_eq!(error.to_string(), "No.\n  text: too short");
        let error = refusal(&reply(
            400,
            r#"{"message":"It said: one\n    two\u001b[1m"}"#,
        ));
        assert_eq!(error.to_string(), "It said: one\n      two⟨U+001B⟩[1m");
        for (status, code) in [
            (400, ExitCode::Usage),
            (401, ExitCode::NotAllowed),
            (403, ExitCode::NotAllowed),
            (404, ExitCode::NotThere),
            (410, ExitCode::NotThere),
            (409, ExitCode::WrongState),
            (423, ExitCode::WrongState),
            (429, ExitCode::Later),
            (503, ExitCode::Later),
            (500, ExitCode::Failed),
            (501, ExitCode::Failed),
        ] {
            assert_eq!(refusal(&reply(status, "")).exit_code(), code, "{status}");
        }
    }
}
