//! `extensions add`: puts an extension that comes with zhongshu where extensions lie, and says how it is let run. It asks no server.

use crate::cli::ExitCode;
use crate::commands::error::CommandError;
use crate::domain::harness::extension::content::{Digest, Files};
use crate::harness::extensions::{finding, shipped};
use clap::ArgMatches;
use serde_json::json;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Writes its files, unless they are there.
///
/// # Errors
/// When something else is there, or it cannot be written.
pub(super) fn run(
    given: &ArgMatches,
    repo: &Path,
    cwd: &Path,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let name = given.get_one::<String>("name").map_or("", String::as_str);
    let files = shipped::files(name).ok_or_else(|| {
        let known = shipped::NAMES.join(", ");
        CommandError::Usage(format!(
            "no extension `{name}` comes with zhongshu; there is: {known}"
        ))
    })?;
    let parent = match given.get_one::<PathBuf>("folder") {
        Some(folder) => cwd.join(folder),
        None => repo.join(finding::FOLDER),
    };
    let folder = parent.join(name);
    let status = match put(&parent, &folder, &files)? {
        Put::Written => "written",
        Put::Same => "unchanged",
        Put::Otherwise(path) => {
            return Err(CommandError::Failed(format!(
                "{} is there and is not what comes with this zhongshu; nothing was written. Move {} away to have this one",
                path.display(),
                folder.display()
            )));
        }
    };
    let digest = Digest::of(&files);
    if given.get_flag("json") {
        let said = json!({"status": status, "path": folder, "agentId": name, "digest": digest});
        writeln!(out, "{said}")?;
        return Ok(ExitCode::Ok);
    }
    writeln!(out, "{}: {status}", folder.display())?;
    writeln!(
        out,
        "Nothing of it runs yet. Look at it, switch extensions on in governance.yaml (harness.extensions.mode: enforced), then:\n  \
         zhongshu harness extensions reload\n  zhongshu harness extensions trust {name} --digest {digest}"
    )?;
    Ok(ExitCode::Ok)
}

/// What became of it.
enum Put {
    Written,
    Same,
    /// This is another one than ours, or no file.
    Otherwise(PathBuf),
}

fn put(parent: &Path, folder: &Path, files: &Files) -> io::Result<Put> {
    // Agents can write there: no link is followed to another place.
    for it in [parent, folder] {
        match fs::symlink_metadata(it) {
            Ok(found) if !found.is_dir() => return Ok(Put::Otherwise(it.to_owned())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut missing = Vec::new();
    for (path, file) in files {
        let at = folder.join(path);
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_file() && fs::read(&at)? == file.bytes => {}
            Ok(_) => return Ok(Put::Otherwise(at)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((at, file)),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        return Ok(Put::Same);
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)?;
    for (at, file) in missing {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        options.open(at)?.write_all(&file.bytes)?;
    }
    Ok(Put::Written)
}
