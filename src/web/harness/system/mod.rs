//! Codex as a whole: what it can do and offers, its account and configuration, commands without a thread. And what is ours
//! and no thread's: jobs, extensions, suggestions.

mod account;
mod answers;
mod capabilities;
mod commands;
mod configuration;
mod discovery;
mod extensions;
mod jobs;
mod modules;
mod skills;
mod suggestions;

use super::operations::Operations;
use utoipa_axum::routes;

/// All of it.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(capabilities::capabilities))
        .routes(routes!(discovery::experimental_features))
        .routes(routes!(discovery::collaboration_modes))
        .routes(routes!(discovery::models))
        .routes(routes!(discovery::mcp_servers))
        .routes(routes!(discovery::apps))
        .routes(routes!(discovery::mcp_reload))
        .routes(routes!(discovery::mcp_oauth_login))
        .routes(routes!(skills::list))
        .routes(routes!(skills::configure))
        .routes(routes!(skills::remote, skills::remote_write))
        .routes(routes!(account::read))
        .routes(routes!(account::rate_limits))
        .routes(routes!(account::start_login))
        .routes(routes!(account::cancel_login))
        .routes(routes!(account::logout))
        .routes(routes!(configuration::read))
        .routes(routes!(configuration::requirements))
        .routes(routes!(configuration::write_value))
        .routes(routes!(configuration::write_batch))
        .routes(routes!(commands::execute))
        .routes(routes!(commands::feedback))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::read))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::create))
        .routes(routes!(extensions::list))
        .routes(routes!(extensions::reload))
        .routes(routes!(extensions::trust))
        .routes(routes!(suggestions::enqueue))
        .routes(routes!(suggestions::run))
        .routes(routes!(suggestions::upsert))
}
