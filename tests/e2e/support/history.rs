//! What a thread was really told: Codex's own record of it, the rollout file.

use super::House;
use serde_json::Value;

impl House {
    /// The texts that the session's thread got from outside, in order. Without what Codex adds of its own.
    pub fn said_to(&self, thread_id: &str) -> Vec<String> {
        let lines = self.rollout(thread_id);
        let said = lines.iter().filter(|line| {
            let payload = &line["payload"];
            let kinds =
                &payload["internal_chat_message_metadata_passthrough"]["content_item_kinds"];
            line["type"] == "response_item" && payload["role"] == "user" && kinds[0] == "user.text"
        });
        said.map(|line| {
            let text = &line["payload"]["content"][0]["text"];
            text.as_str().unwrap_or_default().to_owned()
        })
        .collect()
    }

    fn rollout(&self, thread_id: &str) -> Vec<Value> {
        let sessions = self.codex_home.join("sessions");
        let files = walkdir::WalkDir::new(sessions).into_iter().flatten();
        let file = files.map(walkdir::DirEntry::into_path).find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("rollout-") && name.contains(thread_id)
        });
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        let text = text.unwrap_or_default();
        // The last line may be half written.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}
