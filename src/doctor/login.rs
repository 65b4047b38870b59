//! Whether Codex can reach a model: what the user's CODEX_HOME says, read as files.
//!
//! Asking Codex itself (`codex login status`, or `account/read` of an app-server) would write into that folder, and the
//! first does not know that another provider needs no login.

use super::{Check, Subject, say};
use crate::domain::department::Localized;
use crate::paths::Environment;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const LOGIN: Subject = Subject::new("login", "codex login", "codex 登录");

/// Providers that Codex brings along and that need no account.
const LOCAL_PROVIDERS: [&str; 3] = ["oss", "ollama", "lmstudio"];
/// Variables that stand in for a login.
const KEYS: [&str; 3] = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"];

/// Looks at configuration and credentials.
pub(super) fn check(environment: &Environment) -> Check {
    let Some(home) = codex_home(environment) else {
        return LOGIN.fail(
            say(
                "neither CODEX_HOME nor HOME is set",
                "CODEX_HOME 和 HOME 都没有设置",
            ),
            say(
                "set HOME, or name Codex's folder with CODEX_HOME",
                "请设置 HOME，或用 CODEX_HOME 指定 Codex 的目录",
            ),
        );
    };
    let config = match read_config(&home) {
        Ok(config) => config,
        Err(reason) => {
            return LOGIN.fail(
                say(reason.clone(), format!("Codex 的配置有误：{reason}")),
                say("correct Codex's config.toml", "请更正 Codex 的 config.toml"),
            );
        }
    };
    match provider(&config) {
        Provider::NoLogin(name) => LOGIN.ok(say(
            format!("the model provider `{name}` needs none"),
            format!("模型提供方 `{name}` 不需要登录"),
        )),
        Provider::Variable { name, variable }
            if environment.get(&variable).is_some_and(|it| !it.is_empty()) =>
        {
            LOGIN.ok(say(
                format!("the model provider `{name}` takes its key from {variable}, which is set"),
                format!("模型提供方 `{name}` 使用环境变量 {variable} 中的密钥，该变量已设置"),
            ))
        }
        Provider::Variable { name, variable } => LOGIN.fail(
            say(
                format!(
                    "the model provider `{name}` takes its key from {variable}, which is not set"
                ),
                format!("模型提供方 `{name}` 使用环境变量 {variable} 中的密钥，但该变量没有设置"),
            ),
            say(
                format!(
                    "set {variable} before zhongshu starts: its app-server inherits the environment"
                ),
                format!("请在启动 zhongshu 之前设置 {variable}：它的 app-server 会继承环境"),
            ),
        ),
        Provider::Unknown(name) => LOGIN.fail(
            say(
                format!(
                    "config.toml names the model provider `{name}`, which it does not describe"
                ),
                format!("config.toml 指定了模型提供方 `{name}`，却没有描述它"),
            ),
            say(
                format!(
                    "add [model_providers.{name}] to {}",
                    home.join("config.toml").display()
                ),
                format!(
                    "请在 {} 中加入 [model_providers.{name}]",
                    home.join("config.toml").display()
                ),
            ),
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
    let log_in = || -> Localized {
        say(
            "run `codex login`, then look again",
            "请运行 `codex login`，然后重新检查",
        )
    };
    let store = config
        .get("cli_auth_credentials_store")
        .and_then(|it| it.as_str())
        .unwrap_or("file");
    match std::fs::read(&path) {
        Ok(bytes) => match kind_of(&bytes) {
            Some(kind) => {
                let open = path.metadata().is_ok_and(|it| it.permissions().mode() & 0o077 != 0);
                if open {
                    return LOGIN.warn(
                        say(format!("{shown} can be read by other users"), format!("其他用户可以读取 {shown}")),
                        say(format!("close it: `chmod 600 {shown}`"), format!("请收紧权限：`chmod 600 {shown}`")),
                    );
                }
                LOGIN.ok(say(format!("logged in with {kind}"), format!("已登录（{kind}）")))
            }
            None => LOGIN.fail(
                say(format!("{shown} holds no login"), format!("{shown} 中没有登录信息")),
                log_in(),
            ),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => LOGIN.fail(
            say(format!("{shown}: {error}"), format!("无法读取 {shown}：{error}")),
            say("see that this user may read it", "请确认当前用户可以读取它"),
        ),
        Err(_) if store == "keyring" => LOGIN.ok(say(
            "kept in the system's keyring, which is not looked at here",
            "保存在系统密钥环中，此处不查看",
        )),
        Err(_) if store == "auto" => LOGIN.warn(
            say(
                "there is no auth.json; the system's keyring, which is not looked at here, may hold the login",
                "没有 auth.json；登录信息可能在系统密钥环中，此处不查看",
            ),
            say("`codex login status` tells", "可用 `codex login status` 查看"),
        ),
        Err(_) => match KEYS.iter().find(|key| environment.get(key).is_some_and(|it| !it.is_empty())) {
            Some(key) => LOGIN.warn(
                say(
                    format!("nobody is logged in, but {key} is set; whether Codex takes it depends on its version"),
                    format!("尚未登录，但设置了 {key}；Codex 是否使用它取决于版本"),
                ),
                say(
                    format!("to be sure: `printenv {key} | codex login --with-api-key`"),
                    format!("为保险起见：`printenv {key} | codex login --with-api-key`"),
                ),
            ),
            None => LOGIN.fail(
                say(
                    format!("nobody is logged in: there is no {shown}"),
                    format!("尚未登录：没有 {shown}"),
                ),
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
