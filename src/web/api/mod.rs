//! The JSON API: one file per noun; a handler reads its request, calls one thing, shapes the answer.

mod asks;
mod attention;
mod audit;
mod departments;
pub mod history;
mod live;
mod plan_files;
mod planners;
pub mod plans;
mod preferences;
mod queue;
pub mod reports;
mod results;
pub mod reviews;
mod server;
mod sessions;
pub mod status;
mod steering;
mod terminals;
pub mod threads;
mod usage;

use super::app::App;
use super::table::Table;

/// Every route of the API.
pub fn table() -> Table<App> {
    Table::new()
        .get("/api/status", status::status)
        .get("/api/sessions", status::status)
        .get("/api/history", history::find)
        .get("/api/zhongshu_sessions", planners::list)
        .post("/api/start_zhongshu_session", planners::start)
        .post("/api/start_zhongshu", planners::start)
        .post("/api/restart_zhongshu_session", planners::restart)
        .get("/api/zhongshu_context", planners::context)
        .get("/api/zhongshu_inbox", results::inbox)
        .post("/api/zhongshu_inbox", results::read_inbox)
        .get("/mcp/inbox", results::inbox_of_thread)
        .post("/mcp/accept_changes", results::accept_for_thread)
        .post("/mcp/review_code", steering::review_for_thread)
        .post("/api/ack_result", results::acknowledge)
        .post("/api/accept_changes", results::accept)
        .post("/api/verify_result", results::verify)
        .get("/api/handoff", results::handoff)
        .get("/api/dossier", planners::dossier)
        .get("/api/zhongshu_plan", plans::newest)
        .get("/api/plans", plans::versions)
        .post("/api/report_zhongshu_plan", plans::report)
        .post("/api/read_files", plans::read_files)
        .post("/api/start_assignments", plans::confirm)
        .post("/api/reject_plan", plans::reject)
        .post("/api/review_plan", plans::have_reviewed)
        .post("/api/take_plan_file", plan_files::take)
        .post("/api/discard_plan_file", plan_files::discard)
        .post("/api/check_plan", plans::check)
        .post("/api/plan_assignments", departments::propose)
        .post("/api/start_department", departments::start_department)
        .post(
            "/api/start_department_for_zhongshu",
            departments::start_department_for_zhongshu,
        )
        .post("/api/trust", server::trust)
        .post("/api/powers", server::powers)
        .post("/api/shutdown", server::shutdown)
        .post("/api/stop_session", sessions::stop)
        .post("/api/resume_session", sessions::resume)
        .post("/api/session_input", sessions::input)
        .post("/api/notify_zhongshu", sessions::notify)
        .post("/api/take_back_message", steering::take_back)
        .post("/api/interrupt_session", steering::interrupt)
        .post("/api/compact_session", steering::compact)
        .post("/api/revert_session", steering::revert)
        .post("/api/fork_session", steering::fork)
        .post("/api/rename_session", steering::rename)
        .post("/api/archive_session", steering::archive)
        .post("/api/delete_session", steering::delete)
        .post("/api/session_settings", steering::set)
        .post("/api/review_session", steering::review)
        .get("/api/session_stream", live::session_stream)
        .get("/api/thread", threads::page)
        .get("/api/thread/item", threads::item)
        .get("/api/thread_stream", threads::stream)
        .post("/api/queue/cancel", queue::cancel)
        .post("/api/queue/force", queue::force)
        .post("/api/queue/move", queue::reorder)
        .post("/api/queue/pause", queue::pause)
        .post("/api/queue/resume", queue::resume)
        .get("/api/browser_terminals", terminals::list)
        .post("/api/browser_terminal/start", terminals::start)
        .post("/api/browser_terminal/close", terminals::close)
        .post(
            "/api/session_browser_terminal/start",
            terminals::view_session,
        )
        .post("/api/session_browser_terminal/back", steering::bring_back)
        .post("/api/session_browser_terminal/fork", steering::open_fork)
        .post("/api/terminal_ticket", terminals::ticket)
        .post("/api/terminal_theme", terminals::theme)
        .post("/api/preferences", preferences::set)
        .get("/api/report", reports::report)
        .get("/api/review", reviews::review)
        .post("/api/reviews/approve", reviews::approve)
        .post("/api/reviews/reject", reviews::reject)
        .post("/api/reviews/accept_commit", reviews::accept_commit)
        .post("/api/gate", reviews::set_gate)
        .get("/api/audit", audit::page)
        .post("/api/attention/{id}", asks::answer)
        .get("/api/rules", asks::rules)
        .post("/api/rules/remove", asks::remove_rule)
        .get("/api/attention", attention::list)
        .get("/api/attention/{id}", attention::one)
        .get("/api/usage", usage::usage)
        .post("/api/budgets", usage::set_budget)
}
