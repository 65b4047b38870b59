//! The viewer protocol: what travels on the WebSocket between page and sidecar. Types and codecs only.
//!
//! Text messages are JSON objects with a `type`; binary messages begin with one byte that says what they are. Numbers
//! are big-endian. Offsets count the bytes of the program's output from the terminal's start.
//!
//! | direction | first byte | rest |
//! |---|---|---|
//! | to the page | 1 output | u64 offset, bytes |
//! | | 2 snapshot | u64 offset, u16 columns, u16 rows, bytes that redraw the screen; output goes on at offset |
//! | | 3 gap | u64 from, u64 to: these bytes are not sent; a snapshot follows |
//! | | 4 taken | u32: the number of the next input expected; all before are with the program |
//! | | 5 busy | u32: this input was refused because the program does not read; send again from it, later |
//! | from the page | 1 input | u32 number, bytes typed or pasted |
//! | | 2 reply | bytes the terminal answers to a query of the program; taken from the size owner only |
//! | | 3 consumed | u64 offset up to which output was drawn (flow control, see `window`) |
//!
//! The page's first message is [`FromPage::Attach`], within 3 s. Inputs are numbered per `client`, a name the page
//! makes up once, and its numbers go on over reconnects: an input whose fate is unknown is sent again and taken once.
//! A page that names a `window` is never sent more than that many bytes beyond what it has consumed.

use serde::{Deserialize, Serialize};

use crate::descriptor::State;
use crate::token::Mode;

/// A text message from the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromPage {
    /// Must come first.
    Attach {
        /// The token of the terminal's address.
        token: String,
        /// Go on at this byte; absent: begin with a snapshot.
        #[serde(default)]
        offset: Option<u64>,
        /// Under which name inputs are numbered.
        #[serde(default)]
        client: String,
        /// Bytes in flight at most; absent: as many as the connection takes.
        #[serde(default)]
        window: Option<u64>,
    },
    /// The page's terminal area has this size now. Counts when the page owns the size.
    Resize {
        /// Columns.
        cols: f64,
        /// Rows.
        rows: f64,
    },
    /// The page got the keyboard focus and wants to own the size.
    Focus,
}

/// A text message to the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToPage {
    /// The token was right.
    Hello {
        /// What the page may do.
        mode: Mode,
        /// The terminal's title.
        title: String,
        /// The size at the point where output begins.
        cols: u16,
        /// See `cols`.
        rows: u16,
        /// Whether the program runs.
        state: State,
        /// Whether this page owns the size.
        owner: bool,
        /// From this byte on the page answers, as the owner, when the program asks for its colours.
        answers_from: u64,
        /// The number of the next input of this `client`.
        next_input: u32,
        /// Whether the wanted offset was still there.
        resumed: bool,
        /// Whether a file is shown.
        file: bool,
    },
    /// From this byte on the terminal has this size.
    Size {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// Whether this page owns the size now.
    Owner {
        /// It does.
        owner: bool,
    },
    /// The program has ended; all it wrote was sent.
    Exited(Exit),
    /// Something was not taken and will not be.
    Refused {
        /// `read_only` or `closed`.
        reason: Refusal,
        /// How many messages so far.
        dropped: u64,
    },
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code.
    pub code: Option<i32>,
    /// Signal number.
    pub signal: Option<i32>,
    /// Whether the terminal was being closed.
    #[serde(default)]
    pub told: bool,
}

/// Why a message from the page had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The token allows looking only.
    ReadOnly,
    /// Nothing reads input any more.
    Closed,
}

/// WebSocket close codes of our own.
pub mod close_code {
    /// The first message was no attach, or its token is wrong.
    pub const UNAUTHORISED: u16 = 4401;
    /// No attach within 3 s, or newer ones needed the place before one came.
    pub const TOO_LATE: u16 = 4408;
    /// The browser was logged out that this token was given to.
    pub const LOGGED_OUT: u16 = 4410;
    /// The token was revoked for which this one was made.
    pub const REVOKED: u16 = 4411;
    /// The launcher was started again, and the login before it ended with it.
    pub const RESTARTED: u16 = 4412;
    /// No launcher is there to say whose the token is: try again.
    pub const UNATTENDED: u16 = 4504;
    /// Eight others look already.
    pub const FULL: u16 = 4503;
    /// The launcher cut the viewers off.
    pub const CUT: u16 = 4000;
    /// The terminal ends.
    pub const GOING_AWAY: u16 = 1001;
    /// A message that the protocol does not know.
    pub const POLICY: u16 = 1008;
    /// Frames that WebSocket itself does not allow.
    pub const PROTOCOL: u16 = 1002;
    /// A text that is not UTF-8.
    pub const NOT_TEXT: u16 = 1007;
    /// A message of more than 256 KiB or a frame of more than 64 KiB.
    pub const TOO_LARGE: u16 = 1009;
}

/// Length of the header of [`OUTPUT`].
pub const OUTPUT_HEADER: usize = 9;
/// First byte of output.
pub const OUTPUT: u8 = 1;

/// Writes an output header over the first bytes of `frame`, whose rest is the output.
pub fn set_output_header(frame: &mut [u8], offset: u64) {
    frame[0] = OUTPUT;
    frame[1..OUTPUT_HEADER].copy_from_slice(&offset.to_be_bytes());
}

/// A snapshot frame.
pub fn snapshot_frame(snapshot: &crate::model::Snapshot) -> Vec<u8> {
    let mut frame = Vec::with_capacity(13 + snapshot.bytes.len());
    frame.push(2);
    frame.extend_from_slice(&snapshot.offset.to_be_bytes());
    frame.extend_from_slice(&snapshot.cols.to_be_bytes());
    frame.extend_from_slice(&snapshot.rows.to_be_bytes());
    frame.extend_from_slice(&snapshot.bytes);
    frame
}

/// A gap frame.
pub fn gap_frame(from: u64, to: u64) -> Vec<u8> {
    let mut frame = vec![3];
    frame.extend_from_slice(&from.to_be_bytes());
    frame.extend_from_slice(&to.to_be_bytes());
    frame
}

/// A frame that answers input: taken, or busy.
pub fn input_frame(busy: bool, number: u32) -> Vec<u8> {
    let mut frame = vec![if busy { 5 } else { 4 }];
    frame.extend_from_slice(&number.to_be_bytes());
    frame
}

/// A binary message from the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary<'a> {
    /// Typed or pasted.
    Input(u32, &'a [u8]),
    /// A terminal's answer.
    Reply(&'a [u8]),
    /// Drawn up to here.
    Consumed(u64),
}

/// Reads a binary message; `None`: not of this protocol.
pub fn parse_binary(message: &[u8]) -> Option<Binary<'_>> {
    let (kind, rest) = message.split_first()?;
    match kind {
        1 => {
            let (number, bytes) = rest.split_first_chunk::<4>()?;
            Some(Binary::Input(u32::from_be_bytes(*number), bytes))
        }
        2 => Some(Binary::Reply(rest)),
        3 => Some(Binary::Consumed(u64::from_be_bytes(rest.try_into().ok()?))),
        _ => None,
    }
}

/// A size from a page: any number, made a side of a terminal.
pub fn side(number: f64) -> u16 {
    // The cast saturates and takes NaN as 0.
    (number as u16).clamp(1, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_any_kind_are_clamped() {
        for (number, expected) in [
            (80.4, 80),
            (0.0, 1),
            (-5.0, 1),
            (65_536.0, 1000),
            (f64::NAN, 1),
            (f64::INFINITY, 1000),
        ] {
            assert_eq!(side(number), expected, "{number}");
        }
    }

    #[test]
    fn short_or_unknown_messages_are_refused() {
        assert_eq!(parse_binary(&[]), None);
        assert_eq!(parse_binary(&[1, 0, 0]), None);
        assert_eq!(parse_binary(&[3, 0, 0]), None);
        assert_eq!(parse_binary(&[9, 0]), None);
        assert_eq!(
            parse_binary(&[1, 0, 0, 0, 2, 65]),
            Some(Binary::Input(2, b"A"))
        );
    }
}
