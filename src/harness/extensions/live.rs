//! One process of an extension, and the conversation with it: an MCP server whose tool `handle_event` is called for each event.

use super::metered::{Complaints, MAX_LINE, Meter, Metered};
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::registration::{self, Registration, TOOL};
use crate::domain::sentence::{Sentence, say};
use crate::process::describe_exit;
use crate::process::kept::{Kept, Lines, Spec};
use rmcp::ServiceExt as _;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest,
    Implementation, PaginatedRequestParams, ServerResult,
};
use rmcp::service::{PeerRequestOptions, RoleClient, RunningService, ServiceError};
use rmcp::transport::async_rw::AsyncRwTransport;
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a program may take to say what it is. Interpreters with large libraries need seconds on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(15);
/// Pages of tools that are looked through for ours.
const MAX_PAGES: usize = 8;
/// Between the notice that an event is called off and the end of the process.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Lines of its complaints that are told with a fault: a place, a cause, and how it came to it.
const MAX_SAID: usize = 12;
/// How long a pipe that nobody reads is written to beyond an event's time.
const STUCK: Duration = Duration::from_millis(100);

/// A process that runs.
pub struct Live {
    service: RunningService<RoleClient, ClientConfig>,
    kept: Kept,
    meter: Meter,
    complaints: Complaints,
    /// Ends when nobody can complain any more.
    hearing: JoinHandle<()>,
}

/// What a handler is called with.
pub struct Told<'a> {
    /// The event.
    pub event: &'a str,
    /// What it says.
    pub payload: &'a Value,
    /// Which of several handlers is meant.
    pub handler: Option<&'a str>,
}

/// Why an event was not handled.
#[derive(Debug)]
pub enum Trouble {
    /// It took too long. The process is to be ended.
    TooSlow,
    /// The process is no longer there to answer, or said what nobody takes.
    Gone(Sentence),
    /// It says so itself.
    Said(String),
}

impl Live {
    /// Starts a process, and asks what it wants to hear of.
    ///
    /// # Errors
    /// When it does not speak as it has to; then nothing of it runs.
    pub async fn start(spec: &Spec) -> Result<(Self, Vec<Registration>), Fault> {
        let failed = |message: Sentence| Fault::new(Code::ImportFailed, message);
        let (kept, lines) = Kept::start(spec)
            .map_err(|error| failed(say!("reason.extension.not_started", error)))?;
        let Lines {
            input,
            output,
            complaints: pipe,
        } = lines;
        let (meter, complaints) = (Meter::default(), Complaints::default());
        let hearing = tokio::spawn(complaints.clone().hear(pipe));
        let output = Metered::new(output, meter.clone());
        let transport =
            AsyncRwTransport::<RoleClient, _, _>::new(output, input).with_max_line_length(MAX_LINE);
        let us = Implementation::new("zhongshu", env!("CARGO_PKG_VERSION"));
        let config = ClientConfig::new(ClientCapabilities::default(), us);
        let deadline = Instant::now() + START_LIMIT;
        let service = match timeout_at(deadline, config.serve(transport)).await {
            Ok(Ok(service)) => service,
            spoken => {
                let why = match spoken {
                    Ok(Err(error)) => failed(say!("reason.extension.no_mcp", error)),
                    _ => failed(say!(
                        "reason.extension.slow_start",
                        seconds = START_LIMIT.as_secs()
                    )),
                };
                return Err(buried(kept, why, &meter, &complaints, hearing).await);
            }
        };
        let live = Self {
            service,
            kept,
            meter,
            complaints,
            hearing,
        };
        match timeout_at(deadline, live.registrations()).await {
            Ok(Ok(registrations)) => Ok((live, registrations)),
            Ok(Err(fault)) => Err(live.failed(fault).await),
            Err(_) => {
                let seconds = START_LIMIT.as_secs();
                let fault = failed(say!("reason.extension.slow_start", seconds));
                Err(live.failed(fault).await)
            }
        }
    }

    async fn registrations(&self) -> Result<Vec<Registration>, Fault> {
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let mut params = PaginatedRequestParams::default();
            params.cursor = cursor;
            let page = self
                .service
                .list_tools(Some(params))
                .await
                .map_err(|error| {
                    Fault::new(Code::ImportFailed, say!("reason.extension.no_tools", error))
                })?;
            if let Some(tool) = page.tools.iter().find(|it| it.name == TOOL) {
                let meta = tool.meta.as_ref().map(|it| it.0.clone());
                return registration::read(&Value::Object(meta.unwrap_or_default()));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let message = say!("reason.extension.no_handler", tool = TOOL);
        Err(Fault::new(Code::MissingRegister, message))
    }

    /// Gives it an event; the structured content of its answer.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn handle(&self, told: Told<'_>, limit: Duration) -> Result<Option<Value>, Trouble> {
        self.meter.begin();
        let arguments = [
            ("event", Some(told.event.into())),
            ("payload", Some(told.payload.clone())),
            ("handler", told.handler.map(Into::into)),
        ];
        let arguments = arguments.into_iter();
        let arguments = arguments.filter_map(|(name, it)| Some((name.to_owned(), it?)));
        let arguments: Map<_, _> = arguments.collect();
        let params = CallToolRequestParams::new(TOOL).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let asked = async {
            let options = PeerRequestOptions::with_timeout(limit);
            let asked = self.service.send_cancellable_request(request, options);
            // Tells the other side when the time is over.
            asked.await?.await_response().await
        };
        let answer = tokio::select! {
            biased;
            answer = timeout(limit + STUCK, asked) => answer,
            () = self.meter.over() => return Err(Trouble::Gone(self.why_over())),
        };
        match answer {
            Ok(Ok(ServerResult::CallToolResult(result))) if result.is_error == Some(true) => {
                let texts = result.content.iter().filter_map(|it| it.as_text());
                let texts: Vec<_> = texts.map(|it| it.text.as_str()).collect();
                Err(Trouble::Said(texts.join("\n").chars().take(2000).collect()))
            }
            Ok(Ok(ServerResult::CallToolResult(result))) => Ok(result.structured_content),
            Err(_) | Ok(Err(ServiceError::Timeout { .. })) => Err(Trouble::TooSlow),
            Ok(Err(ServiceError::McpError(error))) => {
                Err(Trouble::Said(error.message.chars().take(2000).collect()))
            }
            Ok(Ok(_) | Err(ServiceError::UnexpectedResponse)) => Err(Trouble::Said(
                say!("reason.extension.odd_answer").to_string(),
            )),
            Ok(Err(_)) => Err(Trouble::Gone(self.why_over())),
        }
    }

    /// Waits until it is over by itself; why.
    pub async fn over(&mut self) -> Sentence {
        tokio::select! {
            status = self.kept.ended() => match status {
                Some(status) => say!("reason.extension.ended", how = describe_exit(status)),
                None => self.why_over(),
            },
            () = self.meter.over() => self.why_over(),
        }
    }

    fn why_over(&self) -> Sentence {
        match self.meter.is_too_much() {
            true => say!("reason.extension.too_much_said"),
            false => say!("reason.extension.hung_up"),
        }
    }

    /// The end of what it said on standard error.
    pub fn complaints(&self) -> String {
        self.complaints.text()
    }

    /// Gives it a moment after its event was called off, then ends it.
    pub async fn end_after_notice(mut self) {
        // Whoever ends by itself in that time has done so in good order.
        drop(timeout(LAST_WORDS, self.over()).await);
        self.end().await;
    }

    /// Ends it with everything that it started.
    pub async fn end(self) {
        let Self { service, kept, .. } = self;
        // The conversation ends with the pipes.
        drop(service);
        end(kept).await;
    }

    async fn failed(self, fault: Fault) -> Fault {
        let Self {
            service,
            kept,
            meter,
            complaints,
            hearing,
        } = self;
        drop(service);
        buried(kept, fault, &meter, &complaints, hearing).await
    }
}

async fn end(kept: Kept) {
    if let Err(error) = kept.end().await {
        tracing::error!(%error, "something of an extension could not be ended");
    }
}

/// Ends a process that could not be used, and says why with what it complained about.
async fn buried(
    kept: Kept,
    fault: Fault,
    meter: &Meter,
    complaints: &Complaints,
    hearing: JoinHandle<()>,
) -> Fault {
    end(kept).await;
    // Nobody is left who could hold the pipe open; what is in it has been said.
    drop(timeout(LAST_WORDS, hearing).await);
    let message = match meter.is_too_much() {
        true => say!("reason.extension.too_much_said"),
        false => fault.message,
    };
    let complaints = complaints.text();
    let said: Vec<_> = complaints.trim().lines().rev().take(MAX_SAID).collect();
    let said: Vec<_> = said.into_iter().rev().collect();
    let said: String = said.join("\n").chars().take(2000).collect();
    let message = match said.is_empty() {
        true => message,
        false => say!("reason.extension.with_complaints", reason => message, said),
    };
    Fault::new(fault.code, message)
}
