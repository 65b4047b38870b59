//! Checks of Codex: the program, its version, what it can do, its sandbox. (`login` looks at the account.)
//!
//! Codex writes helper programs into its CODEX_HOME whenever it starts, even for a question. So every try has a CODEX_HOME
//! of its own in a temporary folder, and the user's is only read, as files.

use super::{Check, Inputs, Subject, login, say};
use crate::codex::features::Lack;
use crate::codex::find::{self, CodexProgram, FindError, TESTED_VERSION};
use crate::codex::schema::Schema;
use crate::domain::language::Language;
use std::io::Read as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PROGRAM: Subject = Subject::new("codex", "codex", "codex");
const VERSION: Subject = Subject::new("codex_version", "codex version", "codex 版本");
const FEATURES: Subject = Subject::new("codex_features", "codex features", "codex 功能");
const SANDBOX: Subject = Subject::new("sandbox", "sandbox of commands", "命令沙箱");

/// A command in the sandbox takes a twentieth of a second; what takes so long hangs.
const SANDBOX_LIMIT: Duration = Duration::from_secs(15);
/// How much of a program's complaint is repeated.
const COMPLAINT_CHARS: usize = 300;

/// No planner and no department runs in Codex.
pub(super) fn not_used() -> Check {
    PROGRAM.ok(say(
        "not needed: no planner or department uses the driver `codex`",
        "不需要：没有规划者或部门使用 `codex` 驱动",
    ))
}

/// All checks of Codex.
pub(super) async fn run(inputs: &Inputs) -> Vec<Check> {
    let environment = &inputs.environment;
    let named = inputs.codex_bin.as_ref().map(|path| inputs.cwd.join(path));
    let found = find::resolve(
        named.as_deref(),
        environment.get("CODEX_BIN"),
        environment.get("PATH"),
    );
    let found = match found {
        Ok(found) => found,
        Err(error) => return vec![missing(&error), login::check(environment)],
    };
    let mut checks = vec![program(&found)];
    match find::version(&found.path).await {
        Ok(version) => {
            checks.push(judge_version(&version));
            checks.push(features(&found.path).await);
            checks.push(login::check(environment));
            checks.push(sandbox(&found.path).await);
        }
        Err(error) => {
            checks.push(VERSION.fail(error.problem(), find::remedy()));
            checks.push(login::check(environment));
        }
    }
    checks
}

fn missing(error: &FindError) -> Check {
    PROGRAM.fail(error.problem(), find::remedy())
}

fn program(found: &CodexProgram) -> Check {
    let path = found.path.display();
    if let Some(wrapper) = &found.wrapper {
        let wrapper = wrapper.display();
        return PROGRAM.ok(say(
            format!("{path}, which npm's wrapper {wrapper} would start"),
            format!("{path}（npm 包装脚本 {wrapper} 启动的正是它）"),
        ));
    }
    if starts_with_node(&found.path) {
        return PROGRAM.warn(
            say(
                format!("{path} is a script for node, and no native program was found behind it"),
                format!("{path} 是 node 脚本，且没有找到它背后的原生程序"),
            ),
            say(
                "it works, but each session costs one more process; install the npm package with its optional dependencies, or name the native program with `--codex-bin PATH`",
                "可以使用，但每个会话多占一个进程；请连同可选依赖安装 npm 包，或用 `--codex-bin PATH` 指定原生程序",
            ),
        );
    }
    PROGRAM.ok(say(path.to_string(), path.to_string()))
}

fn starts_with_node(program: &Path) -> bool {
    let mut head = [0; 128];
    let read = std::fs::File::open(program).and_then(|mut file| file.read(&mut head));
    let first = read.map(|bytes| String::from_utf8_lossy(&head[..bytes]).into_owned());
    first.is_ok_and(|text| {
        let line = text.lines().next().unwrap_or_default();
        line.starts_with("#!") && line.contains("node")
    })
}

fn judge_version(version: &str) -> Check {
    match find::version_note(version) {
        None => VERSION.ok(say(
            format!("{version}, the one that zhongshu was tested with"),
            format!("{version}，与测试所用版本一致"),
        )),
        Some(_) => VERSION.warn(
            say(
                format!("{version}; zhongshu was tested with {TESTED_VERSION}"),
                format!("{version}；zhongshu 测试所用版本为 {TESTED_VERSION}"),
            ),
            say(
                format!("go on, and if something behaves oddly, install {TESTED_VERSION}: `npm install -g @openai/codex@{TESTED_VERSION}`"),
                format!("可以继续使用；如有异常，请安装 {TESTED_VERSION}：`npm install -g @openai/codex@{TESTED_VERSION}`"),
            ),
        ),
    }
}

/// Whether it has every method that we use.
async fn features(program: &Path) -> Check {
    let lacks = match Schema::of(program, &std::env::temp_dir()).await {
        Ok(schema) => schema.lacks(),
        Err(error) => {
            return FEATURES.warn(
                say(
                    format!("it does not tell what it can do: failed to {error}"),
                    format!("它没有说明自己支持什么：{error}"),
                ),
                find::remedy(),
            );
        }
    };
    if lacks.is_empty() {
        return FEATURES.ok(say(
            "everything that zhongshu uses",
            "zhongshu 用到的功能齐全",
        ));
    }
    let told = |language| {
        let one = |lack: &Lack| {
            let (loss, methods) = (lack.feature.loss(), lack.methods.join(", "));
            format!("{} ({methods})", loss.get(language))
        };
        lacks.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    FEATURES.warn(say(told(Language::En), told(Language::Zh)), find::remedy())
}

/// Runs one command as an agent's command runs: it must be able to write into its workspace, and not into `.git` there.
async fn sandbox(program: &Path) -> Check {
    let remedy = || {
        say(
            "see that user namespaces are allowed here (in a container: run it with the rights for them; on Ubuntu: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`), or give departments `sandbox: danger-full-access` in governance.yaml, which takes all protection away",
            "请确认此处允许用户命名空间（容器中需要相应权限；Ubuntu 上可用 `sysctl kernel.apparmor_restrict_unprivileged_userns=0`）；或在 governance.yaml 中为部门设置 `sandbox: danger-full-access`，但那样就没有任何保护",
        )
    };
    let (output, wrote_inside, wrote_git) = match try_sandbox(program).await {
        Ok(tried) => tried,
        Err(reason) => {
            return SANDBOX.fail(
                say(
                    format!("it could not be tried: {reason}"),
                    format!("无法试用：{reason}"),
                ),
                remedy(),
            );
        }
    };
    if !output.status.success() || !wrote_inside {
        let how = crate::process::describe_exit(output.status);
        let complaint = complaint(&output);
        return SANDBOX.fail(
            say(
                format!("a command in it does not work: {how}. {complaint}"),
                format!("沙箱中的命令无法运行：{how}。{complaint}"),
            ),
            remedy(),
        );
    }
    if wrote_git {
        return SANDBOX.warn(
            say(
                "a command in it could write into .git, so it does not hold",
                "沙箱中的命令竟能写入 .git，沙箱并未生效",
            ),
            say(
                "treat every agent as if it had no sandbox until Codex's sandbox works on this machine",
                "在本机的 Codex 沙箱生效之前，请把每个代理都当作没有沙箱",
            ),
        );
    }
    SANDBOX.ok(say(
        "a command could write into its workspace and not into .git",
        "命令可以写入工作区，不能写入 .git",
    ))
}

async fn try_sandbox(program: &Path) -> Result<(Output, bool, bool), String> {
    let text = |error: std::io::Error| error.to_string();
    let folder = TempDir::with_prefix("zhongshu-doctor-").map_err(text)?;
    let (home, workspace) = (folder.path().join("home"), folder.path().join("workspace"));
    std::fs::create_dir(&home).map_err(text)?;
    std::fs::create_dir_all(workspace.join(".git")).map_err(text)?;
    let quiet = "check_for_update_on_startup = false\n[analytics]\nenabled = false\n[features]\ndaemon_auto_start = false\n";
    std::fs::write(home.join("config.toml"), quiet).map_err(text)?;
    let script = "echo x > inside && { echo x > .git/probe; } 2>/dev/null; test -e inside";
    let run = tokio::process::Command::new(program)
        .args([
            "sandbox",
            "-c",
            "sandbox_mode=\"workspace-write\"",
            "--",
            "sh",
            "-c",
            script,
        ])
        .current_dir(&workspace)
        .env("CODEX_HOME", &home)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(SANDBOX_LIMIT, run)
        .await
        .map_err(|_| format!("no answer within {} s", SANDBOX_LIMIT.as_secs()))?
        .map_err(text)?;
    let wrote = |name: &str| workspace.join(name).exists();
    Ok((output, wrote("inside"), wrote(".git/probe")))
}

/// The end of what a program complained about.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("WARNING:"))
        .collect();
    let text = lines.join(" ");
    let excess = text.chars().count().saturating_sub(COMPLAINT_CHARS);
    text.chars().skip(excess).collect()
}
