//! The ports that terminals may have. A page's content security policy says once, when it is loaded, what it may show in frames: so the
//! ports are drawn when the launcher starts, before any page is loaded, and each terminal takes one of them.

use crate::paths::Places;
use codex_terminal::descriptor::Descriptor;
use codex_terminal::spec::Spec;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::ops::Range;

/// The most interactive terminals there may be, as many of sessions, and some that other programs hold already: a policy of less than
/// 4 KiB, and twice that where a terminal was being born when the launcher before was killed. Ten times as many would be more than some clients take as a header.
const COUNT: usize = 160;

/// Below what Linux and macOS give to whoever asks for any port, above what servers have by habit.
const RANGE: Range<u16> = 20_000..32_768;

/// The ports of one launcher's terminals.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    /// What this launcher gives to its own. An earlier one's are not among them: what a launcher that is killed leaves behind stays
    /// as little as it was.
    own: Vec<u16>,
    /// These, and what terminals of earlier launchers have or may be about to take.
    all: Vec<u16>,
}

impl Ports {
    /// New ones, and those of terminals that an earlier launcher left; never `own`, the dashboard's.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn draw(place: &Places, own: u16) -> io::Result<Self> {
        let left: BTreeSet<u16> = left_behind(place).into_iter().collect();
        let mut ports = BTreeSet::new();
        while ports.len() < COUNT {
            let mut bytes = [0; 2];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            let port = RANGE.start + u16::from_ne_bytes(bytes) % (RANGE.end - RANGE.start);
            if port != own && !left.contains(&port) {
                ports.insert(port);
            }
        }
        let all = ports.union(&left).copied().filter(|port| *port != own);
        Ok(Self {
            all: all.collect(),
            own: ports.into_iter().collect(),
        })
    }

    pub(super) fn all(&self) -> &[u16] {
        &self.all
    }

    /// Those for a new terminal: nobody of ours has them.
    pub(super) fn without(&self, taken: &HashSet<u16>) -> Vec<u16> {
        let free = self.own.iter().filter(|port| !taken.contains(port));
        free.copied().collect()
    }
}

/// The port of each terminal that an earlier launcher started. One that has no descriptor was being born when its launcher was killed:
/// it takes the first port that is free of those that its spec names, so it may be any of them.
fn left_behind(place: &Places) -> Vec<u16> {
    let entries = std::fs::read_dir(place.terminals()).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let ports = paths.map(|path| match (Descriptor::read(&path), Spec::read(&path)) {
        (Ok(born), _) => vec![born.port],
        // It may have been born since the folder was listed.
        (Err(_), Ok(spec)) => match spec.descriptor_path.as_deref().map(Descriptor::read) {
            Some(Ok(born)) => vec![born.port],
            _ => spec.ports,
        },
        (Err(_), Err(_)) => Vec::new(),
    });
    ports.flatten().collect()
}
