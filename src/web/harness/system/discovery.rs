//! Lists of what Codex offers, and the MCP servers.

use super::super::App;
use super::super::input::{Count, Input, Params};
use super::answers::{CodexDone, ListPage, done, sparse};
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// As many entries as a page may have.
type Limit = Count<1, 200, 100>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Where the page begins: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most.
    #[param(inline)]
    limit: Option<Limit>,
}

impl PageQuery {
    fn params(self) -> Value {
        let limit = self.limit.map(|it| it.0);
        sparse(json!({"cursor": self.cursor, "limit": limit}))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppsQuery {
    /// Where the page begins: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most.
    #[param(inline)]
    limit: Option<Limit>,
    /// The thread that would use them.
    thread_id: Option<String>,
    /// Has Codex ask its source, not its memory.
    force_refetch: Option<bool>,
}

impl AppsQuery {
    fn params(self) -> Value {
        let limit = self.limit.map(|it| it.0);
        sparse(json!({
            "cursor": self.cursor,
            "limit": limit,
            "threadId": self.thread_id,
            "forceRefetch": self.force_refetch,
        }))
    }
}

/// Lists that are passed on: the name of the operation, where it is, which query it takes, and the method behind it.
macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident $id:tt $path:tt ($query:ident) -> $method:tt;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(get, path = $path, tag = "discovery", operation_id = $id, params($query),
            responses((status = 200, body = ListPage), OfInput, OfCodex))]
        pub(super) async fn $name(
            _: RequireMember,
            State(app): State<App>,
            Params(query): Params<$query>,
        ) -> Result<Json<ListPage>, ApiError> {
            Ok(app.listed($method, query.params()).await?.into())
        }
    )*};
}

lists! {
    /// Lists the experimental features of Codex.
    experimental_features "experimental_features" "/features/experimental" (PageQuery) -> "experimentalFeature/list";
    /// Lists the ways in which a thread may work with a person.
    collaboration_modes "collaboration_modes" "/collaboration/modes" (PageQuery) -> "collaborationMode/list";
    /// Lists the models that Codex offers, each with its efforts.
    models "models" "/models" (PageQuery) -> "model/list";
    /// Lists the MCP servers of the configuration, with their tools and how they fare.
    mcp_servers "mcp_servers" "/mcp/servers" (PageQuery) -> "mcpServerStatus/list";
    /// Lists the apps that Codex may use.
    apps "apps" "/apps" (AppsQuery) -> "app/list";
}

/// Has Codex read the configuration of its MCP servers anew.
#[utoipa::path(post, path = "/mcp/reload", tag = "discovery", operation_id = "mcp_reload",
    responses((status = 200, body = CodexDone), OfCodex))]
pub(super) async fn mcp_reload(
    _: RequireAdmin,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<CodexDone>, ApiError> {
    done(app.call("config/mcpServer/reload", Value::Null).await)
}

/// How a login at an MCP server begins.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct McpLogin {
    /// What is asked for.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// How long the person may take, in seconds.
    #[serde(default)]
    timeout_secs: Option<Count<1, 86_400, 300>>,
}

/// Begins a login at an MCP server; the answer has the address where a person goes on.
#[utoipa::path(post, path = "/mcp/servers/{serverName}/oauth/login", tag = "discovery",
    operation_id = "mcp_oauth_login", request_body = McpLogin,
    params(("serverName" = String, Path, description = "The server's name in Codex's configuration.")),
    responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn mcp_oauth_login(
    _: RequireAdmin,
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    Input(login): Input<McpLogin>,
) -> Result<Json<CodexDone>, ApiError> {
    // What cannot be read names no server.
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let params = sparse(json!({
        "name": name,
        "scopes": login.scopes,
        "timeoutSecs": login.timeout_secs.map(|it| it.0),
    }));
    done(app.call("mcpServer/oauth/login", params).await)
}
