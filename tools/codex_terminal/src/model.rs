//! The server's own picture of the screen, and the bytes that redraw it in a viewer. Fed with whole sequences
//! only: an incomplete tail is kept back, so a snapshot always stands between two sequences and the stream that
//! follows it begins with one. Never talks to anybody.
//!
//! vt100 covers the cells; this module adds what a redraw also needs and vt100 does not keep or know: scroll region,
//! origin mode, saved cursor, line-drawing characters, index and next line, and modes it ignores.

use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::escape::{Piece, StringKind, first_piece, string_end};
use crate::extra::{EXTRA_MODES, Extra, Replacement, SavedCursor, numbers};
use crate::render;
use crate::signals::Signals;

/// A thousand lines of 120 columns cost about 4 MiB only when they are full; a viewer that wants more has the transcript.
const SCROLLBACK_LINES: usize = 1000;

/// Sequences longer than this (images) are not kept back whole; a snapshot inside one reopens its string, so
/// that the viewer swallows the rest as the model does.
const MAX_PENDING_BYTES: usize = 256 << 10;

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
    parser: vt100::Parser<Signals>,
    extra: Extra,
    pending: Vec<u8>,
    open_string: Option<StringKind>,
    offset: u64,
    panics: u32,
}

impl Model {
    /// An empty screen.
    pub fn new(cols: u16, rows: u16) -> Self {
        Self {
            parser: parser(cols, rows, Signals::default()),
            extra: Extra::default(),
            pending: Vec::new(),
            open_string: None,
            offset: 0,
            panics: 0,
        }
    }

    /// Takes the next output of the stream.
    pub fn feed(&mut self, data: &[u8]) {
        if self.pending.is_empty() {
            let used = self.feed_whole(data);
            self.pending.extend_from_slice(&data[used..]);
        } else {
            let mut work = std::mem::take(&mut self.pending);
            work.extend_from_slice(data);
            let used = self.feed_whole(&work);
            work.drain(..used);
            self.pending = work;
        }
        if self.pending.capacity() > CAPACITY_KEPT && self.pending.len() < CAPACITY_KEPT {
            self.pending.shrink_to(CAPACITY_KEPT);
        }
    }

    /// Applies a size; the scroll region is reset, as terminals do.
    pub fn set_size(&mut self, cols: u16, rows: u16) {
        self.extra.region = [None, None];
        for saved in self.extra.saved.iter_mut().flatten() {
            saved.row = saved.row.min(rows.saturating_sub(1));
            saved.col = saved.col.min(cols.saturating_sub(1));
        }
        self.guarded(|model| model.parser.set_size(side(rows), side(cols)));
    }

    /// What the program signalled since the last call.
    pub fn signals(&mut self) -> &mut Signals {
        self.parser.callbacks_mut()
    }

    /// Whether the program asked for pastes to be bracketed.
    pub fn bracketed_paste(&self) -> bool {
        self.parser.screen().bracketed_paste()
    }

    /// The text on the screen.
    pub fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    /// The text on the screen, row by row.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.parser.screen();
        screen.rows(0, screen.size().1.get()).collect()
    }

    /// How often the terminal library failed and the screen had to be begun anew.
    pub fn panics(&self) -> u32 {
        self.panics
    }

    /// Feeds all whole pieces; gives the number of bytes used.
    fn feed_whole(&mut self, work: &[u8]) -> usize {
        // `fed..at` are bytes that vt100 takes as they are.
        let (mut fed, mut at) = (0, 0);
        while at < work.len() {
            if let Some(kind) = self.open_string {
                // Nobody gets it: vt100 would keep all of a string that never ends.
                let end = string_end(&work[at..], kind);
                // A last ESC may begin the terminator: it waits.
                let waits = usize::from(end.is_none() && work[work.len() - 1] == 0x1b);
                at = end.map_or(work.len() - waits, |end| at + end);
                fed = at;
                if end.is_none() {
                    break;
                }
                self.open_string = None;
                continue;
            }
            match first_piece(&work[at..]) {
                Piece::Text(count) => {
                    if self.extra.drawing_lines() {
                        self.process(&work[fed..at]);
                        let lines = render::line_drawing(&work[at..at + count]);
                        self.process(&lines);
                        fed = at + count;
                    }
                    at += count;
                }
                Piece::Sequence(count) => {
                    let end = at + count;
                    if let Some(replacement) = Replacement::of(&work[at..end]) {
                        self.process(&work[fed..at]);
                        self.replace(replacement, &work[at..end]);
                        fed = end;
                    }
                    at = end;
                }
                Piece::Partial(kind) => {
                    if kind.is_some() && work.len() - at > MAX_PENDING_BYTES {
                        self.process(&work[fed..at]);
                        // The last byte may be the ESC of a terminator.
                        self.open_string = kind;
                        at = work.len() - usize::from(work[work.len() - 1] == 0x1b);
                        fed = at;
                    }
                    break;
                }
            }
        }
        self.process(&work[fed..at]);
        self.offset += at as u64;
        at
    }

    fn process(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.guarded(|model| model.parser.process(bytes));
        }
    }

    /// vt100 indexes its grid with unwraps; should one fail, the screen begins anew instead of the terminal dying.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.panics += 1;
            tracing::warn!(panics = self.panics, "the screen model was begun anew");
            let (rows, cols) = self.parser.screen().size();
            let signals = std::mem::take(self.parser.callbacks_mut());
            self.parser = parser(cols.get(), rows.get(), signals);
            self.extra = Extra::default();
        }
    }

    fn replace(&mut self, replacement: Replacement, sequence: &[u8]) {
        let buffer = self.buffer();
        match replacement {
            Replacement::Save => {
                self.remember_cursor();
                self.process(b"\x1b7");
            }
            Replacement::Restore => {
                let saved = self.extra.saved[buffer].as_ref();
                self.extra.origin[buffer] = saved.is_some_and(|saved| saved.origin);
                self.process(b"\x1b8");
            }
            Replacement::Index => self.process(b"\n"),
            Replacement::NextLine => self.process(b"\r\n"),
            Replacement::Region => {
                let rows = self.parser.screen().size().0.get();
                let mut numbers = numbers(&sequence[2..sequence.len() - 1]);
                let top = numbers.next().unwrap_or(1).max(1);
                let bottom = numbers.next().filter(|n| *n > 0).unwrap_or(rows).min(rows);
                if top < bottom {
                    self.extra.region[buffer] = Some((top - 1, bottom - 1));
                    self.process(format!("\x1b[{top};{bottom}r").as_bytes());
                }
            }
            Replacement::Modes { set } => self.modes(set, sequence),
            Replacement::Insert { set } => self.extra.insert = set,
            Replacement::Charset { slot, lines } => self.extra.line_drawing[slot] = lines,
            Replacement::Shift(shifted) => self.extra.shifted = shifted,
            Replacement::SoftReset => {
                self.extra.soft_reset(buffer);
                let (row, col) = self.parser.screen().cursor_position();
                let back = format!("\x1b[{};{}H", row + 1, col + 1);
                self.process(b"\x1b[?6l\x1b[r\x1b[H\x1b[m\x1b7\x1b[?25h\x1b[?1l\x1b>");
                self.process(back.as_bytes());
            }
            Replacement::Reset => {
                self.extra = Extra::default();
                self.process(b"\x1bc");
            }
        }
    }

    fn modes(&mut self, set: bool, sequence: &[u8]) {
        for mode in numbers(&sequence[3..sequence.len() - 1]) {
            if mode == 1048 {
                let replacement = if set {
                    Replacement::Save
                } else {
                    Replacement::Restore
                };
                self.replace(replacement, b"");
                continue;
            }
            if let Some((_, default)) = EXTRA_MODES.iter().find(|(known, _)| *known == mode) {
                self.extra.changed_modes.retain(|known| *known != mode);
                if set != *default {
                    self.extra.changed_modes.push(mode);
                }
                continue;
            }
            match mode {
                6 => self.extra.origin[self.buffer()] = set,
                1049 if set => {
                    self.remember_cursor();
                    // The alternate screen begins empty, its saved cursor at the top with these attributes.
                    self.extra.saved[1] = Some(SavedCursor {
                        row: 0,
                        col: 0,
                        attributes: self.parser.screen().attributes_formatted(),
                        origin: false,
                    });
                    self.extra.region[1] = None;
                    self.extra.origin[1] = false;
                }
                _ => {}
            }
            let known = if mode == 1047 { 47 } else { mode };
            self.process(format!("\x1b[?{known}{}", if set { 'h' } else { 'l' }).as_bytes());
            if mode == 1049 && !set {
                let saved = self.extra.saved[0].as_ref();
                self.extra.origin[0] = saved.is_some_and(|saved| saved.origin);
            }
        }
    }

    fn buffer(&self) -> usize {
        usize::from(self.parser.screen().alternate_screen())
    }

    fn remember_cursor(&mut self) {
        let buffer = self.buffer();
        let screen = self.parser.screen();
        let (row, col) = screen.cursor_position();
        self.extra.saved[buffer] = Some(SavedCursor {
            row,
            col,
            attributes: screen.attributes_formatted(),
            origin: self.extra.origin[buffer],
        });
    }

    /// The bytes that draw this screen, with scrollback, on a terminal in any state.
    pub fn snapshot(&mut self) -> Snapshot {
        let (rows, cols) = self.parser.screen().size();
        let bytes = catch_unwind(AssertUnwindSafe(|| self.render())).unwrap_or_else(|_| {
            self.panics += 1;
            b"\x1bc".to_vec()
        });
        Snapshot {
            offset: self.offset,
            cols: cols.get(),
            rows: rows.get(),
            bytes,
        }
    }

    fn render(&mut self) -> Vec<u8> {
        let mut out = String::from("\x1bc");
        let alternate = self.parser.screen().alternate_screen();
        if alternate {
            // Mode 47 switches without clearing or moving anything, so the main screen can be drawn and left again.
            self.parser.process(b"\x1b[?47l");
        }
        render::scrollback(self.parser.screen_mut(), &mut out);
        let cols = self.parser.screen().size().1.get();
        if alternate {
            self.extra.write_saved(0, cols, &mut out);
            let contents = self.parser.screen().contents_formatted();
            out.push_str(&render::without_saving(contents));
            self.extra.write_region(0, &mut out);
            self.parser.process(b"\x1b[?47h");
            // Mode 1049 saves the cursor it finds: the one that leaving it has to restore.
            out.push_str("\x1b8\x1b[?1049h\x1b[?6l");
        }
        let screen = self.parser.screen();
        let buffer = usize::from(alternate);
        self.extra.write_saved(buffer, cols, &mut out);
        out.push_str(&render::without_saving(screen.state_formatted()));
        self.extra.write_region(buffer, &mut out);
        // vt100 takes the default attributes for granted here.
        out.push_str("\x1b[m");
        out.push_str(&render::without_saving(screen.cursor_state_formatted()));
        out.push_str(&screen.attributes_formatted());
        if self.extra.origin[buffer] {
            let (row, col) = screen.cursor_position();
            let top = self.extra.region[buffer].map_or(0, |(top, _)| top);
            let shown = row.saturating_sub(top);
            out.push_str(&format!("\x1b[?6h\x1b[{};{}H", shown + 1, col + 1));
            if let Some(last) = render::waiting_wrap(screen, row, col, shown) {
                out.push_str(&last);
                out.push_str(&screen.attributes_formatted());
            }
        }
        for (mode, default) in EXTRA_MODES {
            if self.extra.changed_modes.contains(&mode) {
                out.push_str(&format!("\x1b[?{mode}{}", if default { 'l' } else { 'h' }));
            }
        }
        if self.extra.insert {
            out.push_str("\x1b[4h");
        }
        for (slot, designator) in ["\x1b(0", "\x1b)0"].into_iter().enumerate() {
            if self.extra.line_drawing[slot] {
                out.push_str(designator);
            }
        }
        if self.extra.shifted {
            out.push('\x0e');
        }
        if let Some(title) = &self.parser.callbacks().title {
            out.push_str(&format!("\x1b]2;{title}\x07"));
        }
        out.push_str(match self.open_string {
            Some(StringKind::Osc) => "\x1b]7777;",
            Some(StringKind::Dcs) => "\x1bP",
            Some(StringKind::Other) => "\x1b_",
            Some(StringKind::Control) => "\x1b[",
            Some(StringKind::Escape) => "\x1b ",
            None => "",
        });
        out.into_bytes()
    }
}

/// Pending bytes are usually a handful; after an image the memory goes back.
const CAPACITY_KEPT: usize = 4 << 10;

fn parser(cols: u16, rows: u16, signals: Signals) -> vt100::Parser<Signals> {
    vt100::Parser::new_with_callbacks(side(rows), side(cols), SCROLLBACK_LINES, signals)
}

fn side(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap_or(NonZeroU16::MIN)
}
