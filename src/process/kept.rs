//! A program of somebody else that this program asks and answers over its standard input and output, and that never outlives it. Between the
//! two stands a keeper, this program once more: it lowers what the program may take, passes input on, takes in whatever leaves the tree, and
//! ends all of it when its own input is closed. So nothing of it is left when the server is killed.
//!
//! [`Kept`] is the server's side, [`keep`] the keeper's.

use super::{Identity, ProcessError, confined, in_own_session, terminate_marked, terminate_tree};
use rustix::process::{Pid, Resource, WaitOptions, WaitStatus, wait};
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// What marks everything that belongs to one program, in its environment.
pub const MARK: &str = "ZHONGSHU_KEPT";

/// What a program and whatever it starts may each take. Memory beside what is mapped from files: an interpreter with its libraries fits five
/// times over.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::Data, 1 << 30),
    (Resource::Nofile, 512),
    (Resource::Fsize, 256 << 20),
    (Resource::Core, 0),
];

/// How long a program may go on after its input was closed. Whoever ends in good order does it at once.
const GRACE: Duration = Duration::from_millis(500);

/// What to run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// This program.
    pub keeper: PathBuf,
    /// The program and its arguments; one without `/` is looked for in `PATH`.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: PathBuf,
    /// Its whole environment, but for the mark.
    pub environment: Vec<(OsString, OsString)>,
    /// What marks it and nothing else.
    pub mark: String,
}

/// A program that runs. Without this value the keeper's input is closed, and it ends everything by itself.
#[derive(Debug)]
pub struct Kept {
    keeper: Child,
    identity: Option<Identity>,
    mark: String,
}

/// Its ends of the conversation.
#[derive(Debug)]
pub struct Lines {
    /// What it reads.
    pub input: ChildStdin,
    /// What it says.
    pub output: ChildStdout,
    /// What it complains about.
    pub complaints: ChildStderr,
}

impl Kept {
    /// Starts it. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the keeper cannot be started; a program that cannot be is one that ends.
    pub fn start(spec: &Spec) -> Result<(Self, Lines), ProcessError> {
        let failed = |source| ProcessError::Spawn {
            program: spec.argv.first().cloned().unwrap_or_default(),
            source,
        };
        let mut command = Command::new(&spec.keeper);
        command
            .arg("keep")
            .arg("--")
            .args(&spec.argv)
            .current_dir(&spec.cwd)
            .env_clear()
            .envs(spec.environment.iter().map(|(name, value)| (name, value)))
            .env(MARK, &spec.mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        in_own_session(&mut command);
        let mut command = tokio::process::Command::from(command);
        let mut keeper = command.spawn().map_err(failed)?;
        let identity = keeper.id().and_then(Identity::of);
        let lines = (
            keeper.stdin.take(),
            keeper.stdout.take(),
            keeper.stderr.take(),
        );
        let kept = Self {
            keeper,
            identity,
            mark: spec.mark.clone(),
        };
        match lines {
            (Some(input), Some(output), Some(complaints)) => {
                let lines = Lines {
                    input,
                    output,
                    complaints,
                };
                Ok((kept, lines))
            }
            _ => Err(failed(io::Error::other("it has no pipes"))),
        }
    }

    /// How it ended, once it has.
    pub async fn ended(&mut self) -> Option<ExitStatus> {
        self.keeper.wait().await.ok()
    }

    /// Ends it with everything that it started, at once.
    ///
    /// # Errors
    /// When something survives.
    pub async fn end(mut self) -> Result<Option<ExitStatus>, ProcessError> {
        if let Some(identity) = self.identity {
            terminate_tree(identity, Duration::ZERO).await?;
        }
        terminate_marked(MARK, HashSet::from([self.mark.clone()])).await?;
        Ok(self.keeper.wait().await.ok())
    }
}

/// What the keeper hears of.
enum News {
    /// The program ended.
    Ended(WaitStatus),
    /// Its input was closed, or it reads none any more.
    Closed,
}

/// The keeper: runs the program in its place until it ends, or nobody asks any more; then ends what is left. Its exit code is the program's.
///
/// # Errors
/// When the program cannot be started.
pub fn keep(argv: &[OsString]) -> io::Result<u8> {
    for (resource, limit) in LIMITS {
        confined::lower(resource, limit)?;
    }
    // Whatever loses its parent becomes a child of ours, and is found by that.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| io::Error::other("no program is named"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    let own = Pid::from_child(&child);
    let (tell, news) = mpsc::channel();
    let tell_end = tell.clone();
    thread::spawn(move || {
        // Others that have come to us are buried on the way.
        while let Ok(Some((pid, status))) = wait(WaitOptions::empty()) {
            if pid == own {
                drop(tell_end.send(News::Ended(status)));
            }
        }
    });
    thread::spawn(move || {
        if let Some(input) = input {
            pass_on(io::stdin().lock(), input);
        }
        drop(tell.send(News::Closed));
    });
    let mut end = None;
    let mut patience = Duration::MAX;
    while end.is_none() {
        match news.recv_timeout(patience) {
            Ok(News::Ended(status)) => end = Some(status),
            // A program may close its input and go on; nobody asks it anything then, and it is about to be ended.
            Ok(News::Closed) => patience = GRACE,
            Err(_) => break,
        }
    }
    end_the_rest()?;
    let end = end.or_else(|| match news.recv_timeout(GRACE) {
        Ok(News::Ended(status)) => Some(status),
        _ => None,
    });
    let code = end.and_then(|status| {
        let signal = || status.terminating_signal().map(|it| 128 + it);
        status.exit_status().or_else(signal)
    });
    Ok(code.and_then(|it| u8::try_from(it).ok()).unwrap_or(1))
}

fn pass_on(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
            Ok(count) => {
                if to.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        }
    }
}

/// Everything below this process, and everything with its mark.
fn end_the_rest() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if let Some(own) = Identity::of(std::process::id()) {
            terminate_tree(own, Duration::ZERO).await.ok();
        }
        if let Ok(mark) = std::env::var(MARK) {
            terminate_marked(MARK, HashSet::from([mark])).await.ok();
        }
    });
    Ok(())
}
