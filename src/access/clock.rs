//! Time for expiries: it never runs backwards, cannot be set, and goes on while the machine sleeps.

use std::sync::Arc;
use std::time::Duration;

/// Time since some fixed moment. Tests bring their own.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The machine's own clock.
pub fn boot_clock() -> Clock {
    Arc::new(now)
}

fn now() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    // Both parts are non-negative on these clocks, and the second is below 10^9.
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
