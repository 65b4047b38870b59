//! What the harness does by itself, until the server ends.

use super::supervisor::keep;
use crate::core::duties::Duty;
use crate::harness::Harness;
use crate::sessions::agents::Agents;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One task.
type Task = fn(Arc<Harness>, CancellationToken) -> BoxFuture<'static, ()>;

/// All of them: threads that are let go, calls that nobody answers, rows of what is asked, threads that readers of the stream follow, what
/// those are told, jobs, and extensions.
const ALL: [Task; 7] = [
    |harness, end| harness.let_go(end).boxed(),
    |harness, end| harness.end_calls(end).boxed(),
    |harness, end| harness.write_asks(end).boxed(),
    |harness, end| harness.listen_for_streams(end).boxed(),
    |harness, end| harness.tell_stream(end).boxed(),
    |harness, end| harness.run_jobs(end).boxed(),
    |harness, end| harness.run_extensions(end).boxed(),
];

/// Keeps them going.
pub fn keep_all(
    agents: &Arc<Agents>,
    harness: &Arc<Harness>,
    acting: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let keep = |task: Task| {
        let (harness, end) = (Arc::clone(harness), acting.clone());
        let begin = move || task(Arc::clone(&harness), end.clone());
        keep(agents, Duty::Codex, acting.clone(), begin)
    };
    ALL.into_iter().map(keep).collect()
}
