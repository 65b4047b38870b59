//! What the app-server says by itself, as it came, for whoever wants it so.

use super::wire::RequestId;
use serde_json::Value;

/// A notification or a request as it came, before anybody has read it, in the order of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Overheard<'a> {
    /// The whole message.
    pub text: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its parameters.
    pub params: &'a Value,
    /// Its number, when it is a request.
    pub request: Option<&'a RequestId>,
}

impl<'a> Overheard<'a> {
    pub(super) fn of(
        text: &'a str,
        method: &'a str,
        params: &'a Value,
        request: Option<&'a RequestId>,
    ) -> Self {
        Self {
            text,
            method,
            params,
            request,
        }
    }
}

/// Whoever overhears everything. It must not wait: the connection is read by whoever calls it.
pub(super) type Ear = Box<dyn Fn(&Overheard<'_>) + Send + Sync>;
