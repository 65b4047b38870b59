//! The ports that terminals may have. A page's content security policy says once, when it is loaded, what it may show in frames: so the
//! ports are drawn when the launcher starts, before any page is loaded, and each terminal takes one of them.

use crate::paths::Places;
use codex_terminal::descriptor::Descriptor;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::ops::Range;

/// The most interactive terminals there may be, as many of sessions, and some that other programs hold already: a policy of less than
/// 4 KiB. Ten times as many would be more than some clients take as a header.
const COUNT: usize = 160;

/// Below what Linux and macOS give to whoever asks for any port, above what servers have by habit.
const RANGE: Range<u16> = 20_000..32_768;

/// The ports of one launcher's terminals.
#[derive(Debug, Clone)]
pub(super) struct Ports(Vec<u16>);

impl Ports {
    /// New ones, and those of terminals that an earlier launcher left; never `own`, the dashboard's.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn draw(place: &Places, own: u16) -> io::Result<Self> {
        let left = left_behind(place).filter(|port| *port != own);
        let mut ports: BTreeSet<u16> = left.collect();
        let known = ports.len();
        while ports.len() < known + COUNT {
            let mut bytes = [0; 2];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            let port = RANGE.start + u16::from_ne_bytes(bytes) % (RANGE.end - RANGE.start);
            if port != own {
                ports.insert(port);
            }
        }
        Ok(Self(ports.into_iter().collect()))
    }

    pub(super) fn all(&self) -> &[u16] {
        &self.0
    }

    /// Those that nobody of ours has.
    pub(super) fn without(&self, taken: &HashSet<u16>) -> Vec<u16> {
        let free = self.0.iter().filter(|port| !taken.contains(port));
        free.copied().collect()
    }
}

fn left_behind(place: &Places) -> impl Iterator<Item = u16> {
    let entries = std::fs::read_dir(place.terminals()).into_iter().flatten();
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| Descriptor::read(&entry.path()).ok())
        .map(|descriptor| descriptor.port)
}
