//! What a server says: the program as anybody runs it, asked over its socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use zhongshu::domain::report::ReportMode;
use zhongshu::process::{Identity, Signal};
use zhongshu::reader::COMMAND;

use crate::ours::peak_kib;
use crate::repositories::Subject;
use crate::yardstick::Answer;

/// A server that runs. Nothing of it is left when it is dropped.
pub struct Server {
    child: Child,
    socket: PathBuf,
    _ground: TempDir,
}

impl Server {
    /// Starts one for this repository, with a home of its own.
    pub fn start(subject: &Subject) -> Self {
        let ground = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = ground.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().with_file_name("zhongshu");
        let state = folder("state");
        let mut child = Command::new(program)
            .args([
                "serve",
                "--json",
                "--no-open",
                "--port",
                "0",
                "--allow-writable-state",
                "--state-dir",
            ])
            .arg(&state)
            .current_dir(&subject.path)
            .env("XDG_RUNTIME_DIR", folder("run"))
            .env("CODEX_HOME", folder("codex"))
            // No agent is started here, so any program will do.
            .env("CODEX_BIN", "/bin/false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let socket = loop {
            if let Some(socket) = socket_of(&state)
                && UnixStream::connect(&socket).is_ok()
            {
                break socket;
            }
            assert!(child.try_wait().unwrap().is_none(), "the server has ended");
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "the server is not ready"
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            child,
            socket,
            _ground: ground,
        }
    }

    /// Asks for a report and waits for the last byte of it.
    pub fn report(&self, subject: &Subject, mode: ReportMode) -> Answer {
        let target = match mode {
            ReportMode::Base => format!("/api/report?mode=base&base={}", subject.base),
            _ => format!("/api/report?mode={}", mode.name()),
        };
        let begin = Instant::now();
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let took = begin.elapsed();
        let end = answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..end]);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let report: Value = serde_json::from_slice(&answer[end + 4..]).unwrap();
        let files = report["changed_files"].as_array().unwrap();
        let path = |file: &Value| file["path"].as_str().unwrap().to_owned();
        Answer {
            took,
            paths: files.iter().map(path).collect(),
        }
    }

    /// The most memory that it ever had, and that the child had which reads for it, in KiB.
    pub fn peaks(&self) -> [u64; 2] {
        let server = self.child.id().to_string();
        let tasks = std::fs::read_dir(format!("/proc/{server}/task")).unwrap();
        let children = tasks
            .map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap())
            .collect::<String>();
        let reads = |pid: &&str| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|byte| *byte == 0);
            words.any(|word| word == COMMAND.as_bytes())
        };
        let reader = children.split_whitespace().find(reads).unwrap();
        [&server, reader].map(peak_kib)
    }
}

fn socket_of(state: &Path) -> Option<PathBuf> {
    let server = std::fs::read(state.join("server.json")).ok()?;
    let server: Value = serde_json::from_slice(&server).ok()?;
    Some(server["socket"].as_str()?.into())
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(server) = Identity::of(self.child.id()) {
            server.signal(Signal::Term);
        }
        self.child.wait().unwrap();
    }
}
