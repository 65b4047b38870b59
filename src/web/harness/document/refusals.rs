//! Which refusals an operation may answer with.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// A status, an example of its `code`, and when it is answered.
type Refusal = (u16, &'static str, &'static str);

/// Every request meets these.
const OF_EVERY: [Refusal; 4] = [
    (
        401,
        "login_required",
        "No credential, or one that does not hold.",
    ),
    (
        403,
        "person_only",
        "The credential allows less than this, or a person allows nobody this.",
    ),
    (500, "internal", "Something failed inside the server."),
    (
        503,
        "codex_unavailable",
        "Codex cannot be asked at the moment, or the server is stopping.",
    ),
];

/// Whatever is about one session meets these.
const OF_SESSION: [Refusal; 2] = [
    (404, "not_found", "There is no such session."),
    (410, "session_deleted", "The session was deleted here."),
];

/// Whatever takes a body or parameters meets the first of these; a body the others as well.
const OF_INPUT: [Refusal; 1] = [(
    400,
    "invalid_request",
    "A field is missing, or has a value that it cannot have; `issues` names it.",
)];
const OF_BODY: [Refusal; 4] = [
    (400, "invalid_request", "The body is not what is expected."),
    (408, "body_too_slow", "The body did not arrive in time."),
    (413, "body_too_large", "The body is larger than 1 MiB."),
    (415, "content_type", "The body is not JSON."),
];

/// Whatever goes to Codex meets these.
const OF_CODEX: [Refusal; 8] = [
    (
        400,
        "invalid_params",
        "A value is missing, or not one that Codex takes.",
    ),
    (
        401,
        "auth_required",
        "No credential, or one that does not hold; or Codex is not logged in.",
    ),
    (404, "not_found", "What the request names is not there."),
    (409, "invalid_state", "This cannot be done at the moment."),
    (413, "too_large", "More than the server or Codex takes."),
    (500, "codex_error", "Codex failed; `message` is its own."),
    (
        501,
        "method_not_supported",
        "The installed Codex cannot do this.",
    ),
    (504, "codex_timeout", "Codex did not answer in time."),
];

/// What others answer with, by status, for their examples.
const OTHERS: [(u16, &str); 7] = [
    (404, "not_found"),
    (409, "invalid_state"),
    (423, "locked"),
    (426, "upgrade_required"),
    (429, "queue_full"),
    (501, "method_not_supported"),
    (507, "read_only"),
];

/// Refusals of whatever takes a body or parameters.
pub(in crate::web::harness) struct OfInput;

/// Refusals of whatever goes to Codex.
pub(in crate::web::harness) struct OfCodex;

impl IntoResponses for OfInput {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&OF_INPUT)
    }
}

impl IntoResponses for OfCodex {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&OF_CODEX)
    }
}

fn responses(refusals: &[Refusal]) -> BTreeMap<String, RefOr<Response>> {
    let response = |description: &str| {
        let problem = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(problem)).build();
        ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build()
    };
    let all = refusals
        .iter()
        .map(|(status, _, description)| (status.to_string(), response(description).into()));
    all.collect()
}

/// Adds to an operation the refusals that it does not name itself.
pub(super) fn complete(path: &str, operation: &mut Value) {
    let mut all: Vec<Refusal> = OF_EVERY.into();
    if path.contains("{sessionId}") {
        all.extend(OF_SESSION);
    }
    if !operation["parameters"].is_null() && operation["responses"]["400"].is_object() {
        all.extend(OF_INPUT);
    }
    if operation["requestBody"].is_object() {
        all.extend(OF_BODY);
    }
    let answers = operation["responses"].as_object_mut();
    let answers = answers.expect("every operation answers");
    for (status, _, description) in all {
        let answer = answers.entry(status.to_string()).or_insert(Value::Null);
        if answer.is_null() {
            let schema = json!({"$ref": "#/components/schemas/Problem"});
            *answer = json!({
                "description": description,
                "content": {"application/json": {"schema": schema}},
            });
        }
        if is_nameless(answer) {
            answer["description"] = description.into();
        }
    }
    for (status, answer) in answers.iter_mut().filter(|(_, answer)| is_nameless(answer)) {
        let description = match status.starts_with('2') {
            true => "It was done.".to_owned(),
            false => status
                .parse()
                .map_or_else(|_| String::new(), |status| code(status).replace('_', " ")),
        };
        answer["description"] = description.into();
    }
}

fn is_nameless(answer: &Value) -> bool {
    answer["description"]
        .as_str()
        .unwrap_or_default()
        .is_empty()
}

/// The `code` that a refusal may have.
pub(super) fn code(status: u16) -> &'static str {
    let tables: [&[Refusal]; 5] = [&OF_CODEX, &OF_EVERY, &OF_SESSION, &OF_INPUT, &OF_BODY];
    let ours = tables
        .into_iter()
        .flatten()
        .map(|(status, code, _)| (*status, *code));
    let mut all = ours.chain(OTHERS);
    all.find(|(it, _)| *it == status)
        .map_or("refused", |(_, code)| code)
}
