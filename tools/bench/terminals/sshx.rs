//! sshx's messages: CBOR maps with one entry, terminal bytes encrypted with AES-128 in counter mode under a key that Argon2
//! makes of the address's fragment.

use aes::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use anyhow::{Context, ensure};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::cbor::{self, ARRAY, BYTES, MAP, Reader, TEXT, UINT};

type Cipher = ctr::Ctr64BE<aes::Aes128>;

/// Public, and the same for all sessions.
const SALT: &[u8] =
    b"This is a non-random salt for sshx.io, since we want to stretch the security of 83-bit keys!";

/// The key of one session.
#[derive(Clone)]
pub struct Key([u8; 16]);

impl Key {
    /// From the address's fragment.
    pub fn new(fragment: &str) -> anyhow::Result<Self> {
        let params = Params::new(19 * 1024, 2, 1, Some(16)).map_err(anyhow::Error::msg)?;
        let mut key = [0; 16];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(fragment.as_bytes(), SALT, &mut key)
            .map_err(anyhow::Error::msg)?;
        Ok(Self(key))
    }

    /// What proves that we know the key.
    pub fn proof(&self) -> [u8; 16] {
        let mut zeros = [0; 16];
        self.apply(0, 0, &mut zeros);
        zeros
    }

    /// Encrypts or decrypts what lies at `offset` of a stream.
    pub fn apply(&self, stream: u64, offset: u64, bytes: &mut [u8]) {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&stream.to_be_bytes());
        let mut cipher = Cipher::new(&self.0.into(), &nonce.into());
        cipher.seek(offset);
        cipher.apply_keystream(bytes);
    }
}

/// The stream of a shell's output.
pub fn output_stream(shell: u64) -> u64 {
    1 << 32 | shell
}

/// The stream of all input.
pub const INPUT_STREAM: u64 = 2 << 32;

/// `{"authenticate": [proof, null]}`
pub fn authenticate(key: &Key) -> Vec<u8> {
    let mut out = message("authenticate", 2);
    cbor::string(&mut out, BYTES, &key.proof());
    out.push(0xf6);
    out
}

/// `{"create": [0, 0]}`
pub fn create() -> Vec<u8> {
    let mut out = message("create", 2);
    cbor::head(&mut out, UINT, 0);
    cbor::head(&mut out, UINT, 0);
    out
}

/// `{"subscribe": [shell, 0]}`
pub fn subscribe(shell: u64) -> Vec<u8> {
    let mut out = message("subscribe", 2);
    cbor::head(&mut out, UINT, shell);
    cbor::head(&mut out, UINT, 0);
    out
}

/// `{"data": [shell, encrypted bytes, offset]}`
pub fn data(key: &Key, shell: u64, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    key.apply(INPUT_STREAM, offset, &mut bytes);
    let mut out = message("data", 3);
    cbor::head(&mut out, UINT, shell);
    cbor::string(&mut out, BYTES, &bytes);
    cbor::head(&mut out, UINT, offset);
    out
}

fn message(name: &str, fields: u64) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::head(&mut out, MAP, 1);
    cbor::string(&mut out, TEXT, name.as_bytes());
    cbor::head(&mut out, ARRAY, fields);
    out
}

/// What the server says, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub enum FromServer {
    /// All shells.
    Shells(Vec<u64>),
    /// Output of a shell from this offset on; the bytes are in the caller's buffer, still encrypted.
    Chunks(u64, u64),
    /// Anything else.
    Other,
}

/// Reads one message.
pub fn parse(message: &[u8], into: &mut Vec<u8>) -> anyhow::Result<FromServer> {
    let mut reader = Reader(message);
    ensure!(reader.expect(MAP)? == 1, "a message of several parts");
    match reader.string(TEXT)? {
        b"invalidAuth" => anyhow::bail!("sshx refused the key"),
        b"shells" => {
            let mut shells = Vec::new();
            for _ in 0..reader.expect(ARRAY)? {
                ensure!(reader.expect(ARRAY)? == 2, "a shell of another shape");
                shells.push(reader.expect(UINT)?);
                reader.skip()?;
            }
            Ok(FromServer::Shells(shells))
        }
        b"chunks" => {
            ensure!(reader.expect(ARRAY)? == 3, "chunks of another shape");
            let (shell, offset) = (reader.expect(UINT)?, reader.expect(UINT)?);
            into.clear();
            for _ in 0..reader.expect(ARRAY)? {
                into.extend_from_slice(reader.string(BYTES).context("a chunk")?);
            }
            Ok(FromServer::Chunks(shell, offset))
        }
        _ => Ok(FromServer::Other),
    }
}
