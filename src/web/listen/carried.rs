//! Carries through what a request began. A client may go away at any moment, and its connection ends with all that is awaited
//! there; what changes something must not stop halfway because of that: a terminal would be left that is started and known to nobody.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::Response;
use std::convert::Infallible;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Answers a request. One that may change something is answered in a task of its own, which `tracker` knows.
pub(super) async fn answer(
    tracker: &TaskTracker,
    app: Router,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = app.oneshot(request);
    if only_looks {
        return answer.await;
    }
    match tracker.spawn(answer).await {
        Ok(answer) => answer,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away; nobody waits for this answer any more.
            Err(_) => std::future::pending().await,
        },
    }
}
