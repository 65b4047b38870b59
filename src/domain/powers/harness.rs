//! Ceilings of the harness as entries of the question.

use super::Line;
use crate::domain::harness::ceilings::Ceilings;
use crate::domain::harness::controls::FilesystemSandbox;
use crate::domain::harness::extension::mode::Mode;
use crate::domain::shown::shown_line;
use std::path::PathBuf;

/// The entry that lets workers work.
const WORKERS: &str = "workers.mode";

/// What an entry means that its words do not say: the key of a sentence.
pub fn meaning(entry: &str) -> Option<&'static str> {
    let name = entry.strip_prefix("harness.")?;
    (name == WORKERS).then_some("powers.workers")
}

/// Each entry, under its name in the file, that gives more than what holds without a yes, beside what `approved` was for.
pub(super) fn lines(now: &Ceilings, approved: &Ceilings) -> Vec<Line> {
    let held = said(&now.and(approved));
    let asked = said(now).into_iter().zip(said(approved));
    let all = asked.zip(said(&Ceilings::default())).zip(held);
    let wider = all.filter(|((((_, now), _), (_, safe)), _)| now != safe);
    let lines = wider.map(|((((key, now), (_, before)), (_, safe)), (_, held))| Line {
        entry: format!("harness.{key}"),
        approved: held == now,
        unsandboxed: match key {
            "sandbox" => now == FilesystemSandbox::DangerFullAccess.for_codex(),
            "extensions.mode" => now != Mode::Disabled.word(),
            _ => false,
        },
        now: Some(now),
        before: (before != safe).then_some(before),
        file: None,
    });
    lines.collect()
}

fn said(it: &Ceilings) -> [(&'static str, String); 12] {
    let listed = |folders: &[PathBuf]| {
        let folders = folders.iter();
        let folders = folders.map(|it| shown_line(&it.display().to_string()).into_owned());
        folders.collect::<Vec<_>>().join(", ")
    };
    [
        ("sandbox", it.sandbox.for_codex().to_owned()),
        ("network", it.network.name().to_owned()),
        ("approval", it.approval.name().to_owned()),
        ("folders", listed(&it.folders)),
        ("exec", it.exec.to_string()),
        ("config_writes", it.config_writes.to_string()),
        ("account", it.account.to_string()),
        ("feedback", it.feedback.to_string()),
        ("extensions.mode", it.extensions.word().to_owned()),
        ("extensions.folders", listed(&it.extension_folders)),
        (WORKERS, it.workers.word().to_owned()),
        ("workers.max_tokens", it.worker_tokens.to_string()),
    ]
}
