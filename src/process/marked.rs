//! Finds processes by a mark in their environment, which they inherit wherever they go, and ends them. For what has left
//! its tree: a sandbox that is killed while it starts leaves the program inside behind, with init as its parent.

use super::{Identity, ProcessError, platform, terminate_tree};
use std::collections::HashSet;
use std::time::Duration;

/// A program that starts another one in the middle of the look shows in the next; nothing that is being killed outruns these.
const ROUNDS: usize = 3;

/// Ends every process of ours in whose environment `name` has one of `values`. Where the system shows no environments,
/// there is nothing to find.
///
/// # Errors
/// When something survives.
pub async fn terminate_marked(name: &str, values: HashSet<String>) -> Result<(), ProcessError> {
    for _ in 0..ROUNDS {
        let (name, values) = (name.to_owned(), values.clone());
        let look = tokio::task::spawn_blocking(move || {
            let marked = |process: &platform::Process| {
                let value = platform::variable(process.pid, &name);
                !process.zombie
                    && process.pid != std::process::id()
                    && value.is_some_and(|value| values.contains(&value))
            };
            let all = platform::processes().into_iter();
            let found = all.filter(marked).map(|process| Identity::from(&process));
            found.collect::<Vec<_>>()
        });
        let found = look
            .await
            .map_err(|error| ProcessError::Worker(error.to_string()))?;
        if found.is_empty() {
            return Ok(());
        }
        tracing::info!(
            count = found.len(),
            "ending processes that had left their tree"
        );
        for identity in found {
            terminate_tree(identity, Duration::ZERO).await?;
        }
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn only_processes_with_the_mark_are_ended() {
        let mark = format!("mark-{}", std::process::id());
        let start = |value: &str| {
            let mut sleep = Command::new("sleep");
            let sleep = sleep.arg("60").env("ZHONGSHU_TEST_MARK", value);
            sleep.stdout(Stdio::null()).spawn().unwrap()
        };
        let (mut marked, mut other) = (start(&mark), start(&format!("{mark}-longer")));
        let other_id = Identity::of(other.id()).unwrap();
        let values = HashSet::from([mark, "another".to_owned()]);
        terminate_marked("ZHONGSHU_TEST_MARK", values)
            .await
            .unwrap();
        assert!(!marked.wait().unwrap().success());
        assert!(other_id.is_alive());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
