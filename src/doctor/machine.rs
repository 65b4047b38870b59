//! Checks of what is there without us: git, the repository, its governance, our variables, the port.

use super::{Check, Subject};
use crate::config::Variables;
use crate::domain::department::Localized;
use crate::domain::sentence::say;
use crate::governance::settings::FILE_NAME;
use crate::governance::{Governance, GovernanceError};
use crate::paths::{Environment, PathError};
use crate::reader::Reader;
use rustix::io::Errno;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const GIT: Subject = Subject::new("git", "doctor.title.git");
const REPOSITORY: Subject = Subject::new("repository", "doctor.title.repository");
const GOVERNANCE: Subject = Subject::new("governance", "doctor.title.governance");
const VARIABLES: Subject = Subject::new("variables", "doctor.title.variables");
const PORT: Subject = Subject::new("port", "doctor.title.port");

/// What answers at all answers `--version` at once; a hanging one must not hang us.
const LIMIT: Duration = Duration::from_secs(10);

/// Agents call git, and the commit gate is one of its hooks; we ourselves do without it.
pub(super) async fn git(environment: &Environment) -> Check {
    let remedy = || say!("doctor.install_git_see_folder").both();
    let Some(program) = on_path("git", environment) else {
        return GIT.fail(say!("doctor.not_on_path").both(), remedy());
    };
    let run = tokio::process::Command::new(&program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(LIMIT, run).await {
        Ok(Ok(output)) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let found = format!("{version}, {}", program.display());
            GIT.ok(Localized::same(found))
        }
        _ => {
            let program = program.display();
            GIT.fail(say!("doctor.does_not_run", program).both(), remedy())
        }
    }
}

/// The first program of this name on the given `PATH`.
pub(super) fn on_path(name: &str, environment: &Environment) -> Option<PathBuf> {
    std::env::split_paths(environment.get("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| crate::codex::find::check_executable(program).is_ok())
}

/// What was found at the place where the repository should be.
pub(super) fn repository(found: &Result<PathBuf, PathError>, program: &Path) -> Check {
    let root = match found {
        Ok(root) => root,
        Err(error) => {
            return REPOSITORY.fail(
                say!("doctor.no_repository", error).both(),
                say!("doctor.run_inside_git_repository").both(),
            );
        }
    };
    match Reader::new(program.to_owned(), root.clone()).head() {
        Ok(head) => {
            let branch = head.branch.or(head.commit).unwrap_or_default();
            let found = format!("{} ({branch})", root.display());
            REPOSITORY.ok(Localized::same(found))
        }
        Err(error) => REPOSITORY.fail(
            say!("doctor.repository_unusable", error).both(),
            say!("doctor.mend_repository_git_status").both(),
        ),
    }
}

/// What `governance.yaml` says, or where its mistake is.
pub(super) fn governance(loaded: &Result<Governance, GovernanceError>) -> Check {
    match loaded {
        Ok(governance) => {
            let count = governance.departments.len();
            GOVERNANCE.ok(say!("doctor.valid_departments", count).both())
        }
        Err(error) => GOVERNANCE.fail(
            say!("doctor.has_a_mistake", error).both(),
            say!("doctor.correct_until_then_zhongshu", file_name = FILE_NAME).both(),
        ),
    }
}

/// Mistakes in `CODEX_GOVERNANCE_*`; nothing when there is none.
pub(super) fn variables(environment: &Environment) -> Vec<Check> {
    let remedy = || say!("doctor.correct_variable_or_take").both();
    let wrong = Variables::read(environment)
        .err()
        .map(|error| VARIABLES.fail(say!("doctor.has_a_mistake", error).both(), remedy()));
    let unknown = Variables::unknown(environment)
        .into_iter()
        .map(|sentence| VARIABLES.warn(Localized::same(sentence), remedy()));
    wrong.into_iter().chain(unknown).collect()
}

/// Whether the dashboard could have its port. `ours` is the port of the server that runs here already.
pub(super) fn port(port: u16, ours: Option<u16>) -> Check {
    if port == 0 {
        return PORT.ok(say!("doctor.any_free_one").both());
    }
    if ours == Some(port) {
        return PORT.ok(say!("doctor.used_by_zhongshu_this", port).both());
    }
    let addresses: [SocketAddr; 2] = [
        (Ipv4Addr::LOCALHOST, port).into(),
        (Ipv6Addr::LOCALHOST, port).into(),
    ];
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(_) => {}
            Err(error) if address.is_ipv6() && lacks_ipv6(&error) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return PORT.fail(
                    say!("doctor.another_program_listens_on", address).both(),
                    say!("doctor.end_program_or_choose").both(),
                );
            }
            Err(error) => {
                return PORT.fail(
                    say!("doctor.listen_failed", address, error).both(),
                    say!("doctor.choose_another_port_with").both(),
                );
            }
        }
    }
    PORT.ok(say!("doctor.free_on_127_0", port).both())
}

fn lacks_ipv6(error: &io::Error) -> bool {
    [
        Errno::ADDRNOTAVAIL,
        Errno::AFNOSUPPORT,
        Errno::PROTONOSUPPORT,
    ]
    .iter()
    .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// The nearest folder that exists.
pub(super) fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"))
}
