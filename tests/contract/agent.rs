//! The agents: one script that evaluates the lines it gets through a FIFO of its own, and keeps what is typed to it.

use super::world::World;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// `bash agent.sh CONTROL_FOLDER PROMPT_FILE`.
pub const SCRIPT: &str = r#"
control=$1
base=$control/$ZHONGSHU_SESSION_ID
rm -f "$base.fifo"
mkfifo "$base.fifo"
exec 4<>"$base.fifo"
exec 3<&0
cat <&3 >>"$base.typed" 4<&- &
cp "$2" "$base.prompt"
echo "agent $ZHONGSHU_SESSION_ID is ready"
echo $$ >>"$base.starts"
while IFS= read -r line <&4; do
    eval "$line"
    echo >>"$base.done"
done
"#;

/// A session as its agent sees it.
pub struct Agent<'w> {
    pub world: &'w World,
    pub id: String,
}

impl<'w> Agent<'w> {
    /// The agent of a session, once it has started for the `starts`th time.
    #[track_caller]
    pub fn ready(world: &'w World, id: &str, starts: usize) -> Self {
        let agent = Self {
            world,
            id: id.to_owned(),
        };
        world.wait_for(&format!("start {starts} of the agent of {id}"), || {
            (agent.starts().len() >= starts).then_some(())
        });
        agent
    }

    fn file(&self, what: &str) -> PathBuf {
        self.world.control().join(format!("{}.{what}", self.id))
    }

    fn text(&self, what: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.file(what)).unwrap_or_default()).into_owned()
    }

    /// Process ids of its starts.
    pub fn starts(&self) -> Vec<u32> {
        let text = self.text("starts");
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The process that runs now.
    pub fn pid(&self) -> u32 {
        *self.starts().last().unwrap()
    }

    /// The prompt that it was given.
    pub fn prompt(&self) -> String {
        self.text("prompt")
    }

    /// Everything that was typed to it.
    pub fn typed(&self) -> String {
        self.text("typed")
    }

    /// Waits until something was typed to it.
    #[track_caller]
    pub fn wait_typed(&self, part: &str) {
        self.world
            .wait_for(&format!("{part:?} typed to {}", self.id), || {
                self.typed().contains(part).then_some(())
            });
    }

    /// Has it evaluate a line, and does not wait.
    pub fn tell(&self, line: &str) {
        let mut fifo = std::fs::OpenOptions::new()
            .write(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap())
            .open(self.file("fifo"))
            .unwrap_or_else(|error| panic!("agent {} does not listen: {error}", self.id));
        writeln!(fifo, "{line}").unwrap();
    }

    /// Has it evaluate a line, and waits until that is done.
    #[track_caller]
    pub fn does(&self, line: &str) {
        let before = self.text("done").len();
        self.tell(line);
        self.world
            .wait_for(&format!("{} does {line:?}", self.id), || {
                (self.text("done").len() > before).then_some(())
            });
    }

    /// Announces its state, as agents do.
    #[track_caller]
    pub fn announces(&self, state: &str) {
        self.does(&format!(
            "printf '\\033]7501;state={state}:app=puppet\\033\\\\'"
        ));
    }

    /// Drops a file into its mailbox, whole.
    #[track_caller]
    pub fn drops(&self, name: &str, content: &str) {
        self.does(&self.drop_command(name, content));
    }

    /// The line that drops a file.
    pub fn drop_command(&self, name: &str, content: &str) -> String {
        let source = self.file(&format!("{name}.source"));
        std::fs::write(&source, content).unwrap();
        let source = source.display();
        format!(
            "cp '{source}' \"$ZHONGSHU_MAILBOX/{name}.tmp\" && mv \"$ZHONGSHU_MAILBOX/{name}.tmp\" \"$ZHONGSHU_MAILBOX/{name}\""
        )
    }

    /// The result it would report, with `more` laid over it.
    pub fn result(&self, more: Value) -> Value {
        let session = self.world.session(&self.id);
        let mut result = json!({
            "parent_session_id": session["parent_session_id"],
            "department_session_id": self.id,
            "department": session["department"],
            "summary": format!("{} is done", self.id),
        });
        for (key, value) in more.as_object().unwrap() {
            result[key] = value.clone();
        }
        result
    }

    /// Reports by file and waits until that is registered; returns the session as it is then.
    #[track_caller]
    pub fn reports(&self, more: Value) -> Value {
        let revision = self.world.revision_of(&self.id);
        let name = format!("result-{}-{}.json", self.id, revision + 1);
        self.drops(&name, &self.result(more).to_string());
        self.world
            .wait_for(&format!("the report of {}", self.id), || {
                (self.world.revision_of(&self.id) > revision).then_some(())
            });
        self.world.session(&self.id)
    }
}
