//! Whether Codex can reach a model: what the user's CODEX_HOME says, read as files.
//!
//! Asking Codex itself (`codex login status`, or `account/read` of an app-server) would write into that folder, and the
//! first does not know that another provider needs no login.

use super::{Check, Subject};
use crate::domain::department::Localized;
use crate::domain::sentence::say;
use crate::paths::Environment;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const LOGIN: Subject = Subject::new("login", "doctor.title.login");

/// Providers that Codex brings along and that need no account.
const LOCAL_PROVIDERS: [&str; 3] = ["oss", "ollama", "lmstudio"];
/// Variables that stand in for a login.
const KEYS: [&str; 3] = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"];

/// Looks at configuration and credentials.
pub(super) fn check(environment: &Environment) -> Check {
    let Some(home) = codex_home(environment) else {
        return LOGIN.fail(
            say!("doctor.neither_codex_home_nor").both(),
            say!("doctor.set_home_or_name").both(),
        );
    };
    let config = match read_config(&home) {
        Ok(config) => config,
        Err(reason) => {
            return LOGIN.fail(
                say!("doctor.codex_config", reason).both(),
                say!("doctor.correct_codex_config_toml").both(),
            );
        }
    };
    match provider(&config) {
        Provider::NoLogin(name) => LOGIN.ok(say!("doctor.model_provider_needs_none", name).both()),
        Provider::Variable { name, variable }
            if environment.get(&variable).is_some_and(|it| !it.is_empty()) =>
        {
            LOGIN.ok(say!("doctor.model_provider_takes_key", name, variable).both())
        }
        Provider::Variable { name, variable } => LOGIN.fail(
            say!("doctor.model_provider_key_missing", name, variable).both(),
            say!("doctor.set_before_zhongshu_starts", variable).both(),
        ),
        Provider::Unknown(name) => LOGIN.fail(
            say!("doctor.config_toml_names_model", name).both(),
            say!(
                "doctor.add_model_providers",
                name,
                toml = home.join("config.toml").display()
            )
            .both(),
        ),
        Provider::Login => credentials(&home, &config, environment),
    }
}

fn codex_home(environment: &Environment) -> Option<PathBuf> {
    let set = |name| {
        environment
            .get(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    set("CODEX_HOME").or_else(|| set("HOME").map(|home| home.join(".codex")))
}

fn read_config(home: &Path) -> Result<toml::Table, String> {
    let path = home.join("config.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(toml::Table::new()),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    text.parse::<toml::Table>().map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("{}:{line}: {}", path.display(), error.message())
    })
}

enum Provider {
    /// OpenAI itself, or one that wants its login.
    Login,
    NoLogin(String),
    Variable {
        name: String,
        variable: String,
    },
    Unknown(String),
}

fn provider(config: &toml::Table) -> Provider {
    let text = |table: &toml::Table, key: &str| {
        table.get(key).and_then(|it| it.as_str()).map(str::to_owned)
    };
    let table =
        |table: &toml::Table, key: &str| table.get(key).and_then(|it| it.as_table()).cloned();
    let profile =
        text(config, "profile").and_then(|name| table(&table(config, "profiles")?, &name));
    let name = profile
        .and_then(|profile| text(&profile, "model_provider"))
        .or_else(|| text(config, "model_provider"))
        .unwrap_or_else(|| "openai".to_owned());
    let described = table(config, "model_providers").and_then(|all| table(&all, &name));
    match described {
        Some(about)
            if about
                .get("requires_openai_auth")
                .and_then(|it| it.as_bool())
                == Some(true) =>
        {
            Provider::Login
        }
        Some(about) => match text(&about, "env_key") {
            Some(variable) => Provider::Variable { name, variable },
            None => Provider::NoLogin(name),
        },
        None if name == "openai" => Provider::Login,
        None if LOCAL_PROVIDERS.contains(&name.as_str()) => Provider::NoLogin(name),
        None => Provider::Unknown(name),
    }
}

fn credentials(home: &Path, config: &toml::Table, environment: &Environment) -> Check {
    let path = home.join("auth.json");
    let shown = path.display();
    let log_in = || -> Localized { say!("doctor.run_codex_login_then").both() };
    let store = config
        .get("cli_auth_credentials_store")
        .and_then(|it| it.as_str())
        .unwrap_or("file");
    match std::fs::read(&path) {
        Ok(bytes) => match kind_of(&bytes) {
            Some(kind) => {
                let open = path
                    .metadata()
                    .is_ok_and(|it| it.permissions().mode() & 0o077 != 0);
                if open {
                    return LOGIN.warn(
                        say!("doctor.can_be_read_by", shown).both(),
                        say!("doctor.close_chmod_600", shown).both(),
                    );
                }
                LOGIN.ok(say!("doctor.logged_with", kind).both())
            }
            None => LOGIN.fail(say!("doctor.holds_no_login", shown).both(), log_in()),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => LOGIN.fail(
            say!("doctor.login_unreadable", shown, error).both(),
            say!("doctor.may_read_it").both(),
        ),
        Err(_) if store == "keyring" => LOGIN.ok(say!("doctor.kept_system_keyring_which").both()),
        Err(_) if store == "auto" => LOGIN.warn(
            say!("doctor.there_no_auth_json").both(),
            say!("doctor.codex_login_status_tells").both(),
        ),
        Err(_) => match KEYS
            .iter()
            .find(|key| environment.get(key).is_some_and(|it| !it.is_empty()))
        {
            Some(key) => LOGIN.warn(
                say!("doctor.nobody_logged_but_set", key).both(),
                say!("doctor.be_sure_printenv_codex", key).both(),
            ),
            None => LOGIN.fail(
                say!("doctor.nobody_logged_there_no", shown).both(),
                log_in(),
            ),
        },
    }
}

/// What the file logs in with. Its secrets are never kept or shown.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let filled = |key: &str| match value.get(key) {
        Some(serde_json::Value::String(text)) => !text.is_empty(),
        Some(serde_json::Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    if filled("tokens") {
        Some("ChatGPT")
    } else if filled("OPENAI_API_KEY") {
        Some("API key")
    } else {
        ["personal_access_token", "agent_identity"]
            .iter()
            .any(|key| filled(key))
            .then_some("token")
    }
}
