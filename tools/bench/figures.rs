//! How figures are told.

use std::time::Duration;

/// Prints what was measured so many times; sorts it.
pub fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    println!(
        "{what}: median {:.1?}, p99 {:.1?}, longest {:.1?} of {}",
        times[times.len() / 2],
        times[(times.len() * 99).div_ceil(100) - 1],
        times[times.len() - 1],
        times.len()
    );
}
