//! Owns the app-server as a process: starting it detached, finding one that an earlier launcher left, its descriptor and log, and its end. It speaks no
//! protocol.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{find, settings::Settings, transport};
use crate::paths::write_private;
use crate::process::{
    Detached, Identity, Output, ProcessError, Signal, Spec, Tree, describe_exit, spawn_detached,
    terminate_tree,
};

/// A log above this size is set aside when the app-server starts; one older log is kept.
const LOG_ROTATE_BYTES: u64 = 1024 * 1024;
/// A log above this size is emptied while the app-server runs, so that a flood cannot fill the disk.
const LOG_LIMIT_BYTES: u64 = 32 * 1024 * 1024;
/// How much of the log a message to a person quotes.
const TAIL_LINES: usize = 8;
/// After a second TERM the app-server ends at once; what needs longer is killed.
const SECOND_TERM_WAIT: Duration = Duration::from_secs(1);
/// How long a killed app-server may take to go: some 100 MiB have to be given back.
const DYING_WAIT: Duration = Duration::from_secs(3);
/// For what an app-server leaves behind: MCP servers end by themselves when their input closes.
const REST_GRACE: Duration = Duration::from_millis(500);

/// Why there is no app-server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StartError {
    /// A person must change something first. A whole sentence.
    Unusable(String),
    /// It may work another time. A fragment that goes on after "Codex's app-server".
    Failed(String),
}

/// An app-server process.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) identity: Identity,
    /// Present when this launcher started it.
    child: Option<Detached>,
}

/// What the next launcher needs to adopt the app-server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Descriptor {
    #[serde(flatten)]
    pub(super) identity: Identity,
    /// Start times count from the boot: after another boot they mean nothing.
    pub(super) boot_id: String,
    pub(super) socket: PathBuf,
    pub(super) codex_bin: PathBuf,
    pub(super) fingerprint: String,
    pub(super) started_at: DateTime<Utc>,
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

impl Descriptor {
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read(path).ok()?;
        serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "an unreadable app-server descriptor"))
            .ok()
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        write_private(path, &serde_json::to_vec_pretty(self)?)
    }
}

impl Server {
    /// What must be right before anything is adopted or started.
    pub(super) fn check(settings: &Settings) -> Result<(), StartError> {
        transport::check_socket_path(&settings.socket)
            .map_err(|error| StartError::Unusable(error.to_string()))?;
        let files = [&settings.socket, &settings.descriptor, &settings.log];
        let folders = files
            .iter()
            .filter_map(|file| file.parent())
            .chain([settings.folder.as_path()])
            .chain(settings.codex_home.as_deref());
        for folder in folders {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| {
                    StartError::Unusable(format!(
                        "The folder {} cannot be created: {error}.",
                        folder.display()
                    ))
                })?;
        }
        check_private(settings.socket.parent().unwrap_or(Path::new("/")))
    }

    /// The app-server of an earlier launcher, when it runs and was started as we would start it. One that was started otherwise is ended: its
    /// socket and its threads' locks are in the way of a new one.
    pub(super) async fn adopt(settings: &Settings) -> Option<Self> {
        let found = Descriptor::read(&settings.descriptor)?;
        if found.boot_id != boot_id() || !found.identity.is_alive() {
            return None;
        }
        if found.fingerprint == settings.fingerprint() && found.socket == settings.socket {
            return Some(Self {
                identity: found.identity,
                child: None,
            });
        }
        tracing::warn!(
            pid = found.identity.pid,
            "ending an app-server that was started with other settings"
        );
        let old = Self {
            identity: found.identity,
            child: None,
        };
        if let Err(error) = old.end(REST_GRACE).await {
            tracing::error!(%error, "could not end the old app-server");
        }
        None
    }

    /// Starts a new one. It listens a moment later.
    pub(super) async fn start(settings: &Settings) -> Result<Self, StartError> {
        find::check_executable(&settings.codex_bin)
            .map_err(|error| StartError::Unusable(error.to_string()))?;
        clear_socket(settings).await?;
        if fs::metadata(&settings.log).is_ok_and(|about| about.len() > LOG_ROTATE_BYTES) {
            // Without the rename the log only grows on, up to its limit.
            let _ = fs::rename(&settings.log, settings.log.with_extension("old"));
        }
        let spec = Spec {
            program: settings.codex_bin.clone(),
            args: settings.arguments(),
            cwd: settings.folder.clone(),
            env_set: settings.environment(),
            env_remove: settings.env_remove.clone(),
            stdout: Output::Append(settings.log.clone()),
            stderr: Output::Append(settings.log.clone()),
        };
        let child = spawn_detached(&spec).map_err(|error| match error {
            ProcessError::Log { .. } => {
                StartError::Unusable(format!("Codex's log cannot be written: {error}."))
            }
            error => StartError::Failed(format!("could not be started: {error}")),
        })?;
        let server = Self {
            identity: child.identity,
            child: Some(child),
        };
        let descriptor = Descriptor {
            identity: server.identity,
            boot_id: boot_id(),
            socket: settings.socket.clone(),
            codex_bin: settings.codex_bin.clone(),
            fingerprint: settings.fingerprint(),
            started_at: Utc::now(),
        };
        if let Err(error) = descriptor.write(&settings.descriptor) {
            let path = settings.descriptor.display();
            // Without it a crash would leave an app-server that nobody adopts.
            let ended = server
                .end(Duration::ZERO)
                .await
                .err()
                .map(|error| format!(" ({error})"))
                .unwrap_or_default();
            return Err(StartError::Unusable(format!(
                "{path} cannot be written: {error}{ended}."
            )));
        }
        Ok(server)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.identity.is_alive()
    }

    /// Returns when the process has ended.
    pub(super) async fn exited(&mut self) -> Option<ExitStatus> {
        match &mut self.child {
            Some(child) => child.wait().await,
            None => {
                self.identity.exited().await;
                None
            }
        }
    }

    /// Whether a process is the app-server, or belongs to it (a wrapper starts the real one as its child).
    pub(super) fn includes(&self, pid: u32) -> bool {
        pid == self.identity.pid
            || Tree::of(self.identity)
                .members()
                .iter()
                .any(|member| member.pid == pid)
    }

    /// Ends it with everything it started. The first TERM lets running turns come to their end, for `grace` at most; the second ends them;
    /// what is left then is killed.
    pub(super) async fn end(&self, grace: Duration) -> Result<(), ProcessError> {
        let mut tree = Tree::of(self.identity);
        for wait in [grace, SECOND_TERM_WAIT] {
            if wait.is_zero() || !self.identity.signal(Signal::Term) {
                continue;
            }
            self.identity.signal(Signal::Continue);
            // The descendants must be known before the app-server is gone, so the tree is looked at all the while.
            tree = self.watch(tree, wait).await?;
            if !self.is_alive() {
                break;
            }
        }
        tree.terminate(REST_GRACE).await
    }

    async fn watch(&self, mut tree: Tree, limit: Duration) -> Result<Tree, ProcessError> {
        let deadline = tokio::time::Instant::now() + limit;
        while self.is_alive() && tokio::time::Instant::now() < deadline {
            tree.wait_empty(Duration::ZERO).await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(tree)
    }

    /// Ends what a dead app-server left in its session.
    pub(super) async fn sweep(&self) {
        if let Err(error) = terminate_tree(self.identity, REST_GRACE).await {
            tracing::error!(%error, "an app-server left processes behind");
        }
    }
}

/// Whoever can write to the socket's folder can put another socket in its place and be told everything.
fn check_private(folder: &Path) -> Result<(), StartError> {
    let shown = folder.display();
    let about = fs::metadata(folder).map_err(|error| {
        StartError::Unusable(format!("The folder {shown} cannot be read: {error}."))
    })?;
    if about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(StartError::Unusable(format!(
        "The runtime folder {shown} can be changed by other users: make it yours alone (chmod 700 {shown}), or choose another."
    )))
}

/// Ends whatever listens on our socket, if it is an app-server of ours whose descriptor was lost; refuses to touch anything else.
async fn clear_socket(settings: &Settings) -> Result<(), StartError> {
    let deadline = tokio::time::Instant::now() + DYING_WAIT;
    let (pid, arguments) = loop {
        let Some(pid) = transport::listener(&settings.socket).await else {
            return Ok(());
        };
        let identity = Identity::of(pid);
        let arguments = identity
            .and_then(|identity| identity.arguments())
            .filter(|all| all.iter().any(|word| !word.is_empty()));
        // A process that was just killed still listens for a moment, and has no arguments any more.
        if arguments.is_some() || tokio::time::Instant::now() >= deadline {
            break (pid, arguments);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let listen = settings.arguments().pop().unwrap_or_default();
    let ours = Identity::of(pid).filter(|_| {
        arguments.is_some_and(|all| all.contains(&listen)) && pid != std::process::id()
    });
    let Some(identity) = ours else {
        let path = settings.socket.display();
        return Err(StartError::Unusable(format!(
            "Another program (pid {pid}) listens on {path}: stop it, then try again."
        )));
    };
    tracing::warn!(pid, "ending an app-server without a descriptor");
    let lost = Server {
        identity,
        child: None,
    };
    lost.end(REST_GRACE)
        .await
        .map_err(|error| StartError::Failed(format!("is in the way of a new one: {error}")))
}

/// Takes away what a stopped app-server leaves on disk.
pub(super) fn remove_files(settings: &Settings) {
    for path in [&settings.socket, &settings.descriptor] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "could not remove a file of the app-server");
            }
            _ => {}
        }
    }
}

/// Empties a log that has grown without bound. The app-server appends, so it goes on at the new end.
pub(super) fn bound_log(settings: &Settings) {
    let emptied = fs::OpenOptions::new()
        .write(true)
        .open(&settings.log)
        .and_then(|file| {
            let too_long = file.metadata()?.len() > LOG_LIMIT_BYTES;
            if too_long {
                file.set_len(0)?;
            }
            Ok(too_long)
        });
    if matches!(emptied, Ok(true)) {
        tracing::warn!("emptied the app-server's log, which was over 32 MiB");
    }
}

/// The last lines of the log that this run wrote, for a message to a person: without colours and control characters.
pub(super) fn log_tail(settings: &Settings) -> String {
    use io::{Read, Seek, SeekFrom};
    let read = fs::File::open(&settings.log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.take(4096).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let text = read
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<String> = text
        .lines()
        .map(plain)
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.chars().peekable();
    while let Some(next) = rest.next() {
        if next == '\u{1b}' && rest.next_if_eq(&'[').is_some() {
            while rest.next().is_some_and(|part| !part.is_ascii_alphabetic()) {}
        } else if !next.is_control() {
            out.push(next);
        }
    }
    out
}

/// How the app-server ended, with what it said last.
pub(super) fn obituary(status: Option<ExitStatus>, settings: &Settings) -> String {
    let how = status.map_or_else(|| "it ended".to_owned(), describe_exit);
    match log_tail(settings) {
        tail if tail.is_empty() => format!("ended ({how}) and wrote nothing to its log"),
        tail => format!("ended ({how}); the last lines of its log: {tail}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::calls::ClientInfo;
    use super::*;

    fn settings(folder: &Path) -> Settings {
        Settings {
            codex_bin: folder.join("codex"),
            codex_home: None,
            socket: folder.join("app.sock"),
            descriptor: folder.join("app.json"),
            log: folder.join("app.log"),
            folder: folder.join("empty"),
            config_overrides: vec!["a=1".into()],
            env_set: Vec::new(),
            env_remove: Vec::new(),
            client: ClientInfo {
                name: "t".into(),
                title: "t".into(),
                version: "0".into(),
            },
            opt_out: Vec::new(),
            timing: Default::default(),
        }
    }

    #[test]
    fn a_flooded_log_is_emptied_and_a_usual_one_kept() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let mut log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&settings.log)
            .unwrap();
        log.set_len(LOG_LIMIT_BYTES + 1).unwrap();
        bound_log(&settings);
        io::Write::write_all(&mut log, b"after\n").unwrap();
        bound_log(&settings);
        assert_eq!(fs::read_to_string(&settings.log).unwrap(), "after\n");
        assert_eq!(log_tail(&settings), "after");
    }

    #[test]
    fn the_fingerprint_tells_options_apart_and_no_order_is_lost() {
        let one = settings(Path::new("/x"));
        let with = |change: fn(&mut Settings)| {
            let mut other = one.clone();
            change(&mut other);
            other.fingerprint()
        };
        let mut all = vec![
            one.fingerprint(),
            with(|other| other.config_overrides.push("b".into())),
            with(|other| other.env_set.push(("a".into(), "b".into()))),
            with(|other| other.env_remove.push("a".into())),
            with(|other| other.codex_home = Some("/home".into())),
            with(|other| other.socket = "/y".into()),
        ];
        assert_eq!(with(|other| other.log = "/elsewhere".into()), all[0]);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn a_log_line_loses_its_colours_and_control_characters() {
        assert_eq!(
            plain("\u{1b}[31;1mError\u{1b}[0m:\u{7} no\u{1b}"),
            "Error: no"
        );
    }
}
