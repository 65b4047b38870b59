//! Checks of Codex: the program, its version, what it can do, its sandbox. (`login` looks at the account.)
//!
//! Codex writes helper programs into its CODEX_HOME whenever it starts, even for a question. So every try has a CODEX_HOME
//! of its own in a temporary folder, and the user's is only read, as files.

use super::{Check, Inputs, Subject, login};
use crate::codex::features::Lack;
use crate::codex::find::{self, CodexProgram, FindError, TESTED_VERSION};
use crate::codex::schema::Schema;
use crate::domain::department::Localized;
use crate::domain::sentence::{Sentence, say};
use std::io::Read as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PROGRAM: Subject = Subject::new("codex", "doctor.title.codex");
const VERSION: Subject = Subject::new("codex_version", "doctor.title.codex_version");
const FEATURES: Subject = Subject::new("codex_features", "doctor.title.codex_features");
const SANDBOX: Subject = Subject::new("sandbox", "doctor.title.sandbox");

/// A command in the sandbox takes a twentieth of a second; what takes so long hangs.
const SANDBOX_LIMIT: Duration = Duration::from_secs(15);
/// How much of a program's complaint is repeated.
const COMPLAINT_CHARS: usize = 300;

/// No planner and no department runs in Codex.
pub(super) fn not_used() -> Check {
    PROGRAM.ok(say!("doctor.not_needed_no_planner").both())
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
            checks.push(VERSION.fail(error.problem().both(), find::remedy().both()));
            checks.push(login::check(environment));
        }
    }
    checks
}

fn missing(error: &FindError) -> Check {
    PROGRAM.fail(error.problem().both(), find::remedy().both())
}

fn program(found: &CodexProgram) -> Check {
    let path = found.path.display();
    if let Some(wrapper) = &found.wrapper {
        let wrapper = wrapper.display();
        return PROGRAM.ok(say!("doctor.which_npm_wrapper_would", path, wrapper).both());
    }
    if starts_with_node(&found.path) {
        return PROGRAM.warn(
            say!("doctor.script_for_node_no", path).both(),
            say!("doctor.works_but_each_session").both(),
        );
    }
    PROGRAM.ok(Localized::same(path.to_string()))
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
        None => VERSION.ok(say!("doctor.one_zhongshu_tested_with", version).both()),
        Some(_) => VERSION.warn(
            say!(
                "doctor.zhongshu_tested_with",
                version,
                tested_version = TESTED_VERSION
            )
            .both(),
            say!("doctor.go_on_if_something", tested_version = TESTED_VERSION).both(),
        ),
    }
}

/// Whether it has every method that we use.
async fn features(program: &Path) -> Check {
    let lacks = match Schema::of(program, &std::env::temp_dir()).await {
        Ok(schema) => schema.lacks(),
        Err(error) => {
            return FEATURES.warn(
                say!("doctor.features_untold", error).both(),
                find::remedy().both(),
            );
        }
    };
    if lacks.is_empty() {
        return FEATURES.ok(say!("doctor.features_all").both());
    }
    let one = |lack: &Lack| {
        let methods = lack.methods.join(", ");
        say!("doctor.feature_lacks", loss => lack.feature.loss(), methods)
    };
    let told = Sentence::list(lacks.iter().map(one));
    FEATURES.warn(told.both(), find::remedy().both())
}

/// Runs one command as an agent's command runs: it must be able to write into its workspace, and not into `.git` there.
async fn sandbox(program: &Path) -> Check {
    let remedy = || say!("doctor.see_user_namespaces_allowed").both();
    let (output, wrote_inside, wrote_git) = match try_sandbox(program).await {
        Ok(tried) => tried,
        Err(reason) => {
            return SANDBOX.fail(say!("doctor.could_not_be_tried", reason).both(), remedy());
        }
    };
    if !output.status.success() || !wrote_inside {
        let how = crate::process::describe_exit(output.status);
        let complaint = complaint(&output);
        return SANDBOX.fail(
            say!("doctor.command_does_not_work", how, complaint).both(),
            remedy(),
        );
    }
    if wrote_git {
        return SANDBOX.warn(
            say!("doctor.sandbox_does_not_hold").both(),
            say!("doctor.treat_every_agent_as").both(),
        );
    }
    SANDBOX.ok(say!("doctor.sandbox_holds").both())
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
