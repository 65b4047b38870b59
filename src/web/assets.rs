//! The dashboard's own scripts, styles and dictionaries, embedded in the binary. They hold no data, so they need no
//! credential; nothing else is ever served from here, and nothing third-party is among them.

use crate::access::Secret;
use crate::domain::sentence::say;
use crate::web::error::ApiError;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Browsers ask each time whether the file is still the same: names carry no hash, and after an upgrade of the launcher
/// a page made of old and new modules would be worse than a few answers of 304.
const CACHE: &str = "no-cache";

/// What the page's own worker is called below `/assets/` in this run; nobody could know it before, so no worker that was left at this
/// address by another has its name. `None` without random numbers: then there is no worker, and no notification.
static WORKER: LazyLock<Option<String>> = LazyLock::new(|| {
    let name = Secret::generate("worker-").ok()?;
    Some(format!("{}.js", name.reveal()))
});

/// The file behind it.
const WORKER_FILE: &str = "worker.js";

/// The name of the page's own worker below `/assets/`.
pub fn worker() -> Option<&'static str> {
    WORKER.as_deref()
}

/// Whether this path of a request is that of the page's own worker.
pub fn is_worker(path: &str) -> bool {
    path.strip_prefix("/assets/")
        .is_some_and(|name| Some(name) == worker())
}

/// Answers `GET /assets/{*path}`.
pub async fn handler(Path(path): Path<String>, headers: HeaderMap) -> Response {
    respond(&path, &headers)
}

/// The names of all assets.
pub fn names() -> impl Iterator<Item = String> {
    Files::iter().map(|name| name.into_owned())
}

/// The text of an asset, if there is one of that name and it is text.
pub fn text(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    String::from_utf8(file.data.into_owned()).ok()
}

fn respond(path: &str, headers: &HeaderMap) -> Response {
    // Under its own name alone: a worker is looked for at the address that it was registered with.
    let path = match path {
        WORKER_FILE => return unknown(),
        path if Some(path) == worker() => WORKER_FILE,
        path => path,
    };
    let (Some(file), Some(content_type)) = (Files::get(path), content_type(path)) else {
        return unknown();
    };
    let etag = format!(
        "\"{}\"",
        crate::domain::hex::hex(&file.metadata.sha256_hash()[..16])
    );
    let fixed = [
        (CACHE_CONTROL, CACHE.to_owned()),
        (ETAG, etag.clone()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if matches_etag(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (
        fixed,
        [(CONTENT_TYPE, content_type)],
        file.data.into_owned(),
    )
        .into_response()
}

fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| matches!(tag.trim().trim_start_matches("W/"), known if known == etag || known == "*"))
}

/// The types that are served; a file of any other kind is no asset.
fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

fn unknown() -> Response {
    ApiError::not_found("unknown_path", say!("refusal.unknown_asset")).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    async fn get(path: &str, etag: Option<&str>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, etag.parse().unwrap());
        }
        let response = handler(Path(path.to_owned()), headers).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        (parts.status, parts.headers, bytes)
    }

    #[tokio::test]
    async fn every_asset_has_its_type_and_a_tag_that_saves_the_second_transfer() {
        let mut seen = 0;
        for name in names() {
            if name == WORKER_FILE {
                assert_eq!(get(&name, None).await.0, StatusCode::NOT_FOUND);
                continue;
            }
            let (status, headers, body) = get(&name, None).await;
            assert_eq!(status, StatusCode::OK, "{name}");
            assert!(!body.is_empty(), "{name}");
            let expected = match name.rsplit_once('.').unwrap().1 {
                "css" => "text/css; charset=utf-8",
                "js" => "text/javascript; charset=utf-8",
                "json" => "application/json",
                "svg" => "image/svg+xml",
                "webmanifest" => "application/manifest+json",
                other => panic!("{name}: nobody knows what .{other} is"),
            };
            assert_eq!(headers[CONTENT_TYPE], expected, "{name}");
            assert_eq!(headers[CACHE_CONTROL], "no-cache", "{name}");
            let etag = headers[ETAG].to_str().unwrap().to_owned();
            for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
                let (status, headers, body) = get(&name, Some(&known)).await;
                assert_eq!(status, StatusCode::NOT_MODIFIED, "{name} {known}");
                assert_eq!(headers[ETAG], etag.as_str());
                assert!(body.is_empty());
            }
            assert_eq!(get(&name, Some("\"other\"")).await.0, StatusCode::OK);
            seen += 1;
        }
        assert!(seen > 10, "only {seen} assets");
    }

    #[tokio::test]
    async fn the_worker_is_served_under_the_name_of_this_run_alone() {
        let name = worker().unwrap();
        assert!(is_worker(&format!("/assets/{name}")) && name.len() > 40);
        for other in ["/assets/worker.js", "/worker.js", "/assets/"] {
            assert!(!is_worker(other), "{other}");
        }
        let (status, headers, body) = get(name, None).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let text = String::from_utf8(body).unwrap();
        // It answers no request in the page's name, and keeps nothing.
        assert!(text.contains("notificationclick") && !text.contains("'fetch'"));
    }

    #[tokio::test]
    async fn unknown_assets_get_the_error_shape_and_never_a_file_from_elsewhere() {
        for path in [
            "nothing.js",
            "",
            "../Cargo.toml",
            "/etc/passwd",
            "i18n",
            "app.js/",
        ] {
            let (status, _, body) = get(path, None).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                (&body["ok"], &body["code"]),
                (&json!(false), &json!("unknown_path"))
            );
        }
    }
}
