//! Secrets of 256 random bits and their digests. Only digests are ever kept; a secret exists in the answer that hands
//! it out and nowhere else. It never decides what a secret is good for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// A freshly made secret. It has no `Debug` and no `Display`, so that it cannot end up in a log by accident.
pub struct Secret(String);

impl Secret {
    /// Makes one; `prefix` tells a person (and secret scanners) what it is.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(prefix: &str) -> Result<Self, NoEntropy> {
        let bytes = random_bytes()?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The text, for the one answer that hands it out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

/// 256 random bits.
///
/// # Errors
/// When the system has no random numbers.
pub(super) fn random_bytes() -> Result<[u8; 32], NoEntropy> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy(error.to_string()))?;
    Ok(bytes)
}

/// So many random characters out of 32, five bits each, as a name of a host takes them.
///
/// # Errors
/// When the system has no random numbers.
pub(super) fn random_letters(count: usize) -> Result<String, NoEntropy> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = vec![0_u8; count];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy(error.to_string()))?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    Ok(bytes.into_iter().map(letter).collect())
}

/// The system gave no random numbers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("get random numbers from the system: {0}")]
pub struct NoEntropy(String);

/// SHA-256 of a secret.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digest of what somebody presented.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Its beginning: enough to tell two of our own secrets apart, too little to be one.
    pub(super) fn print(&self) -> String {
        self.hex()[..16].to_owned()
    }

    fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom("a digest is 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0_u8; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_differ_hold_256_bits_and_digests_survive_json() {
        let (first, second) = (
            Secret::generate("p_").unwrap(),
            Secret::generate("p_").unwrap(),
        );
        assert_ne!(first.reveal(), second.reveal());
        assert_eq!(first.reveal().len(), 2 + 43);
        assert!(!first.digest().matches(&second.digest()));
        let json = serde_json::to_string(&first.digest()).unwrap();
        assert!(!json.contains(first.reveal()));
        let back: Digest = serde_json::from_str(&json).unwrap();
        assert!(back.matches(&first.digest()));
        for wrong in ["\"\"", "\"zz\"", "\"é\"", "1"] {
            assert!(serde_json::from_str::<Digest>(wrong).is_err(), "{wrong}");
        }
        assert!(
            serde_json::from_str::<Digest>(&format!("\"{}\"", "+f".repeat(32))).is_err(),
            "signs are no digits"
        );
    }
}
