//! Random output of a program, put together from what programs really print.

use proptest::prelude::*;
use proptest::sample::select;

/// Sequences that are the same every time.
const FIXED: &[&str] = &[
    "\x1b7",
    "\x1b8",
    "\x1bM",
    "\x1bD",
    "\x1bE",
    "\x1b[s",
    "\x1b[u",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?47h",
    "\x1b[?1047l",
    "\x1b[?1048h",
    "\x1b[?1048l",
    "\x1b[?25l",
    "\x1b[?25h",
    "\x1b[?1h",
    "\x1b[?66h",
    "\x1b[?2004h",
    "\x1b[?2004l",
    "\x1b[?9h",
    "\x1b[?1000h",
    "\x1b[?1002;1006h",
    "\x1b[?1003h",
    "\x1b[?1003l",
    "\x1b[?1006h",
    "\x1b[?1016h",
    "\x1b[?1004h",
    "\x1b[?45h",
    "\x1b[?45l",
    "\x1b[?12h",
    "\x1b[?12l",
    "\x1b[?2026h",
    "\x1b[?2026l",
    // Without wrapping, wide characters and marks at the margin leave halves that cannot be drawn again.
    "\x1b[?7labc\x1b[999Cxyz\x1b[?7h",
    "\x1b[r",
    "\x1b[m",
    // Underlined only here and there: a cursor that is restored meanwhile leaves a kind that nothing shows.
    "\x1b[1;3;4;7mab\x1b[24m",
    "\x1b[31;48;5;200m",
    "\x1b[38;2;1;2;3m",
    "\x1b[4:3;58;5;9mab\x1b[24m",
    "\x1b[48:2::40:50:60;53;9m",
    "\x1b[22;24;27;29;39m",
    "\x1b[2;5;8;94;103m",
    "\x1b[49;55;23m",
    "\x1b[44m",
    "\x1b[1\"q",
    "\x1b[\"q",
    "\x1b[?J",
    "\x1b[?2K",
    "\x1b[2J",
    "\x1b[J",
    "\x1b[1J",
    "\x1b[1K",
    "\x1b[2K",
    "\x1b[K",
    "\x1b(0",
    "\x1b(B",
    "\x1b)0",
    "\x1b(A",
    "\x1b*K",
    "\x1bn",
    "\x1b%G",
    "\x0e",
    "\x0f",
    "\x1b]2;name\x07",
    "\x1b]0;名 x\x1b\\",
    "\x1b]52;c;aGk=\x07",
    "\x1b]7501;state=working\x07",
    "\x1b]8;;http://localhost/a\x07link\x1b]8;;\x07",
    "\x1b]8;id=n;https://localhost/b\x1b\\b\x1b]8;;\x1b\\",
    "\x1b]4;1;#ff0000;2;rgb:00/ff/00\x07",
    "\x1b]104;1\x07",
    "\x1b]104\x07",
    "\x1b]10;#123456\x07",
    "\x1b]111\x07",
    "\x1b[4 q",
    "\x1b[ q",
    "\x1b=",
    "\x1b>",
    "\x1bP1$qm\x1b\\",
    "\x1b_text\x1b\\",
    "\r\n",
    "\r\n",
    "\r",
    "\x08",
    "\x0b",
    "\t",
    "\x1b[>7u",
    "\x1b[c",
    "\x1b[6n",
    "\x1b[!p",
    "\x1b[4h",
    "\x1b[4l",
    "\x1b[20h",
    "\x1b[20l",
    "\x1b#8",
    "\u{84}",
    "\u{85}",
    "\u{9b}1m",
    "\x1b[1\r;3m",
    "\x1b[1\x18m",
    "\x1b[<1;2M",
];

/// What takes a number, by its final byte.
const COUNTED: &[&str] = &[
    "A", "B", "C", "D", "E", "F", "G", "d", "e", "a", "`", "I", "Z", "@", "P", "X", "L", "M", "S",
    "T", "b",
];

/// Those that may cut wide characters in two.
const COLUMNS: &[&str] = &[" @", " A", "'}", "'~"];

/// See [`peculiar`].
const PECULIAR: &[&str] = &[
    "\x1b[?6h",
    "\x1b[?6l",
    "\x1b[?7l",
    "\x1b[?7h",
    "\x1bc",
    "\x1b[3J",
    "\x1bH",
    "\x1b[g",
    "\x1b[3g",
    "\x1b[59m",
    "\x1b[4m",
    "\x1b]8;id=n;https://localhost/b\x1b\\",
    "\x1b]8;;\x1b\\",
];

/// Characters of every width, marks, and what joins them.
const WIDE: &str = "[qxl宽度é🙂👩\u{200d}\u{301}\u{fe0f}ё한ｱ─█]{1,12}";

/// Bytes that a terminal of about 20 × 10 has something to do with.
pub fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "[a-z ]{1,30}".prop_map(String::into_bytes),
        4 => WIDE.prop_map(String::into_bytes),
        12 => select(FIXED).prop_map(|text| text.as_bytes().to_vec()),
        4 => (0u16..14, 0u16..24).prop_map(|(row, col)| format!("\x1b[{row};{col}H").into_bytes()),
        2 => (1u16..6, 3u16..12).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r").into_bytes()),
        4 => (0u16..12, select(COUNTED)).prop_map(|(count, last)| format!("\x1b[{count}{last}").into_bytes()),
        2 => Just(b"line\r\nline\r\nline\r\nline\r\n".to_vec()),
    ]
}

/// What puts a terminal into a state that no output can put another one into: halves of characters, a cursor outside of
/// the region that holds it, tab stops beyond the last column of a terminal that grows, a link or a kind of
/// underline that is open and not used because the cursor was restored. Still, everybody who sees all of it sees the same.
pub fn peculiar() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => piece(),
        1 => (0u16..12, select(COLUMNS)).prop_map(|(count, last)| format!("\x1b[{count}{last}").into_bytes()),
        1 => select(PECULIAR).prop_map(|text| text.as_bytes().to_vec()),
    ]
}
