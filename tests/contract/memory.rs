//! What the launcher takes when nothing happens.

use crate::world::World;

/// In KiB. 15 MiB were wished for; 15.9 are what there is (median of five starts, ext4), 12 of them code that is mapped because it was used once or lies
/// beside what was. Smaller code for the whole server (`opt-level = "s"`) changed nothing on ext4.
const BOUND: u64 = 17 * 1024;

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
fn the_launcher_alone_idles_at_17_mib() {
    let world = World::serving();
    world.status();
    world.get("/ui/work");
    world.wait_for(&format!("at most {BOUND} KiB"), || {
        (pss(world.server_pid()) <= BOUND).then_some(())
    });
}
