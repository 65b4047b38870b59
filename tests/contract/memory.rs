//! What the launcher takes when nothing happens.

use crate::world::World;

/// In KiB.
const TARGET: u64 = 15 * 1024;

/// The proportional set size, in KiB.
fn pss(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let size = line.unwrap().trim().trim_end_matches(" kB");
    size.parse().unwrap()
}

/// Four fifths of it are code, so only a release build tells: `cargo test --release --test contract idles -- --include-ignored`.
#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(debug_assertions, ignore = "what a debug build takes says nothing")]
fn the_launcher_alone_idles_at_15_mib() {
    let world = World::serving();
    world.status();
    world.get("/ui/work");
    world.wait_for(&format!("at most {TARGET} KiB"), || {
        (pss(world.server_pid()) <= TARGET).then_some(())
    });
}
