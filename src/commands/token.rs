//! `zhongshu token`: named tokens, through the server when one runs (so that it is in the journal and takes effect at
//! once), else in the file.

use super::error::CommandError;
use crate::access::TokenStore;
use crate::access::tokens::Listed;
use crate::cli::ExitCode;
use crate::cli::token::TokenCommand;
use crate::client::{Client, ClientError};
use crate::paths::Places;
use local_os::tell;
use serde_json::json;
use std::io::Write;

/// Makes, shows or takes away.
///
/// # Errors
/// When a name is wrong, taken or unknown.
pub async fn run(
    places: &Places,
    command: &TokenCommand,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = match Client::find(places) {
        Ok(client) => Some(client),
        Err(ClientError::NotRunning(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let store = || -> Result<TokenStore, CommandError> {
        places.create_state()?;
        Ok(TokenStore::open(&places.state)?)
    };
    match command {
        TokenCommand::Create { name, scope } => {
            let token = match &client {
                Some(client) => {
                    let body = json!({ "name": name, "scope": scope });
                    let answer = client.post("/api/tokens", &body).await?;
                    answer["token"]
                        .as_str()
                        .ok_or(ClientError::Strange(200))?
                        .to_owned()
                }
                None => {
                    let secret = store()?.create(name, *scope, chrono::Utc::now())?;
                    secret.reveal().to_owned()
                }
            };
            // Alone on its line, so that a script can take it.
            writeln!(out, "{token}")?;
            tell!(
                "this is shown only now; send it as `Authorization: Bearer …`, and take it away with `zhongshu token revoke {name}`"
            );
        }
        TokenCommand::List { json } => {
            // The file is the truth in either case.
            let tokens = store()?.list()?;
            if *json {
                let text = serde_json::to_string(&tokens).map_err(std::io::Error::from)?;
                writeln!(out, "{text}")?;
            } else if tokens.is_empty() {
                writeln!(
                    out,
                    "there are no tokens; `zhongshu token create NAME --scope read` makes one"
                )?;
            } else {
                for Listed {
                    name,
                    scope,
                    created_at,
                } in tokens
                {
                    let day = created_at.format("%Y-%m-%d %H:%M UTC");
                    writeln!(out, "{name:<24} {:<7} {day}", scope.word())?;
                }
            }
        }
        TokenCommand::Revoke { name } => {
            match &client {
                Some(client) => {
                    let body = json!({ "name": name });
                    client.post("/api/tokens/revoke", &body).await?;
                }
                None => store()?.revoke(name)?,
            }
            writeln!(out, "{name} is revoked")?;
        }
    }
    Ok(ExitCode::Ok)
}
