//! Starting servers: what to run, where it listens, which processes it consists of. Ends whatever it started.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use codex_terminal::spec::Spec;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::sshx::Key;
use crate::viewer::Viewer;

/// Every server gets that long to begin or to end.
const WITHIN: Duration = Duration::from_secs(20);
/// The size of every terminal.
pub const COLS: u16 = 120;
/// See [`COLS`].
pub const ROWS: u16 = 40;

/// A kind of server.
pub struct Peer {
    /// As the tables call it.
    pub name: String,
    how: How,
}

enum How {
    Ours(PathBuf),
    /// A command that serves ttyd's protocol.
    Ttyd(Vec<String>),
    /// The folder of the two programs.
    Sshx(PathBuf),
}

/// A running server.
pub struct Server {
    /// All processes that it consists of.
    pub pids: Vec<u32>,
    address: Address,
    children: Vec<Child>,
    _folder: TempDir,
}

enum Address {
    Ours {
        port: u16,
        token: String,
    },
    Ttyd {
        port: u16,
    },
    Sshx {
        port: u16,
        session: String,
        key: Key,
    },
}

impl Peer {
    /// Our sidecar: `zhongshu` or `codex-terminal`.
    pub fn ours(path: &Path) -> anyhow::Result<Self> {
        let path = found(path)?;
        Ok(Self {
            name: "zhongshu".to_owned(),
            how: How::Ours(path),
        })
    }

    /// ttyd itself.
    pub fn ttyd(path: &Path) -> anyhow::Result<Self> {
        let path = found(path)?;
        let path = path.to_str().context("a path that is text")?;
        Self::parse(&format!(
            "ttyd=ttyd:{path} -d 3 -i 127.0.0.1 -p {{port}} -W {{command}}"
        ))
    }

    /// sshx with a server of its own.
    pub fn sshx(folder: &Path) -> anyhow::Result<Self> {
        found(&folder.join("sshx"))?;
        found(&folder.join("sshx-server"))?;
        Ok(Self {
            name: "sshx".to_owned(),
            how: How::Sshx(folder.to_owned()),
        })
    }

    /// `NAME=ttyd:COMMAND`
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let (name, rest) = text.split_once('=').context("there is no =")?;
        let (protocol, command) = rest.split_once(':').context("there is no protocol")?;
        ensure!(
            protocol == "ttyd",
            "{protocol} is unknown; other servers must speak ttyd's protocol"
        );
        Ok(Self {
            name: name.to_owned(),
            how: How::Ttyd(command.split_whitespace().map(str::to_owned).collect()),
        })
    }

    /// Whether one process of it serves many terminals.
    pub fn shares_a_process(&self) -> bool {
        !matches!(self.how, How::Ours(_))
    }

    /// Whether two can look at one terminal.
    pub fn shares_a_terminal(&self) -> bool {
        !matches!(self.how, How::Ttyd(_))
    }

    /// Starts one server.
    pub fn start(&self) -> anyhow::Result<Server> {
        self.started()
            .with_context(|| format!("start {}", self.name))
    }

    fn started(&self) -> anyhow::Result<Server> {
        let folder = tempfile::tempdir()?;
        let play = std::env::current_exe()?;
        let play = play.to_str().context("a path that is text")?;
        match &self.how {
            How::Ours(path) => ours(path, play, folder),
            How::Ttyd(command) => ttyd(command, play, folder),
            How::Sshx(programs) => sshx(programs, play, folder),
        }
    }
}

fn found(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()))
}

/// As the launcher starts it: with a spec, a transcript and a descriptor.
fn ours(path: &Path, play: &str, folder: TempDir) -> anyhow::Result<Server> {
    let argv = vec![play.to_owned(), "play".to_owned()];
    let mut spec = Spec::program("bench", argv, folder.path().to_owned());
    spec.cols = COLS;
    spec.rows = ROWS;
    spec.log_path = Some(folder.path().join("transcript"));
    spec.descriptor_path = Some(folder.path().join("descriptor.json"));
    spec.control_socket = Some(folder.path().join("control"));
    let spec_path = folder.path().join("spec.json");
    std::fs::write(&spec_path, serde_json::to_vec(&spec)?)?;
    let mut command = Command::new(path);
    if path.ends_with("zhongshu") {
        command.arg("terminal");
    }
    command.arg("--spec").arg(&spec_path);
    let mut server = Server::begin(folder, command)?;
    let line = server.first_line()?;
    let (_, rest) = line.split_once("127.0.0.1:").context("a line with a url")?;
    let (port, token) = rest.split_once("/#token=").context("a url with a token")?;
    server.address = Address::Ours {
        port: port.parse()?,
        token: token.trim().to_owned(),
    };
    Ok(server)
}

fn ttyd(command: &[String], play: &str, folder: TempDir) -> anyhow::Result<Server> {
    let port = free_port()?;
    let mut words = Vec::new();
    for word in command {
        match word.as_str() {
            "{port}" => words.push(port.to_string()),
            "{command}" => words.extend([play.to_owned(), "play".to_owned()]),
            word => words.push(word.to_owned()),
        }
    }
    let (program, arguments) = words.split_first().context("an empty command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    let mut server = Server::begin(folder, command)?;
    server.address = Address::Ttyd { port };
    server.wait_for(port)?;
    Ok(server)
}

/// It starts programs by a path alone, so the program gets a script.
fn sshx(programs: &Path, play: &str, folder: TempDir) -> anyhow::Result<Server> {
    let script = folder.path().join("play");
    std::fs::write(&script, format!("#!/bin/sh\nexec '{play}' play\n"))?;
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700))?;
    let port = free_port()?;
    let mut command = Command::new(programs.join("sshx-server"));
    command.args([
        "--listen",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--secret",
        "bench",
    ]);
    command.env("RUST_LOG", "error");
    let mut server = Server::begin(folder, command)?;
    server.wait_for(port)?;
    let mut command = Command::new(programs.join("sshx"));
    command.args(["--quiet", "--server", &format!("http://127.0.0.1:{port}")]);
    command.arg("--shell").arg(&script);
    server.add(command)?;
    let line = server.first_line()?;
    let (_, rest) = line.trim().split_once("/s/").context("a url")?;
    let (session, fragment) = rest.split_once('#').context("a url with a key")?;
    server.address = Address::Sshx {
        port,
        session: session.to_owned(),
        key: Key::new(fragment)?,
    };
    Ok(server)
}

/// Free now; a server that is a moment too late for it fails and says so.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

impl Server {
    fn begin(folder: TempDir, command: Command) -> anyhow::Result<Self> {
        let mut server = Self {
            pids: Vec::new(),
            address: Address::Ttyd { port: 0 },
            children: Vec::new(),
            _folder: folder,
        };
        server.add(command)?;
        Ok(server)
    }

    fn add(&mut self, mut command: Command) -> anyhow::Result<()> {
        let child = in_a_session_of_its_own(&mut command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("run {command:?}"))?;
        self.pids.push(child.id());
        self.children.push(child);
        Ok(())
    }

    fn first_line(&mut self) -> anyhow::Result<String> {
        let newest = self.children.last_mut().context("a process")?;
        let out = newest.stdout.as_mut().context("a piped output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        ensure!(!line.is_empty(), "it ended without a word");
        Ok(line)
    }

    fn wait_for(&mut self, port: u16) -> anyhow::Result<()> {
        let deadline = Instant::now() + WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(Instant::now() < deadline, "nothing answers at port {port}");
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("it ended: {status}");
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// A viewer of the server's terminal from its first byte, or of a fresh one where each viewer gets its own.
    pub fn open(&self) -> anyhow::Result<Viewer> {
        match &self.address {
            Address::Ours { port, token } => Viewer::ours(*port, token),
            Address::Ttyd { port } => Viewer::ttyd(*port),
            Address::Sshx { port, session, key } => Viewer::sshx(*port, session, key, None),
        }
    }

    /// Another viewer of the same terminal.
    pub fn join(&self, shell: Option<u64>) -> anyhow::Result<Viewer> {
        match &self.address {
            Address::Ours { .. } => self.open(),
            Address::Ttyd { .. } => bail!("each viewer has a terminal of its own"),
            Address::Sshx { port, session, key } => Viewer::sshx(*port, session, key, shell),
        }
    }

    /// Asks it to end and waits until it has.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + WITHIN;
        for child in self.children.iter_mut().rev() {
            if child.try_wait()?.is_none() {
                signal(child, Signal::TERM);
            }
            while child.try_wait()?.is_none() {
                ensure!(Instant::now() < deadline, "a server does not end");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.stop().is_err() {
            for child in &mut self.children {
                // It may be gone already, and then all is well.
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}

/// As launchers and service managers start them. Linux shares processors out among sessions first, so this decides how a
/// server fares beside programs that flood.
#[allow(unsafe_code)]
fn in_a_session_of_its_own(command: &mut Command) -> &mut Command {
    let enter = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: between fork and exec only a system call is made; nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(enter) }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It is our child and not waited for yet, so the number is its own.
        kill_process(pid, signal).ok();
    }
}
