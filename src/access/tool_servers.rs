//! Which processes may speak for Codex threads over the unix socket. The knowledge of processes is its caller's.

use super::Access;
use std::fmt;
use std::sync::OnceLock;

/// Says whether the process with this id is a tool server of the Codex that is supervised. Quick; may read what the system says of processes.
pub type Kin = Box<dyn Fn(u32) -> bool + Send + Sync>;

/// Nobody, until somebody says who.
#[derive(Default)]
pub(super) struct ToolServers(OnceLock<Kin>);

impl fmt::Debug for ToolServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolServers").finish_non_exhaustive()
    }
}

impl Access {
    /// From now on processes that `kin` knows may speak for Codex threads; before, nobody may.
    pub fn trust_tool_servers(&self, kin: Kin) {
        // A second Codex would be a defect; the first stays.
        self.tool_servers.0.set(kin).ok();
    }

    /// Whether the process at the other end of the socket may speak for a Codex thread.
    pub(crate) fn may_speak_for_threads(&self, pid: Option<u32>) -> bool {
        let kin = self.tool_servers.0.get();
        kin.zip(pid)
            .is_some_and(|(is_tool_server, pid)| is_tool_server(pid))
    }
}
