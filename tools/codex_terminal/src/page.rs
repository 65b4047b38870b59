//! The page's files, embedded in the binary: our own from `static/`, third-party ones as npm gave them to build.rs.

macro_rules! own {
    ($name:literal, $kind:expr) => {
        (
            $name,
            $kind,
            include_bytes!(concat!("../static/", $name)).as_slice(),
        )
    };
}

macro_rules! fetched {
    ($name:literal, $kind:expr) => {
        (
            $name,
            $kind,
            include_bytes!(concat!(env!("OUT_DIR"), "/web/", $name)).as_slice(),
        )
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page itself; holds no data.
pub const INDEX: &str = include_str!("../static/index.html");

const FILES: [(&str, &str, &[u8]); 18] = [
    own!("terminal.css", STYLE),
    own!("main.js", SCRIPT),
    own!("clipboard.js", SCRIPT),
    own!("compose.js", SCRIPT),
    own!("connection.js", SCRIPT),
    own!("input.js", SCRIPT),
    own!("letterbox.js", SCRIPT),
    own!("mends.js", SCRIPT),
    own!("screen.js", SCRIPT),
    own!("texts.js", SCRIPT),
    own!("toolbar.js", SCRIPT),
    fetched!("xterm.mjs", SCRIPT),
    fetched!("xterm.css", STYLE),
    fetched!("addon-fit.mjs", SCRIPT),
    fetched!("addon-search.mjs", SCRIPT),
    fetched!("addon-unicode11.mjs", SCRIPT),
    fetched!("addon-web-links.mjs", SCRIPT),
    fetched!("addon-webgl.mjs", SCRIPT),
];

/// Content type and bytes of a file of the page.
pub fn file(name: &str) -> Option<(&'static str, &'static [u8])> {
    FILES
        .iter()
        .find(|(known, _, _)| *known == name)
        .map(|(_, kind, bytes)| (*kind, *bytes))
}
