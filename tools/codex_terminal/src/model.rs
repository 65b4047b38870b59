//! The server's own picture of the screen, and the bytes that redraw it in a viewer. Keeps the beginning of a sequence
//! or character back until its rest has come, so a snapshot always stands between two sequences and the stream that
//! follows it begins with one. Never talks to anybody; what a byte does is [`Screen`]'s matter.

use crate::screen::Screen;
use crate::signals::Signals;

/// A rendered screen.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The stream goes on at this byte.
    pub offset: u64,
    /// Columns at that point.
    pub cols: u16,
    /// Rows at that point.
    pub rows: u16,
    /// What draws it on a terminal in any state.
    pub bytes: Vec<u8>,
}

/// The screen of one terminal.
pub struct Model {
    screen: Screen,
    size: (u16, u16),
    pending: Vec<u8>,
    offset: u64,
}

/// So much of what follows is looked at first to complete what was kept back: usually it ends within a few bytes.
const FIRST_LOOK_BYTES: usize = 64;
/// What is kept back is usually a handful of bytes; after a long string the memory goes back.
const KEPT_BYTES: usize = 4 << 10;

impl Model {
    /// An empty screen.
    pub fn new(cols: u16, rows: u16) -> Self {
        Self {
            screen: Screen::new(cols, rows),
            size: (cols, rows),
            pending: Vec::new(),
            offset: 0,
        }
    }

    /// Takes the next output of the stream.
    pub fn feed(&mut self, data: &[u8]) {
        let done = self.complete(data);
        let rest = &data[done..];
        let used = self.screen.advance(rest);
        self.offset += used as u64;
        self.pending.extend_from_slice(&rest[used..]);
    }

    /// Completes what was kept back; gives how much of `data` that took.
    fn complete(&mut self, data: &[u8]) -> usize {
        let (mut taken, mut look) = (0, FIRST_LOOK_BYTES);
        while !self.pending.is_empty() && taken < data.len() {
            let more = look.min(data.len() - taken);
            self.pending.extend_from_slice(&data[taken..taken + more]);
            taken += more;
            look *= 2;
            let used = self.screen.advance(&self.pending);
            self.offset += used as u64;
            let left = self.pending.len() - used;
            if left <= taken {
                // What is left is all from `data`: it comes with what follows it there.
                taken -= left;
                self.pending.clear();
                self.pending.shrink_to(KEPT_BYTES);
            } else {
                self.pending.drain(..used);
            }
        }
        taken
    }

    /// Applies a size; wrapped lines flow as they do in the page.
    pub fn set_size(&mut self, cols: u16, rows: u16) {
        self.size = (cols, rows);
        self.screen.resize(cols, rows);
    }

    /// What the program signalled since the last call.
    pub fn signals(&mut self) -> &mut Signals {
        self.screen.signals()
    }

    /// Whether the program asked for pastes to be bracketed.
    pub fn bracketed_paste(&self) -> bool {
        self.screen.bracketed_paste()
    }

    /// The text on the screen.
    pub fn contents(&self) -> String {
        self.screen.contents()
    }

    /// The text on the screen, row by row.
    pub fn rows(&self) -> Vec<String> {
        self.screen.rows()
    }

    /// All that is known of the screen, for comparing and looking.
    pub fn picture(&self) -> Vec<String> {
        self.screen.picture()
    }

    /// The bytes that draw this screen, with scrollback, on a terminal in any state.
    pub fn snapshot(&self) -> Snapshot {
        let (cols, rows) = self.size;
        Snapshot {
            offset: self.offset,
            cols,
            rows,
            bytes: self.screen.redraw(),
        }
    }
}
