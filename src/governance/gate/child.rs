//! Looks at the repository in a child process that cannot take more than its share: a hostile repository may make it
//! slow, large or broken, and then the gate says so. The child is this program; it answers in one line of JSON.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Look, Moment};

/// Name of the hidden command that the child runs.
pub const COMMAND: &str = "gate-look";

/// Time for a look. A commit in a repository of a hundred thousand files takes a fraction of a second; who waits longer
/// at a commit thinks that it hangs.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Memory of the child, beside what it maps from files. An index of a million files takes a quarter of it.
const MEMORY_BYTES: u64 = 1 << 30;

/// Files that the child has open at once: an index, a few packs.
const OPEN_FILES: u64 = 128;

/// Longest answer; an ordinary one has some hundred bytes.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Why there is no look. Display is a fragment that fits after "the gate cannot look at the repository: ".
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Our own program could not be started.
    #[error("it could not start its own program: {0}")]
    Start(io::Error),
    /// It took too long.
    #[error("it took longer than {} seconds", TIME_LIMIT.as_secs())]
    TooSlow,
    /// It ended without an answer.
    #[error("{0}")]
    Failed(String),
}

/// Gives this process the child's limits.
///
/// # Errors
/// When the system refuses one of them.
pub fn confine() -> io::Result<()> {
    let seconds = TIME_LIMIT.as_secs();
    for (resource, limit) in [
        (Resource::Cpu, seconds),
        (Resource::Data, MEMORY_BYTES),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

/// What the child does: it looks and prints.
///
/// # Errors
/// When the repository cannot be read, or nobody reads the answer.
pub fn answer(
    root: &Path,
    named_index: Option<&OsStr>,
    moment: Moment,
    out: &mut impl Write,
) -> io::Result<bool> {
    let (answer, worked) = match super::look(root, named_index, moment) {
        Ok(look) => (serde_json::to_string(&look)?, true),
        Err(error) => (error.to_string(), false),
    };
    out.write_all(answer.as_bytes())?;
    out.flush()?;
    Ok(worked)
}

/// Starts `program` as the child and reads its answer.
///
/// # Errors
/// When it says that it cannot, takes too long, or ends without an answer.
pub fn ask(
    program: &Path,
    root: &Path,
    named_index: Option<&OsStr>,
    moment: Moment,
) -> Result<Look, LookError> {
    let mut command = Command::new(program);
    command
        .arg(COMMAND)
        .arg("--repo")
        .arg(root)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if moment == Moment::After {
        command.arg("--committed");
    }
    match named_index {
        Some(index) => command.env("GIT_INDEX_FILE", index),
        None => command.env_remove("GIT_INDEX_FILE"),
    };
    let mut child = command.spawn().map_err(LookError::Start)?;
    let answer = read_answer(&mut child);
    if answer.is_err() {
        // It has ended already, or ends now; either way it is waited for below.
        child.kill().ok();
    }
    let status = child.wait().map_err(LookError::Start)?;
    let answer = answer?;
    if status.success() {
        return serde_json::from_str(&answer)
            .map_err(|error| LookError::Failed(format!("its answer makes no sense: {error}")));
    }
    Err(LookError::Failed(match status.code() {
        Some(_) if !answer.is_empty() => answer,
        _ => format!(
            "it ended without an answer ({status}); the repository may be damaged or far too large"
        ),
    }))
}

fn read_answer(child: &mut Child) -> Result<String, LookError> {
    let Some(stdout) = child.stdout.take() else {
        return Err(LookError::Failed("its output cannot be read".to_owned()));
    };
    let (sender, answer) = mpsc::sync_channel(1);
    // The thread ends with the child: its end closes the pipe.
    thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.take(MAX_ANSWER_BYTES).read_to_string(&mut text);
        // Nobody listens any more when the time was over.
        sender.send(read.map(|_| text)).ok();
    });
    match answer.recv_timeout(TIME_LIMIT) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(LookError::Failed(error.to_string())),
        Err(_) => Err(LookError::TooSlow),
    }
}
