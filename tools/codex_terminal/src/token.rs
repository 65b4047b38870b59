//! Terminal tokens: 256 random bits each, one to write and one to read. Only their hashes are compared, in
//! constant time; this module never logs or prints one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Look, type and size.
    Write,
    /// Look only.
    Read,
}

/// The two secrets of one terminal.
#[derive(Clone)]
pub struct Tokens {
    /// Allows typing.
    pub write: String,
    /// Allows looking.
    pub read: String,
    write_hash: [u8; 32],
    read_hash: [u8; 32],
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// Draws two fresh tokens from the system's generator.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let (write, read) = (random_token()?, random_token()?);
        Ok(Self {
            write_hash: hash(&write),
            read_hash: hash(&read),
            write,
            read,
        })
    }

    /// What `presented` allows, if anything. Both comparisons always run.
    pub fn check(&self, presented: &str) -> Option<Mode> {
        let hash = hash(presented);
        let write = bool::from(hash.ct_eq(&self.write_hash));
        let read = bool::from(hash.ct_eq(&self.read_hash));
        match (write, read) {
            (true, _) => Some(Mode::Write),
            (false, true) => Some(Mode::Read),
            (false, false) => None,
        }
    }
}

fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_exact_tokens_pass() {
        let tokens = Tokens::generate().unwrap();
        assert_eq!(tokens.check(&tokens.write), Some(Mode::Write));
        assert_eq!(tokens.check(&tokens.read), Some(Mode::Read));
        assert_eq!(tokens.write.len(), 43);
        for wrong in [
            String::new(),
            tokens.write[..42].to_owned(),
            format!("{}A", tokens.write),
            tokens.write.to_lowercase() + "x",
            format!(" {}", tokens.read),
        ] {
            assert_eq!(tokens.check(&wrong), None);
        }
        assert_eq!(Tokens::generate().unwrap().check(&tokens.write), None);
    }
}
