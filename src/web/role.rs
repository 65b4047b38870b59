//! What a caller may do under a mount that judges by itself: who it is gives the most, its headers may take some of that away. The guard
//! finds it out once for each request; handlers say by an extractor which role they need.

use crate::access::{Caller, Lease};
use crate::domain::sentence::say;
use crate::domain::shown::shown;
use crate::web::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Ask for a role below one's own.
const ROLE_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-codex-role"),
    HeaderName::from_static("x-codex-rbac-role"),
];

/// Name somebody for whom the caller acts.
const ACTOR_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-codex-actor"),
    HeaderName::from_static("x-codex-rbac-actor"),
];

/// The longest name of somebody, in characters: names and addresses fit; ten times as much would fill the lines of the journal.
const MAX_ACTOR_CHARS: usize = 120;

/// What somebody may do; each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Member,
    /// Changes, inside of the ceilings.
    Admin,
    /// Changes what is the person's own.
    Owner,
}

impl Role {
    const ALL: [Self; 3] = [Self::Member, Self::Admin, Self::Owner];

    /// Its name in headers and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The most that a caller may do; agents may nothing.
    pub fn of(caller: &Caller) -> Option<Self> {
        match caller {
            Caller::Person { .. } => Some(Self::Owner),
            Caller::Harness { .. } => Some(Self::Admin),
            Caller::Reader { .. } | Caller::Extension { .. } => Some(Self::Member),
            Caller::Agent { .. } => None,
        }
    }
}

/// Who acts, and what they may.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Who is asking.
    pub caller: Caller,
    /// What they may, after what their headers took away.
    pub role: Role,
    /// Whom they name, for the journal alone: nothing is decided by it. What nobody sees is spelled out in it.
    pub named: Option<String>,
    /// Ends with their credential.
    pub lease: Lease,
}

impl Acting {
    /// The caller, with what the headers say.
    pub(super) fn of(caller: Caller, lease: Lease, headers: &HeaderMap) -> Result<Self, ApiError> {
        let own = Role::of(&caller)
            .ok_or_else(|| ApiError::forbidden("not_for_agents", say!("refusal.own_tools_only")))?;
        Ok(Self {
            role: lowered(own, headers)?,
            named: named(headers)?,
            caller,
            lease,
        })
    }

    /// What the journal names as the actor. No name of a caller holds a space, so nobody passes for another one by whom they name.
    pub fn actor(&self) -> String {
        let actor = self.caller.actor();
        match &self.named {
            Some(named) => format!("{actor} as {named}"),
            None => actor,
        }
    }

    /// Lets through whoever may at least this.
    ///
    /// # Errors
    /// With both roles.
    pub(super) fn at_least(self, required: Role) -> Result<Self, ApiError> {
        if self.role >= required {
            return Ok(self);
        }
        let (required, role) = (required.word(), self.role.word());
        let details = [("required", required), ("role", role)];
        let details: Map<_, _> = details
            .map(|(name, role)| (name.to_owned(), Value::from(role)))
            .into_iter()
            .collect();
        let error = ApiError::forbidden(
            "insufficient_role",
            say!("refusal.insufficient_role", required, role),
        );
        Err(error.with_details(details))
    }
}

/// The lowest of all that are asked for and the own one.
fn lowered(own: Role, headers: &HeaderMap) -> Result<Role, ApiError> {
    let mut role = own;
    for value in ROLE_HEADERS.iter().flat_map(|name| headers.get_all(name)) {
        let asked = Role::ALL.into_iter().find(|one| value == one.word());
        let asked = asked.ok_or_else(|| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let asked: String = text.chars().take(40).collect();
            ApiError::invalid("invalid_role", say!("refusal.invalid_role", asked))
        })?;
        role = role.min(asked);
    }
    Ok(role)
}

fn named(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut names = ACTOR_HEADERS.into_iter();
    let Some(name) = names.find(|name| headers.contains_key(name)) else {
        return Ok(None);
    };
    let mut values = headers.get_all(name).iter();
    let text = match (values.next(), values.next()) {
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).ok(),
        _ => None,
    };
    let text = text.map(str::trim);
    match text.filter(|text| text.chars().count() <= MAX_ACTOR_CHARS) {
        Some("") => Ok(None),
        Some(text) => Ok(Some(shown(text).into_owned())),
        None => Err(ApiError::invalid(
            "invalid_actor",
            say!("refusal.invalid_actor", most = MAX_ACTOR_CHARS),
        )),
    }
}

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let acting = parts.extensions.get::<Self>().cloned();
        // Where no guard has judged, nobody acts.
        acting.ok_or_else(ApiError::no_credential)
    }
}

macro_rules! extractors {
    ($($(#[$says:meta])* $name:ident: $role:expr;)*) => {$(
        $(#[$says])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Acting);

        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                let acting = Acting::from_request_parts(parts, state).await?;
                acting.at_least($role).map(Self)
            }
        }
    )*};
}

extractors! {
    /// Lets through who may look.
    RequireMember: Role::Member;
    /// Lets through who may change something.
    RequireAdmin: Role::Admin;
    /// Lets through the person alone.
    RequireOwner: Role::Owner;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn headers_take_away_and_never_give() {
        let cases: [(&[(&str, &str)], Role); 6] = [
            (&[], Role::Admin),
            (&[("x-codex-role", "owner")], Role::Admin),
            (&[("x-codex-role", "member")], Role::Member),
            (&[("x-codex-rbac-role", "member")], Role::Member),
            (
                &[("x-codex-role", "owner"), ("x-codex-rbac-role", "member")],
                Role::Member,
            ),
            (
                &[("x-codex-role", "member"), ("x-codex-role", "owner")],
                Role::Member,
            ),
        ];
        for (pairs, expected) in cases {
            let role = lowered(Role::Admin, &headers(pairs)).unwrap();
            assert_eq!(role, expected, "{pairs:?}");
        }
        for wrong in ["", "system", "root", "Owner", "owner,member", "owner "] {
            let asked = headers(&[("x-codex-role", "member"), ("x-codex-rbac-role", wrong)]);
            let error = lowered(Role::Owner, &asked).unwrap_err();
            assert_eq!(error.code, "invalid_role", "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_short_and_shows_all_of_itself() {
        let of = |name: &str| named(&headers(&[("x-codex-actor", name)]));
        assert_eq!(of(" mo ").unwrap().as_deref(), Some("mo"));
        assert_eq!(of("").unwrap(), None);
        assert!(!of("a\u{202e}b").unwrap().unwrap().contains('\u{202e}'));
        assert!(of(&"é".repeat(MAX_ACTOR_CHARS)).unwrap().is_some());
        let long = of(&"é".repeat(MAX_ACTOR_CHARS + 1)).unwrap_err();
        assert_eq!(long.code, "invalid_actor");
        let twice = headers(&[("x-codex-actor", "a"), ("x-codex-actor", "b")]);
        assert_eq!(named(&twice).unwrap_err().code, "invalid_actor");
    }
}
