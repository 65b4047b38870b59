//! What the demo plays in: a scratch repository, a scratch state folder and, for Codex, a scratch CODEX_HOME with a model.

use super::model::Model;
use crate::commands::error::CommandError;
use crate::config::ConfigError;
use crate::paths::{Environment, Places};
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A small project that has something to improve.
const FILES: [(&str, &str); 4] = [
    ("README.md", "# greeter\n\nGreets people by name.\n"),
    (
        "AGENTS.md",
        "# Working rules\n\nKeep changes small; every change is verified before it is reported.\n",
    ),
    (
        "src/greet.py",
        "def greet(name):\n    return f\"Hello, {name}!\"\n",
    ),
    (".gitignore", "__pycache__/\n"),
];

/// The repository; dropping it removes everything.
pub struct DemoRepository {
    folder: TempDir,
    /// Not beside the repository, where the agents of the demo could write it.
    state: TempDir,
    /// Folders above it that were not there before, the deepest first.
    made: Vec<PathBuf>,
    repo: PathBuf,
    codex_home: Option<PathBuf>,
    model: Option<Model>,
}

impl DemoRepository {
    /// Sets the repository.
    ///
    /// # Errors
    /// When a file cannot be written, there is no home, or the model cannot listen.
    pub async fn set(with_codex: bool, environment: &Environment) -> Result<Self, CommandError> {
        let states = Places::all_states(environment).map_err(ConfigError::Path)?;
        let missing = states.ancestors().take_while(|folder| !folder.exists());
        let made = missing.map(Path::to_owned).collect();
        std::fs::create_dir_all(&states)?;
        let state = tempfile::Builder::new()
            .prefix("demo-")
            .tempdir_in(states)?;
        let folder = tempfile::Builder::new()
            .prefix("zhongshu-demo-")
            .tempdir()?;
        let repo = Self::make_repository(folder.path(), with_codex)?;
        let mut repository = Self {
            folder,
            state,
            made,
            repo,
            codex_home: None,
            model: None,
        };
        if with_codex {
            let home = repository.folder.path().join("codex-home");
            std::fs::create_dir(&home)?;
            repository.model = Some(Model::start(&home, &repository.repo).await?);
            repository.codex_home = Some(home);
        }
        Ok(repository)
    }

    /// The scratch repository.
    pub fn repo(&self) -> &Path {
        &self.repo
    }

    /// Whether Codex works in it, and no scripted agents.
    pub fn has_codex(&self) -> bool {
        self.codex_home.is_some()
    }

    fn make_repository(folder: &Path, with_codex: bool) -> Result<PathBuf, CommandError> {
        let repo = folder.join("greeter");
        for (file, text) in FILES {
            let path = repo.join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(&repo))?;
            std::fs::write(path, text)?;
        }
        let settings = if with_codex {
            // What it changes is asked about.
            json!({ "departments": { "zhilibu": { "sandbox": "read-only" } } })
        } else {
            let program = std::env::current_exe()?;
            json!({
                "driver": "scripted",
                "drivers": { "scripted": { "command": [program, "demo-agent", "{prompt_file}"] } },
            })
        };
        // JSON is YAML, and needs no thought about quoting paths.
        std::fs::write(repo.join("governance.yaml"), settings.to_string())?;
        commit_everything(&repo).map_err(|error| {
            CommandError::Failed(format!("the scratch repository cannot be made: {error}"))
        })?;
        Ok(repo)
    }

    /// The scratch state folder.
    pub fn state(&self) -> PathBuf {
        self.state.path().to_owned()
    }

    /// The person's environment, with the scratch CODEX_HOME in it.
    pub fn environment(&self, environment: &Environment) -> Environment {
        match &self.codex_home {
            Some(home) => environment.with("CODEX_HOME", home),
            None => environment.clone(),
        }
    }

    /// Takes the repository apart.
    pub async fn close(self) {
        if let Some(model) = self.model {
            model.close().await;
        }
        drop(self.state);
        for folder in self.made {
            // One that somebody else uses by now stays.
            std::fs::remove_dir(folder).ok();
        }
    }
}

fn commit_everything(repo: &Path) -> Result<(), git2::Error> {
    let repository = git2::Repository::init(repo)?;
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = git2::Signature::now("zhongshu demo", "demo@localhost")?;
    repository.commit(
        Some("HEAD"),
        &author,
        &author,
        "A small project",
        &tree,
        &[],
    )?;
    Ok(())
}
