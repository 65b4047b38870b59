//! The page's terminal in a Node.js process (`peer.cjs`): takes steps, answers what is on the screen.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use codex_terminal::screen::{PAGE_SCROLLBACK_ROWS, SCROLLBACK_ROWS};
use serde_json::{Value, json};

/// What happens to a terminal.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// Output comes.
    Write(Vec<u8>),
    /// It gets a size.
    Resize(u16, u16),
    /// The page begins anew.
    Reset,
    /// Somebody looks at it.
    Look,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(bytes) => write!(f, "{}", bytes.escape_ascii()),
            Self::Resize(cols, rows) => write!(f, "RESIZE {cols} {rows}"),
            Self::Reset => f.write_str("RESET"),
            Self::Look => f.write_str("LOOK"),
        }
    }
}

impl Step {
    fn to_json(&self) -> Value {
        match self {
            Self::Write(bytes) => json!(["write", STANDARD.encode(bytes)]),
            Self::Resize(cols, rows) => json!(["resize", cols, rows]),
            Self::Reset => json!(["reset"]),
            Self::Look => json!(["look"]),
        }
    }
}

/// What was on a screen, line by line.
pub type Picture = Vec<String>;

/// The process.
pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start() -> Self {
        let modules = Path::new(env!("OUT_DIR")).join("npm/node_modules");
        assert!(
            modules.join("@xterm/headless").is_dir(),
            "there is no @xterm/headless in {}: `cargo clean -p codex-terminal`, then build again, and npm installs it",
            modules.display()
        );
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/xterm/peer.cjs"))
            .arg(modules)
            .arg(PAGE_SCROLLBACK_ROWS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs Node.js: install it, so that `node` is on PATH");
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// What was seen at each look on the way of a fresh terminal.
    pub fn see(&mut self, (cols, rows): (u16, u16), steps: &[Step]) -> Vec<Picture> {
        let steps: Vec<_> = steps.iter().map(Step::to_json).collect();
        let request = json!({"cols": cols, "rows": rows, "keep": SCROLLBACK_ROWS, "steps": steps});
        writeln!(self.input.as_mut().unwrap(), "{request}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("the peer answered {answer:?}: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.input = None;
        self.child.wait().unwrap();
    }
}
