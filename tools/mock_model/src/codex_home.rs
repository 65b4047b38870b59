//! An offline configuration for a `CODEX_HOME`: the mock as the only provider, nothing that reaches for the network or
//! starts a process of its own accord. Writes only where it is told to.

use std::path::Path;

use serde_json::{Value, json};

/// The model's name in the configuration and in the catalogue.
pub const MODEL: &str = "mock-model";

const CATALOG_FILE: &str = "mock-models.json";

/// A `config.toml` that makes Codex talk to the mock at `base_url` and to nothing else.
///
/// `trusted_project` is the exact root of a project that Codex then does not ask about. Without a catalogue
/// Codex warns that it does not know the model and offers no `apply_patch`; [`write_codex_home`] adds one.
pub fn config_toml(base_url: &str, trusted_project: Option<&Path>) -> String {
    let mut config = format!(
        r#"model = "{MODEL}"
model_provider = "mock"
check_for_update_on_startup = false
cli_auth_credentials_store = "file"

[model_providers.mock]
name = "mock"
base_url = {base_url}
wire_api = "responses"
requires_openai_auth = false
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
daemon_auto_start = false
plugins = false
remote_plugin = false
apps = false
"#,
        base_url = quoted(base_url)
    );
    if let Some(project) = trusted_project {
        config.push_str(&format!(
            "\n[projects.{}]\ntrust_level = \"trusted\"\n",
            quoted(&project.to_string_lossy())
        ));
    }
    config
}

/// A model catalogue with the mock's model in it: plain tools and freeform `apply_patch`, no code mode.
pub fn catalog_json() -> String {
    let model: Value = json!({
        "slug": MODEL,
        "display_name": "Mock",
        "description": "A scripted model on this machine.",
        "default_reasoning_level": "low",
        "supported_reasoning_levels": [{"effort": "low", "description": "There is no other."}],
        "shell_type": "unified_exec",
        "visibility": "list",
        "supported_in_api": true,
        "priority": 1,
        "support_verbosity": false,
        "apply_patch_tool_type": "freeform",
        "truncation_policy": {"mode": "tokens", "limit": 10000},
        "context_window": 272_000,
        "experimental_supported_tools": [],
        "base_instructions": "You are a scripted model.",
    });
    json!({ "models": [model] }).to_string()
}

/// Makes the folder `codex_home` ready: `config.toml` and the catalogue that it names.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_codex_home(
    codex_home: &Path,
    base_url: &str,
    trusted_project: Option<&Path>,
) -> std::io::Result<()> {
    std::fs::create_dir_all(codex_home)?;
    std::fs::write(codex_home.join(CATALOG_FILE), catalog_json())?;
    // Codex takes a relative name from the folder of the config file.
    let config = config_toml(base_url, trusted_project);
    std::fs::write(
        codex_home.join("config.toml"),
        format!("model_catalog_json = \"{CATALOG_FILE}\"\n{config}"),
    )
}

/// A TOML basic string. JSON's escapes are a subset of TOML's, except DEL, which no path here has unescaped.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
