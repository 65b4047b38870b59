//! How the page knows that an answer comes from the server that it logged in to.
//!
//! Whoever listens on a port that a server left gets the requests of pages that are still open, and what a tab had kept when it is
//! loaded again. So a login gives the page a secret that it sends, which tells us who asks, and a public key that it holds answers
//! against: with each request the page sends a challenge, the answer carries a signature of it. What answers without that is
//! believed nothing, and nothing that a page holds can sign.

use super::secret::{NoEntropy, random_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};

/// Longest challenge that is taken, in characters; the page's own has 22.
const MAX_CHALLENGE: usize = 64;

/// What the answers to a browser session are signed with (Ed25519, RFC 8032).
#[derive(Clone)]
pub(crate) struct ProofKey(SigningKey);

impl ProofKey {
    /// Draws one.
    pub(super) fn generate() -> Result<Self, NoEntropy> {
        Ok(Self(SigningKey::from_bytes(&random_bytes()?)))
    }

    /// What the page holds answers against: the public key, 32 bytes in base64url without padding.
    pub(super) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes())
    }

    /// The proof for the answer of `status` to `method target`; `None` when the challenge is none.
    pub(crate) fn answer(
        &self,
        challenge: &str,
        method: &str,
        target: &str,
        status: u16,
    ) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if challenge.is_empty() || challenge.len() > MAX_CHALLENGE || !challenge.bytes().all(plain)
        {
            return None;
        }
        let said = format!("zhongshu\n{challenge}\n{method} {target}\n{status}");
        Some(URL_SAFE_NO_PAD.encode(self.0.sign(said.as_bytes()).to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proof_holds_for_one_challenge_one_request_and_one_key() {
        let key = ProofKey::generate().unwrap();
        let proof = key.answer("abc", "GET", "/ui/work?lang=en", 200).unwrap();
        assert_eq!(
            key.answer("abc", "GET", "/ui/work?lang=en", 200).unwrap(),
            proof
        );
        for (challenge, method, target, status) in [
            ("abd", "GET", "/ui/work?lang=en", 200),
            ("abc", "POST", "/ui/work?lang=en", 200),
            ("abc", "GET", "/ui/work", 200),
            ("abc", "GET", "/ui/work?lang=en", 201),
        ] {
            assert_ne!(
                key.answer(challenge, method, target, status).unwrap(),
                proof
            );
        }
        let other = ProofKey::generate().unwrap();
        assert_ne!(
            other.answer("abc", "GET", "/ui/work?lang=en", 200).unwrap(),
            proof
        );
        for none in ["", "a b", "a\nb", &"a".repeat(65)] {
            assert!(key.answer(none, "GET", "/", 200).is_none(), "{none:?}");
        }
    }
}
