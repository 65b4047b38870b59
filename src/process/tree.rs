//! Owns the knowledge of who belongs to a process's tree, and its end. Members are found by parent, by process group and by session, and once
//! found they stay members when their parent dies. A process that leaves both its parent and its session between two looks escapes; freezing the
//! tree before killing it makes that window small.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use super::{Identity, POLL, ProcessError, Signal, platform};

/// How long KILL may take. It is only late for processes in uninterruptible sleep; ten times less would report false survivors on a busy machine.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// A process with everything that it started.
#[derive(Debug, Clone)]
pub struct Tree {
    root: Identity,
    /// Every member ever seen: groups and sessions are recognised by their leader, who may be gone.
    seen: HashMap<u32, Identity>,
    alive: Vec<Identity>,
}

impl Tree {
    /// The tree as it is now.
    pub fn of(root: Identity) -> Self {
        let mut tree = Self {
            root,
            seen: HashMap::from([(root.pid, root)]),
            alive: Vec::new(),
        };
        tree.refresh();
        tree
    }

    /// The process the tree started from.
    pub fn root(&self) -> Identity {
        self.root
    }

    /// The members that run, as of the last look.
    pub fn members(&self) -> &[Identity] {
        &self.alive
    }

    /// Whether nothing of it runs, as of the last look.
    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// Looks again.
    pub fn refresh(&mut self) {
        let own = std::process::id();
        let entries = platform::processes();
        // A pid that came back with another start time is a stranger; so are the group and the session it leads.
        for entry in &entries {
            if self
                .seen
                .get(&entry.pid)
                .is_some_and(|known| *known != Identity::from(entry))
            {
                self.seen.remove(&entry.pid);
            }
        }
        let mut members = HashSet::new();
        loop {
            let before = members.len();
            for entry in &entries {
                let belongs = [entry.pid, entry.parent, entry.group, entry.session]
                    .iter()
                    .any(|pid| self.seen.contains_key(pid));
                if belongs
                    && !entry.zombie
                    && entry.pid != own
                    && entry.pid > 1
                    && members.insert(entry.pid)
                {
                    self.seen.insert(entry.pid, Identity::from(entry));
                }
            }
            if members.len() == before {
                break;
            }
        }
        self.alive = entries
            .iter()
            .filter(|entry| members.contains(&entry.pid))
            .map(Identity::from)
            .collect();
    }

    /// Signals every member known to run.
    pub fn signal(&self, signal: Signal) {
        for member in &self.alive {
            member.signal(signal);
        }
    }

    /// Waits until nothing is left, at most `limit`; `true` when nothing is.
    pub async fn wait_empty(&mut self, limit: Duration) -> Result<bool, ProcessError> {
        let deadline = Instant::now() + limit;
        loop {
            self.look(Self::refresh).await?;
            if self.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks every member to end, waits for `grace`, then kills what is left.
    pub async fn terminate(mut self, grace: Duration) -> Result<(), ProcessError> {
        self.look(|tree| {
            tree.refresh();
            tree.signal(Signal::Term);
            // A stopped process acts on TERM only when it runs again.
            tree.signal(Signal::Continue);
        })
        .await?;
        if self.wait_empty(grace).await? {
            return Ok(());
        }
        self.kill().await
    }

    /// Kills every member and checks that none is left.
    pub async fn kill(mut self) -> Result<(), ProcessError> {
        let deadline = Instant::now() + KILL_WAIT;
        loop {
            self.look(Self::freeze_and_kill).await?;
            if self.wait_empty(POLL * 4).await? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let pids = self.alive.iter().map(|member| member.pid).collect();
                return Err(ProcessError::Survivors { pids });
            }
        }
    }

    /// Frozen processes cannot fork, so the second look finds all that the first missed. The number of rounds bounds a fork bomb's hold on us.
    fn freeze_and_kill(&mut self) {
        for _ in 0..8 {
            let before = self.seen.len();
            self.refresh();
            self.signal(Signal::Stop);
            if self.seen.len() == before {
                break;
            }
        }
        self.signal(Signal::Kill);
    }

    /// Listing processes reads many small files: off the async threads.
    async fn look(
        &mut self,
        work: impl FnOnce(&mut Self) + Send + 'static,
    ) -> Result<(), ProcessError> {
        let mut tree = self.clone();
        *self = tokio::task::spawn_blocking(move || {
            work(&mut tree);
            tree
        })
        .await
        .map_err(|error| ProcessError::Worker(error.to_string()))?;
        Ok(())
    }
}

/// Ends a process with everything that it started: TERM, `grace`, KILL, and a check that nothing is left. A root that has already ended is fine: what it
/// left in its session is ended too, unless its pid has been given to a stranger.
pub async fn terminate_tree(root: Identity, grace: Duration) -> Result<(), ProcessError> {
    let tree = tokio::task::spawn_blocking(move || Tree::of(root))
        .await
        .map_err(|error| ProcessError::Worker(error.to_string()))?;
    tree.terminate(grace).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::super::{Output, Spec, spawn_detached};
    use super::*;

    fn shell(script: &str, cwd: &Path) -> Spec {
        Spec {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            cwd: cwd.into(),
            env_set: vec![("MARK".into(), "set".into())],
            env_remove: vec!["HOME".into()],
            stdout: Output::Append(cwd.join("out")),
            stderr: Output::Null,
        }
    }

    async fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        for _ in 0..1000 {
            if let Some(value) = ready() {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain for {what}");
    }

    fn pids(file: &Path, count: usize) -> Option<Vec<Identity>> {
        let text = std::fs::read_to_string(file).ok()?;
        let found: Vec<_> = text
            .lines()
            .map(|line| Identity::of(line.trim().parse().ok()?))
            .collect::<Option<_>>()?;
        (found.len() == count).then_some(found)
    }

    #[tokio::test]
    async fn a_tree_with_setsid_children_that_ignore_term_is_ended_whole() {
        let home = tempfile::tempdir().unwrap();
        let script = "trap '' TERM HUP; \
            setsid sh -c 'trap \"\" TERM HUP; echo $$ >>pids; while :; do sleep 1; done' & \
            sh -c 'echo $$ >>pids; (sh -c \"echo \\$\\$ >>pids; exec sleep 60\" &) ; exec sleep 60' & \
            echo $$ >>pids; while :; do sleep 1; done";
        let started = spawn_detached(&shell(script, home.path())).unwrap();
        let all = until("four pids", || pids(&home.path().join("pids"), 4)).await;
        assert!(all.contains(&started.identity));
        terminate_tree(started.identity, Duration::from_millis(200))
            .await
            .unwrap();
        for one in all {
            assert!(!one.is_alive(), "{one:?} survived");
        }
    }

    #[tokio::test]
    async fn orphans_of_a_dead_root_are_found_by_their_session() {
        let home = tempfile::tempdir().unwrap();
        let mut started = spawn_detached(&shell(
            "sh -c 'echo $$ >>pids; exec sleep 60' & exit 3",
            home.path(),
        ))
        .unwrap();
        assert_eq!(started.wait().await.unwrap().code(), Some(3));
        let orphan = until("the orphan", || pids(&home.path().join("pids"), 1)).await[0];
        assert!(orphan.is_alive());
        terminate_tree(started.identity, Duration::from_secs(5))
            .await
            .unwrap();
        assert!(!orphan.is_alive());
    }

    #[tokio::test]
    async fn a_stranger_with_the_same_pid_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let started = spawn_detached(&shell("exec sleep 60", home.path())).unwrap();
        let stranger = Identity {
            start_ticks: started.identity.start_ticks + 1,
            ..started.identity
        };
        assert!(!stranger.is_alive());
        assert!(!stranger.signal(Signal::Kill));
        terminate_tree(stranger, Duration::ZERO).await.unwrap();
        assert!(started.identity.is_alive());
        terminate_tree(started.identity, Duration::from_secs(5))
            .await
            .unwrap();
        assert!(!started.identity.is_alive());
    }

    #[tokio::test]
    async fn an_ended_child_is_reaped_and_its_end_is_announced() {
        let home = tempfile::tempdir().unwrap();
        let mut started = spawn_detached(&shell("echo $MARK-$HOME; exit 7", home.path())).unwrap();
        started.identity.exited().await;
        assert_eq!(started.wait().await.unwrap().code(), Some(7));
        until("the zombie to go", || {
            Identity::of(started.identity.pid).is_none().then_some(())
        })
        .await;
        assert_eq!(
            std::fs::read_to_string(home.path().join("out")).unwrap(),
            "set-\n"
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_detached_child_leads_its_session_has_no_terminal_and_three_descriptors() {
        let home = tempfile::tempdir().unwrap();
        let lock = std::fs::File::create(home.path().join("lock")).unwrap();
        let started = spawn_detached(&shell("exec sleep 60", home.path())).unwrap();
        let pid = started.identity.pid;
        let entry = platform::process(pid).unwrap();
        assert_eq!((entry.session, entry.group), (pid, pid));
        // What the test itself was given by its parent cannot be told apart from a gift; everything that we opened must stay ours.
        let expected: std::collections::BTreeSet<_> = ["0", "1", "2"]
            .map(str::to_owned)
            .into_iter()
            .chain(inherited())
            .collect();
        let lock_number = std::os::fd::AsRawFd::as_raw_fd(&lock).to_string();
        assert!(!expected.contains(&lock_number));
        // While it starts, the child has its libraries open.
        until("the child to have only these descriptors", || {
            (descriptors(pid) == expected).then_some(())
        })
        .await;
        terminate_tree(started.identity, Duration::from_secs(5))
            .await
            .unwrap();
    }

    #[cfg(target_os = "linux")]
    fn descriptors(pid: u32) -> std::collections::BTreeSet<String> {
        let names = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        names
            .map(|name| name.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[cfg(target_os = "linux")]
    fn inherited() -> impl Iterator<Item = String> {
        const CLOSE_ON_EXEC: u32 = 0o2_000_000;
        descriptors(std::process::id()).into_iter().filter(|name| {
            let text =
                std::fs::read_to_string(format!("/proc/self/fdinfo/{name}")).unwrap_or_default();
            let flags = text
                .lines()
                .find_map(|line| line.strip_prefix("flags:"))
                .map(str::trim);
            flags.is_some_and(|flags| u32::from_str_radix(flags, 8).unwrap() & CLOSE_ON_EXEC == 0)
        })
    }

    #[tokio::test]
    async fn a_frozen_process_ends_within_its_grace() {
        let home = tempfile::tempdir().unwrap();
        let started = spawn_detached(&shell("exec sleep 60", home.path())).unwrap();
        assert!(started.identity.signal(Signal::Stop));
        terminate_tree(started.identity, Duration::from_secs(30))
            .await
            .unwrap();
        assert!(!started.identity.is_alive());
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let spec = Spec {
            program: "/nowhere/codex".into(),
            ..shell("", Path::new("/"))
        };
        let spec = Spec {
            stdout: Output::Null,
            ..spec
        };
        let error = spawn_detached(&spec).unwrap_err();
        assert!(error.to_string().contains("/nowhere/codex"), "{error}");
    }
}
