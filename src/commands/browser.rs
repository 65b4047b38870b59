//! Opens a browser on a link that holds a login key. The key goes through a file that only we can read, never through
//! an argument, which every user of the machine could read.

use crate::paths::{Environment, Places};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Opens `url` in the person's browser; `false` when there is none to open it in.
///
/// # Errors
/// When the file cannot be written or the program cannot be started.
pub fn open_browser(places: &Places, url: &str, environment: &Environment) -> io::Result<bool> {
    let Some(program) = program(environment) else {
        return Ok(false);
    };
    let page = write_page(places, url)?;
    let mut child = Command::new(program)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // It may stay as long as the browser does; waiting for it keeps no zombie.
    std::thread::Builder::new()
        .name("browser".to_owned())
        .spawn(move || {
            if let Err(error) = child.wait() {
                tracing::debug!(%error, "wait for the browser");
            }
        })?;
    Ok(true)
}

fn program(environment: &Environment) -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let on_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| environment.get(name).is_some_and(|it| !it.is_empty()));
    on_screen.then_some("xdg-open")
}

/// A page that goes on to `url`. Its key works once and not for long, so that an old one is worth nothing.
fn write_page(places: &Places, url: &str) -> io::Result<PathBuf> {
    let path = places.state.join("open.html");
    let mut escaped = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    // tempfile makes its files 0600. Called as all drafts are, so that one that is left behind is swept.
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .suffix(".tmp")
        .tempfile_in(&places.state)?;
    writeln!(
        file,
        "<!doctype html><meta charset=\"utf-8\"><title>zhongshu</title>\
         <meta http-equiv=\"refresh\" content=\"0;url={escaped}\"><a href=\"{escaped}\">zhongshu</a>"
    )?;
    file.persist(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_is_in_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            repo: folder.path().to_owned(),
            state: folder.path().to_owned(),
            runtime: folder.path().to_owned(),
        };
        let path = write_page(&places, "http://127.0.0.1:1/#key=a\"b").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("url=http://127.0.0.1:1/#key=a&quot;b\""),
            "{text}"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_browser_needs_a_screen() {
        let nothing_set = Environment::default();
        assert_eq!(program(&nothing_set).is_some(), cfg!(target_os = "macos"));
        assert!(program(&nothing_set.with("DISPLAY", ":0")).is_some());
    }
}
