//! What it takes to start an extension's process: its copy, its command line, and an environment in which nothing of ours is but the way back.

use super::live::Live;
use super::places::{self, Copy};
use crate::access::Secret;
use crate::domain::harness::extension::content::Files;
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::manifest::{AgentId, Manifest};
use crate::domain::harness::extension::registration::Registration;
use crate::domain::sentence::say;
use crate::harness::Harness;
use crate::process::kept::Spec;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What a pass begins with, for people and for scanners.
const PASS_PREFIX: &str = "zhe_";
/// Where programs are looked for where the server's own environment does not say.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A process that runs, and what it may show.
pub struct Process {
    pub(super) live: Live,
    pub(super) pass: Secret,
}

/// Starts processes of one extension.
pub struct Launch {
    agent_id: AgentId,
    argv: Vec<String>,
    copy: Copy,
    home: PathBuf,
}

impl Launch {
    /// Writes the copy that its processes run from.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn prepare(
        harness: &Harness,
        manifest: &Manifest,
        files: Files,
    ) -> Result<Self, Fault> {
        let (place, agent_id) = (harness.core.place.clone(), manifest.agent_id.clone());
        let argv = manifest.command.clone();
        let made = tokio::task::spawn_blocking(move || {
            Ok::<_, io::Error>(Self {
                home: places::home(&place, &agent_id)?,
                copy: Copy::of(&place, &files)?,
                agent_id,
                argv,
            })
        });
        let made = made.await.map_err(io::Error::other).and_then(|it| it);
        made.map_err(|error| {
            let message = say!("reason.extension.no_copy", error);
            Fault::new(Code::ImportFailed, message)
        })
    }

    /// Starts one; what it wants to hear of.
    ///
    /// # Errors
    /// When it does not speak as it has to; then nothing of it runs.
    pub async fn start(&self, harness: &Harness) -> Result<(Process, Vec<Registration>), Fault> {
        let failed = |message| Fault::new(Code::ImportFailed, message);
        let pass = Secret::generate(PASS_PREFIX)
            .map_err(|error| failed(say!("reason.extension.not_started", error)))?;
        let path = harness.core.config.environment().get("PATH");
        let path = path.map_or_else(|| USUAL_PATH.into(), ToOwned::to_owned);
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), path),
            ("HOME".into(), self.home.clone().into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("ZHONGSHU_AGENT_ID".into(), (&self.agent_id.0).into()),
            (
                places::MARK.into(),
                places::mark(&harness.core.place).into(),
            ),
        ];
        if let Some(door) = harness.extensions.door() {
            environment.push(("ZHONGSHU_URL".into(), (&door.url).into()));
            environment.push(("ZHONGSHU_TOKEN".into(), pass.reveal().into()));
        }
        let spec = Spec {
            keeper: harness.core.program().to_owned(),
            argv: self.argv.clone(),
            cwd: self.copy.path().to_owned(),
            environment,
            mark: uuid::Uuid::new_v4().to_string(),
        };
        let (live, registrations) = Live::start(&spec).await?;
        Ok((Process { live, pass }, registrations))
    }
}
