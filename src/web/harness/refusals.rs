//! What any route of a session can say no with, for the document.

use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

/// Every no that has nothing to do with what is asked for.
pub(super) struct OfSession;

const ALL: [(&str, &str); 11] = [
    ("400", "a field does not fit"),
    ("401", "no credential, or Codex needs a login"),
    ("403", "not allowed, or the session belongs to the launcher"),
    ("404", "there is no such session"),
    ("410", "the session was deleted here"),
    ("413", "the body is too large"),
    ("415", "the body is no JSON"),
    ("500", "Codex said no for a reason that is not known here"),
    ("503", "Codex cannot be reached at the moment"),
    ("504", "Codex did not answer in time"),
    ("507", "the journal cannot be written"),
];

impl IntoResponses for OfSession {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = || Content::new(Some(Ref::from_schema_name("Problem")));
        let response = |(status, why): (&str, &str)| {
            let response = ResponseBuilder::new()
                .description(why)
                .content("application/json", problem());
            (status.to_owned(), response.build().into())
        };
        ALL.into_iter().map(response).collect()
    }
}
