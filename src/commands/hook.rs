//! `zhongshu hook install|remove|status`: Git's hooks in this repository.

use super::error::CommandError;
use crate::cli::{ExitCode, HookCommand};
use crate::client::{Client, ClientError};
use crate::domain::review::GateMode;
use crate::gate::hook::{self, Facts, Hook, HookState, Hooks, kept_name};
use crate::gate::judge::reviews_on_disk;
use crate::gate::strictness::{Stated, Statements, in_force};
use crate::governance::render::printable;
use crate::paths::Places;
use crate::reader::{HooksGround, Reader};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Installs, removes or looks.
///
/// # Errors
/// When the hooks cannot be changed without harm; then nothing was changed.
pub async fn run(
    places: &Places,
    command: HookCommand,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let program = std::env::current_exe()?;
    let reader = Reader::new(program.clone(), places.repo.clone());
    let ground = reader
        .hooks_ground()
        .map_err(|error| CommandError::Failed(format!("the hooks cannot be looked at: {error}")))?;
    let HooksGround { folder, statements } = ground;
    match command {
        HookCommand::Install => {
            let facts = Facts {
                program,
                root: places.repo.clone(),
                state: places.state.clone(),
            };
            check_names(&facts)?;
            let hooks = hook::install(folder, &facts)?;
            show(places, &statements, &hooks, out)
        }
        HookCommand::Remove => {
            let hooks = hook::remove(folder)?;
            lower(places, out).await?;
            for one in &hooks.hooks {
                writeln!(out, "{:<22}{}", one.name, rest(one))?;
            }
            if (statements.head.mode()).is_some_and(|mode| mode > GateMode::Off) {
                writeln!(
                    out,
                    "governance.yaml still asks for the gate (`gate:`): the server goes on recording commits that nobody approved"
                )?;
            }
            Ok(ExitCode::Ok)
        }
        HookCommand::Status => show(places, &statements, &Hooks::look_in(folder)?, out),
    }
}

/// The hooks are text: a path that is none cannot stand in them.
fn check_names(facts: &Facts) -> Result<(), CommandError> {
    let odd = [&facts.program, &facts.root, &facts.state]
        .into_iter()
        .find(|path| path.to_str().is_none_or(|text| text.contains('\n')));
    match odd {
        Some(path) => Err(CommandError::Failed(format!(
            "{} cannot be written into a hook: its name is not plain text",
            printable(&path.to_string_lossy())
        ))),
        None => Ok(()),
    }
}

/// A person takes the gate away: a running server need not miss it.
async fn lower(places: &Places, out: &mut impl Write) -> Result<(), CommandError> {
    let client = match Client::find(places) {
        Ok(client) => client,
        Err(ClientError::NotRunning(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let wish = json!({ "mode": "off", "reason": "the hooks were removed" });
    if let Err(error) = client.post("/api/gate", &wish).await {
        writeln!(out, "the server could not be told: {error}")?;
    }
    Ok(())
}

fn rest(hook: &Hook) -> String {
    let path = hook.path.display();
    match &hook.state {
        HookState::Missing => "none".to_owned(),
        HookState::Ours { .. } if hook.keeps_another => {
            let kept = kept_name(&hook.path);
            format!("installed; runs {} as well", kept.display())
        }
        HookState::Ours { .. } => "installed".to_owned(),
        HookState::Edited => format!("changed by hand: {path}"),
        HookState::Foreign => format!("not zhongshu's: {path}"),
    }
}

fn show(
    places: &Places,
    said: &Statements,
    hooks: &Hooks,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let folder = hooks.folder.path.display();
    writeln!(out, "{:<22}{}", "hooks", printable(&folder.to_string()))?;
    for one in &hooks.hooks {
        writeln!(out, "{:<22}{}", one.name, printable(&rest(one)))?;
    }
    if let Some(manager) = hooks.manager {
        writeln!(
            out,
            "\n{manager} owns the hooks here. {}\n",
            manager.advice()
        )?;
    }
    let reviews = reviews_on_disk(&places.journal());
    let pinned = reviews.as_ref().ok().and_then(|reviews| reviews.pinned);
    let mode = in_force(pinned, said);
    writeln!(
        out,
        "{:<22}{} (committed governance.yaml: {}; on disk: {}; set by you: {})",
        "gate",
        mode.name(),
        stated(&said.head),
        stated(&said.disk),
        pinned.map_or("nothing", GateMode::name),
    )?;
    if let Err(error) = &reviews {
        writeln!(out, "BAD: {error}; nothing counts as approved")?;
    }
    let guarded = hooks.guards();
    for one in &hooks.hooks {
        if let HookState::Ours { facts } = &one.state {
            advise(facts, places, one, out)?;
        }
    }
    if guarded && hooks.are_files_of(&places.repo) {
        writeln!(
            out,
            "these hooks are files of the repository and name places of this machine: do not commit them"
        )?;
    }
    match guarded {
        true => Ok(ExitCode::Ok),
        false => {
            writeln!(out, "the gate is not installed: `zhongshu hook install`")?;
            Ok(ExitCode::Failed)
        }
    }
}

fn advise(
    facts: &Facts,
    places: &Places,
    hook: &Hook,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let gone = |path: &Path| !path.exists();
    let problem = if gone(&facts.program) {
        Some(format!("starts {}, which is gone", facts.program.display()))
    } else if facts.root == places.repo && facts.state != places.state {
        Some(format!("reads {}", facts.state.display()))
    } else {
        None
    };
    if let Some(problem) = problem {
        writeln!(
            out,
            "{} {}; run `zhongshu hook install` again",
            hook.name,
            printable(&problem)
        )?;
    }
    Ok(())
}

fn stated(stated: &Stated) -> String {
    match stated {
        Stated::Nothing => "nothing".to_owned(),
        Stated::Mode { mode } => mode.name().to_owned(),
        Stated::Unusable { reason } => printable(reason),
    }
}
