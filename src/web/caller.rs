//! Extractors by which a handler says who may call it. They read what the guard has found out; a route that the guard
//! never saw lets nobody through.

use crate::access::{Caller, Lease};
use crate::domain::sentence::say;
use crate::web::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Lets only the person through.
#[derive(Debug, Clone)]
pub struct RequirePerson(pub Caller);

/// Lets whoever may look through: the person, readers and tokens for the harness API, never an agent.
#[derive(Debug, Clone)]
pub struct RequireReader(pub Caller);

/// Lets only the tool server through; holds the thread of the agent it speaks for.
#[derive(Debug, Clone)]
pub struct RequireAgent(pub String);

/// For whom addresses of terminals are made: the person, under the credential of this request; nobody else gets any.
#[derive(Debug, Clone)]
pub struct Opener(pub Option<Lease>);

fn caller(parts: &Parts) -> Result<Caller, ApiError> {
    parts
        .extensions
        .get::<Caller>()
        .cloned()
        .ok_or_else(ApiError::no_credential)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        caller(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for RequirePerson {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.is_person() {
            return Ok(Self(caller));
        }
        Err(ApiError::forbidden(
            "person_only",
            say!("refusal.person_only"),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for RequireReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match caller(parts)? {
            Caller::Agent { .. } | Caller::Extension { .. } => Err(ApiError::forbidden(
                "not_for_agents",
                say!("refusal.own_tools_only"),
            )),
            caller => Ok(Self(caller)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequireAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match caller(parts)? {
            Caller::Agent { thread_id } => Ok(Self(thread_id)),
            _ => Err(ApiError::forbidden(
                "agents_only",
                say!("refusal.tools_only"),
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Opener {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lease = parts.extensions.get::<Lease>().cloned();
        Ok(Self(lease.filter(|_| {
            caller(parts).is_ok_and(|caller| caller.is_person())
        })))
    }
}

impl<S: Sync> FromRequestParts<S> for Lease {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(ApiError::no_credential)
    }
}
