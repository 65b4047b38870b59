//! The API as an OpenAPI 3.1 document, made of the registration of its routes.

use crate::web::caller::RequireReader;
use crate::web::table::Table;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
};

/// What stands around the operations.
pub(super) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .build();
    let info = InfoBuilder::new()
        .title("zhongshu harness")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Threads of Codex, over HTTP and WebSocket. Paths begin at the address and prefix of the server.",
        ))
        .license(Some(utoipa::openapi::License::new("MIT")))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(
            "bearer",
            [],
        )]))
        .build()
}

/// The route that serves it.
pub(super) fn served(document: &OpenApi) -> Table {
    let text = document.to_json().expect("a document serialises");
    let text = Bytes::from(text);
    let json = HeaderValue::from_static("application/json");
    Table::new().get(
        "/harness/api/openapi.json",
        move |_: RequireReader| async move { ([(CONTENT_TYPE, json)], text).into_response() },
    )
}
