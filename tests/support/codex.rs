//! Where the real Codex CLI is.
// Each test takes of it what it needs.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

const INSTALLED: &str =
    ".tmp/tools/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// The real Codex CLI: `CODEX_BIN`, else the one that the tests' command installs.
pub fn codex_program() -> PathBuf {
    let named = std::env::var_os("CODEX_BIN").map(PathBuf::from);
    let path = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(INSTALLED));
    assert!(
        path.is_file(),
        "there is no codex at {}; run ./tools/test once, or set CODEX_BIN",
        path.display()
    );
    path.canonicalize().unwrap()
}
