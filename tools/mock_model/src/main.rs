//! `mock-model`: the scriptable model as a program of its own. Arguments in, one JSON line out, then it serves.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use mock_model::{Script, Server};
use tokio::signal::unix::{SignalKind, signal};

/// A scriptable model on loopback that speaks the Responses API over SSE.
#[derive(Parser)]
struct Arguments {
    /// The script, a JSON file; without one every request is answered "ok".
    #[arg(long)]
    script: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Prints a config.toml for a CODEX_HOME instead of the JSON line.
    #[arg(long)]
    print_config: bool,
    /// Makes this folder a CODEX_HOME that uses the mock.
    #[arg(long)]
    codex_home: Option<PathBuf>,
    /// The project that the configuration trusts.
    #[arg(long)]
    trust: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let script = arguments
        .script
        .as_deref()
        .map(Script::load)
        .transpose()?
        .unwrap_or_default();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let server = Server::start_on(arguments.port, script)
        .await
        .with_context(|| {
            format!(
                "cannot listen on 127.0.0.1:{}; choose another --port",
                arguments.port
            )
        })?;
    if let Some(home) = &arguments.codex_home {
        mock_model::write_codex_home(home, &server.base_url(), arguments.trust.as_deref())
            .with_context(|| format!("cannot write the CODEX_HOME {}", home.display()))?;
    }
    if arguments.print_config {
        print!(
            "{}",
            mock_model::config_toml(&server.base_url(), arguments.trust.as_deref())
        );
    } else {
        println!(
            "{}",
            serde_json::json!({"base_url": server.base_url(), "pid": std::process::id()})
        );
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.shutdown().await;
    Ok(())
}
