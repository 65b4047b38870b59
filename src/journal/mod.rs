//! The journal: an append-only, hash-chained file of JSON lines that is the only truth about state.
//!
//! Owns the file format, opening and replay, the torn tail, the audit copy, reading a range and
//! verifying. It never decides what may happen (that is `ledger`) and never tells anyone (that is
//! `hub`). Only the ledger's writer thread appends.
//!
//! # Format, version 1
//!
//! One record is one line, one JSON object, its members in exactly this order:
//!
//! ```text
//! {"seq":7,"ts":"2026-01-02T03:04:05.000006Z","actor":"person","event":"plan_confirmed",…fields…,"prev":"<64 hex>","hash":"<64 hex>"}
//! ```
//!
//! - `seq` counts 0, 1, 2, … without gaps. `ts` is UTC with microseconds and never runs backwards.
//! - `hash` is the SHA-256, in lower-case hex, of the line's bytes **before** `,"hash":"`; `prev` is the
//!   `hash` of the line before (64 zeros in line 0). As `prev` is inside the hashed bytes the lines form
//!   a chain, and as both sit at fixed distances from the line's end, checking works on raw bytes and
//!   never depends on how JSON would be serialised again.
//! - Line 0 is the header: `"event":"journal_created","format":1`. It is sealed like every other line
//!   but belongs to the journal itself and never reaches the fold. An unknown `format` is refused.
//! - Control characters, DEL, C1, bidirectional controls and U+2028/U+2029 appear only as `\u` escapes,
//!   so a terminal that shows the file cannot be steered by it and one line stays one line.
//! - Event fields must not be called `seq`, `ts`, `actor`, `event`, `prev` or `hash`.
//!
//! A batch of records is one `write(2)` followed by one `fdatasync(2)`. The audit copy in the repository
//! holds the same bytes; it is written after the sync, is not synced itself, and is mended from the
//! journal when it lags or differs.
//!
//! A start reads the newest sound snapshot (`snapshot`) and the lines behind it, and compares the copy from there on; `verify` reads
//! everything.
//!
//! # What a damaged file means
//!
//! - A last piece without its newline, or a last line that has neither a record's beginning nor its end
//!   (or holds a run of NUL bytes, as after a power cut): a *torn tail*. It was never acknowledged. It is
//!   moved to `<journal>.torn-<n>` and reported, and writing goes on.
//! - Anything else that does not check out, such as a single flipped bit in any record: *corrupt*. State
//!   is what the lines before it say, nothing on disk is touched, and the ledger starts read-only.

mod append;
mod codec;
mod copy;
mod folder;
mod line;
mod open;
mod pick;
mod record;
mod repair;
mod scan;
mod shelf;
mod snapshot;
mod tail;
mod verify;

pub(crate) use append::{AppendError, Appender, Resume};
pub use codec::Codec;
pub(crate) use copy::AuditCopy;
pub use copy::CopyOutcome;
pub use line::LineFault;
pub(crate) use line::{ChainHash, seal};
pub(crate) use open::Behind;
pub use open::{Corrupt, Journal, OpenError, Opened, Pace, Torn};
pub use pick::{PickError, pick, replay};
pub use record::{Clock, Entry, Fold, Record, system_clock};
pub use repair::{Damage, Mend, Repair};
pub(crate) use scan::Tip;
pub(crate) use shelf::Shelf;
pub use snapshot::{SnapshotFault, Unused};
pub(crate) use tail::tail_until;
pub use tail::{Follower, Line, Tail, TailError, follow, tail};
pub use verify::{Bad, CopyVerdict, VerifyReport, verify};

#[cfg(test)]
pub(crate) use append::Medium;

/// The format that this version writes and the newest that it reads.
pub const FORMAT: u64 = 1;

/// The longest line that is written or read. A plan or a result is at most 1 MiB of JSON and escaping
/// can make a hostile one up to six times as long; a tenth would refuse such a record, ten times as much
/// would let a damaged file without newlines take that much memory at start.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;
