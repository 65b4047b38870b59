//! Node, for extensions that are modules of it: whether it is there, what it has to be told, and the host that runs a module as a program
//! like any other.

use crate::domain::harness::extension::content::{File, Files};
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::program;
use crate::domain::sentence::{Sentence, say};
use crate::process::{Job, run};
use semver::Version;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// What it is called.
const NODE: &str = "node";
/// The file of the host.
pub const HOST: &str = "host.mjs";
/// How long Node may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);
/// What that may be long.
const MAX_OUTPUT: u64 = 4 << 10;
/// What marks that process.
const MARK: &str = "ZHONGSHU_NODE_VERSION";

/// The host as the files of a folder of its own: it is ours, and no part of what a person trusts.
pub fn host() -> Files {
    let file = File {
        is_executable: false,
        bytes: include_bytes!("host.mjs").to_vec(),
    };
    Files::from([(HOST.to_owned(), file)])
}

/// The command line that runs a module with a host.
///
/// # Errors
/// When there is no Node for it.
pub async fn command(
    host: &Path,
    module: &str,
    environment: &[(OsString, OsString)],
) -> Result<Vec<String>, Fault> {
    let lacks = |message: Sentence| Fault::new(Code::MissingEntrypoint, message);
    let version = version(host, environment)
        .await
        .ok_or_else(|| lacks(say!("reason.extension.no_node", module)))?;
    let options = program::options(&version, module).map_err(lacks)?;
    let host = host.join(HOST).display().to_string();
    let words = [NODE].into_iter().chain(options).map(str::to_owned);
    // A name that begins with a dash would be an option.
    let module = format!("./{}", module.trim_start_matches("./"));
    Ok(words.chain([host, module]).collect())
}

async fn version(cwd: &Path, environment: &[(OsString, OsString)]) -> Option<Version> {
    let job = Job {
        argv: vec![NODE.to_owned(), "--version".to_owned()],
        cwd: cwd.to_owned(),
        env_set: environment.to_owned(),
        env_only: Some(&[]),
        input: Vec::new(),
        mark: (MARK.to_owned(), uuid::Uuid::new_v4().to_string()),
        time_limit: LIMIT,
        output_limit: MAX_OUTPUT,
        tail: MAX_OUTPUT as usize,
    };
    let outcome = run(&job).await.ok()?;
    let said = String::from_utf8_lossy(&outcome.tail).into_owned();
    let mut words = said.split_whitespace();
    words.find_map(|it| Version::parse(it.strip_prefix('v')?).ok())
}
