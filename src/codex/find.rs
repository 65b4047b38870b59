//! Owns the search for the Codex program and its version. It looks, it never installs, and it reads no environment itself: `config` hands in
//! `CODEX_BIN` and `PATH`.

use std::fmt;
use std::io::Read;
use std::{
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::domain::sentence::{Sentence, say};

/// The version everything was tried with.
pub const TESTED_VERSION: &str = "0.169.0";

/// `--version` answers in 0.1 s; ten times this limit would only delay the message about a broken program.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no Codex. Display is a whole sentence, since people see it as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing called `codex` is on PATH.
    NotOnPath,
    /// The named program does not exist.
    Missing(PathBuf),
    /// The named program cannot be executed.
    NotExecutable(PathBuf),
    /// It did not say its version.
    Broken {
        /// The program.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

impl FindError {
    /// What is wrong, and what to do.
    pub fn sentence(&self) -> Sentence {
        let how = remedy();
        match self {
            Self::NotOnPath => say!("codex.find.error.not_on_path", how => how),
            Self::Missing(path) => {
                say!("codex.find.error.missing", path = path.display(), how => how)
            }
            Self::NotExecutable(path) => {
                say!("codex.find.error.not_executable", path = path.display(), how => how)
            }
            Self::Broken { path, reason } => {
                say!("codex.find.error.broken", path = path.display(), reason, how => how)
            }
        }
    }

    /// What is wrong, without the way out that the sentence ends with.
    pub fn problem(&self) -> Sentence {
        match self {
            Self::NotOnPath => say!("codex.find.not_on_path"),
            Self::Missing(path) => say!("codex.find.missing", path = path.display()),
            Self::NotExecutable(path) => {
                say!("codex.find.not_executable", path = path.display())
            }
            Self::Broken { path, reason } => {
                say!("codex.find.broken", path = path.display(), reason)
            }
        }
    }
}

/// What to do about any of it.
pub fn remedy() -> Sentence {
    say!("codex.find.remedy", tested_version = TESTED_VERSION)
}

/// A Codex program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodexProgram {
    /// The program to start; native where there is one.
    pub path: PathBuf,
    /// The npm wrapper it was found through. Started directly, the native program leaves no node process around.
    pub wrapper: Option<PathBuf>,
}

/// Finds Codex: the explicit path, else `CODEX_BIN`, else the first `codex` on `PATH`. A name without a slash is looked up on `PATH`.
pub fn resolve(
    explicit: Option<&Path>,
    codex_bin: Option<&OsStr>,
    path: Option<&OsStr>,
) -> Result<CodexProgram, FindError> {
    let named = explicit
        .map(Path::to_path_buf)
        .or_else(|| codex_bin.filter(|name| !name.is_empty()).map(PathBuf::from));
    let program = match named {
        Some(name) if name.components().count() > 1 || name.is_absolute() => {
            check_executable(&name)?;
            std::path::absolute(&name).unwrap_or(name)
        }
        Some(name) => on_path(&name, path).ok_or(FindError::Missing(name))?,
        None => on_path(Path::new("codex"), path).ok_or(FindError::NotOnPath)?,
    };
    Ok(match native_of(&program) {
        Some(native) => CodexProgram {
            path: native,
            wrapper: Some(program),
        },
        None => CodexProgram {
            path: program,
            wrapper: None,
        },
    })
}

/// Whether the file can be started at all.
pub fn check_executable(path: &Path) -> Result<(), FindError> {
    let about = path
        .metadata()
        .map_err(|_| FindError::Missing(path.to_path_buf()))?;
    if about.is_file() && about.permissions().mode() & 0o111 != 0 {
        Ok(())
    } else {
        Err(FindError::NotExecutable(path.to_path_buf()))
    }
}

fn on_path(name: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| check_executable(candidate).is_ok())
}

/// A wrapper script has less than 1 KiB.
const MAX_WRAPPER_BYTES: u64 = 16 * 1024;

/// npm links `codex` to `…/@openai/codex/bin/codex.js`; pnpm writes a shell script that names it.
fn native_of(program: &Path) -> Option<PathBuf> {
    const SCRIPT: &str = "@openai/codex/bin/codex.js";
    let real = program.canonicalize().ok()?;
    let script = if real.ends_with(SCRIPT) {
        real
    } else {
        let head = short_script(&real)?;
        let end = head.find(SCRIPT)? + SCRIPT.len();
        let start = head[..end].rfind("$basedir/")? + "$basedir/".len();
        real.parent()?.join(&head[start..end]).canonicalize().ok()?
    };
    let package = script.parent()?.parent()?;
    let (platform, triple) = platform_package()?;
    let inside = |vendor: PathBuf| vendor.join(triple).join("bin").join("codex");
    package
        .ancestors()
        .map(|folder| {
            folder
                .join("node_modules/@openai")
                .join(platform)
                .join("vendor")
        })
        .chain([package.join("vendor")])
        .map(inside)
        .find(|candidate| check_executable(candidate).is_ok())
}

/// The text of a file that is a script and short. Nothing else is read: the native program has hundreds of megabytes.
fn short_script(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_WRAPPER_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.starts_with("#!").then_some(text)
}

fn platform_package() -> Option<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(("codex-linux-x64", "x86_64-unknown-linux-musl")),
        ("linux", "aarch64") => Some(("codex-linux-arm64", "aarch64-unknown-linux-musl")),
        ("macos", "x86_64") => Some(("codex-darwin-x64", "x86_64-apple-darwin")),
        ("macos", "aarch64") => Some(("codex-darwin-arm64", "aarch64-apple-darwin")),
        _ => None,
    }
}

/// The version that the program reports, such as `0.169.0`.
pub async fn version(program: &Path) -> Result<String, FindError> {
    check_executable(program)?;
    let broken = |reason: String| FindError::Broken {
        path: program.to_path_buf(),
        reason,
    };
    let output = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(VERSION_LIMIT, output)
        .await
        .map_err(|_| broken("it did not answer `--version` in 10 s".to_owned()))?
        .map_err(|error| broken(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().last() {
        Some(version)
            if output.status.success()
                && version.starts_with(|first: char| first.is_ascii_digit()) =>
        {
            Ok(version.to_owned())
        }
        _ => Err(broken(crate::process::describe_exit(output.status))),
    }
}

/// A sentence for people when the installed version is not the tested one.
pub fn version_note(version: &str) -> Option<String> {
    (version != TESTED_VERSION).then(|| {
        let (tested_version, how) = (TESTED_VERSION, remedy());
        say!("codex.version_note", version, tested_version, how => how).to_string()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn program(path: &Path, text: &str) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        path.canonicalize().unwrap()
    }

    fn vendor(modules: &Path) -> PathBuf {
        let (platform, triple) = platform_package().unwrap();
        modules
            .join("@openai")
            .join(platform)
            .join("vendor")
            .join(triple)
            .join("bin/codex")
    }

    #[test]
    fn an_explicit_path_wins_over_codex_bin_and_path() {
        let home = tempfile::tempdir().unwrap();
        let one = program(&home.path().join("one/codex"), "#!/bin/sh\n");
        let two = program(&home.path().join("two/codex"), "#!/bin/sh\n");
        let three = program(&home.path().join("three/codex"), "#!/bin/sh\n");
        let path = three.parent().unwrap().as_os_str();
        let found = |explicit, bin| resolve(explicit, bin, Some(path)).unwrap().path;
        assert_eq!(found(Some(&one), Some(two.as_os_str())), one);
        assert_eq!(found(None, Some(two.as_os_str())), two);
        assert_eq!(found(None, Some(OsStr::new(""))), three);
        assert_eq!(found(None, Some(OsStr::new("codex"))), three);
    }

    #[test]
    fn npm_and_pnpm_wrappers_resolve_to_the_native_program() {
        let home = tempfile::tempdir().unwrap();
        let modules = home.path().join("lib/node_modules");
        let script = program(
            &modules.join("@openai/codex/bin/codex.js"),
            "#!/usr/bin/env node\n",
        );
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(&script, bin.join("codex")).unwrap();
        let shim = program(
            &modules.join(".bin/codex"),
            "#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node \"$basedir/../@openai/codex/bin/codex.js\" \"$@\"\n",
        );
        let plain = resolve(Some(&bin.join("codex")), None, None).unwrap();
        assert_eq!(
            (plain.path, plain.wrapper),
            (bin.join("codex"), None),
            "no native program: the wrapper itself"
        );
        let native = program(&vendor(&modules), "");
        for wrapper in [bin.join("codex"), shim] {
            let found = resolve(Some(&wrapper), None, None).unwrap();
            assert_eq!((found.path, found.wrapper), (native.clone(), Some(wrapper)));
        }
    }

    #[test]
    fn what_is_missing_or_not_executable_is_said_with_the_way_out() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("codex");
        fs::write(&file, "").unwrap();
        let texts = [
            resolve(None, None, Some(home.path().as_os_str())),
            resolve(Some(&file), None, None),
            resolve(Some(&home.path().join("none")), None, None),
            resolve(None, Some(OsStr::new("codex-nightly")), None),
        ]
        .map(|result| result.unwrap_err().to_string());
        for text in &texts {
            assert!(
                text.contains("npm install -g @openai/codex@0.169.0"),
                "{text}"
            );
        }
        assert!(texts[0].contains("not found on PATH"));
        assert!(texts[1].contains("not an executable file"));
        assert!(texts[2].contains("no Codex program at"));
        assert!(texts[3].contains("codex-nightly"));
    }

    #[tokio::test]
    async fn the_version_is_read_and_another_one_gets_a_note() {
        let home = tempfile::tempdir().unwrap();
        let good = program(
            &home.path().join("good"),
            "#!/bin/sh\necho codex-cli 0.170.1\n",
        );
        let bad = program(&home.path().join("bad"), "#!/bin/sh\nexit 4\n");
        assert_eq!(version(&good).await.unwrap(), "0.170.1");
        assert!(
            version_note("0.170.1")
                .unwrap()
                .contains("tested with 0.169.0")
        );
        assert_eq!(version_note(TESTED_VERSION), None);
        assert!(
            version(&bad)
                .await
                .unwrap_err()
                .to_string()
                .contains("exited with code 4")
        );
    }
}
