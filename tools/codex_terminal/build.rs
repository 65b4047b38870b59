//! Fetches the page's third-party scripts (xterm.js and its add-ons) with npm, as the lock file names them, into
//! OUT_DIR only. Runs again only when the lock file changes.

use std::path::Path;
use std::process::{Command, exit};

const SCRIPTS: [(&str, &str); 7] = [
    ("xterm/lib/xterm.mjs", "xterm.mjs"),
    ("xterm/css/xterm.css", "xterm.css"),
    ("addon-fit/lib/addon-fit.mjs", "addon-fit.mjs"),
    ("addon-search/lib/addon-search.mjs", "addon-search.mjs"),
    (
        "addon-unicode11/lib/addon-unicode11.mjs",
        "addon-unicode11.mjs",
    ),
    (
        "addon-web-links/lib/addon-web-links.mjs",
        "addon-web-links.mjs",
    ),
    ("addon-webgl/lib/addon-webgl.mjs", "addon-webgl.mjs"),
];

fn main() {
    for file in ["build.rs", "package.json", "package-lock.json"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let work = Path::new(&out).join("npm");
    if let Err(problem) = fetch(&work, &Path::new(&out).join("web")) {
        eprintln!("{problem}");
        exit(1);
    }
}

fn fetch(work: &Path, web: &Path) -> Result<(), String> {
    let io =
        |what: &str, error: std::io::Error| format!("building the terminal page: {what}: {error}");
    for folder in [work, web] {
        std::fs::create_dir_all(folder).map_err(|error| io("create a folder in OUT_DIR", error))?;
    }
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(file, work.join(file)).map_err(|error| io(file, error))?;
    }
    let output = Command::new("npm")
        // Whatever the environment says: the tests compare the screen with xterm.js without a page.
        .args(["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(work)
        .output()
        .map_err(|error| {
            format!(
                "building the terminal page needs npm to fetch xterm.js, and npm could not be run ({error}): install Node.js with npm, then build again"
            )
        })?;
    if !output.status.success() {
        return Err(format!(
            "building the terminal page: `npm ci` could not fetch xterm.js; check the network and npm's registry setting, then build again. npm said:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    for (from, to) in SCRIPTS {
        let from = work.join("node_modules/@xterm").join(from);
        std::fs::copy(&from, web.join(to)).map_err(|error| io(to, error))?;
    }
    Ok(())
}
