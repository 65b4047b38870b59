//! Switches that programs set, with their values after a reset. Data only.

/// Which movements of the mouse are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// None.
    #[default]
    Off,
    /// Pressing.
    X10,
    /// Pressing and letting go.
    Clicks,
    /// Also moving with a button held.
    Drags,
    /// Also moving.
    Motion,
}

impl Mouse {
    /// The private mode that selects it.
    pub fn mode(self) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::X10 => Some(9),
            Self::Clicks => Some(1000),
            Self::Drags => Some(1002),
            Self::Motion => Some(1003),
        }
    }
}

/// How movements of the mouse are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MouseReport {
    /// As three bytes.
    #[default]
    Bytes,
    /// As numbers, in cells.
    Cells,
    /// As numbers, in pixels.
    Pixels,
}

impl MouseReport {
    /// The private mode that selects it.
    pub fn mode(self) -> Option<u16> {
        match self {
            Self::Bytes => None,
            Self::Cells => Some(1006),
            Self::Pixels => Some(1016),
        }
    }
}

/// All switches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Text pushes aside what it meets.
    pub insert: bool,
    /// Rows count from the top of the scroll region, and the cursor stays in it.
    pub origin: bool,
    /// Text goes on in the next row.
    pub wraparound: bool,
    /// Backspace goes on in the row before.
    pub reverse_wrap: bool,
    /// Cursor keys send application codes.
    pub cursor_keys: bool,
    /// The keypad sends application codes.
    pub keypad: bool,
    /// Pastes are bracketed.
    pub bracketed_paste: bool,
    /// Gaining and losing the focus is reported.
    pub focus_events: bool,
    /// The picture is in the making: nothing is to be shown.
    pub synchronized: bool,
    /// Shape of the cursor, the number of `DECSCUSR`; 0: the viewer's own.
    pub cursor_style: u8,
    /// Which mouse events are reported.
    pub mouse: Mouse,
    /// How.
    pub mouse_report: MouseReport,
    /// The cursor is not shown. A reset does not change this and the following.
    pub cursor_hidden: bool,
    /// A line feed also returns.
    pub newline: bool,
    /// Whether the cursor blinks, if the program said so.
    pub blink: Option<bool>,
    /// Flags of the keyboard protocol of kitty, newest last, for the main and the alternate screen.
    pub keyboard: [Vec<u32>; 2],
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            insert: false,
            origin: false,
            wraparound: true,
            reverse_wrap: false,
            cursor_keys: false,
            keypad: false,
            bracketed_paste: false,
            focus_events: false,
            synchronized: false,
            cursor_style: 0,
            mouse: Mouse::Off,
            mouse_report: MouseReport::Bytes,
            cursor_hidden: false,
            newline: false,
            blink: None,
            keyboard: [Vec::new(), Vec::new()],
        }
    }
}

/// So many flags are kept, as kitty does; the oldest go.
const MAX_KEYBOARD: usize = 8;

impl Modes {
    /// What a full reset leaves.
    pub fn reset(&mut self) {
        *self = Self {
            cursor_hidden: self.cursor_hidden,
            newline: self.newline,
            blink: self.blink,
            ..Self::default()
        };
    }

    /// What a soft reset leaves.
    pub fn soft_reset(&mut self) {
        *self = Self {
            newline: self.newline,
            blink: self.blink,
            mouse: self.mouse,
            mouse_report: self.mouse_report,
            keyboard: std::mem::take(&mut self.keyboard),
            ..Self::default()
        };
    }

    /// New flags for the keyboard, the present ones come back later.
    pub fn push_keyboard(&mut self, alternate: bool, flags: u32) {
        let stack = &mut self.keyboard[usize::from(alternate)];
        if stack.len() == MAX_KEYBOARD {
            stack.remove(0);
        }
        stack.push(flags);
    }

    /// Back by so many.
    pub fn pop_keyboard(&mut self, alternate: bool, count: usize) {
        let stack = &mut self.keyboard[usize::from(alternate)];
        stack.truncate(stack.len().saturating_sub(count));
    }

    /// Changes the present flags: 1 sets them, 2 adds and 3 removes.
    pub fn change_keyboard(&mut self, alternate: bool, flags: u32, how: usize) {
        let stack = &mut self.keyboard[usize::from(alternate)];
        let now = stack.pop().unwrap_or(0);
        stack.push(match how {
            2 => now | flags,
            3 => now & !flags,
            _ => flags,
        });
    }
}
