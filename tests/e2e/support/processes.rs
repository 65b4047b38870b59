//! Which processes belong to a house: those whose arguments or environment mention its folder. Ends no others.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use zhongshu::process::{Identity, Signal};

/// The processes of a house at one moment.
#[derive(Debug)]
pub struct Processes(pub Vec<Found>);

/// One of them.
#[derive(Debug, Clone)]
pub struct Found {
    pub identity: Identity,
    pub arguments: Vec<OsString>,
}

impl Found {
    /// Its arguments as one text.
    pub fn line(&self) -> String {
        let words = self.arguments.iter().map(|word| word.to_string_lossy());
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Processes {
    pub fn of(root: &Path) -> Self {
        let needle = root.as_os_str().as_bytes();
        let mentions = |text: &[u8]| text.windows(needle.len()).any(|window| window == needle);
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            if pid == std::process::id() {
                continue;
            }
            let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
            let command = read("cmdline");
            if !mentions(&command) && !mentions(&read("environ")) {
                continue;
            }
            let Some(identity) = Identity::of(pid).filter(Identity::is_alive) else {
                continue;
            };
            let words = command
                .split(|byte| *byte == 0)
                .filter(|word| !word.is_empty());
            let arguments = words
                .map(|word| std::ffi::OsStr::from_bytes(word).to_owned())
                .collect();
            found.push(Found {
                identity,
                arguments,
            });
        }
        Self(found)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those whose arguments, taken as one text, contain `part`.
    pub fn with(&self, part: &str) -> Vec<Found> {
        let fits = |found: &&Found| found.line().contains(part);
        self.0.iter().filter(fits).cloned().collect()
    }

    /// Kills them and waits until they are gone.
    pub fn kill(&self) {
        for found in &self.0 {
            found.identity.signal(Signal::Kill);
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.0.iter().any(|found| found.identity.is_alive()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
