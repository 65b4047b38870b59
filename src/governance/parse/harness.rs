//! The entry `harness`: what clients of the harness have at most.

use super::{Result, at, in_range, seconds};
use crate::domain::harness::ceilings::Ceilings;
use crate::domain::shown::is_hidden;
use crate::governance::raw::{OneOrMany, RawHarness};
use crate::governance::settings::HarnessSettings;
use serde_saphyr::Spanned;
use std::path::{Component, PathBuf};

/// Tokens of a worker that anybody may write down: what is more is a slip.
const MOST_TOKENS: u64 = 1_000_000_000_000;

pub(super) fn harness(raw: Option<RawHarness>) -> Result<HarnessSettings> {
    let raw = raw.unwrap_or_default();
    let otherwise = HarnessSettings::default();
    let safe = Ceilings::default();
    let folders = places(raw.folders, "harness.folders")?;
    let extension_folders = places(raw.extensions.folders, "harness.extensions.folders")?;
    let worker_tokens = in_range(
        raw.workers.max_tokens,
        "harness.workers.max_tokens",
        1,
        MOST_TOKENS,
    )?;
    Ok(HarnessSettings {
        ceilings: Ceilings {
            sandbox: raw.sandbox.unwrap_or(safe.sandbox),
            network: raw.network.unwrap_or(safe.network),
            approval: raw.approval.unwrap_or(safe.approval),
            folders,
            exec: raw.exec,
            config_writes: raw.config_writes,
            account: raw.account,
            feedback: raw.feedback,
            extensions: raw.extensions.mode,
            extension_folders,
            workers: raw.workers.mode,
            worker_tokens: worker_tokens.unwrap_or(safe.worker_tokens),
        },
        defaults_locked: raw.lock_defaults,
        tool_call_seconds: seconds(raw.tool_call_seconds, "harness.tool_call_seconds")?
            .unwrap_or(otherwise.tool_call_seconds),
        queue: raw.queue,
    })
}

fn list(raw: Spanned<OneOrMany>) -> Vec<Spanned<String>> {
    match raw.value {
        OneOrMany::One(text) => vec![Spanned::new(text, raw.referenced, raw.defined)],
        OneOrMany::Many(list) => list,
    }
}

fn places(raw: Option<Spanned<OneOrMany>>, entry: &str) -> Result<Vec<PathBuf>> {
    let all = raw.map(list).unwrap_or_default().into_iter();
    all.map(|folder| place(folder, entry)).collect()
}

/// A whole path: what it covers must not depend on where somebody stands, nor climb.
fn place(folder: Spanned<String>, entry: &str) -> Result<PathBuf> {
    let path = PathBuf::from(&folder.value);
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    if !path.is_absolute() || !path.components().all(plain) || folder.value.contains(is_hidden) {
        return Err(at(
            &folder,
            format!("{entry} are whole paths without `..`, such as /srv/other"),
        ));
    }
    Ok(path.components().collect())
}
