//! How long the mailbox waits for what.

use std::time::Duration;

/// How long the mailbox waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A file that may still be written counts when it has not changed for this long. A tenth would take files from
    /// under slow writers, ten times as much would make every report of a shell command late.
    pub quiet: Duration,
    /// A file that ends in the middle is given up when it has not changed for this long.
    pub unfinished: Duration,
    /// Every mailbox in use is looked at this often, whatever the kernel says. A tenth would keep an idle machine busy, ten
    /// times as much would leave a report unseen for that long after a lost event.
    pub rescan: Duration,
    /// Mailboxes of planners that are over, and folders of nobody's, are looked at this often. A tenth would cost an old house as much as
    /// its work does, ten times as much would leave a file that was dropped there without an answer for too long.
    pub strays: Duration,
    /// The first rejected files of a mailbox in so long a span are told by name, the others are counted at its end.
    pub span: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(150),
            unfinished: Duration::from_secs(30),
            rescan: Duration::from_secs(2),
            strays: Duration::from_secs(60),
            span: Duration::from_secs(60),
        }
    }
}
