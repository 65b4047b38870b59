//! What it takes to start an extension's process: its copy, its command line, and an environment in which nothing of ours is but the way back.

use super::live::Live;
use super::node;
use super::places::{self, Copy};
use crate::access::Secret;
use crate::domain::harness::extension::content::Files;
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::manifest::Manifest;
use crate::domain::harness::extension::program::Program;
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

/// Where extensions run, and with what of ours.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The folder below which their copies and homes are.
    pub state: PathBuf,
    /// This program.
    pub keeper: PathBuf,
    /// Where programs are looked for.
    pub path: Option<OsString>,
    /// Where the API is, if anywhere.
    pub url: Option<String>,
}

/// Starts processes of one extension.
pub struct Launch {
    argv: Vec<String>,
    copy: Copy,
    /// What runs a module lies beside it, and stays as long.
    _host: Option<Copy>,
    environment: Vec<(OsString, OsString)>,
    keeper: PathBuf,
    url: Option<String>,
}

impl Harness {
    /// Where its extensions run.
    pub(super) fn ground(&self) -> Ground {
        let path = self.core.config.environment().get("PATH");
        Ground {
            state: self.core.place.state.clone(),
            keeper: self.core.program().to_owned(),
            path: path.map(ToOwned::to_owned),
            url: self.extensions.door().map(|door| door.url.clone()),
        }
    }
}

impl Launch {
    /// Writes the copy that its processes run from.
    ///
    /// # Errors
    /// What the file system says, or when there is nothing here that runs it.
    pub async fn prepare(ground: Ground, manifest: &Manifest, files: Files) -> Result<Self, Fault> {
        let program = manifest.program()?;
        let is_module = matches!(program, Program::Module(_));
        let (state, agent_id) = (ground.state.clone(), manifest.agent_id.clone());
        let made = tokio::task::spawn_blocking(move || {
            let host = is_module.then(|| Copy::of(&state, &node::host()));
            Ok::<_, io::Error>((
                places::home(&state, &agent_id)?,
                Copy::of(&state, &files)?,
                host.transpose()?,
            ))
        });
        let made = made.await.map_err(io::Error::other).and_then(|it| it);
        let (home, copy, host) = made.map_err(|error| {
            let message = say!("reason.extension.no_copy", error);
            Fault::new(Code::ImportFailed, message)
        })?;
        let environment: Vec<(OsString, OsString)> = vec![
            (
                "PATH".into(),
                ground.path.unwrap_or_else(|| USUAL_PATH.into()),
            ),
            ("HOME".into(), home.into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("ZHONGSHU_AGENT_ID".into(), (&manifest.agent_id.0).into()),
            (places::MARK.into(), places::mark(&ground.state).into()),
        ];
        let argv = match (program, &host) {
            (Program::Module(module), Some(host)) => {
                node::command(host.path(), module, &environment).await?
            }
            (Program::Module(_), None) => Vec::new(),
            (Program::Own(argv), _) => argv.to_vec(),
        };
        Ok(Self {
            argv,
            copy,
            _host: host,
            environment,
            keeper: ground.keeper,
            url: ground.url,
        })
    }

    /// Starts one; what it wants to hear of.
    ///
    /// # Errors
    /// When it does not speak as it has to; then nothing of it runs.
    pub async fn start(&self) -> Result<(Process, Vec<Registration>), Fault> {
        let failed = |message| Fault::new(Code::ImportFailed, message);
        let pass = Secret::generate(PASS_PREFIX)
            .map_err(|error| failed(say!("reason.extension.not_started", error)))?;
        let mut environment = self.environment.clone();
        if let Some(url) = &self.url {
            environment.push(("ZHONGSHU_URL".into(), url.into()));
            environment.push(("ZHONGSHU_TOKEN".into(), pass.reveal().into()));
        }
        let spec = Spec {
            keeper: self.keeper.clone(),
            argv: self.argv.clone(),
            cwd: self.copy.path().to_owned(),
            environment,
            mark: uuid::Uuid::new_v4().to_string(),
        };
        let (live, registrations) = Live::start(&spec).await?;
        Ok((Process { live, pass }, registrations))
    }
}
