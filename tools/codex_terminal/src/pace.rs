//! How fast a flood is read when processors are short. Threads that wait far longer than they work say that somebody's key waits
//! as long; then the reader rests now and then, and with it the program, the recorder and the viewers of its terminal.

use std::time::{Duration, Instant};

use local_os::platform::{ThreadTimes, Worked};

/// How often the times are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// So much of a sum is left after a look: what counts is about the last ten.
const KEPT: f64 = 0.9;
/// One flood on two processors makes its reader wait twice as long as it works, ten floods twenty times as long.
const PATIENCE: f64 = 6.0;
/// Rest for each time unit waited beyond [`PATIENCE`].
const REST: f64 = 4.0;
/// The longest single rest: what is on the way to a viewer waits too.
const MAX_REST: Duration = Duration::from_millis(5);

/// The pace of the thread that made it.
pub struct Pace {
    times: ThreadTimes,
    before: Worked,
    looked_at: Instant,
    law: Law,
    is_crowded: bool,
}

impl Pace {
    /// Full speed, until there is a reason.
    pub fn new() -> Self {
        let times = ThreadTimes::of_this_thread();
        Self {
            before: times.now().unwrap_or_default(),
            times,
            looked_at: Instant::now(),
            law: Law::default(),
            is_crowded: false,
        }
    }

    /// Whether processors were short at the last look.
    pub fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// Called between two reads: rests if it must.
    pub fn rest(&mut self) {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        // Where the system does not tell, nobody rests.
        if let Some(now) = self.times.now() {
            let rest = self.law.rest(
                now.ran.saturating_sub(self.before.ran),
                now.waited.saturating_sub(self.before.waited),
            );
            self.before = now;
            self.is_crowded = !rest.is_zero();
            if self.is_crowded {
                std::thread::sleep(rest);
            }
        }
        self.looked_at = Instant::now();
    }
}

/// What follows from the times, in seconds.
#[derive(Default)]
struct Law {
    ran: f64,
    waited: f64,
}

impl Law {
    fn rest(&mut self, ran: Duration, waited: Duration) -> Duration {
        self.ran = self.ran * KEPT + ran.as_secs_f64();
        self.waited = self.waited * KEPT + waited.as_secs_f64();
        let excess = (self.waited - PATIENCE * self.ran) * (1.0 - KEPT);
        Duration::from_secs_f64((excess * REST).clamp(0.0, MAX_REST.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(ran_us: u64, waited_us: u64, looks: usize) -> Vec<Duration> {
        let mut law = Law::default();
        let (ran, waited) = (
            Duration::from_micros(ran_us),
            Duration::from_micros(waited_us),
        );
        (0..looks).map(|_| law.rest(ran, waited)).collect()
    }

    #[test]
    fn one_flood_never_rests_and_many_do() {
        assert!(rests(250, 520, 100).iter().all(Duration::is_zero));
        assert!(rests(1000, 0, 100).iter().all(Duration::is_zero));
        let crowded = rests(28, 600, 100);
        assert!(crowded[20] > Duration::from_millis(1), "{:?}", crowded[20]);
        let starved = rests(10, 1_000_000, 3);
        assert_eq!(starved[0], MAX_REST);
    }

    #[test]
    fn a_single_long_wait_is_soon_forgotten() {
        let mut law = Law::default();
        for _ in 0..20 {
            law.rest(Duration::from_micros(400), Duration::from_micros(300));
        }
        let after = law.rest(Duration::from_micros(400), Duration::from_millis(10));
        assert!(after.is_zero(), "{after:?}");
        law = Law::default();
        law.rest(Duration::from_micros(10), Duration::from_millis(30));
        let later: Vec<_> = (0..40)
            .map(|_| law.rest(Duration::from_micros(400), Duration::ZERO))
            .collect();
        assert!(!later[0].is_zero() && later[39].is_zero(), "{later:?}");
    }
}
