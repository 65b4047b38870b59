//! From spec to exit: puts the parts together, announces the terminal, waits for a reason to end, and ends everything
//! in order. The only place that knows all parts.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::descriptor::{Descriptor, State};
use crate::feed::Feed;
use crate::file_source::FileSource;
use crate::input::Input;
use crate::model::Model;
use crate::pty::{self, Pty};
use crate::recorder::{Recorded, Recorder};
use crate::relay::{Relay, reports::Reports};
use crate::spec::{Source, Spec};
use crate::terminal::{Announcer, Close, Parts, Program, Terminal};
use crate::transcript::Transcript;
use crate::{control_server, server, token};
use local_os::platform;

/// A program that wants to save its work gets this long after SIGTERM to the sidecar.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);
/// A drag of a window edge gives a hundred sizes a second; programs redraw for each.
const RESIZE_EVERY: Duration = Duration::from_millis(50);
/// How exactly 24 h are kept.
const ORPHAN_CHECK: Duration = Duration::from_secs(30);

/// Runs one terminal to its end. Takes over the process: its children, SIGTERM, SIGINT and SIGHUP.
pub fn run(spec: Spec) -> anyhow::Result<()> {
    let spec = spec.checked()?;
    // One thread serves all viewers and reads what comes now and then; a flood has its own, one of the blocking ones.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_stack_size(512 << 10)
        .build()
        .context("start the runtime")?;
    let result = runtime.block_on(async {
        let signals = Signals::catch().context("catch signals")?;
        let sidecar = Sidecar::start(&spec).await?;
        sidecar.live(&spec, signals).await;
        anyhow::Ok(())
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

struct Sidecar {
    terminal: Arc<Terminal>,
    file: Option<FileSource>,
    recorder: std::thread::JoinHandle<()>,
    http: TcpListener,
    control: Option<UnixListener>,
    relay: Option<Relay>,
    own_token: Option<String>,
}

impl Sidecar {
    async fn start(spec: &Spec) -> anyhow::Result<Self> {
        let http = server::bind(&spec.ports)
            .await
            .context("listen on 127.0.0.1")?;
        let control = spec
            .control_socket
            .as_deref()
            .map(|path| control_server::bind(path, "control socket"))
            .transpose()?;
        let reports = Arc::<Reports>::default();
        // Before the program starts: it connects at once.
        let relay = spec.relay.as_ref();
        let relay = relay
            .map(|relay| Relay::bind(relay, Arc::clone(&reports)))
            .transpose()?;
        let recorded = Arc::new(Recorded::default());
        let transcript = spec.log_path.as_deref().and_then(|path| {
            Transcript::open(path, spec.log_bytes)
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), %error, "there is no transcript");
                    recorded.transcript_failed.store(true, Ordering::Relaxed);
                })
                .ok()
        });
        let feed = Arc::new(Feed::new(spec.ring_bytes, spec.cols, spec.rows));
        let (mut program, mut file) = (None, None);
        match &spec.source {
            Source::Program {
                argv,
                cwd,
                env_set,
                env_remove,
            } => {
                let start = pty::Program {
                    argv: argv.clone(),
                    cwd: cwd.clone(),
                    env: environment(env_set, env_remove),
                };
                let pty = Pty::start(&start, spec.cols, spec.rows, &feed)?;
                let input = Input::start(pty.master())?;
                program = Some(Program { pty, input });
            }
            Source::File { path, .. } => {
                let source = FileSource::start(path, &feed);
                file = Some(source.with_context(|| format!("show {}", path.display()))?);
            }
        }
        // A launcher makes the addresses; without one there is this.
        let own_token = match control {
            Some(_) => None,
            None => Some(token::generate().context("draw the terminal's token")?),
        };
        let descriptor = Descriptor {
            id: spec.id.clone(),
            title: spec.title.clone(),
            pid: std::process::id(),
            started_at_ticks: platform::process_start_ticks(std::process::id()).unwrap_or(0),
            child_pid: program.as_ref().map(|program| program.pty.child_pid()),
            port: http.local_addr()?.port(),
            control_socket: spec.control_socket.clone(),
            log_path: spec.log_path.clone(),
            state: match spec.source {
                Source::File { state, .. } => state,
                Source::Program { .. } => State::Running,
            },
            started_at: Utc::now(),
            exited_at: None,
        };
        let transcript_path = match &spec.source {
            Source::File { path, .. } => Some(path.clone()),
            // Without one, what memory holds is all there is.
            Source::Program { .. } => transcript.as_ref().and(spec.log_path.clone()),
        };
        let terminal = Arc::new(Terminal::new(Parts {
            feed: feed.clone(),
            recorded: recorded.clone(),
            program,
            transcript: transcript_path,
            own_token: own_token.clone(),
            reports,
            launcher_lock: spec.launcher_lock.clone(),
            theme: spec.theme,
            descriptor,
            descriptor_path: spec.descriptor_path.clone(),
            silent_after: Duration::from_secs(spec.silent_after_seconds),
        }));
        let recorder = Recorder {
            feed,
            model: Model::new(spec.cols, spec.rows),
            transcript,
            recorded,
            observer: Announcer(terminal.clone()),
        };
        let recorder = pty::spawn("recorder", move || recorder.run())?;
        Ok(Self {
            terminal,
            file,
            recorder,
            http,
            control,
            relay,
            own_token,
        })
    }

    async fn live(self, spec: &Spec, mut signals: Signals) {
        let terminal = self.terminal;
        let servers = [
            Some(tokio::spawn(server::serve(terminal.clone(), self.http))),
            self.control
                .map(|control| tokio::spawn(control_server::serve(terminal.clone(), control))),
            self.relay.map(|relay| tokio::spawn(relay.serve())),
            Some(tokio::spawn(size(terminal.clone()))),
        ];
        announce(&terminal, self.own_token.as_deref());
        let close = reason_to_end(&terminal, spec, &mut signals).await;
        terminal.close.send_replace(Some(close));
        if let Some(program) = &terminal.program {
            let leader = program.pty.child_pid();
            let end = move || platform::end_program(leader, close.grace);
            match tokio::task::spawn_blocking(end).await {
                Ok(killed) => tracing::info!(killed, "the program's processes have ended"),
                Err(error) => tracing::error!(%error, "the program was not ended in order"),
            }
            program.pty.finish().await;
        }
        let ending = tokio::task::spawn_blocking({
            let terminal = terminal.clone();
            move || {
                if let Some(program) = &terminal.program {
                    program.input.close();
                }
                if let Some(file) = self.file {
                    file.finish();
                }
                terminal.feed.close();
                if self.recorder.join().is_err() {
                    tracing::error!("the recorder panicked");
                }
            }
        });
        if let Err(error) = ending.await {
            tracing::error!(%error, "the terminal did not end in order");
        }
        // Viewers and control connections get the last output and the exit before they are cut.
        tokio::time::sleep(LAST_WORDS).await;
        terminal.cut.send_modify(|times| *times += 1);
        tokio::time::sleep(LAST_WORDS).await;
        for server in servers.into_iter().flatten() {
            server.abort();
        }
        let relayed = spec.relay.as_ref().map(|relay| &relay.socket);
        for path in spec.control_socket.iter().chain(relayed) {
            remove(path);
        }
        terminal.write_descriptor();
    }
}

/// Loopback takes well under a millisecond for what is left to say.
const LAST_WORDS: Duration = Duration::from_millis(20);

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "a socket was gone already");
    }
}

/// Our own environment, changed as the spec says; programs are told what kind of terminal this is.
fn environment(
    set: &std::collections::BTreeMap<String, String>,
    remove: &[String],
) -> Vec<(OsString, OsString)> {
    let replaced = ["TERM", "COLORTERM", "LINES", "COLUMNS", "TERM_PROGRAM"];
    let mut env: Vec<(OsString, OsString)> = std::env::vars_os()
        .filter(|(name, _)| !replaced.iter().any(|known| name == known))
        .filter(|(name, _)| !remove.iter().any(|known| name == known.as_str()))
        .collect();
    env.push(("TERM".into(), "xterm-256color".into()));
    env.push(("COLORTERM".into(), "truecolor".into()));
    for (name, value) in set {
        env.retain(|(known, _)| known != name.as_str());
        env.push((name.into(), value.into()));
    }
    env
}

fn announce(terminal: &Terminal, own_token: Option<&str>) {
    terminal.write_descriptor();
    let descriptor = terminal.descriptor();
    let url = own_token.map_or_else(|| descriptor.address(), |token| descriptor.url(token));
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the descriptor says the same.
    if writeln!(out, "[codex-terminal] url={url}")
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("nobody reads our output");
    }
}

/// Applies the newest wanted size, at most one per [`RESIZE_EVERY`].
async fn size(terminal: Arc<Terminal>) {
    let mut wanted = terminal.wanted_size.subscribe();
    while wanted.changed().await.is_ok() {
        let (cols, rows) = *wanted.borrow_and_update();
        terminal.apply_size(cols, rows);
        tokio::time::sleep(RESIZE_EVERY).await;
    }
}

async fn reason_to_end(terminal: &Arc<Terminal>, spec: &Spec, signals: &mut Signals) -> Close {
    let default = Close {
        grace: DEFAULT_GRACE,
    };
    let mut closing = terminal.close.subscribe();
    tokio::select! {
        close = closing.wait_for(Option::is_some) => close.ok().and_then(|close| *close).unwrap_or(default),
        () = signals.told_to_end() => default,
        () = lingered(terminal, spec) => default,
        () = orphaned(terminal, spec) => default,
    }
}

/// The signals that concern us. Caught from before the program starts: a sidecar that dies of one would leave it behind.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        // A log that may grow no further is an error like a full disk, and no reason to end.
        drop(signal(SignalKind::from_raw(
            rustix::process::Signal::XFSZ.as_raw(),
        ))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn told_to_end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // The launcher's terminal may go; we stay.
                _ = self.hangup.recv() => {}
            }
        }
    }
}

async fn lingered(terminal: &Terminal, spec: &Spec) {
    let Some(seconds) = spec.linger_after_exit_seconds else {
        return std::future::pending().await;
    };
    let mut exit = terminal.exit.subscribe();
    if exit.wait_for(Option::is_some).await.is_err() {
        return std::future::pending().await;
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn orphaned(terminal: &Terminal, spec: &Spec) {
    let allowed = Duration::from_secs(spec.orphan_exit_seconds);
    let check = ORPHAN_CHECK.min(allowed.max(Duration::from_millis(100)));
    loop {
        tokio::time::sleep(check).await;
        if terminal
            .deserted_for()
            .is_some_and(|deserted| deserted >= allowed)
        {
            tracing::info!("nobody came back for this terminal");
            return;
        }
    }
}
