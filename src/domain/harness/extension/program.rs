//! What runs an extension: its own program, or Node with its module, where that is new enough for it.

use super::fault::{Code, Fault};
use crate::domain::sentence::{Sentence, say};
use semver::Version;

/// What has to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program<'a> {
    /// A program with its arguments.
    Own(&'a [String]),
    /// A module of Node: a file in the folder.
    Module(&'a str),
}

impl<'a> Program<'a> {
    /// The one of a manifest with this command line and this entry point for events.
    ///
    /// # Errors
    /// When neither is there.
    pub fn of(command: &'a [String], module: Option<&'a str>) -> Result<Self, Fault> {
        if !command.is_empty() {
            return Ok(Self::Own(command));
        }
        let is_module = |path: &&str| [".js", ".mjs", ".ts"].iter().any(|it| path.ends_with(it));
        module.filter(is_module).map(Self::Module).ok_or_else(|| {
            let message = say!("reason.extension.no_command");
            Fault::new(Code::MissingEntrypoint, message)
        })
    }
}

/// The oldest Node whose word about what is a module can be relied on.
const OLDEST: Version = Version::new(20, 10, 0);
/// The oldest that runs TypeScript, when told to.
const OLDEST_TYPED: Version = Version::new(22, 6, 0);

/// What a Node of this version has to be told besides so that it runs this module: files that end in `.js` may be modules of either form, and
/// those in `.ts` are read without their types.
///
/// # Errors
/// When it is too old for it.
pub fn options(version: &Version, module: &str) -> Result<Vec<&'static str>, Sentence> {
    let at = |major, minor| Version::new(major, minor, 0);
    let is_typed = module.ends_with(".ts");
    if *version < OLDEST || version.major == 21 && version.minor == 0 {
        return Err(say!("reason.extension.node_old", version, oldest = OLDEST));
    }
    if is_typed && *version < OLDEST_TYPED {
        let oldest = OLDEST_TYPED;
        return Err(say!("reason.extension.node_untyped", version, oldest));
    }
    let tells_apart = *version >= at(22, 7) || version.major == 20 && version.minor >= 19;
    let strips = *version >= at(23, 6) || version.major == 22 && version.minor >= 18;
    let mut options = Vec::new();
    if !tells_apart {
        options.push("--experimental-detect-module");
    }
    if is_typed && !strips {
        options.push("--experimental-strip-types");
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn node_is_told_what_its_version_does_not_do_by_itself() {
        const APART: &str = "--experimental-detect-module";
        const TYPES: &str = "--experimental-strip-types";
        for (version, module, expected) in [
            ("18.20.4", "a.js", None),
            ("20.9.0", "a.mjs", None),
            ("20.10.0", "a.js", Some(vec![APART])),
            ("20.19.0", "a.js", Some(vec![])),
            ("20.20.2", "a.ts", None),
            ("21.0.0", "a.js", None),
            ("21.1.0", "a.js", Some(vec![APART])),
            ("22.5.1", "a.ts", None),
            ("22.6.0", "a.ts", Some(vec![APART, TYPES])),
            ("22.17.0", "a.ts", Some(vec![TYPES])),
            ("22.18.0", "a.ts", Some(vec![])),
            ("23.5.0", "a.ts", Some(vec![TYPES])),
            ("24.1.0", "a.ts", Some(vec![])),
        ] {
            let options = options(&version.parse().unwrap(), module);
            assert_eq!(options.ok(), expected, "{version} {module}");
        }
    }
}
