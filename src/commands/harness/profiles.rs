//! Servers beside the one of this repository: their addresses, and tokens that only the person can read.

use crate::cli::ExitCode;
use crate::client::Port;
use crate::commands::error::CommandError;
use crate::commands::{input, table};
use crate::paths::{Environment, write_private};
use clap::ArgMatches;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A server.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) url: String,
    /// Where the harness is on it.
    pub(super) prefix: String,
    pub(super) token: String,
}

/// All of them, by name.
type All = BTreeMap<String, Profile>;

/// Where they are kept: they are of the person, not of one repository.
pub(super) struct Profiles(PathBuf);

impl Profiles {
    /// Those of a person.
    ///
    /// # Errors
    /// When there is no home.
    pub(super) fn of(environment: &Environment) -> Result<Self, CommandError> {
        let folder = |name: &str| {
            let path = environment.get(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
        let config = config.ok_or_else(|| {
            CommandError::Usage(
                "profiles need a home: set HOME or XDG_CONFIG_HOME to an absolute path".to_owned(),
            )
        })?;
        Ok(Self(config.join("zhongshu").join("profiles.json")))
    }

    fn all(&self) -> Result<All, CommandError> {
        let shown = self.0.display();
        match std::fs::metadata(&self.0) {
            Ok(about) if about.permissions().mode() & 0o077 != 0 => {
                return Err(CommandError::Usage(format!(
                    "others can open {shown}, which holds tokens: take the tokens back (`zhongshu token revoke`) and run `chmod 600 {shown}`"
                )));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(All::new()),
            Ok(_) | Err(_) => {}
        }
        let text = std::fs::read(&self.0)?;
        serde_json::from_slice(&text).map_err(|error| {
            CommandError::Usage(format!("{shown} is no list of profiles: {error}"))
        })
    }

    fn write(&self, all: &All) -> Result<(), CommandError> {
        let text = serde_json::to_vec_pretty(all).map_err(std::io::Error::from)?;
        Ok(write_private(&self.0, &text)?)
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(super) fn read(&self, name: &str) -> Result<Profile, CommandError> {
        self.all()?.remove(name).ok_or_else(|| unknown(name))
    }
}

fn unknown(name: &str) -> CommandError {
    CommandError::Usage(format!(
        "there is no profile `{name}`; `zhongshu harness profile list` shows those that there are"
    ))
}

/// `profile add`, `list`, `remove`.
///
/// # Errors
/// When a name or an address is wrong, or the list cannot be written.
pub(super) fn run(
    profiles: &Profiles,
    given: &ArgMatches,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let (verb, given) = given.subcommand().unwrap_or(("list", given));
    let text = |name: &str| given.get_one::<String>(name).cloned().unwrap_or_default();
    match verb {
        "add" => {
            let name = text("name");
            let profile = asked_for(given)?;
            let mut all = profiles.all()?;
            check_name(&name)?;
            all.insert(name, profile);
            profiles.write(&all)?;
        }
        "remove" => {
            let mut all = profiles.all()?;
            let name = text("name");
            all.remove(&name).ok_or_else(|| unknown(&name))?;
            profiles.write(&all)?;
        }
        _ => list(&profiles.all()?, given.get_flag("json"), out)?,
    }
    Ok(ExitCode::Ok)
}

fn check_name(name: &str) -> Result<(), CommandError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty() && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(CommandError::Usage(
            "the name of a profile has letters, digits, `-`, `_` and `.`".to_owned(),
        )),
    }
}

/// The profile that a line describes; its address is looked at before a token is read for it.
fn asked_for(given: &ArgMatches) -> Result<Profile, CommandError> {
    let text = |name: &str| given.get_one::<String>(name).cloned().unwrap_or_default();
    let (url, prefix) = (text("url"), text("prefix"));
    Port::of(&url, "").map_err(|error| CommandError::Usage(error.to_string()))?;
    let prefix = prefix.trim_end_matches('/').to_owned();
    if !prefix.is_empty() && !prefix.starts_with('/') {
        return Err(CommandError::Usage("--prefix begins with `/`".to_owned()));
    }
    let token = match given.get_one::<PathBuf>("token-file") {
        Some(path) => input::read("--token-file", &format!("@{}", path.display()))?,
        None => input::standard_input()?,
    };
    let token = token.trim().to_owned();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(CommandError::Usage(
            "the token is one word; `zhongshu token create NAME --scope harness` prints it"
                .to_owned(),
        ));
    }
    Ok(Profile { url, prefix, token })
}

fn list(all: &All, is_json: bool, out: &mut impl Write) -> Result<(), CommandError> {
    if is_json {
        let shown = all.iter().map(
            |(name, profile)| json!({ "name": name, "url": profile.url, "prefix": profile.prefix }),
        );
        writeln!(out, "{}", shown.collect::<serde_json::Value>())?;
    } else if all.is_empty() {
        writeln!(
            out,
            "there are no profiles; without one the server of this repository is asked"
        )?;
    } else {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|(name, profile)| vec![name.clone(), profile.url.clone(), profile.prefix.clone()])
            .collect();
        table::print(&["NAME", "URL", "PREFIX"], &rows, out)?;
    }
    Ok(())
}
