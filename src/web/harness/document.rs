//! The API as an OpenAPI 3.1 document, made of the registration of its routes. What every operation has in common (refusals of the guard, of
//! the gates and of whatever reads a body; examples) is put in here, once.

mod examples;
mod refusals;

pub(super) use refusals::{OfCodex, OfInput};

use super::error::Problem;
use crate::web::role::RequireMember;
use crate::web::table::Table;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
};

/// What stands around the operations.
pub(super) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
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

/// Where it is served.
const PATH: &str = "/harness/api/openapi.json";

/// The methods that an operation may have.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The whole document.
pub(super) fn whole(registered: &OpenApi) -> Value {
    let mut document = serde_json::to_value(registered).expect("a document serialises");
    let components = document["components"].clone();
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        let operations = operations.as_object_mut().into_iter().flatten();
        for (_, operation) in operations.filter(|(name, _)| METHODS.contains(&name.as_str())) {
            refusals::complete(path, operation);
            examples::complete(operation, &components);
        }
    }
    document
}

/// What is served.
pub const TEXT: &str = include_str!("../../../docs/openapi-harness.json");

/// The route that serves it.
pub(super) fn table() -> Table {
    let json = HeaderValue::from_static("application/json");
    Table::new().get(PATH, move |_: RequireMember| async move {
        ([(CONTENT_TYPE, json)], TEXT).into_response()
    })
}
