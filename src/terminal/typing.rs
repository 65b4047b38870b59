//! What the launcher itself types into terminals.

use super::{TerminalError, Terminals};
use crate::domain::ids::{MessageId, TerminalId};

impl Terminals {
    /// Pastes a message into the program and sends it off; once, however often it is asked for.
    ///
    /// # Errors
    /// When the terminal is gone or too busy; then nothing was typed.
    pub async fn submit(
        &self,
        id: &TerminalId,
        message_id: &MessageId,
        text: &str,
    ) -> Result<(), TerminalError> {
        let client = self.client(id)?;
        Ok(client.submit_once(message_id.as_str(), text).await?)
    }

    /// Presses keys.
    ///
    /// # Errors
    /// When the terminal is gone or too busy.
    pub async fn press(&self, id: &TerminalId, keys: &str) -> Result<(), TerminalError> {
        Ok(self.client(id)?.input(keys).await?)
    }
}
