//! The settings of Git that decide what counts as a change, read once per repository with libgit2: the system's, the
//! person's and the repository's configuration together. It never names a program.

use std::path::{Path, PathBuf};

use git2::Config;

/// What `core.autocrlf` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AutoCrlf {
    #[default]
    False,
    True,
    Input,
}

/// The settings of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Executable bits on disk count.
    pub file_mode: bool,
    /// The disk knows symbolic links.
    pub symlinks: bool,
    /// Names that differ by case only are one.
    pub ignore_case: bool,
    /// The time of the last change of a file's data on disk counts.
    pub trust_ctime: bool,
    /// Owner, group and number of a file on disk count.
    pub check_inode: bool,
    /// Files outside of the sparse checkout are marked in the index, and count when they are there.
    pub sparse: bool,
    pub autocrlf: AutoCrlf,
    /// The program that Git would run for large files is set up.
    pub has_lfs: bool,
    /// `diff.ignoreSubmodules`.
    pub ignore_submodules: Option<String>,
    /// The person's patterns.
    pub excludes_file: Option<PathBuf>,
    /// The person's attributes.
    pub attributes_file: Option<PathBuf>,
    /// The repository's own patterns.
    pub info_exclude: PathBuf,
    /// The repository's own attributes.
    pub info_attributes: PathBuf,
}

impl Settings {
    /// Reads them; what is missing or no sensible value is as Git has it without.
    pub(super) fn read(config: &Config, common_dir: &Path) -> Self {
        let flag = |key, default| config.get_bool(key).unwrap_or(default);
        let text = |key| config.get_string(key).ok();
        let autocrlf = match text("core.autocrlf") {
            Some(value) if value.eq_ignore_ascii_case("input") => AutoCrlf::Input,
            _ if flag("core.autocrlf", false) => AutoCrlf::True,
            _ => AutoCrlf::False,
        };
        let checks = |key| text(key).is_none_or(|value| !value.eq_ignore_ascii_case("minimal"));
        Self {
            file_mode: flag("core.fileMode", true),
            symlinks: flag("core.symlinks", true),
            ignore_case: flag("core.ignoreCase", false),
            trust_ctime: flag("core.trustCtime", true),
            check_inode: checks("core.checkStat"),
            sparse: flag("core.sparseCheckout", false)
                && !flag("sparse.expectFilesOutsideOfPatterns", false),
            autocrlf,
            has_lfs: ["filter.lfs.clean", "filter.lfs.process"]
                .iter()
                .any(|key| text(key).is_some()),
            ignore_submodules: text("diff.ignoreSubmodules"),
            excludes_file: persons_file(config, "core.excludesFile", "ignore"),
            attributes_file: persons_file(config, "core.attributesFile", "attributes"),
            info_exclude: common_dir.join("info/exclude"),
            info_attributes: common_dir.join("info/attributes"),
        }
    }
}

/// The file that a setting names, else the one where Git looks without it.
fn persons_file(config: &Config, key: &str, name: &str) -> Option<PathBuf> {
    if let Ok(path) = config.get_path(key) {
        return Some(path).filter(|path| !path.as_os_str().is_empty());
    }
    // libgit2 finds the person's configuration with these variables, too.
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&variable("HOME")?).join(".config")))?;
    Some(folder.join("git").join(name))
}
