//! Commands without a session: in Codex's sandbox, wherever the app-server itself runs.

use crate::bot::Bot;
use crate::rig::{house, house_with};
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};

/// A file that no sandbox lets through: neither in the repository nor among temporary files. Gone with this.
struct Outside(String);

impl Outside {
    fn new() -> Self {
        let name = uuid::Uuid::new_v4();
        Self(format!("/var/tmp/zhongshu-{name}"))
    }

    fn is_there(&self) -> bool {
        std::fs::exists(&self.0).unwrap()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // Where the test failed it may be there.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl House {
    async fn executed(&self, script: &str) -> Value {
        let wish = json!({ "command": ["bash", "-c", script] });
        self.make("/commands/exec", wish).await["result"].clone()
    }
}

#[tokio::test]
async fn a_command_writes_to_its_folder_alone_and_reaches_nobody() {
    let (house, outside) = (house([]).await, Outside::new());
    let said = house
        .executed("touch made && echo said && echo aside >&2; exit 7")
        .await;
    assert_eq!(
        said,
        json!({ "exitCode": 7, "stdout": "said\n", "stderr": "aside\n" })
    );
    assert!(house.repo.join("made").exists());

    let script = format!("touch {}", outside.0);
    assert_ne!(house.executed(&script).await["exitCode"], 0);
    assert!(!outside.is_there(), "it wrote outside");
    let git = house.executed("touch .git/made").await;
    assert_ne!(git["exitCode"], 0, "{git}");
    let sandboxed = house.executed("cd /proc/self && pwd && ls /").await;
    assert_eq!(sandboxed["exitCode"], 0, "it may read: {sandboxed}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reach = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    assert_ne!(house.executed(&reach).await["exitCode"], 0);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "it reached the network");

    let slow = json!({ "command": ["sleep", "600"], "timeoutMs": 200 });
    let ended = house.make("/commands/exec", slow).await;
    assert_eq!(ended["result"]["exitCode"], 124);
    house.close().await;
}

#[tokio::test]
async fn a_token_runs_commands_only_where_a_person_says_so_and_no_wider() {
    let rules = format!("{GOVERNANCE}harness: {{exec: true, sandbox: read-only}}\n");
    let (open, shut) = (house_with([], &rules).await, house([]).await);
    let wish = json!({ "command": ["touch", "made"] });
    let bot = Bot::of(&shut).await;
    bot.met("/commands/exec", wish.clone(), "exec").await;
    let (status, answer) = Bot::of(&open).await.post("/commands/exec", wish).await;
    assert_eq!(status, 200, "{answer}");
    assert_ne!(answer["result"]["exitCode"], 0);
    for house in [open, shut] {
        assert!(!house.repo.join("made").exists());
        house.close().await;
    }
}
