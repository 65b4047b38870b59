//! Every kind of sequence that the model knows, each by its name, so that a difference says what it is about.

/// Two lines of text, then back to the first.
const TEXT: &str = "first line 宽 é\u{301}\r\nsecond\r\n\r\nfourth\x1b[2;3H";

/// Name, and the streams that show it.
const CASES: &[(&str, &[&str])] = &[
    (
        "text and wrapping",
        &[
            "a line that is longer than twenty columns",
            "exactly twenty cols.\r\nnext",
        ],
    ),
    (
        "wide characters",
        &[
            "0123456789012345678宽",
            "\x1b[20G宽b",
            "宽宽\x1b[2Gx",
            "宽宽\x1b[3Gx",
            "宽\x1b[2G\x1b[K",
        ],
    ),
    (
        "marks and joined characters",
        &[
            "e\u{301}\u{302}x",
            "\u{301}x",
            "👩\u{200d}👩\u{200d}👧x",
            "☁\u{fe0f}x",
            "0123456789012345678e\u{301}x",
        ],
    ),
    (
        "control characters",
        &[
            "ab\x08c",
            "a\tb\tc",
            "a\x0bb\x0cc",
            "a\rb",
            "a\x07b",
            "\x1b[5;1H\u{84}x\u{85}y",
            "a\x00b\x7fc",
        ],
    ),
    (
        "cursor",
        &[
            "\x1b[3;4Ha\x1b[2Ab\x1b[3Bc\x1b[4Cd\x1b[9De\x1b[2Ef\x1b[Fg\x1b[7Gh\x1b[5di\x1b[2ej\x1b[3ak\x1b[2`l\x1b[99;99Hm\x1b[0;0fn",
        ],
    ),
    (
        "saved cursor",
        &[
            "\x1b[31m\x1b[3;4H\x1b7\x1b[m\x1b[Hx\x1b8y",
            "\x1b[s\x1b[5;5Hx\x1b[uy",
            "\x1b[?1048h\x1b[5;5Hx\x1b[?1048ly",
            "\x1b8x",
            "\x1b(0\x1b7\x1b(Bq\x1b8q",
        ],
    ),
    (
        "a saved cursor that scrolled out",
        &["\x1b7\n\n\n\n\n\n\n\n\n\n\n\nx\x1b8y"],
    ),
    (
        "tabs",
        &[
            "\x1b[3Ga\x1bH\r\tb\x1b[3g\r\tc",
            "\x1b[9G\x1b[g\r\tb",
            "\x1b[2Ia\x1b[Zb\x1b[9Zc",
        ],
    ),
    (
        "erasing",
        &[
            "\x1b[J",
            "\x1b[1J",
            "\x1b[2J",
            "\x1b[K",
            "\x1b[1K",
            "\x1b[2K",
            "\x1b[3X",
            "\x1b[44m\x1b[J",
            "\x1b[44m\x1b[1K",
            "\x1b[41m\x1b[2X",
            "\x1b[99;99H\x1b[1J",
        ],
    ),
    (
        "erasing what is not protected",
        &[
            "\x1b[H\x1b[1\"qkept\x1b[\"qgone\x1b[H\x1b[?2Jx",
            "\x1b[1\"qkept\x1b[2\"qgone\x1b[?2K",
            "\x1b[1\"qk\x1b[\"q\x1b[?1J\x1b[?J",
        ],
    ),
    (
        "inserting and deleting",
        &[
            "\x1b[2@",
            "\x1b[2P",
            "\x1b[L",
            "\x1b[2M",
            "\x1b[44m\x1b[3@\x1b[2L",
            "\x1b[1;12H\x1b[P",
            "\x1b[4hnew\x1b[4l",
            "\x1b[4h宽",
        ],
    ),
    ("columns", &["\x1b[2 @", "\x1b[2 A", "\x1b[2'}", "\x1b[2'~"]),
    (
        "scrolling",
        &[
            "\x1b[2S",
            "\x1b[2T",
            "\x1b[44m\x1b[S\x1b[T",
            "\x1b[10;1Hlast\n\n\nx",
            "\x1bM\x1bM\x1bM\x1bMx",
            "\x1bDx\x1bEy",
        ],
    ),
    (
        "scroll region",
        &[
            "\x1b[2;4r\x1b[4;1Ha\nb\nc\x1b[r",
            "\x1b[2;4r\x1b[2;1H\x1bM\x1bMx",
            "\x1b[3;3r\x1b[1;5rx",
            "\x1b[1;4r\x1b[4;1Ha\nb\nc",
            "\x1b[2;4r\x1b[3;1H\x1b[9A\x1b[9B\x1b[Lx\x1b[My",
        ],
    ),
    (
        "origin mode",
        &[
            "\x1b[3;7r\x1b[?6h\x1b[2;3Hin\x1b[1;1Hfirst\x1b[99;1Hlast\n\n",
            "\x1b[3;7r\x1b[?6hx\x1b[?6ly",
        ],
    ),
    (
        "no wrapping",
        &[
            "\x1b[?7labcdefghijklmnopqrstuvwxyz",
            "\x1b[?7l\x1b[20G宽x\x1b[?7hyz",
        ],
    ),
    (
        "wrapping back",
        &[
            "\x1b[?45h0123456789012345678901\x08\x08\x08\x08x",
            "\x1b[?45h0123456789012345678宽\x08\x08\x08x",
        ],
    ),
    (
        "repeating",
        &[
            "a\x1b[5b",
            "宽\x1b[3b",
            "e\u{301}\x1b[3b",
            "a\x1b[30b",
            "a\r\x1b[3b",
        ],
    ),
    (
        "colours",
        &[
            "\x1b[31ma\x1b[92mb\x1b[44mc\x1b[105md\x1b[38;5;200me\x1b[48;5;20mf\x1b[38;2;1;2;3mg\x1b[48:2::4:5:6mh\x1b[38:5:7mi\x1b[39;49mj",
        ],
    ),
    (
        "attributes",
        &[
            "\x1b[1ma\x1b[2mb\x1b[3mc\x1b[4md\x1b[5me\x1b[7mf\x1b[8mg\x1b[9mh\x1b[53mi\x1b[22;23;24;25;27;28;29;55mj\x1b[mk",
        ],
    ),
    (
        "underlines",
        &[
            "\x1b[4:1ma\x1b[4:2mb\x1b[4:3mc\x1b[4:4md\x1b[4:5me\x1b[58;5;9mf\x1b[58:2::1:2:3mg\x1b[59mh\x1b[4:0mi\x1b[21mj\x1b[24mk",
        ],
    ),
    (
        "odd numbers",
        &[
            "\x1b[;1;;31mx",
            "\x1b[38;5mx",
            "\x1b[38;2;1mx",
            "\x1b[1:2:3mx",
            "\x1b[99999999999Cx",
            "\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33;34;35mx",
        ],
    ),
    (
        "character sets",
        &[
            "\x1b(0lqqk\x1b(Bx",
            "\x1b)0\x0elqk\x0flqk",
            "\x1b*K\x1bn[\\]\x1b+A\x1bo#\x0f#",
            "\x1b(A#\x1b(R{\x1b(Yz~\x1b(=_",
            "\x1b(0q\x1b%Gq",
            "\x1b-0\x1b~q\x1b.0\x1b}q\x1b|q",
        ],
    ),
    (
        "alternate screen",
        &[
            "\x1b[?1049halt\x1b[2;2H\x1b[44m\x1b[K",
            "\x1b[?1049halt\x1b[?1049lmain",
            "\x1b[?47halt\x1b[?47lx\x1b[?47hy",
            "\x1b[?1047halt\n\n\n\n\n\n\n\n\n\n\nx\x1b[?1047ly",
            "\x1b[41m\x1b[?1049hx",
        ],
    ),
    (
        "modes",
        &[
            "\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[?25l\x1b[?2026h\x1b[20ha\nb",
            "\x1b[?66h\x1b[?66l\x1b[?12l\x1b[?1h\x1b[?1l",
            "\x1b[?1;2004;25h\x1b[?2004;1l",
        ],
    ),
    (
        "mouse",
        &[
            "\x1b[?9h",
            "\x1b[?1000h\x1b[?1006h",
            "\x1b[?1002h\x1b[?1016h",
            "\x1b[?1003h\x1b[?1003l",
            "\x1b[?1000;1002;1003;1006h\x1b[?1006l",
        ],
    ),
    (
        "shape of the cursor",
        &[
            "\x1b[0 q",
            "\x1b[1 q",
            "\x1b[2 q",
            "\x1b[3 q",
            "\x1b[4 q",
            "\x1b[5 q",
            "\x1b[6 q",
            "\x1b[5 q\x1b[ q",
            "\x1b[4 q\x1b[7 q",
            "\x1b[4 q\x1b[8 q",
        ],
    ),
    (
        "titles",
        &[
            "\x1b]0;both\x07",
            "\x1b]2;title\x1b\\",
            "\x1b]1;icon\x07",
            "\x1b]2;名 \u{1f642}\x07",
            "\x1b]2;never ended",
            "\x1b]2;a\x18b",
        ],
    ),
    (
        "links",
        &[
            "\x1b]8;;http://localhost/\x07link\x1b]8;;\x07x",
            "\x1b]8;id=1;https://localhost/\x07a\x1b]8;;\x07b\x1b]8;id=1;https://localhost/\x07c",
            "\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07",
            "\x1b]8;;http://localhost/\x07a\x1b[mb\x1b[4mc\x1b[24md\x1b]8;;\x07e",
        ],
    ),
    (
        "redefined colours",
        &[
            "\x1b]4;1;#ff0000;200;rgb:00/80/ff\x07",
            "\x1b]10;#123\x07\x1b]11;rgb:1/2/3\x07\x1b]12;#abcdef\x07",
            "\x1b]4;1;#ff0000\x07\x1b]104;1\x07",
            "\x1b]10;#123456;#654321\x07\x1b]110\x07",
            "\x1b]4;1;?\x07\x1b]4;300;#fff\x07",
        ],
    ),
    ("alignment test", &["\x1b[31;44m\x1b#8", "\x1b[2;4r\x1b#8x"]),
    (
        "resets",
        &[
            "\x1b[31m\x1b[?6h\x1b[4h\x1b[?7l\x1b[2;4r\x1b(0\x1b[!pq",
            "\x1b[31m\x1b[?1049h\x1b[?1000h\x1bcx",
            "\x1b7\x1b[!p\x1b8x",
        ],
    ),
    (
        "strings that nobody reads",
        &[
            "\x1bPq#0\x1b\\x",
            "\x1b_apc\x1b\\x",
            "\x1b^pm\x1b\\x",
            "\x1bXsos\x1b\\x",
            "\x1bP1$qm\x1b\\x",
            "\x1b]7501;state=idle\x07x",
            "\x1b]52;c;aGk=\x07x",
        ],
    ),
    (
        "sequences that are broken off",
        &[
            "\x1b[1\x18mx",
            "\x1b[31\x1b[1mx",
            "\x1b[1\rmx",
            "\x1b]2;a\x1b[31mx",
            "\x1b[<5>mx",
            "\x1b[1 2mx",
            "\x1b\x1b[1mx",
            "\u{9b}31mx",
            "\u{90}q\u{9c}x",
        ],
    ),
    (
        "queries",
        &[
            "\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[?6nx",
            "\x1b[?2026$px",
            "\x1b]10;?\x07x",
            "\x1b[18tx",
        ],
    ),
    (
        "the keyboard's protocol",
        &["\x1b[>1u\x1b[=5;1u\x1b[?ux\x1b[<u"],
    ),
];

/// What no text can hold.
const BYTES: &[&[u8]] = &[
    b"a\xffb\x80c",
    b"\xe2\x80x",
    b"\xf0\x9f\x99x",
    b"\xc1\x81x",
    b"\xed\xa0\x80x",
    b"\xef\xbb\xbfx",
    b"\xf4\x90\x80\x80x",
];

/// The streams of all cases with their names, on an empty screen and on one with text.
pub fn all() -> impl Iterator<Item = (String, Vec<u8>)> {
    let texts = CASES.iter().flat_map(|(name, streams)| {
        let streams = streams.iter().map(|stream| stream.as_bytes());
        streams.map(|stream| ((*name).to_owned(), stream.to_vec()))
    });
    let bytes = BYTES
        .iter()
        .map(|bytes| ("bytes that are no characters".to_owned(), bytes.to_vec()));
    texts.chain(bytes).flat_map(|(name, stream)| {
        let over = [TEXT.as_bytes(), &stream].concat();
        [(format!("{name}, over text"), over), (name, stream)]
    })
}
