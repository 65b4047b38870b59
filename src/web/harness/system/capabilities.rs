//! What the installed Codex can do.

use super::super::App;
use super::super::input::Params;
use crate::codex::Status;
use crate::harness::capabilities::{Capabilities, Standing};
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::role::RequireMember;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CapabilitiesQuery {
    /// Has Codex tell of its methods anew: it may be another one meanwhile.
    #[serde(default)]
    refresh: bool,
}

/// What Codex can do.
#[derive(Serialize, ToSchema)]
pub(super) struct CapabilitiesView {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    runtime: RuntimeView,
    /// Every method that Codex has or that an operation needs.
    methods: BTreeMap<String, MethodStatus>,
    /// The same, with the reason where there is one.
    details: BTreeMap<String, MethodView>,
    /// Every experimental feature of Codex, and whether it is on; empty while Codex cannot be asked.
    features: BTreeMap<String, bool>,
}

/// How it stands with what is known.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RuntimeView {
    /// Whether Codex can be asked.
    initialized: bool,
    /// When Codex told of its methods; `null`: never.
    capabilities_last_updated_at: Option<DateTime<Utc>>,
}

/// Whether a method may be used.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MethodStatus {
    /// Codex has it.
    Available,
    /// Codex has it not, or a person has not allowed it.
    Disabled,
    /// Codex does not tell.
    Unknown,
}

/// Whether a method may be used, and why not.
#[derive(Serialize, ToSchema)]
struct MethodView {
    status: MethodStatus,
    /// Why not; `null` where there is nothing to say.
    reason: Option<String>,
}

impl From<&Standing> for MethodView {
    fn from(standing: &Standing) -> Self {
        let (status, reason) = match standing {
            Standing::Available => (MethodStatus::Available, None),
            Standing::Disabled(reason) => (MethodStatus::Disabled, Some(reason)),
            Standing::Unknown(reason) => (MethodStatus::Unknown, Some(reason)),
        };
        let reason = reason.map(ToString::to_string);
        Self { status, reason }
    }
}

/// Says what the installed Codex can do, from the schema that it prints. No method is called to find out.
#[utoipa::path(get, path = "/capabilities", tag = "discovery", operation_id = "capabilities",
    params(CapabilitiesQuery), responses((status = 200, body = CapabilitiesView), OfInput))]
pub(super) async fn capabilities(
    _: RequireMember,
    State(app): State<App>,
    Params(query): Params<CapabilitiesQuery>,
) -> Result<Json<CapabilitiesView>, ApiError> {
    let initialized = app
        .codex()
        .is_ok_and(|codex| matches!(&*codex.status().borrow(), Status::Ready { .. }));
    let Capabilities {
        last_updated_at,
        methods,
        features,
    } = app.capabilities(query.refresh).await;
    let details: BTreeMap<_, _> = methods
        .iter()
        .map(|(name, standing)| (name.clone(), MethodView::from(standing)))
        .collect();
    Ok(Json(CapabilitiesView {
        status: "ok",
        runtime: RuntimeView {
            initialized,
            capabilities_last_updated_at: last_updated_at,
        },
        methods: details
            .iter()
            .map(|(name, view)| (name.clone(), view.status))
            .collect(),
        details,
        features,
    }))
}
