//! How the page knows that an answer comes from the server that it logged in to.
//!
//! Whoever listens on a port that a server left gets the requests of pages that are still open. So a login gives the page
//! two secrets: one that it sends, which tells us who asks, and one that never leaves either side. With each request the page
//! sends a challenge; the answer carries a MAC of it under the second secret. What answers without that is believed nothing.

use super::secret::{NoEntropy, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Longest challenge that is taken, in characters; the page's own has 22.
const MAX_CHALLENGE: usize = 64;

/// The secret that a browser session proves itself with.
#[derive(Clone)]
pub(crate) struct ProofKey(Hmac<Sha256>);

impl ProofKey {
    /// Draws one; the text is for the page, once.
    pub(super) fn generate() -> Result<(Self, Secret), NoEntropy> {
        let secret = Secret::generate("")?;
        let mac = Hmac::new_from_slice(secret.reveal().as_bytes())
            .expect("a MAC takes a key of any length");
        Ok((Self(mac), secret))
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
        let mut mac = self.0.clone();
        mac.update(format!("zhongshu\n{challenge}\n{method} {target}\n{status}").as_bytes());
        Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proof_holds_for_one_challenge_one_request_and_one_key() {
        let (key, _) = ProofKey::generate().unwrap();
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
        let (other, _) = ProofKey::generate().unwrap();
        assert_ne!(
            other.answer("abc", "GET", "/ui/work?lang=en", 200).unwrap(),
            proof
        );
        for none in ["", "a b", "a\nb", &"a".repeat(65)] {
            assert!(key.answer(none, "GET", "/", 200).is_none(), "{none:?}");
        }
    }
}
