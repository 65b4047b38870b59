//! What the gate says in the terminal of whoever commits, in Chinese and English: what is wrong and what to do next.

use chrono::{DateTime, Local, Utc};
use std::path::Path;

use super::judge::{Reason, Verdict};
use crate::domain::language::Language;
use crate::domain::review::{Decision, GateMode, GitId, Said};
use crate::governance::render::printable;

/// Where a person can review.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The repository.
    pub repo: &'a Path,
    /// The dashboard's address, while a server runs.
    pub page_url: Option<&'a str>,
}

/// The lines for a verdict that is against the commit; none when there is nothing to say.
pub fn lines(verdict: &Verdict, way: Way<'_>, language: Language) -> Vec<String> {
    let Some(against) = &verdict.against else {
        return Vec::new();
    };
    if verdict.mode == GateMode::Off {
        return Vec::new();
    }
    let enforce = verdict.mode == GateMode::Enforce;
    let head = match (enforce, language) {
        (true, Language::En) => "zhongshu: this commit is refused: ",
        (true, Language::Zh) => "zhongshu：提交被拒绝：",
        (false, Language::En) => "zhongshu warns: ",
        (false, Language::Zh) => "zhongshu 警告：",
    };
    let mut lines = vec![format!(
        "{head}{}",
        what(against, verdict.tree.as_ref(), language)
    )];
    lines.extend(next(against, way, language));
    if !enforce {
        lines.push(match language {
            Language::En => "  The commit goes on, because the gate only warns (gate: warn); it is recorded as unapproved.".to_owned(),
            Language::Zh => "  提交继续进行，因为提交关口只警告（gate: warn）；它会被记录为未批准。".to_owned(),
        });
    }
    lines
}

/// Why a commit is not let through, as the journal has it; empty when nothing is against it.
pub fn reason(verdict: &Verdict) -> String {
    let tree = verdict.tree.as_ref();
    let against = verdict.against.as_ref();
    against.map_or_else(String::new, |it| what(it, tree, Language::En))
}

/// What is said when Git is about to commit another tree than the one that the gate let pass.
pub fn swapped(passed: &GitId, moved_to: &GitId, refused: bool, language: Language) -> String {
    let (passed, moved_to) = (passed.short(), moved_to.short());
    match (language, refused) {
        (Language::En, true) => format!(
            "zhongshu: this commit is refused: what is staged was changed while it was made. The gate let tree {passed} pass, and Git would commit tree {moved_to}. Look for who writes into .git/index, then commit again."
        ),
        (Language::Zh, true) => format!(
            "zhongshu：提交被拒绝：提交过程中暂存的内容被改动。关口放行的是 tree {passed}，Git 将要提交的却是 tree {moved_to}。请查明谁在写 .git/index，再重新提交。"
        ),
        (Language::En, false) => format!(
            "zhongshu warns: what is staged was changed while this commit was made: the gate saw tree {passed}, Git commits tree {moved_to}."
        ),
        (Language::Zh, false) => format!(
            "zhongshu 警告：提交过程中暂存的内容被改动：关口看到的是 tree {passed}，Git 提交的是 tree {moved_to}。"
        ),
    }
}

fn what(against: &Reason, tree: Option<&GitId>, language: Language) -> String {
    let tree = tree.map(GitId::short).unwrap_or_default();
    let en = language == Language::En;
    match against {
        Reason::Unseen if en => format!("nobody has approved what it takes (tree {tree})."),
        Reason::Unseen => format!("它要提交的内容（tree {tree}）还没有人批准。"),
        Reason::Changed(decision) => {
            let (then, at) = (decision.staged().tree.short(), when(decision.at));
            match language {
                Language::En => format!("what was approved on {at} (tree {then}) has changed since; this commit takes tree {tree}."),
                Language::Zh => format!("{at} 批准的内容（tree {then}）之后又变了；这次提交的是 tree {tree}。"),
            }
        }
        Reason::Rejected(decision) => rejected(decision, language),
        Reason::OtherBase(decision) => {
            let at = when(decision.at);
            match language {
                Language::En => format!("tree {tree} was approved on {at}, but on top of another state than HEAD has now; that change is another one, and nobody has seen it."),
                Language::Zh => format!("tree {tree} 在 {at} 获得批准，但当时的 HEAD 与现在不同；现在的改动还没有人看过。"),
            }
        }
        Reason::NotWhatIsStaged if en => "what is staged was approved, but this commit takes something else (`git commit -a`, `--only` or a path).".to_owned(),
        Reason::NotWhatIsStaged => "已暂存的内容已获批准，但这次提交的是别的内容（`git commit -a`、`--only` 或指定了路径）。".to_owned(),
        Reason::OwnIndex if en => "it takes something else than what is staged (`git commit -a`, `--only` or a path), and only what is staged can be reviewed.".to_owned(),
        Reason::OwnIndex => "它提交的不是已暂存的内容（`git commit -a`、`--only` 或指定了路径），而只有已暂存的内容可以复核。".to_owned(),
        Reason::Unmerged if en => "a merge is unresolved.".to_owned(),
        Reason::Unmerged => "合并冲突尚未解决。".to_owned(),
        Reason::Contradicted(folder) => {
            let folder = printable(if folder.is_empty() { "." } else { folder });
            match language {
                Language::En => format!("Git's index remembers another tree for {folder} than its entries have, and Git would commit that one. Somebody made this index by hand."),
                Language::Zh => format!("Git 索引为 {folder} 记住的 tree 与其条目不符，而 Git 会提交前者。这个索引被人动过手脚。"),
            }
        }
        Reason::Unreadable(reason) => {
            let reason = printable(reason);
            match language {
                Language::En => format!("Git's index cannot be judged: {reason}."),
                Language::Zh => format!("无法判断 Git 索引：{reason}。"),
            }
        }
        Reason::NoJournal(reason) => {
            let reason = printable(reason);
            match language {
                Language::En => format!("zhongshu's journal cannot be used, so nothing counts as approved: {reason}."),
                Language::Zh => format!("zhongshu 的日志不可用，因此没有任何批准有效：{reason}。"),
            }
        }
    }
}

fn rejected(decision: &Decision, language: Language) -> String {
    let at = when(decision.at);
    let reason = match &decision.said {
        Said::Rejected(rejection) => printable(&rejection.reason),
        Said::Approved(_) => String::new(),
    };
    match language {
        Language::En => format!("it was rejected on {at}: {reason}"),
        Language::Zh => format!("它在 {at} 被驳回：{reason}"),
    }
}

fn next(against: &Reason, way: Way<'_>, language: Language) -> Vec<String> {
    let en = language == Language::En;
    let line = |english: &str, chinese: &str| vec![if en { english } else { chinese }.to_owned()];
    match against {
        Reason::Unmerged => line(
            "  Resolve it, mark the files with `git add`, then review and commit.",
            "  解决冲突，用 `git add` 标记文件，然后复核并提交。",
        ),
        Reason::Contradicted(_) => line(
            "  `git reset` makes a sound index; stage again, then review and commit.",
            "  `git reset` 会重建索引；重新暂存，然后复核并提交。",
        ),
        Reason::Unreadable(_) => Vec::new(),
        Reason::NoJournal(_) => line(
            "  `zhongshu audit verify` says more.",
            "  `zhongshu audit verify` 会给出详情。",
        ),
        Reason::NotWhatIsStaged => line(
            "  Commit without these, or stage the rest with `git add` and have it reviewed.",
            "  不带这些参数提交，或者用 `git add` 暂存其余内容并提请复核。",
        ),
        Reason::OwnIndex => {
            let mut lines = line(
                "  Stage it with `git add`, have it reviewed, then commit without these.",
                "  用 `git add` 暂存，提请复核，然后不带这些参数提交。",
            );
            lines.extend(review_at(way, language));
            lines
        }
        Reason::Unseen | Reason::Changed(_) | Reason::Rejected(_) | Reason::OtherBase(_) => {
            review_at(way, language)
        }
    }
}

/// Where to review; the address stands on a line of its own, so that it can be clicked.
fn review_at(way: Way<'_>, language: Language) -> Vec<String> {
    let repo = printable(&way.repo.to_string_lossy());
    match (way.page_url, language) {
        (Some(page), Language::En) => vec![
            "  Review it, then commit again (`zhongshu open` gives a login link):".to_owned(),
            format!("  {page}#review"),
        ],
        (Some(page), Language::Zh) => vec![
            "  请先复核再提交（`zhongshu open` 给出登录链接）：".to_owned(),
            format!("  {page}#review"),
        ],
        (None, Language::En) => vec![format!(
            "  Start `zhongshu` in {repo}, look at its page Review, then commit again."
        )],
        (None, Language::Zh) => vec![format!(
            "  在 {repo} 中启动 `zhongshu`，在“复核”页复核后再提交。"
        )],
    }
}

/// What is said when the gate cannot see the commit.
pub fn blind(error: &str, refused: bool, language: Language) -> String {
    let error = printable(error);
    match (language, refused) {
        (Language::En, true) => {
            format!("zhongshu: this commit is refused: the gate cannot look at it: {error}")
        }
        (Language::Zh, true) => format!("zhongshu：提交被拒绝：关口无法查看它：{error}"),
        (Language::En, false) => {
            format!("zhongshu warns: the gate cannot look at this commit: {error}")
        }
        (Language::Zh, false) => format!("zhongshu 警告：关口无法查看这次提交：{error}"),
    }
}

/// What is said when it cannot be seen what Git is about to commit.
pub fn cannot_compare(error: &str, language: Language) -> String {
    let error = printable(error);
    match language {
        Language::En => {
            format!("zhongshu: whether Git commits what the gate let pass cannot be seen: {error}")
        }
        Language::Zh => format!("zhongshu：无法确认 Git 提交的就是关口放行的内容：{error}"),
    }
}

/// What is said when a note for the server cannot be written.
pub fn cannot_note(error: &std::io::Error, language: Language) -> String {
    let error = printable(&error.to_string());
    match language {
        Language::En => format!(
            "zhongshu: this could not be written down for the server, which finds commits in Git's logs: {error}"
        ),
        Language::Zh => {
            format!("zhongshu：无法为服务器记下此事，服务器将从 Git 日志中找到提交：{error}")
        }
    }
}

/// What is said after a commit that nobody approved.
pub fn went_around(tree: &GitId, language: Language) -> String {
    let tree = tree.short();
    match language {
        Language::En => format!(
            "zhongshu: nobody has approved this commit (tree {tree}); it is recorded as unapproved and shown on the dashboard."
        ),
        Language::Zh => format!(
            "zhongshu：这次提交（tree {tree}）没有人批准；它会被记录为未批准，并显示在面板上。"
        ),
    }
}

fn when(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}
