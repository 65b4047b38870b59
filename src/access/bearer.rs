//! What a bearer token is worth: a pass of an extension, or a named token.

use super::tokens::{Scope, TokenError};
use super::{Access, Caller, Grant, Holder, Via};

impl Access {
    /// What a bearer token is worth.
    pub(crate) fn check_token(&self, token: &str) -> Result<Option<Grant>, TokenError> {
        if let Some(grant) = self.check_pass(token) {
            return Ok(Some(grant));
        }
        let Some((scope, lease)) = self.tokens.check(token)? else {
            return Ok(None);
        };
        let Holder::Token { name, .. } = lease.holder.clone() else {
            return Ok(None);
        };
        let caller = match scope {
            Scope::Read => Caller::Reader { name },
            Scope::Harness => Caller::Harness { name },
            Scope::Human => Caller::Person {
                via: Via::Token(name),
            },
        };
        Ok(Some(Grant { caller, lease }))
    }
}
