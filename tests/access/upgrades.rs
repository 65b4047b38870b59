//! A WebSocket through the front door: who may open one, that it keeps its seat, and what ends it.

use crate::house::{House, PATIENCE};
use axum::Router;
use axum::extract::ws::{Message as Said, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use zhongshu::access::{Caller, Scope, Via};
use zhongshu::web::caller::RequireReader;
use zhongshu::web::error;
use zhongshu::web::listen::TOKEN_SHARE;
use zhongshu::web::mount::Mount;

type Socket = WebSocketStream<TcpStream>;
type Headers<'a> = [(&'static str, &'a str)];
/// Headers, and the status and code that they get.
type Refused<'a> = (&'a Headers<'a>, u16, &'a str);

/// Says back what it hears. It knows nothing of credentials and never ends by itself.
fn echo() -> Mount {
    async fn say_back(mut socket: WebSocket) {
        while let Some(Ok(said)) = socket.recv().await {
            if matches!(said, Said::Text(_)) && socket.send(said).await.is_err() {
                return;
            }
        }
    }
    let route = get(
        async |_: RequireReader, upgrade: WebSocketUpgrade| -> Response {
            upgrade.on_upgrade(say_back)
        },
    );
    let routes = Router::new().route("/echo", route);
    Mount::at("/echo", routes, error::envelope)
}

async fn open(house: &House, headers: &Headers<'_>) -> Result<Socket, Error> {
    let address = format!("ws://127.0.0.1:{}/echo", house.port);
    let mut request = address.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(("127.0.0.1", house.port)).await.unwrap();
    let opened = timeout(PATIENCE, client_async(request, stream))
        .await
        .unwrap();
    opened.map(|(socket, _)| socket)
}

async fn open_with(house: &House, token: &str) -> Socket {
    open(house, &[("authorization", &format!("Bearer {token}"))])
        .await
        .unwrap()
}

/// Whether what is said comes back.
async fn echoes(socket: &mut Socket, text: &str) -> bool {
    if socket.send(Message::text(text)).await.is_err() {
        return false;
    }
    match timeout(PATIENCE, socket.next()).await.unwrap() {
        Some(Ok(heard)) => heard == Message::text(text),
        _ => false,
    }
}

/// Waits for the end of a WebSocket to which nothing more is said.
async fn ends_within(socket: &mut Socket, patience: Duration) -> bool {
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(patience, end).await.is_ok()
}

#[tokio::test]
async fn the_guard_looks_at_who_opens_a_web_socket() {
    let house = House::with(Some(echo())).await;
    let bearer = format!("Bearer {}", house.token("talks", Scope::Read));
    let session = house.session();
    let own = format!("http://127.0.0.1:{}", house.port);

    let mut socket = open(&house, &[("authorization", &bearer)]).await.unwrap();
    assert!(echoes(&mut socket, "one").await);
    assert!(echoes(&mut socket, "two").await);
    // As Node opens one.
    let node = [
        ("authorization", bearer.as_str()),
        ("sec-fetch-mode", "websocket"),
    ];
    assert!(echoes(&mut open(&house, &node).await.unwrap(), "node").await);
    let page = [("x-zhongshu-session", session.as_str()), ("origin", &own)];
    assert!(echoes(&mut open(&house, &page).await.unwrap(), "page").await);

    let refused: [Refused<'_>; 6] = [
        (&[], 401, "login_required"),
        (
            &[("authorization", "Bearer zs_nobody")],
            401,
            "token_unknown",
        ),
        (
            &[("authorization", &bearer), ("host", "evil.example")],
            403,
            "foreign_host",
        ),
        (
            &[
                ("authorization", &bearer),
                ("origin", "http://evil.example"),
            ],
            403,
            "foreign_origin",
        ),
        (&[("x-zhongshu-session", &session)], 403, "origin_missing"),
        (
            &[("authorization", &bearer), ("sec-fetch-site", "none")],
            403,
            "origin_missing",
        ),
    ];
    for (headers, status, code) in refused {
        let Err(Error::Http(answer)) = open(&house, headers).await else {
            panic!("{headers:?} got in");
        };
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
        let body =
            String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned();
        assert!(
            body.is_empty() || body.contains(code),
            "{headers:?}: {body}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_web_socket_ends_with_its_credential() {
    let house = House::with(Some(echo())).await;
    let mut mine = open_with(&house, &house.token("mine", Scope::Read)).await;
    let mut others = open_with(&house, &house.token("others", Scope::Read)).await;
    assert!(echoes(&mut mine, "before").await && echoes(&mut others, "before").await);
    let by = Caller::Person {
        via: Via::CommandLine,
    };
    house.access.revoke_token(&by, "mine").unwrap();
    assert!(ends_within(&mut mine, Duration::from_secs(1)).await);
    assert!(echoes(&mut others, "after").await);
    house.close().await;
}

#[tokio::test]
async fn a_web_socket_of_a_mount_that_judges_ends_with_its_credential() {
    let house = House::with(Some(echo().judging())).await;
    let token = house.token("drives", Scope::Harness);
    let mut places = Vec::new();
    for headers in [
        [("x-codex-rbac-token", token.as_str())],
        [("authorization", &format!("Bearer {token}"))],
    ] {
        places.push(open(&house, &headers).await.unwrap());
    }
    for socket in &mut places {
        assert!(echoes(socket, "before").await);
    }
    let wrong = open(&house, &[("x-codex-rbac-token", "nobody")]).await;
    assert!(matches!(wrong, Err(Error::Http(no)) if no.status().as_u16() == 401));
    let by = Caller::Person {
        via: Via::CommandLine,
    };
    house.access.revoke_token(&by, "drives").unwrap();
    for socket in &mut places {
        assert!(ends_within(socket, Duration::from_secs(1)).await);
    }
    house.close().await;
}

#[tokio::test]
async fn a_web_socket_keeps_its_seat_until_it_ends() {
    let house = House::with(Some(echo())).await;
    let token = house.token("greedy", Scope::Read);
    // Those that have ended keep none.
    let mut first = open_with(&house, &token).await;
    for _ in 0..2 * TOKEN_SHARE {
        let mut short = open_with(&house, &token).await;
        short.close(None).await.unwrap();
        assert!(ends_within(&mut short, PATIENCE).await);
    }
    assert!(echoes(&mut first, "first").await);
    let mut sockets = vec![first];
    for _ in 1..TOKEN_SHARE {
        sockets.push(open_with(&house, &token).await);
    }
    for socket in &mut sockets {
        assert!(echoes(socket, "all have a seat").await);
    }
    sockets.push(open_with(&house, &token).await);
    assert!(ends_within(&mut sockets[0], PATIENCE).await);
    for socket in &mut sockets[1..] {
        assert!(echoes(socket, "the oldest gave way alone").await);
    }
    // The end of the server is the end of them.
    let started = std::time::Instant::now();
    house.close().await;
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert!(ends_within(&mut sockets[1], PATIENCE).await);
}
