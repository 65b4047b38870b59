//! When a yes becomes as narrow as `governance.yaml`: a file that is gone or half written for a moment, as while an editor saves
//! it or Git changes branches, must not cost the person every yes.

use crate::domain::powers::Powers;
use std::time::{Duration, Instant};

/// Two looks must be this far apart to count as two. What is there holds from the first one on.
pub const APART: Duration = Duration::from_secs(2);

/// What the last look found to be left of the yes, since when.
#[derive(Debug, Default)]
pub struct Narrowing(Option<(Powers, Instant)>);

impl Narrowing {
    /// Another look, by which `left` is left of the yes `approved`; answers whether that is to be recorded, because an earlier look
    /// found the same, and no other one something else since.
    pub fn look(&mut self, approved: &Powers, left: &Powers, now: Instant) -> bool {
        if left == approved {
            self.0 = None;
            return false;
        }
        match &self.0 {
            Some((before, since)) if before == left => now.duration_since(*since) >= APART,
            _ => {
                self.0 = Some((left.clone(), now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{APART, Instant, Narrowing, Powers};
    use std::time::Duration;

    #[test]
    fn two_looks_that_agree_are_wanted_and_one_that_does_not_begins_anew() {
        let mut powers = Powers::default();
        powers.commands.insert("x".to_owned(), vec!["x".to_owned()]);
        powers.run_verify = true;
        let none = Powers::default();
        let mut half = powers.clone();
        half.run_verify = false;
        let start = Instant::now();
        let mut narrowing = Narrowing::default();
        let mut look =
            |left: &Powers, after: Duration| narrowing.look(&powers, left, start + after);
        let moment = Duration::from_millis(1);
        assert!(!look(&none, Duration::ZERO));
        assert!(!look(&none, APART - moment), "too soon");
        assert!(look(&none, APART));
        // Half of it is something else, and so is all of it.
        assert!(!look(&half, APART));
        assert!(!look(&powers, APART * 2));
        assert!(!look(&half, APART * 3));
        assert!(!look(&half, APART * 4 - moment));
        assert!(look(&half, APART * 4));
    }
}
