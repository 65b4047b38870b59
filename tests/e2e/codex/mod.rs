//! The tests, by what they are about. Their names contain `codex`, so that the runner can hold them apart.

mod begins;
mod checks;
mod demo;
mod exchange;
mod failures;
mod forgery;
mod job;
mod kill;
mod limits;
mod messages;
mod obedience;
mod plan_reviews;
mod plans;
mod powers;
mod relay;
mod sandbox;
mod transcript_page;
mod transcripts;
mod usage;
mod work;

use mock_model::RecordedRequest;
use serde_json::Value;

/// How many requests a rule answered.
fn count(requests: &[RecordedRequest], rule: &str) -> usize {
    let by_rule = |request: &&RecordedRequest| request.rule.as_deref() == Some(rule);
    requests.iter().filter(by_rule).count()
}

/// The last request that a rule answered.
fn last_of<'a>(requests: &'a [RecordedRequest], rule: &str) -> Option<&'a RecordedRequest> {
    requests
        .iter()
        .rfind(|request| request.rule.as_deref() == Some(rule))
}

/// The audit events with this name.
fn events<'a>(audit: &'a [Value], name: &str) -> Vec<&'a Value> {
    audit
        .iter()
        .filter(|event| event["event"] == name)
        .collect()
}
