//! Runs a program to its end without a terminal, within limits of time and output, and leaves nothing of it behind.

use super::{Identity, ProcessError, in_own_session, terminate_marked, terminate_tree};
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio::net::unix::pipe;

/// Time between TERM and KILL for a program that went beyond its limits, and for what it left running.
const GRACE: Duration = Duration::from_secs(2);
/// After the program has ended, what it wrote last is in the pipe already; a process that it left behind may hold the
/// pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What to run, and how far it may go.
#[derive(Debug, Clone)]
pub struct Job {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: PathBuf,
    /// Variables that are set over the inherited environment.
    pub env_set: Vec<(OsString, OsString)>,
    /// The only variables that are inherited, by name; `None` inherits all.
    pub env_only: Option<&'static [&'static str]>,
    /// What it reads from its standard input.
    pub input: Vec<u8>,
    /// Variable that marks everything it starts, and its value. What carries it is ended with the program, even outside of its
    /// process tree; nothing else may carry it.
    pub mark: (String, String),
    /// When it is ended.
    pub time_limit: Duration,
    /// How much it may write before it is ended, in bytes.
    pub output_limit: u64,
    /// How much of the end of its output is kept, in bytes.
    pub tail: usize,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// By itself.
    Ended(ExitStatus),
    /// It took too long.
    TimedOut,
    /// It wrote too much.
    TooMuchOutput,
}

/// What was seen of it.
#[derive(Debug, Clone)]
pub struct JobOutcome {
    /// How it ended.
    pub end: JobEnd,
    /// How long it ran.
    pub took: Duration,
    /// The end of both of its outputs, as they came.
    pub tail: Vec<u8>,
    /// How much it wrote.
    pub bytes: u64,
    /// SHA-256 of all of that.
    pub sha256: [u8; 32],
}

/// Runs a job. Dropping the future leaves the program to [`terminate_marked`].
///
/// # Errors
/// When the program cannot be started, or something of it cannot be ended.
pub async fn run(job: &Job) -> Result<JobOutcome, ProcessError> {
    let program = job.argv.first().cloned().unwrap_or_default();
    let failed = |source| ProcessError::Spawn {
        program: program.clone(),
        source,
    };
    let (output, input) = io::pipe().map_err(failed)?;
    let mut command = std::process::Command::new(&program);
    command
        .args(job.argv.iter().skip(1))
        .current_dir(&job.cwd)
        .stdin(match job.input.is_empty() {
            true => Stdio::null(),
            false => Stdio::piped(),
        })
        .stdout(input.try_clone().map_err(failed)?)
        .stderr(input)
        .env(&job.mark.0, &job.mark.1);
    if let Some(names) = job.env_only {
        command.env_clear().env(&job.mark.0, &job.mark.1);
        let inherited = names
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(inherited);
    }
    for (name, value) in &job.env_set {
        command.env(name, value);
    }
    in_own_session(&mut command);
    let mut command = tokio::process::Command::from(command);
    let begin = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    // The pipe's other ends live on in the command, and would keep it open.
    drop(command);
    if let Some(mut input) = child.stdin.take() {
        let bytes = job.input.clone();
        // A program that does not read it is no failure; it ends with the program.
        tokio::spawn(async move { input.write_all(&bytes).await });
    }
    let root = child.id().and_then(Identity::of);
    let receiver = pipe::Receiver::from_owned_fd(OwnedFd::from(output)).map_err(failed)?;
    let mut output = Output::new(receiver, job);
    let deadline = tokio::time::Instant::now() + job.time_limit;
    let end = loop {
        tokio::select! {
            status = child.wait() => break JobEnd::Ended(status.map_err(failed)?),
            more = output.read() => if !more && output.is_over() {
                break JobEnd::TooMuchOutput;
            },
            () = tokio::time::sleep_until(deadline) => break JobEnd::TimedOut,
        }
    };
    let took = begin.elapsed();
    if let JobEnd::Ended(_) = end {
        output.drain().await;
    }
    if let Some(root) = root {
        terminate_tree(root, GRACE).await?;
    }
    terminate_marked(&job.mark.0, HashSet::from([job.mark.1.clone()])).await?;
    if !matches!(end, JobEnd::Ended(_)) {
        // It is dead; a zombie it must not stay.
        child.wait().await.map_err(failed)?;
    }
    let (tail, bytes, sha256) = output.finish();
    Ok(JobOutcome {
        end,
        took,
        tail,
        bytes,
        sha256,
    })
}

/// What a program writes, as it comes.
struct Output {
    pipe: Option<pipe::Receiver>,
    buffer: Vec<u8>,
    tail: VecDeque<u8>,
    keep: usize,
    bytes: u64,
    limit: u64,
    digest: Sha256,
}

impl Output {
    fn new(pipe: pipe::Receiver, job: &Job) -> Self {
        Self {
            pipe: Some(pipe),
            buffer: vec![0; 16 << 10],
            tail: VecDeque::new(),
            keep: job.tail,
            bytes: 0,
            limit: job.output_limit,
            digest: Sha256::new(),
        }
    }

    fn is_over(&self) -> bool {
        self.bytes > self.limit
    }

    /// Takes what is there; `false` when nothing more is wanted. Never ready after the end, so that the program's end is waited for.
    async fn read(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else {
            return std::future::pending().await;
        };
        match pipe.read(&mut self.buffer).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => {
                let new = &self.buffer[..count];
                self.bytes += count as u64;
                self.digest.update(new);
                self.tail.extend(&new[count.saturating_sub(self.keep)..]);
                let excess = self.tail.len().saturating_sub(self.keep);
                self.tail.drain(..excess);
            }
        }
        !self.is_over()
    }

    async fn drain(&mut self) {
        let all = async { while self.pipe.is_some() && self.read().await {} };
        // What is still open then is held by a process that will be ended.
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }

    fn finish(self) -> (Vec<u8>, u64, [u8; 32]) {
        (self.tail.into(), self.bytes, self.digest.finalize().into())
    }
}

impl JobEnd {
    /// Exit code, or signal.
    pub fn code(&self) -> Option<Result<i32, i32>> {
        match self {
            Self::Ended(status) => {
                let signal = || status.signal().map(Err);
                status.code().map(Ok).or_else(signal)
            }
            Self::TimedOut | Self::TooMuchOutput => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn job(script: &str, mark: &str) -> Job {
        Job {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: "/".into(),
            env_set: Vec::new(),
            env_only: None,
            input: Vec::new(),
            mark: (
                "ZHONGSHU_TEST_JOB".to_owned(),
                format!("{mark}-{}", std::process::id()),
            ),
            time_limit: Duration::from_secs(30),
            output_limit: 1 << 20,
            tail: 8,
        }
    }

    #[tokio::test]
    async fn it_reads_its_input_and_inherits_what_is_named_alone() {
        let mut job = job("cat; echo ${CARGO_MANIFEST_DIR-none}${PATH:+path}", "input");
        (job.input, job.tail) = (b"a word ".to_vec(), 100);
        job.env_only = Some(&["PATH"]);
        let outcome = run(&job).await.unwrap();
        assert_eq!(
            String::from_utf8(outcome.tail).unwrap(),
            "a word nonepath\n"
        );
    }

    #[tokio::test]
    async fn both_outputs_and_the_exit_code_are_seen() {
        let outcome = run(&job("echo 123456; echo ab >&2; exit 3", "plain"))
            .await
            .unwrap();
        assert_eq!(outcome.end.code(), Some(Ok(3)));
        assert_eq!(
            (outcome.tail.as_slice(), outcome.bytes),
            (b"3456\nab\n".as_slice(), 10)
        );
        assert_eq!(
            outcome.sha256,
            <[u8; 32]>::from(Sha256::digest(b"123456\nab\n"))
        );
    }

    #[tokio::test]
    async fn what_takes_too_long_or_writes_too_much_is_ended_with_all_it_started() {
        let mut slow = job("setsid sleep 300 & sleep 300", "slow");
        slow.time_limit = Duration::from_millis(300);
        let outcome = run(&slow).await.unwrap();
        assert_eq!(outcome.end, JobEnd::TimedOut);
        assert!(outcome.took < Duration::from_secs(20));
        let mut loud = job("yes", "loud");
        loud.output_limit = 100_000;
        let outcome = run(&loud).await.unwrap();
        assert_eq!(outcome.end, JobEnd::TooMuchOutput);
        assert_eq!(outcome.tail.len(), 8);
        // A background process that holds the output open does not hold up the end either.
        let left = run(&job("sleep 300 & echo done", "left")).await.unwrap();
        assert_eq!(
            (left.end.code(), left.tail.as_slice()),
            (Some(Ok(0)), b"done\n".as_slice())
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let mut missing = job("", "missing");
        missing.argv = vec!["/nowhere/program".to_owned()];
        assert!(matches!(
            run(&missing).await,
            Err(ProcessError::Spawn { .. })
        ));
    }
}
