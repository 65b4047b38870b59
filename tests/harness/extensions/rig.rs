//! Extensions for tests: small programs in Python that write down what they hear, and what they are seen to do.

use crate::rig::house_with;
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Switches extensions on.
pub fn governance() -> String {
    format!("{GOVERNANCE}harness: {{extensions: {{mode: enforced}}}}\n")
}

/// A house in which extensions run.
pub async fn house() -> House {
    house_with([], &governance()).await
}

/// Speaks as an extension has to; `handle` and `EVENTS` stand before it. What it hears it writes down in its home.
const SPEAKS: &str = r#"
import json, os, sys, time
HOME = os.environ["HOME"]

def note(name, value):
    with open(os.path.join(HOME, name), "a") as file:
        file.write(json.dumps(value) + "\n")

def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "test", "version": "1.0.0"}}
    if method == "tools/list":
        return {"tools": [{"name": "handle_event", "inputSchema": {"type": "object"}, "_meta": {"events": EVENTS}}]}
    if method == "tools/call":
        said = params["arguments"]
        note("heard", said)
        return {"content": [], "structuredContent": {"results": handle(said["event"], said["payload"])}}
    return {}

note("pids", os.getpid())
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        result = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

/// An extension: its folder's name is its id.
pub struct Extension<'a> {
    pub id: &'a str,
    /// What it registers, as `_meta` has it.
    pub events: Value,
    /// What its manifest declares.
    pub declares: Value,
    /// `def handle(event, payload)`, and whatever comes before it.
    pub code: &'a str,
}

impl<'a> Extension<'a> {
    /// One that hears of the ends of turns.
    pub fn of_turns(id: &'a str, code: &'a str) -> Self {
        Self {
            id,
            events: json!(["turn.completed"]),
            declares: json!({"events": ["turn.completed"], "actions": ["*"]}),
            code,
        }
    }
}

/// Does nothing about what it hears.
pub const NOTHING: &str = "def handle(event, payload): return []";

/// A manifest.
pub fn manifest(id: &str, declares: &Value) -> Value {
    json!({
        "name": id, "version": "1.0.0", "agentId": id, "displayName": id,
        "capabilities": declares, "command": ["python3", "main.py"],
    })
}

impl House {
    pub fn extension_folder(&self, id: &str) -> PathBuf {
        self.repo.join("agents").join(id)
    }

    /// Writes files into the folder of an extension.
    pub fn writes(&self, id: &str, files: &[(&str, &str)]) {
        let folder = self.extension_folder(id);
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// Writes an extension; nothing of it runs yet.
    pub fn extension(&self, it: &Extension<'_>) {
        let manifest = manifest(it.id, &it.declares).to_string();
        let events = format!(
            "import json\nEVENTS = json.loads({:?})\n",
            it.events.to_string()
        );
        let code = format!("{events}{}\n{SPEAKS}", it.code);
        self.writes(
            it.id,
            &[("extension.manifest.json", &manifest), ("main.py", &code)],
        );
    }

    /// Looks into the folders again, whatever comes of it.
    pub async fn reloads(&self) -> (u16, Value) {
        self.ask("POST", "/agents/extensions/reload", None).await
    }

    /// An extension as the list has it, if it has it.
    async fn listed_module(&self, id: &str) -> Option<Value> {
        let list = self.look("/agents/extensions").await;
        let mut all = list["modules"].as_array().unwrap().iter();
        all.find(|it| it["moduleName"] == id).cloned()
    }

    /// The same, and it is there.
    pub async fn module(&self, id: &str) -> Value {
        let found = self.listed_module(id).await;
        found.unwrap_or_else(|| panic!("{id} is not listed"))
    }

    /// An extension, once it is as wanted.
    pub async fn module_that(
        &self,
        id: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let look = async || self.listed_module(id).await.filter(|it| wanted(it));
        self.wait_for(&format!("{id}: {what}"), look).await
    }

    /// Says yes to what lies there now.
    pub async fn trusts(&self, id: &str) -> Value {
        // A set that cannot be loaded whole is listed all the same once something is trusted; the first look is a reload.
        self.reloads().await;
        let module = self.module(id).await;
        let yes = json!({"agentId": module["agentId"], "digest": module["trust"]["digest"]});
        self.make("/agents/extensions/trust", yes).await;
        self.module(id).await
    }

    /// Writes it, says yes to it, and sees it run.
    pub async fn runs(&self, it: &Extension<'_>) {
        self.extension(it);
        let module = self.trusts(it.id).await;
        assert_eq!(module["state"], "running", "{module:#}");
    }

    /// The home of an extension, in which it writes down what it hears.
    pub fn extension_home(&self, id: &str) -> PathBuf {
        self.state.join("extensions/home").join(id)
    }

    /// The first row of this type in a session, once there is one.
    pub async fn row(&self, id: &str, kind: &str) -> Value {
        self.wait_for(&format!("a row {kind}"), async || {
            let seen = self.look(&format!("/sessions/{id}")).await;
            let mut rows = seen["transcript"].as_array().unwrap().iter();
            rows.find(|it| it["type"] == kind).cloned()
        })
        .await
    }

    /// What an extension wrote down in its home.
    pub fn noted(&self, id: &str, name: &str) -> Vec<Value> {
        let path = self.extension_home(id).join(name);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // A line without its end is being written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    /// The same, once there are so many.
    pub async fn noted_times(&self, id: &str, name: &str, times: usize) -> Vec<Value> {
        let look = async || Some(self.noted(id, name)).filter(|it| it.len() >= times);
        self.wait_for(&format!("{id}: {times} of {name}"), look)
            .await
    }

    /// Sets what of a kind may be decided in a session without a person.
    pub async fn lets(&self, id: &str, kind: &str, auto_actions: Value) {
        let value = json!({ kind: { "autoActions": auto_actions } });
        let setting = json!({"scope": "session", "key": "supervisor", "value": value});
        self.make(&format!("/sessions/{id}/settings"), setting)
            .await;
    }

    /// Lets changes of files of a high risk be refused without a person.
    pub async fn lets_reject(&self, id: &str) {
        let auto = json!({"reject": {"enabled": true, "threshold": "high"}});
        self.lets(id, "fileChange", auto).await;
    }

    /// A session that had a turn; its id and the turn's.
    pub async fn session_with_turn(&self) -> (String, String) {
        let id = self.chat().await;
        let turn = self.has_turn(&id, "Hello.").await;
        (id, turn)
    }
}

/// Whether a process is there that is no zombie.
pub fn is_alive(pid: &Value) -> bool {
    let path = Path::new("/proc").join(pid.to_string()).join("stat");
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// Whether the diagnostics of an extension say this somewhere, under this code.
pub fn says(module: &Value, code: &str, words: &str) -> bool {
    let notes = module["diagnostics"].as_array().unwrap().iter();
    let mut notes = notes.filter(|it| it["code"] == code);
    notes.any(|it| it["message"].as_str().unwrap().contains(words))
}
