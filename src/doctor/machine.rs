//! Checks of what is there without us: git, the repository, its governance, our variables, the port.

use super::{Check, Subject, say};
use crate::config::Variables;
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

const GIT: Subject = Subject::new("git", "git", "git");
const REPOSITORY: Subject = Subject::new("repository", "repository", "仓库");
const GOVERNANCE: Subject = Subject::new("governance", "governance.yaml", "governance.yaml");
const VARIABLES: Subject = Subject::new("variables", "environment variables", "环境变量");
const PORT: Subject = Subject::new("port", "port", "端口");

/// What answers at all answers `--version` at once; a hanging one must not hang us.
const LIMIT: Duration = Duration::from_secs(10);

/// Agents call git, and the commit gate is one of its hooks; we ourselves do without it.
pub(super) async fn git(environment: &Environment) -> Check {
    let remedy = || {
        say(
            "install git and see that its folder is on PATH: agents use it, and commits go through it",
            "请安装 git，并确保它在 PATH 中：代理会用到它，提交也要经过它",
        )
    };
    let Some(program) = on_path("git", environment) else {
        return GIT.fail(say("it is not on PATH", "PATH 中没有 git"), remedy());
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
            GIT.ok(say(found.clone(), found))
        }
        _ => {
            let program = program.display();
            GIT.fail(
                say(
                    format!("{program} does not run"),
                    format!("{program} 无法运行"),
                ),
                remedy(),
            )
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
                say(error.to_string(), format!("没有可用的 Git 仓库：{error}")),
                say(
                    "run it inside a Git repository, or name one with `--repo PATH`",
                    "请在 Git 仓库中运行，或用 `--repo PATH` 指定",
                ),
            );
        }
    };
    match Reader::new(program.to_owned(), root.clone()).head() {
        Ok(head) => {
            let branch = head.branch.or(head.commit).unwrap_or_default();
            let found = format!("{} ({branch})", root.display());
            REPOSITORY.ok(say(found.clone(), found))
        }
        Err(error) => REPOSITORY.fail(
            say(error.to_string(), format!("{} 无法使用：{error}", root.display())),
            say(
                "mend the repository (`git status` must work there), or name another one with `--repo PATH`",
                "请修复该仓库（`git status` 必须能用），或用 `--repo PATH` 指定别的仓库",
            ),
        ),
    }
}

/// What `governance.yaml` says, or where its mistake is.
pub(super) fn governance(loaded: &Result<Governance, GovernanceError>) -> Check {
    match loaded {
        Ok(governance) => {
            let count = governance.departments.len();
            GOVERNANCE.ok(say(
                format!("valid; {count} departments"),
                format!("有效；{count} 个部门"),
            ))
        }
        Err(error) => GOVERNANCE.fail(
            say(error.to_string(), format!("有误：{error}")),
            say(
                format!("correct {FILE_NAME}; until then zhongshu does not start, and a running one keeps the last good version"),
                format!("请更正 {FILE_NAME}；在此之前 zhongshu 无法启动，正在运行的则沿用最后一个有效版本"),
            ),
        ),
    }
}

/// Mistakes in `CODEX_GOVERNANCE_*`; nothing when there is none.
pub(super) fn variables(environment: &Environment) -> Vec<Check> {
    let remedy = || {
        say(
            "correct the variable, or take it out of the environment",
            "请更正该变量，或将其从环境中移除",
        )
    };
    let wrong = Variables::read(environment)
        .err()
        .map(|error| VARIABLES.fail(say(error.to_string(), format!("有误：{error}")), remedy()));
    let unknown = Variables::unknown(environment)
        .into_iter()
        .map(|sentence| VARIABLES.warn(say(sentence.clone(), sentence), remedy()));
    wrong.into_iter().chain(unknown).collect()
}

/// Whether the dashboard could have its port. `ours` is the port of the server that runs here already.
pub(super) fn port(port: u16, ours: Option<u16>) -> Check {
    if port == 0 {
        return PORT.ok(say("any free one", "任意空闲端口"));
    }
    if ours == Some(port) {
        return PORT.ok(say(
            format!("{port} is used by the zhongshu of this repository"),
            format!("{port} 正由本仓库的 zhongshu 使用"),
        ));
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
                    say(
                        format!("another program listens on {address}"),
                        format!("另有程序占用 {address}"),
                    ),
                    say(
                        "end that program, or choose another port with `--port N` (`--port 0` picks a free one)",
                        "请结束该程序，或用 `--port N` 选择别的端口（`--port 0` 自动选择）",
                    ),
                );
            }
            Err(error) => {
                return PORT.fail(
                    say(format!("{address}: {error}"), format!("{address}：{error}")),
                    say(
                        "choose another port with `--port N`",
                        "请用 `--port N` 选择别的端口",
                    ),
                );
            }
        }
    }
    PORT.ok(say(
        format!("{port} is free on 127.0.0.1 and [::1]"),
        format!("{port} 在 127.0.0.1 和 [::1] 上空闲"),
    ))
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
