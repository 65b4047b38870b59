//! Puts away what is settled, a few sessions at a time, so that the state is as large as what goes on.

use super::{Core, LAUNCHER};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::state::State;
use crate::domain::state::past::Past;
use crate::history::HistoryError;
use crate::ledger::Health;
use chrono::Utc;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// Between two looks. Each is a comparison of two numbers while there is little.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After a failure, as of a full disk: nothing is lost by waiting.
const PAUSE: Duration = Duration::from_secs(30);
/// What is larger as JSON stays: it would not fit into a line of the journal when somebody takes it out again.
const LARGEST: usize = 1024 * 1024;

/// Looks after what was put away, until `stop`.
pub async fn sweep(core: Arc<Core>, stop: CancellationToken) {
    let mut stays = HashSet::new();
    while !stop.is_cancelled() {
        let pause = match step(&core, &mut stays).await {
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(%error, "nothing is put away for now; what is settled stays in memory");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// What is next to do; says whether there may be more of it.
async fn step(core: &Arc<Core>, stays: &mut HashSet<SessionId>) -> Result<bool, HistoryError> {
    if !core.history.is_ready() {
        make_again(core).await?;
    }
    if core.ledger.status().borrow().health != Health::Writable {
        return Ok(false);
    }
    let now = Utc::now();
    let leave = |state: &State| {
        let ids = state.to_put_away(now, |id| !stays.contains(id));
        ids.iter()
            .filter_map(|id| state.past_of(id))
            .collect::<Vec<_>>()
    };
    let mut all = core.ledger.read(leave);
    let is_large = |it: &Past| serde_json::to_vec(it).is_ok_and(|it| it.len() > LARGEST);
    let large = all.extract_if(.., |it| is_large(it));
    stays.extend(large.map(|it| it.id().clone()));
    if all.is_empty() {
        return Ok(false);
    }
    let _moving = core.moving.lock().await;
    let all = blocking(core, |core| core.history.put(&all).map(|()| all)).await?;
    let all: BTreeMap<_, _> = all.into_iter().map(|it| (it.id().clone(), it)).collect();
    let kept = Vec::from_iter(all.keys().cloned());
    let put_away = move |state: &State| {
        // What was kept is what leaves, or it stays: somebody may have done something to it meanwhile.
        let mut ids = state.to_put_away(now, |id| all.contains_key(id));
        ids.retain(|id| state.past_of(id).as_ref() == all.get(id));
        let events = match ids.is_empty() {
            true => Vec::new(),
            false => vec![Event::SessionsPutAway {
                session_ids: ids.clone(),
            }],
        };
        Ok((events, ids))
    };
    // A journal that cannot be written says so elsewhere.
    let left = core.decide(LAUNCHER, put_away).await.unwrap_or_default();
    let stayed = Vec::from_iter(kept.into_iter().filter(|id| !left.contains(id)));
    if !stayed.is_empty() {
        blocking(core, move |core| core.history.remove(&stayed)).await?;
    }
    Ok(!left.is_empty())
}

async fn make_again(core: &Arc<Core>) -> Result<(), HistoryError> {
    tracing::info!("what was put away is read again from the journal");
    blocking(core, |core| {
        let now = |look: &mut dyn FnMut(&State)| core.ledger.read(look);
        core.history.make_again(&core.place.journal(), now)
    })
    .await?;
    tracing::info!("what was put away is there again");
    Ok(())
}

async fn blocking<T: Send + 'static>(
    core: &Arc<Core>,
    work: impl FnOnce(&Core) -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, HistoryError> {
    let core = Arc::clone(core);
    match spawn_blocking(move || work(&core)).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(HistoryError::Making),
        },
    }
}
