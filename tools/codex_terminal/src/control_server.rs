//! The sidecar's side of the control socket: private to the user, several connections, bounded lines. Knows the
//! requests; never touches the PTY itself.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::control::{Event, MAX_LINE_BYTES, MAX_PASTE_BYTES, Request, RequestLine};
use crate::doorkeeper::Attendance;
use crate::proof;
use crate::spec::check_origin;
use crate::terminal::{Close, Terminal};

/// Output is news at most this often.
const OUTPUT_EVERY: Duration = Duration::from_millis(250);
/// Answers wait for a launcher that does not read; when this is full its requests are not read either.
const ANSWER_QUEUE: usize = 32;
/// A launcher that does not read for this long is cut off.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// One launcher, its command line, a person with a debugger.
const MAX_CONNECTIONS: usize = 16;

/// Binds the socket, in place of one that nobody listens on any more; `what` it is called when that fails.
pub fn bind(path: &Path, what: &str) -> io::Result<UnixListener> {
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("the {what} {} cannot be made: {error}", path.display()),
        )
    };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let error = io::Error::new(io::ErrorKind::AddrInUse, "another terminal listens on it");
        return Err(named(error));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(named)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(named)?;
    Ok(listener)
}

/// Accepts for as long as the process lives.
pub async fn serve(terminal: Arc<Terminal>, listener: UnixListener) {
    let slots = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    let own_uid = rustix::process::geteuid().as_raw();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let uid = stream.peer_cred().map(|peer| peer.uid());
                if uid.ok() != Some(own_uid) {
                    tracing::warn!("a control connection of another user was refused");
                    continue;
                }
                let Ok(slot) = slots.clone().try_acquire_owned() else {
                    tracing::warn!("a control connection too many was refused");
                    continue;
                };
                let terminal = terminal.clone();
                tokio::spawn(async move {
                    connection(terminal, stream).await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of descriptors: it passes, and a busy loop would not help.
                tracing::warn!(%error, "a control connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(terminal: Arc<Terminal>, stream: UnixStream) {
    let presence = terminal.control_connected();
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let (reader, writer) = stream.into_split();
    let (answers_tx, answers) = mpsc::channel(ANSWER_QUEUE);
    tokio::select! {
        () = read(&terminal, reader, answers_tx, pid) => {}
        result = write(&terminal, writer, answers) => {
            if let Err(error) = result {
                tracing::debug!(%error, "a control connection ended");
            }
        }
    }
    drop(presence);
}

async fn read(
    terminal: &Terminal,
    reader: tokio::net::unix::OwnedReadHalf,
    answers: mpsc::Sender<Event>,
    pid: Option<i32>,
) {
    // Both end with the connection.
    let mut attendance = None;
    let mut telling = JoinSet::new();
    let mut lines = BufReader::with_capacity(4 << 10, reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        line.shrink_to(64 << 10);
        let mut limited = (&mut lines).take(MAX_LINE_BYTES as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
        if !line.ends_with(b"\n") {
            let message = "a control line is longer than 4 MiB or was not finished".to_owned();
            answers.send(Event::Error { id: None, message }).await.ok();
            return;
        }
        let reply = match serde_json::from_slice::<RequestLine>(&line) {
            Err(error) => Some(Event::Error {
                id: id_of(&line),
                message: format!("the control request cannot be understood: {error}"),
            }),
            Ok(RequestLine { id, request }) => {
                if request == Request::State {
                    let state = Event::State(terminal.state_view(id));
                    if answers.send(state).await.is_err() {
                        return;
                    }
                }
                let handled = match request {
                    Request::Attend {
                        standing,
                        frame_ancestors,
                    } => attend(terminal, pid, &answers, &standing, frame_ancestors).map(|it| {
                        attendance = Some(it);
                        let (reports, launcher) = (Arc::clone(&terminal.reports), answers.clone());
                        telling.spawn(async move { reports.tell(launcher).await });
                    }),
                    Request::Answer { .. } | Request::Revoke { .. } | Request::Heard { .. }
                        if attendance.is_none() =>
                    {
                        Err("only the launcher says who may look and what it heard".to_owned())
                    }
                    request => handle(terminal, request).await,
                };
                match (handled, id) {
                    (Ok(()), id) => id.map(|id| Event::Ack { id }),
                    (Err(message), id) => Some(Event::Error { id, message }),
                }
            }
        };
        if let Some(reply) = reply
            && answers.send(reply).await.is_err()
        {
            return;
        }
    }
}

fn id_of(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("id")?.as_u64()
}

/// Believes who says to be the launcher, if the process holds its lock.
fn attend(
    terminal: &Terminal,
    pid: Option<i32>,
    answers: &mpsc::Sender<Event>,
    standing: &[String],
    frame_ancestors: Vec<String>,
) -> Result<Attendance, String> {
    if let Some(lock) = &terminal.launcher_lock {
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        if !pid.is_some_and(|pid| proof::holds_lock(lock, pid)) {
            return Err(format!(
                "the process at the other end does not hold {}, so it is not the launcher",
                lock.display()
            ));
        }
    }
    for origin in &frame_ancestors {
        check_origin(origin).map_err(|error| error.to_string())?;
    }
    Ok(terminal
        .doorkeeper
        .attend(answers.clone(), standing, frame_ancestors))
}

async fn handle(terminal: &Terminal, request: Request) -> Result<(), String> {
    match request {
        Request::Input { data, base64 } => {
            let decoded = if base64 {
                STANDARD
                    .decode(data)
                    .map_err(|error| format!("the input is not base64: {error}"))?
            } else {
                data.into_bytes()
            };
            terminal
                .input(&decoded)
                .map(drop)
                .map_err(|refused| refused.to_string())
        }
        Request::Paste { text, submit, once } => {
            if text.len() > MAX_PASTE_BYTES {
                return Err("a paste may have at most 1,048,576 bytes".to_owned());
            }
            let pasted = match once {
                Some(name) => terminal.paste_once(&name, &text, submit).await,
                None => terminal.paste(&text, submit).await,
            };
            pasted.map_err(|refused| refused.to_string())
        }
        Request::Resize { cols, rows } => {
            terminal.want_size(cols, rows);
            Ok(())
        }
        Request::Close { grace_ms } => {
            let grace = Duration::from_millis(grace_ms.min(600_000));
            terminal.close.send_replace(Some(Close { grace }));
            Ok(())
        }
        Request::CloseViewers => {
            terminal.cut.send_modify(|times| *times += 1);
            Ok(())
        }
        Request::Answer { ask, granted } => {
            terminal.doorkeeper.answer(ask, granted);
            Ok(())
        }
        Request::Revoke { holder, over } => {
            terminal.doorkeeper.revoke(&holder, over);
            Ok(())
        }
        Request::Heard { number } => {
            terminal.reports.heard(number);
            Ok(())
        }
        // Both were seen to before.
        Request::State | Request::Attend { .. } => Ok(()),
    }
}

async fn write(
    terminal: &Terminal,
    mut writer: OwnedWriteHalf,
    mut answers: mpsc::Receiver<Event>,
) -> io::Result<()> {
    // Subscribed before the state is read: nothing falls between the two.
    let mut events = terminal.events.subscribe();
    let mut output = terminal.feed.watch();
    // Of what is recorded by now the transcript speaks; the rest is news.
    let mut told = terminal.feed.recorded();
    let mut quiet_until = Instant::now();
    send(&mut writer, &terminal.hello()).await?;
    loop {
        let news = async {
            tokio::time::sleep_until(quiet_until).await;
            loop {
                output.borrow_and_update();
                let offset = terminal.feed.end();
                if offset != told {
                    // Whoever hears of output reads the transcript: it must be there by then.
                    terminal.until_recorded(offset).await;
                    return Some(offset);
                }
                output.changed().await.ok()?;
            }
        };
        let event = tokio::select! {
            biased;
            answer = answers.recv() => match answer {
                Some(answer) => answer,
                None => return Ok(()),
            },
            event = events.recv() => match event {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => terminal.hello(),
                Err(RecvError::Closed) => return Ok(()),
            },
            offset = news => match offset {
                Some(offset) => {
                    told = offset;
                    quiet_until = Instant::now() + OUTPUT_EVERY;
                    Event::Output { offset, at: Utc::now() }
                }
                None => return Ok(()),
            },
        };
        send(&mut writer, &event).await?;
    }
}

async fn send(writer: &mut OwnedWriteHalf, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    tokio::time::timeout(WRITE_WITHIN, writer.write_all(&line))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
