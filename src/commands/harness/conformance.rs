//! `conformance`: runs an extension without a server, tells it of made events, and says what is wrong with it.

use crate::cli::ExitCode;
use crate::commands::error::CommandError;
use crate::domain::shown::shown;
use crate::harness::extensions::Ground;
use crate::harness::extensions::conformance::{self, OfProfile, Report};
use crate::paths::Environment;
use axum::extract::{Path as Named, Query};
use axum::routing::get;
use axum::{Json, Router};
use clap::ArgMatches;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Checks the extension in a folder and prints what was found out.
///
/// # Errors
/// When it could not be tried at all.
pub(super) async fn run(
    given: &ArgMatches,
    cwd: &Path,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let folder = given
        .get_one::<PathBuf>("path")
        .cloned()
        .unwrap_or_default();
    let folder = cwd
        .join(folder)
        .canonicalize()
        .map_err(|error| CommandError::Usage(format!("there is no folder to look at: {error}")))?;
    // Gone with all copies when this is over.
    let ground = tempfile::Builder::new().prefix("zhongshu-").tempdir()?;
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", door.local_addr()?);
    let serving = tokio::spawn(async move { axum::serve(door, made_session()).await });
    let report = conformance::check(
        &Ground {
            state: ground.path().canonicalize()?,
            keeper: std::env::current_exe()?,
            path: environment.get("PATH").map(ToOwned::to_owned),
            url: Some(url),
        },
        &folder,
    )
    .await;
    serving.abort();
    match given.get_flag("json") {
        true => {
            let text = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
            writeln!(out, "{text}")?;
        }
        false => tell(&report, out)?,
    }
    Ok(match report.is_fine() {
        true => ExitCode::Ok,
        false => ExitCode::Failed,
    })
}

/// What extensions may ask for at an event, of a session without any settings.
fn made_session() -> Router {
    let settings = async |Named(id): Named<String>,
                          Query(asked): Query<HashMap<String, String>>| {
        Json(match asked.get("key") {
            Some(key) => {
                json!({"status": "ok", "sessionId": id, "key": key, "found": false, "value": null})
            }
            None => json!({"status": "ok", "sessionId": id, "settings": {}}),
        })
    };
    let session = async |Named(id): Named<String>| -> Json<Value> {
        Json(
            json!({"session": {"sessionId": id, "title": "Greetings"}, "thread": {"id": id, "turns": []}, "transcript": []}),
        )
    };
    let controls = async |Named(id): Named<String>| -> Json<Value> {
        Json(
            json!({"status": "ok", "sessionId": id, "controls": {"approvalPolicy": "on-request", "networkAccess": "restricted", "filesystemSandbox": "workspace-write"}}),
        )
    };
    Router::new()
        .route("/sessions/{id}", get(session))
        .route("/sessions/{id}/settings", get(settings))
        .route("/sessions/{id}/session-controls", get(controls))
}

fn tell(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", shown(&report.fixture_path.display().to_string()))?;
    for profile in &report.profiles {
        of_profile(profile, out)?;
    }
    let portable = if report.portable_extension {
        "yes"
    } else {
        "no"
    };
    writeln!(out, "portable: {portable}")
}

fn of_profile(profile: &OfProfile, out: &mut impl Write) -> io::Result<()> {
    let word = |value: Value| value.as_str().unwrap_or_default().replace('_', " ");
    let (id, version) = (profile.profile_id, &profile.profile_version);
    writeln!(out, "{id} {version}: {}", word(json!(profile.status)))?;
    for event in &profile.events {
        let results = match event.results.is_empty() {
            true => "nothing".to_owned(),
            false => event.results.join(", "),
        };
        writeln!(
            out,
            "  {} ({} ms): {}",
            event.event,
            event.milliseconds,
            shown(&results)
        )?;
    }
    let job = profile.enqueue_job_type.as_deref().unwrap_or("none");
    let enqueued = word(json!(profile.enqueue_status));
    writeln!(out, "  job for a suggestion: {enqueued} ({})", shown(job))?;
    for problem in &profile.errors {
        writeln!(out, "  {}: {}", problem.code, shown(&problem.message))?;
    }
    Ok(())
}
