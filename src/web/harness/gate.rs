//! Which thread a request is about, and whether it may be: 410, then 403, then 404. A handler says by its parameter which of these it has
//! passed, and cannot have forgotten one.

use super::App;
use crate::harness::index::Known;
use crate::web::error::ApiError;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use std::collections::HashMap;

/// A thread that may be driven.
#[derive(Debug, Clone)]
pub struct Drivable(pub Known);

/// A thread that may be read, also the system's.
#[derive(Debug, Clone)]
pub struct Readable(pub Known);

/// What stands in the path under this name. Ids are opaque: whatever it is, it names something or nothing.
pub(super) async fn named(parts: &mut Parts, name: &str) -> Result<String, ApiError> {
    let path = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await;
    let found = path.ok().and_then(|Path(mut all)| all.remove(name));
    Ok(found.unwrap_or_default())
}

impl FromRequestParts<App> for Drivable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let id = named(parts, "sessionId").await?;
        app.knows_all().await;
        Ok(Self(app.drivable(&id)?))
    }
}

impl FromRequestParts<App> for Readable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let id = named(parts, "sessionId").await?;
        app.knows_all().await;
        Ok(Self(app.readable(&id)?))
    }
}
