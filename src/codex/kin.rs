//! Whether a process is a tool server that the supervised app-server itself started. A thread's id is no secret: who may speak for a thread
//! is told by the process tree, as far as the system shows one.

use super::server::Descriptor;
use crate::process::Identity;
use std::ffi::OsStr;
use std::path::Path;

/// Where Codex came as a wrapper, that one stands between us and the real app-server.
const MAX_WRAPPERS: usize = 2;

/// Whether `pid` runs `zhongshu mcp` for the state folder `state` as a child of the app-server that the descriptor names.
///
/// On systems that do not show the words of a process only the tree counts.
pub fn is_tool_server(descriptor: &Path, state: &Path, pid: u32) -> bool {
    let (Some(named), Some(asks)) = (Descriptor::read(descriptor), Identity::of(pid)) else {
        return false;
    };
    let says = |of: &Identity, tells: &dyn Fn(&[std::ffi::OsString]) -> bool| {
        let words = of.arguments();
        words.map_or(cfg!(not(target_os = "linux")), |words| tells(&words))
    };
    let is_mcp = says(&asks, &|words| {
        let [_, rest @ ..] = words else { return false };
        let expected = [
            OsStr::new("mcp"),
            OsStr::new("--state-dir"),
            state.as_os_str(),
        ];
        rest.iter().take(expected.len()).eq(expected)
    });
    let mut parent = asks.parent();
    for _ in 0..=MAX_WRAPPERS {
        let Some(one) = parent else { return false };
        if one == named.identity {
            return is_mcp && one.is_alive();
        }
        // A command that an agent runs stands between as well; it is no app-server.
        if !says(&one, &|words| words.iter().any(|word| word == "app-server")) {
            return false;
        }
        parent = one.parent();
    }
    false
}
