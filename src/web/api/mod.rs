//! The JSON API: one file per noun; a handler reads its request, calls one thing, shapes the answer.

mod audit;
mod live;
mod plan_files;
mod planners;
pub mod plans;
mod queue;
pub mod reports;
mod results;
pub mod reviews;
mod server;
mod sessions;
pub mod status;
mod terminals;

use super::app::App;
use axum::Json;
use axum::Router;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Every route of the API.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/status", get(status::status))
        .route("/api/sessions", get(status::status))
        .route("/api/zhongshu_sessions", get(planners::list))
        .route("/api/start_zhongshu_session", post(planners::start))
        .route("/api/start_zhongshu", post(planners::start))
        .route("/api/restart_zhongshu_session", post(planners::restart))
        .route("/api/zhongshu_context", get(planners::context))
        .route("/api/zhongshu_inbox", get(results::inbox))
        .route("/mcp/inbox", get(results::inbox_of_thread))
        .route("/mcp/accept_changes", post(results::accept_for_thread))
        .route("/api/ack_result", post(results::acknowledge))
        .route("/api/accept_changes", post(results::accept))
        .route("/api/verify_result", post(results::verify))
        .route("/api/handoff", get(results::handoff))
        .route("/api/dossier", get(planners::dossier))
        .route("/api/zhongshu_plan", get(plans::newest))
        .route("/api/plans", get(plans::versions))
        .route("/api/report_zhongshu_plan", post(plans::report))
        .route("/api/read_files", post(plans::read_files))
        .route("/api/start_assignments", post(plans::confirm))
        .route("/api/reject_plan", post(plans::reject))
        .route("/api/take_plan_file", post(plan_files::take))
        .route("/api/discard_plan_file", post(plan_files::discard))
        .route("/api/check_plan", post(plans::check))
        .route("/api/plan_assignments", post(plans::propose))
        .route("/api/start_department", post(plans::start_department))
        .route(
            "/api/start_department_for_zhongshu",
            post(plans::start_department_for_zhongshu),
        )
        .route("/api/trust", post(server::trust))
        .route("/api/powers", post(server::powers))
        .route("/api/shutdown", post(server::shutdown))
        .route("/api/stop_session", post(sessions::stop))
        .route("/api/resume_session", post(sessions::resume))
        .route("/api/session_input", post(sessions::input))
        .route("/api/notify_zhongshu", post(sessions::notify))
        .route("/api/session_stream", get(live::session_stream))
        .route("/api/queue/cancel", post(queue::cancel))
        .route("/api/queue/force", post(queue::force))
        .route("/api/queue/move", post(queue::reorder))
        .route("/api/queue/pause", post(queue::pause))
        .route("/api/queue/resume", post(queue::resume))
        .route("/api/browser_terminals", get(terminals::list))
        .route("/api/browser_terminal/start", post(terminals::start))
        .route("/api/browser_terminal/close", post(terminals::close))
        .route(
            "/api/session_browser_terminal/start",
            post(terminals::view_session),
        )
        .route("/api/terminal_ticket", post(terminals::ticket))
        .route("/api/terminal_theme", post(terminals::theme))
        .route("/api/preferences", post(crate::web::preferences::set))
        .route("/api/report", get(reports::report))
        .route("/api/review", get(reviews::review))
        .route("/api/reviews/approve", post(reviews::approve))
        .route("/api/reviews/reject", post(reviews::reject))
        .route("/api/reviews/accept_commit", post(reviews::accept_commit))
        .route("/api/gate", post(reviews::set_gate))
        .route("/api/audit", get(audit::page))
}

/// `{"ok": true, …fields}`.
pub fn ok(fields: impl Serialize) -> Json<Value> {
    let mut object = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
    match serde_json::to_value(fields).expect("an answer is plain data") {
        Value::Object(fields) => object.extend(fields),
        Value::Null => {}
        other => {
            object.insert("value".to_owned(), other);
        }
    }
    Json(Value::Object(object))
}

/// `{"ok": true}`.
pub fn done() -> Json<Value> {
    Json(json!({ "ok": true }))
}
