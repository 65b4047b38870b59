//! What an extension says of itself, in `extension.manifest.json`. Read strictly: a word that is not known here may be one on which its
//! author relies.

use super::compatibility::Runtime;
use super::content::Files;
use super::fault::{Code, Fault};
use super::program::Program;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::is_hidden;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Its name in the folder.
pub const FILE: &str = "extension.manifest.json";
/// The most bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// The most brackets in brackets. The format has four.
const MAX_DEPTH: usize = 8;
/// The most characters of a name.
const MAX_NAME: usize = 120;
/// The most characters of the id, which names a folder.
const MAX_ID: usize = 64;
/// The most words of the command line, and the most characters of each.
const MAX_WORDS: (usize, usize) = (32, 1024);

/// Who an extension is: it names a folder, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(pub String);

impl AgentId {
    /// What the journal names as the actor of what it does.
    pub fn actor(&self) -> String {
        format!("extension:{}", self.0)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who it is here.
    pub agent_id: AgentId,
    /// What a person calls it.
    pub display_name: String,
    /// What it was written for.
    #[serde(default)]
    pub runtime: Runtime,
    /// Files of it.
    #[serde(default)]
    pub entrypoints: Entrypoints,
    /// What it is going to do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Its program with arguments, run in its folder; without one it is a module of Node.
    #[serde(default)]
    pub command: Vec<String>,
}

/// Files of an extension, by their paths in its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entrypoints {
    /// Its program; the first word of `command` that names a file says more. Without `command`, the module that Node runs.
    pub events: Option<String>,
    /// What workers are told first.
    pub orientation: Option<String>,
    /// What workers are told besides.
    pub instructions: Option<String>,
    /// Its own settings.
    pub config: Option<String>,
}

/// What an extension is going to do; `*` stands for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// Events that it hears of.
    pub events: Vec<String>,
    /// Actions that it asks for.
    pub actions: Vec<String>,
}

impl Manifest {
    /// Reads the manifest of a folder with these files, and holds them against it.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn read(files: &Files) -> Result<Self, Fault> {
        let invalid = |message: Sentence| Fault::new(Code::InvalidManifest, message);
        let file = files
            .get(FILE)
            .ok_or_else(|| invalid(say!("reason.extension.no_manifest", file = FILE)))?;
        let manifest = Self::parse(&file.bytes).map_err(invalid)?;
        let missing = |path: &str| {
            let message = say!("reason.extension.no_such_file", path);
            Fault::new(Code::MissingEntrypoint, message)
        };
        let own_program = match manifest.program()? {
            Program::Own([program, ..]) if program.contains('/') => {
                Some(program.trim_start_matches("./"))
            }
            Program::Own(_) | Program::Module(_) => None,
        };
        let entrypoints = &manifest.entrypoints;
        let named = [
            &entrypoints.events,
            &entrypoints.orientation,
            &entrypoints.instructions,
            &entrypoints.config,
        ];
        let named = named.into_iter().flatten().map(String::as_str);
        for path in named.chain(own_program) {
            if !files.contains_key(path.trim_start_matches("./")) {
                return Err(missing(path));
            }
        }
        Ok(manifest)
    }

    /// What runs it.
    ///
    /// # Errors
    /// When it names nothing that does.
    pub fn program(&self) -> Result<Program<'_>, Fault> {
        Program::of(&self.command, self.entrypoints.events.as_deref())
    }

    /// Reads one without a look at its folder.
    fn parse(bytes: &[u8]) -> Result<Self, Sentence> {
        if bytes.len() > MAX_BYTES {
            return Err(say!(
                "reason.extension.manifest_too_long",
                kib = MAX_BYTES >> 10
            ));
        }
        if depth(bytes) > MAX_DEPTH {
            return Err(say!("reason.extension.manifest_too_deep", most = MAX_DEPTH));
        }
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| say!("reason.extension.manifest_unreadable", error))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), Sentence> {
        let names = [("name", &self.name), ("displayName", &self.display_name)];
        for (field, text) in names {
            let length = text.chars().count();
            let is_plain = !text.trim().is_empty() && length <= MAX_NAME;
            if !is_plain || text.contains(is_hidden) {
                return Err(say!("reason.extension.bad_name", field, most = MAX_NAME));
            }
        }
        if Version::parse(&self.version).is_err() {
            return Err(say!("reason.extension.bad_version"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let AgentId(id) = &self.agent_id;
        let starts = id.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts || id.len() > MAX_ID || !id.chars().all(plain) {
            return Err(say!("reason.extension.bad_id", most = MAX_ID));
        }
        let entrypoints = &self.entrypoints;
        let paths = [
            ("entrypoints.events", &entrypoints.events),
            ("entrypoints.orientation", &entrypoints.orientation),
            ("entrypoints.instructions", &entrypoints.instructions),
            ("entrypoints.config", &entrypoints.config),
        ];
        for (field, path) in paths {
            let Some(path) = path else { continue };
            if path.is_empty() || path.ends_with('/') || leaves(path) {
                return Err(say!("reason.extension.bad_path", field));
            }
        }
        let (words, characters) = MAX_WORDS;
        let is_odd = |word: &String| {
            word.chars().count() > characters || word.contains('\0') || leaves(word)
        };
        let has_program = self.command.first().is_none_or(|it| !it.is_empty());
        if self.command.len() > words || !has_program || self.command.iter().any(is_odd) {
            return Err(say!("reason.extension.bad_command", words, characters));
        }
        let capabilities = &self.capabilities;
        for (field, all) in [
            ("capabilities.events", &capabilities.events),
            ("capabilities.actions", &capabilities.actions),
        ] {
            if all.len() > 512 || all.iter().any(|it| it.is_empty() || it.len() > MAX_NAME) {
                return Err(say!("reason.extension.bad_capability", field));
            }
        }
        Ok(())
    }
}

/// Whether a path leads out of the folder that it is read in: then what it names is not part of what a person trusts.
fn leaves(path: &str) -> bool {
    path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..")
}

/// How deep the brackets of a JSON text go. What is no JSON has some depth as well.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::content::File;
    use super::*;
    use serde_json::{Value, json};

    fn manifest() -> Value {
        json!({
            "name": "reviewer", "version": "1.2.3", "agentId": "reviewer", "displayName": "The reviewer",
            "runtime": {"coreApiVersion": 1}, "entrypoints": {"events": "main.py"},
            "capabilities": {"events": ["turn.completed"], "actions": []},
            "command": ["python3", "main.py"],
        })
    }

    fn read(manifest: &Value) -> Result<Manifest, Fault> {
        let file = |text: String| File {
            is_executable: false,
            bytes: text.into_bytes(),
        };
        let files = [(FILE, manifest.to_string()), ("main.py", String::new())];
        let files = files.map(|(path, text)| (path.to_owned(), file(text)));
        Manifest::read(&files.into())
    }

    fn with(changes: Value) -> Result<Manifest, Fault> {
        let mut changed = manifest();
        for (key, value) in changes.as_object().unwrap() {
            changed[key] = value.clone();
        }
        read(&changed)
    }

    #[test]
    fn a_manifest_is_read() {
        let read = read(&manifest()).unwrap();
        assert_eq!(
            (read.agent_id.0.as_str(), read.command.len()),
            ("reviewer", 2)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_kind() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        for wrong in [
            json!({"name": ""}),
            json!({"name": "a\u{202e}b"}),
            json!({"displayName": "x".repeat(121)}),
            json!({"version": "1"}),
            json!({"agentId": "../up"}),
            json!({"agentId": ".hidden"}),
            json!({"agentId": "a b"}),
            json!({"entrypoints": {"events": "../main.py"}}),
            json!({"entrypoints": {"events": "/main.py"}}),
            json!({"entrypoints": {"other": "main.py"}}),
            json!({"command": ["/usr/bin/python3"]}),
            json!({"command": ["python3", "a/../../main.py"]}),
            json!({"command": ["python3", "/tmp/main.py"]}),
            json!({"command": [""]}),
            json!({"capabilities": {"events": [""]}}),
            json!({"runtime": {"coreApi": 1}}),
            json!({"unheard": 1}),
            json!({"capabilities": deep}),
            json!({"name": "x".repeat(70_000)}),
        ] {
            let fault = with(wrong.clone()).unwrap_err();
            assert_eq!(fault.code, Code::InvalidManifest, "{}", fault.message);
        }
        for missing in [
            json!({"command": []}),
            json!({"command": ["./run"]}),
            json!({"entrypoints": {"orientation": "other.md"}}),
        ] {
            let fault = with(missing).unwrap_err();
            assert_eq!(fault.code, Code::MissingEntrypoint, "{}", fault.message);
        }
        assert!(with(json!({"command": ["./main.py"]})).is_ok());
    }

    #[test]
    fn brackets_in_texts_are_none() {
        assert_eq!(depth(br#"{"a": "[[[\"[[", "b": [[]]}"#), 3);
        assert_eq!(depth(b""), 0);
    }
}
