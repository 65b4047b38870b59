//! A token bucket: so many at once, then so many per second.

use std::time::Duration;

/// How often something may happen.
#[derive(Debug)]
pub struct Bucket {
    capacity: f64,
    per_second: f64,
    left: f64,
    at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub fn new(capacity: u32, per_second: f64, now: Duration) -> Self {
        Self {
            capacity: f64::from(capacity),
            per_second,
            left: f64::from(capacity),
            at: now,
        }
    }

    /// Takes one if there is one.
    pub fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + passed * self.per_second).min(self.capacity);
        let some = self.left >= 1.0;
        if some {
            self.left -= 1.0;
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_its_content_then_its_rate() {
        let mut bucket = Bucket::new(2, 1.0, Duration::ZERO);
        let second = Duration::from_secs(1);
        assert!(bucket.take(Duration::ZERO));
        assert!(bucket.take(Duration::ZERO));
        assert!(!bucket.take(Duration::ZERO));
        assert!(bucket.take(second));
        assert!(!bucket.take(second));
        assert!(!bucket.take(Duration::ZERO), "a clock that runs back");
    }
}
