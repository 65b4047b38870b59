//! The route of the stream: what it is asked for, and who gets in.

use super::App;
use super::commands::MAX_COMMAND_BYTES;
use super::error::Problem;
use super::input::Params;
use super::socket::{self, Wanted};
use crate::domain::sentence::say;
use crate::harness::refused::Refused;
use crate::harness::stream::MAX_READERS;
use crate::harness::stream::cursor::Cursor;
use crate::harness::stream::reader::Names;
use crate::web::error::ApiError;
use crate::web::role::RequireMember;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderValue;
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// The largest message that is read at all. What is above a command is answered up to here; what is above this ends the socket.
const MAX_MESSAGE_BYTES: usize = 4 * MAX_COMMAND_BYTES;
/// The largest part of a message that is taken in, so that whoever says a little too much hears why it ends.
const MAX_FRAME_BYTES: usize = 2 * MAX_MESSAGE_BYTES;
/// What is read at once. Commands are small, and there may be many readers.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// How much is told of each event.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Frames {
    /// It by all its names.
    #[default]
    All,
    /// It once.
    One,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Follow this session only.
    #[serde(default)]
    thread_id: Option<String>,
    /// Go on behind this place, as a `cursor` or `<epoch>.<seq>` has named it.
    #[serde(default)]
    after: Option<String>,
    /// One frame for each event, or one for each of its names.
    #[serde(default)]
    #[param(inline)]
    frames: Frames,
    /// Answer each command that is taken.
    #[serde(default)]
    ack: bool,
}

/// Tells of everything as it happens, over a WebSocket.
#[utoipa::path(get, path = "/stream", tag = "system", operation_id = "stream", params(StreamQuery),
    responses((status = 101, description = "A WebSocket. It begins with `ready`; then comes a frame for each event."),
        (status = 400, body = Problem, description = "A parameter has a value that it cannot have."),
        (status = 426, body = Problem, description = "The request asks for no upgrade to a WebSocket."),
        (status = 503, body = Problem, description = "As many streams are open as can be, or the server is stopping.")))]
pub(super) async fn stream(
    RequireMember(acting): RequireMember,
    State(app): State<App>,
    Params(query): Params<StreamQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let after = query.after.as_deref().map(|text| {
        let cursor = Cursor::read(text);
        cursor.ok_or_else(|| Refused::invalid("after", say!("refusal.harness.bad_cursor")))
    });
    let wanted = Wanted {
        thread_id: query.thread_id.filter(|id| !id.is_empty()),
        after: after.transpose()?,
        names: match query.frames {
            Frames::All => Names::All,
            Frames::One => Names::One,
        },
        ack: query.ack,
    };
    let Ok(upgrade) = upgrade else {
        let mut response = ApiError::from(Refused::upgrade_required()).into_response();
        let websocket = HeaderValue::from_static("websocket");
        response.headers_mut().insert(UPGRADE, websocket);
        return Ok(response);
    };
    let seat = app.streams.seat();
    let seat = seat.ok_or_else(|| Refused::too_many_streams(MAX_READERS))?;
    Ok(upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .on_upgrade(move |socket| async move {
            socket::serve(&app, wanted, acting.lease, socket).await;
            drop(seat);
        }))
}
