//! HTTP on loopback: the accept loop, the guard every request passes first, the few routes. Knows nothing of what a
//! viewer does after its upgrade.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::stream::{self, Stream, StreamExt as _};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::doorkeeper::{Entry, Grant};
use crate::page;
use crate::seats::{Lost, Seat, Seats};
use crate::terminal::Terminal;
use crate::transcript::{self, Part};
use crate::viewer;

/// Connections that have shown no token: of assets being fetched, and some that dawdle. At the bound the oldest gives way.
const MAX_CONNECTIONS: usize = 64;
/// A page on this machine sends a head within milliseconds.
const HEADERS_WITHIN: Duration = Duration::from_secs(3);
const MAX_HEADER_BYTES: usize = 16 << 10;
const MAX_MESSAGE_BYTES: usize = 256 << 10;
const MAX_FRAME_BYTES: usize = 64 << 10;
/// The library's default of 128 KiB is held by every connection.
const READ_BUFFER_BYTES: usize = 4 << 10;
const MAX_WRITE_BUFFER_BYTES: usize = 1 << 20;
/// What the kernel may hold for a viewer that does not read: it is output that this viewer sees late.
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// Binds the first of `ports` that is free on 127.0.0.1, or any where none is named.
pub async fn bind(ports: &[u16]) -> io::Result<TcpListener> {
    let mut refused = None;
    let any = [0];
    for port in if ports.is_empty() { &any } else { ports } {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("at least one was tried"))
}

/// Accepts for as long as the process lives.
pub async fn serve(terminal: Arc<Terminal>, listener: TcpListener) {
    let router = router(terminal);
    let seats = Seats::new(MAX_CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (seat, lost) = seats.take();
                let router = router.clone().layer(Extension(Arc::new(seat)));
                tokio::spawn(connection(stream, router, lost));
            }
            Err(error) => {
                // Out of descriptors: it passes, and a busy loop would not help.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router, mut lost: Lost) {
    let tuned = stream.set_nodelay(true).and_then(|()| {
        rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES)
            .map_err(io::Error::from)
    });
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection keeps the system's settings");
    }
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let served = tokio::select! {
        served = served => served,
        () = lost.lost() => Ok(()),
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

fn router(terminal: Arc<Terminal>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(async || "ok"))
        .route("/assets/{name}", get(asset))
        .route("/transcript", get(transcript))
        .route("/ws", any(socket))
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(middleware::from_fn_with_state(terminal.clone(), guard))
        .with_state(terminal)
}

/// First on every route, upgrades and unknown paths included: the Host must be ours, and every answer gets the headers.
async fn guard(State(terminal): State<Arc<Terminal>>, request: Request, next: Next) -> Response {
    let absolute = request.uri().authority().is_some();
    let worker = request.headers().contains_key("service-worker");
    let mut response = if absolute || own_host(&terminal, request.headers()).is_none() {
        (
            StatusCode::FORBIDDEN,
            "this address is not served here: open the terminal's own address\n",
        )
            .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in FIXED_HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let policy = HeaderValue::from_str(&content_policy(&terminal))
        .expect("frame origins are checked to be plain");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if worker {
        // This page has none: one that another program left at this address goes.
        headers.insert("clear-site-data", HeaderValue::from_static("\"*\""));
    }
    response
}

const FIXED_HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn content_policy(terminal: &Terminal) -> String {
    let mut ancestors = terminal.doorkeeper.frame_ancestors().join(" ");
    if ancestors.is_empty() {
        ancestors.push_str("'none'");
    }
    let port = terminal.port;
    // xterm.js writes style elements, hence the one 'unsafe-inline'.
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; img-src 'self' data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
}

/// The one Host header, if it names us exactly.
fn own_host<'a>(terminal: &Terminal, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    let (name, port) = host.rsplit_once(':')?;
    let known = name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost");
    (known && port == terminal.port.to_string()).then_some(host)
}

/// Whether the one Origin header is the page that this very Host serves.
fn own_origin(terminal: &Terminal, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return false;
    };
    let expected =
        own_host(terminal, headers).map(|host| format!("http://{}", host.to_lowercase()));
    expected.is_some_and(|expected| origin.as_bytes() == expected.as_bytes())
}

async fn index() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        page::INDEX,
    )
}

async fn asset(Path(name): Path<String>) -> Response {
    match page::file(&name) {
        Some((kind, bytes)) => {
            ([(header::CONTENT_TYPE, kind)], Bytes::from_static(bytes)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

async fn socket(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !own_origin(&terminal, &headers) {
        let text = "only the terminal's own page may connect\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(admission) = terminal.admit() else {
        let text = "eight viewers are the most: close another page of this terminal\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .on_upgrade(move |socket| viewer::serve(terminal, admission, socket))
}

/// The transcript, or the shown file, or what memory still holds. The token comes in a header, so no link holds it. What
/// is being sent ends with the credential.
async fn transcript(
    State(terminal): State<Arc<Terminal>>,
    Extension(seat): Extension<Arc<Seat>>,
    headers: HeaderMap,
) -> Response {
    let foreign = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin");
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let entry = match token.filter(|_| !foreign) {
        Some(token) => terminal.doorkeeper.enter(token).await,
        None => Entry::Unknown,
    };
    let grant = match entry {
        Entry::Granted(grant) => grant,
        Entry::Unknown => {
            let text = "the transcript needs the terminal's token\n";
            return (StatusCode::UNAUTHORIZED, text).into_response();
        }
        Entry::Unattended => {
            let text = "zhongshu does not run, so nobody can say whose this token is; try again\n";
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
    };
    if !seat.keep() {
        let text = "too many transcripts are being downloaded; try again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    let Some(path) = &terminal.transcript else {
        return (kind, kept_in_memory(&terminal)).into_response();
    };
    // What its reader has seen on a screen is in it.
    terminal.until_recorded(terminal.feed.end()).await;
    let path = path.clone();
    let parts = tokio::task::spawn_blocking(move || transcript::parts(&path));
    // Without its folder it is empty, as without its files.
    let parts = parts.await.ok().and_then(Result::ok).unwrap_or_default();
    (
        kind,
        Body::from_stream(while_it_stands(grant, contents(parts))),
    )
        .into_response()
}

/// Bytes until the credential ends: the download breaks off then, so that nobody takes a part for the whole.
fn while_it_stands(
    grant: Arc<Grant>,
    bytes: impl Stream<Item = io::Result<Bytes>>,
) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some((grant, Box::pin(bytes))), |state| async move {
        let (grant, mut bytes) = state?;
        tokio::select! {
            biased;
            _ = grant.over() => Some((Err(io::Error::other("the credential has ended")), None)),
            piece = bytes.next() => piece.map(|piece| (piece, Some((grant, bytes)))),
        }
    })
}

fn kept_in_memory(terminal: &Terminal) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut cursor = crate::feed::Cursor::default();
    loop {
        match terminal.feed.pull(&mut cursor, usize::MAX, &mut bytes) {
            crate::feed::Pull::Idle => return bytes,
            crate::feed::Pull::Gap(start) => {
                if let Some((oldest, _)) = terminal.feed.resume(start) {
                    cursor = oldest;
                }
            }
            _ => {}
        }
    }
}

/// The bytes of some files: one that grows is sent as it stood.
fn contents(parts: Vec<Part>) -> impl Stream<Item = io::Result<Bytes>> {
    let open = |part: Part| tokio::fs::File::from_std(part.file).take(part.bytes);
    let parts = parts.into_iter().map(open);
    stream::try_unfold((None, parts), |(mut current, mut parts)| async move {
        loop {
            let Some(file) = &mut current else {
                current = parts.next();
                if current.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let mut piece = vec![0; 64 << 10];
            let count = file.read(&mut piece).await?;
            if count > 0 {
                piece.truncate(count);
                return Ok(Some((Bytes::from(piece), (current, parts))));
            }
            current = None;
        }
    })
}
