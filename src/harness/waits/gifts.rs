//! What a yes gives, held against what whoever says it may have. The person may say yes to anything.

use super::super::Harness;
use super::super::ceilings::By;
use super::super::refused::Refused;
use crate::domain::ask::Ask;
use crate::domain::ask::decision::Decision;
use crate::domain::harness::gifts;
use std::path::{Component, Path, PathBuf};

/// Folders that no sandbox lets a command write, although they are inside.
const PROTECTED: [&str; 3] = [".git", ".codex", ".agents"];

impl Harness {
    /// Lets this decision through. Who says yes drives the thread, as who says something in it does.
    ///
    /// # Errors
    /// When it gives, or the turn that waits has, more than a person allows whoever decides.
    pub(super) async fn may_give(
        &self,
        by: &By,
        ask: &Ask,
        decision: &Decision,
        with_words: bool,
    ) -> Result<(), Refused> {
        if by.is_person || !(decision.allows() || with_words) {
            return Ok(());
        }
        let id = ask.thread_id.as_str();
        let thread = self.thread(id)?;
        let held = self.held_by_codex(&thread).await;
        self.may_steer(by, id, held.as_ref()).await?;
        let repo = self.core.place.repo.clone();
        let cwd = self.index.get(id).map_or_else(|| repo.clone(), |it| it.cwd);
        let (asked, decided) = (ask.clone(), decision.clone());
        let given = tokio::task::spawn_blocking(move || {
            gifts::of(&asked, &decided, |path| is_inside(&repo, &cwd.join(path)))
        });
        for gift in given.await.map_err(|_| Refused::internal())? {
            self.allows_gift(by, id, gift).await?;
        }
        Ok(())
    }
}

/// Whether a path is in the repository, whatever links it goes through, and in none of the folders that stay closed.
fn is_inside(repo: &Path, path: &Path) -> bool {
    let Some(real) = real(path) else { return false };
    let Ok(inside) = real.strip_prefix(repo) else {
        return false;
    };
    let is_protected = |it: Component<'_>| PROTECTED.iter().any(|name| it.as_os_str() == *name);
    !inside.components().any(is_protected)
}

/// Where a path leads, of which the end need not be there yet; `None` where nobody can tell.
fn real(path: &Path) -> Option<PathBuf> {
    if path.components().any(|it| it == Component::ParentDir) {
        return None;
    }
    let mut rest = Vec::new();
    let mut known = path;
    loop {
        if let Ok(found) = known.canonicalize() {
            return Some(rest.iter().rev().fold(found, |at, part| at.join(part)));
        }
        // A link that leads nowhere yet may lead anywhere.
        if known.symlink_metadata().is_ok() {
            return None;
        }
        rest.push(known.file_name()?);
        known = known.parent()?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_leads_out_or_is_closed_is_not_inside() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let repo = root.join("repo");
        std::fs::create_dir_all(repo.join("src")).unwrap();
        std::os::unix::fs::symlink(&root, repo.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("nothing"), repo.join("dangling")).unwrap();
        for path in ["", "src", "src/new/file.rs", "new"] {
            assert!(is_inside(&repo, &repo.join(path)), "{path}");
        }
        for path in [
            "..",
            "src/../../x",
            "out/x",
            "dangling",
            ".git/hooks/pre-commit",
            "src/.git/config",
            ".codex/config.toml",
            "/etc/passwd",
        ] {
            assert!(!is_inside(&repo, &repo.join(path)), "{path}");
        }
        assert!(!is_inside(&repo, &root.join("repository")));
    }
}
