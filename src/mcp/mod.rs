//! The tools that planners and departments get: `zhongshu mcp`, spoken over stdio by Codex.
//!
//! A thin writer into the mailbox and a reader of the inbox. It holds no state, decides nothing and reads no
//! configuration: the thread id that Codex puts into `_meta` of each call says who calls, and the launcher wrote down
//! which session that thread is. One process may serve many threads.
//!
//! Whatever is wrong comes back as a tool error with a sentence, so that the agent can mend it and try again.

mod launcher;
mod report;
mod tools;

use crate::domain::department::MENXIA;
use crate::domain::plan_review::ReviewedPlan;
use crate::domain::session::Kind;
use crate::mailbox::threads::{self, ThreadRecord};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncWrite};

/// Why the tool server ended early.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// The runtime could not be made.
    #[error("start the tool server: {0}")]
    Runtime(#[source] std::io::Error),
    /// The client did not begin as MCP clients do.
    #[error("begin the conversation with the MCP client: {0}")]
    Initialize(#[source] Box<ServerInitializeError>),
    /// The conversation broke.
    #[error("the tool server's task ended: {0}")]
    Task(#[source] tokio::task::JoinError),
}

/// Serves the tools on this process's stdin and stdout until the client closes them. Call it outside of a runtime.
///
/// # Errors
/// When the conversation cannot begin or breaks.
pub fn run(state_dir: &Path) -> Result<(), McpError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(McpError::Runtime)?;
    runtime.block_on(async {
        let (input, output) = rmcp::transport::io::stdio_pipes();
        serve(state_dir, input, output).await
    })
}

/// Serves the tools on any pair of streams.
///
/// # Errors
/// When the conversation cannot begin or breaks.
pub async fn serve(
    state_dir: &Path,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), McpError> {
    let server = Server {
        state_dir: state_dir.to_owned(),
    };
    let service = match server.serve((input, output)).await {
        Ok(service) => service,
        // Codex starts a server to see its tools and may leave before it has asked for any.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(McpError::Initialize(Box::new(error))),
    };
    service.waiting().await.map_err(McpError::Task)?;
    Ok(())
}

#[derive(Debug, Clone)]
struct Server {
    state_dir: PathBuf,
}

/// A session that called, and the thread that proves it.
#[derive(Debug)]
struct Caller {
    thread_id: String,
    record: ThreadRecord,
    /// Whether a helper of the session speaks, in a thread of its own.
    is_sub_agent: bool,
}

/// Whom Codex names in the `_meta` of a call.
struct Speaker {
    /// The thread that calls (`threadId`).
    thread: Option<String>,
    /// The thread of the session that it belongs to (`sessionId`); the same, unless a sub-agent calls.
    root: Option<String>,
}

/// What a tool answers: a text, or a sentence about what is wrong.
type Answer = Result<String, String>;

impl Server {
    async fn answer(&self, tool: &str, arguments: JsonObject, speaker: Speaker) -> Answer {
        let caller = self.caller(speaker)?;
        match tool {
            tools::REPORT_PLAN => {
                caller.must_be(Kind::Zhongshu, tool)?;
                caller.must_be_the_session_itself(tool)?;
                let plan = tools::arguments(arguments)?;
                report::plan(&self.state_dir, &caller, plan).await
            }
            tools::REPORT_RESULT => {
                caller.must_be(Kind::Department, tool)?;
                caller.must_not_review(tool)?;
                caller.must_be_the_session_itself(tool)?;
                let result = tools::arguments(arguments)?;
                report::result(&self.state_dir, &caller, result).await
            }
            tools::REPORT_VERDICT => {
                let reviewed = caller.reviews(tool)?;
                caller.must_be_the_session_itself(tool)?;
                let verdict = tools::arguments(arguments)?;
                report::verdict(&self.state_dir, &caller, reviewed, verdict).await
            }
            tools::READ_INBOX => {
                caller.must_be(Kind::Zhongshu, tool)?;
                let wish: tools::ReadInbox = tools::arguments(arguments)?;
                // Reading for good is the planner's own step; its helpers only look.
                let peek = wish.peek || caller.is_sub_agent;
                launcher::inbox(&self.state_dir, &caller.thread_id, peek).await
            }
            tools::ACCEPT_CHANGES => {
                caller.must_be(Kind::Zhongshu, tool)?;
                caller.must_be_the_session_itself(tool)?;
                let wish: tools::AcceptChanges = tools::arguments(arguments)?;
                let route = "/mcp/accept_changes";
                launcher::post(&self.state_dir, &caller.thread_id, route, &wish).await?;
                Ok("accepted; the reason is on record".to_owned())
            }
            tools::REVIEW_CODE => {
                caller.must_be_menxia(tool)?;
                caller.must_be_the_session_itself(tool)?;
                let wish: tools::ReviewCode = tools::arguments(arguments)?;
                let route = "/mcp/review_code";
                launcher::post(&self.state_dir, &caller.thread_id, route, &wish).await?;
                Ok("The review is queued: it begins when your turn ends. End your turn now, and do not report yet; what Codex finds \
                    stands in this thread then, and you are told to go on."
                    .to_owned())
            }
            other => Err(format!("there is no tool `{other}` here")),
        }
    }

    fn caller(&self, speaker: Speaker) -> Result<Caller, String> {
        let is_sub_agent = speaker.root.is_some() && speaker.root != speaker.thread;
        let Some(thread_id) = speaker.root.or(speaker.thread) else {
            return Err("the call does not say which Codex thread it comes from (`_meta.threadId`), so it cannot be \
                        told whose report it is; use a Codex session that zhongshu started"
                .into());
        };
        let record = threads::read(&self.state_dir, &thread_id)
            .map_err(|error| format!("zhongshu cannot tell which session is calling: {error}"))?;
        let record = record.ok_or_else(|| {
            "this Codex thread was not started by zhongshu, so it cannot report or read an inbox; only a session that \
             zhongshu started can"
                .to_owned()
        })?;
        Ok(Caller {
            thread_id,
            record,
            is_sub_agent,
        })
    }
}

impl Caller {
    fn must_be_the_session_itself(&self, tool: &str) -> Result<(), String> {
        match self.is_sub_agent {
            false => Ok(()),
            true => Err(format!(
                "`{tool}` is for the session itself; a sub-agent tells its session what to report"
            )),
        }
    }

    /// The plan that the session was asked to review.
    fn reviews(&self, tool: &str) -> Result<&ReviewedPlan, String> {
        self.record.review.as_ref().ok_or_else(|| {
            format!(
                "`{tool}` is for a session that was asked to review a plan; you are session `{}`: report with `{}`",
                self.record.session_id,
                match self.record.session_kind {
                    Kind::Zhongshu => tools::REPORT_PLAN,
                    Kind::Department => tools::REPORT_RESULT,
                }
            )
        })
    }

    fn must_not_review(&self, tool: &str) -> Result<(), String> {
        match &self.record.review {
            None => Ok(()),
            Some(plan) => Err(format!(
                "`{tool}` is for work; you review version {} of a plan: give your verdict with `{}`",
                plan.plan_version,
                tools::REPORT_VERDICT
            )),
        }
    }

    fn must_be_menxia(&self, tool: &str) -> Result<(), String> {
        match self.record.department == MENXIA {
            true => Ok(()),
            false => Err(format!(
                "`{tool}` is for sessions of the department `{MENXIA}`; you are session `{}` of `{}`",
                self.record.session_id, self.record.department
            )),
        }
    }

    fn must_be(&self, kind: Kind, tool: &str) -> Result<(), String> {
        if self.record.session_kind == kind {
            return Ok(());
        }
        Err(match kind {
            Kind::Zhongshu => format!(
                "`{tool}` is for the planner; you are department session `{}`: report your work with `report_result`",
                self.record.session_id
            ),
            Kind::Department => format!(
                "`{tool}` is for departments; you are planner `{}`: report your plan with `report_plan`",
                self.record.session_id
            ),
        })
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("zhongshu", env!("CARGO_PKG_VERSION")))
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let named = |name: &str| {
            let id = context.meta.0.get(name)?;
            id.as_str().map(ToOwned::to_owned)
        };
        let speaker = Speaker {
            thread: named("threadId"),
            root: named("sessionId"),
        };
        let arguments = request.arguments.unwrap_or_default();
        let answer = self.answer(&request.name, arguments, speaker).await;
        let result = match answer {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(sentence) => CallToolResult::error(vec![ContentBlock::text(sentence)]),
        };
        Ok(result.into())
    }
}
