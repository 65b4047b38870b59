//! A person in a real browser: a script of `tests/browser`, with what it needs to find its way.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The program that `variable` names, else the first of `names` on PATH.
pub fn program(variable: &str, names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    std::env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| found.find(|file| file.is_file()))
        .unwrap_or_else(|| {
            panic!(
                "this test needs {} on PATH, or its path in {variable}",
                names[0]
            )
        })
}

/// The folder of playwright-core, as `./tools/test` installs it, or as PLAYWRIGHT_CORE names it.
pub fn playwright() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::env::var_os("PLAYWRIGHT_CORE").map_or_else(
        || root.join(".tmp/tools/node_modules/playwright-core"),
        PathBuf::from,
    )
}

/// Chromium, by whichever name it is installed.
pub fn chromium() -> PathBuf {
    program(
        "CHROMIUM",
        &["chromium", "chromium-browser", "google-chrome"],
    )
}

/// The script, ready to be started; it ends with who waits for it.
pub fn person(script: &str, login: &str, pictures: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = std::env::var_os("WALK_PICTURES").unwrap_or_else(|| pictures.into());
    let mut person = Command::new(program("NODE", &["node"]));
    person
        .arg(root.join("tests/browser").join(script))
        .env("WALK_LOGIN", login)
        .env("WALK_CHROMIUM", chromium())
        .env("WALK_PLAYWRIGHT", playwright())
        .env("WALK_PICTURES", pictures)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    person
}
