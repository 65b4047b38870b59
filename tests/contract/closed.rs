//! What the launcher and the terminals hold in memory (keys, tokens, what is typed) is theirs alone, also where another program runs as the
//! same user. And what a process is told to be it is not believed.

use super::http::{self, Door};
use super::world::World;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Nobody in particular.
const UID: &str = "65534";

/// A program with the rights of an ordinary user, as which everything below runs.
fn ordinary(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", UID, "--regid", UID, "--clear-groups"]);
    command.args(["--inh-caps=-all", "--bounding-set=-all", program]);
    command
}

/// Starts the program, and gives the first line that it says.
fn start(world: &World, arguments: &[&str], traceable: bool) -> (Child, String) {
    let like = world.command();
    let mut command = ordinary(like.get_program().to_str().unwrap());
    command.env_clear().args(arguments);
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    if traceable {
        command.env(local_os::platform::TRACEABLE, "1");
    }
    let mut child = command
        .current_dir(world.repo())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    (child, line)
}

/// Which of a process's files another program of the same user can read.
fn open_files(pid: u32) -> Vec<&'static str> {
    let files = ["environ", "maps", "mem"];
    let reads = |file: &&str| {
        let path = format!("/proc/{pid}/{file}");
        let read = ordinary("head").args(["-c", "1", &path]).output().unwrap();
        // At the first address of a memory there is nothing: what counts is that it could be opened.
        read.status.success()
            || String::from_utf8_lossy(&read.stderr).contains("Input/output error")
    };
    files.into_iter().filter(reads).collect()
}

fn end(mut child: Child) {
    let id = zhongshu::process::Identity::of(child.id()).unwrap();
    assert!(id.signal(zhongshu::process::Signal::Term));
    child.wait().unwrap();
}

#[test]
fn no_other_program_reads_the_memory_of_the_launcher_and_its_terminals() {
    let world = World::new();
    if rustix::process::geteuid().is_root() {
        let mut give = Command::new("chown");
        let given = give.args(["-R", UID]).arg(world.root()).status();
        assert!(given.unwrap().success());
    }
    let serve = "serve --json --port 0 --no-open --allow-writable-state";
    let serve: Vec<&str> = serve.split(' ').collect();
    for traceable in [false, true] {
        let expected = match traceable {
            false => &[][..],
            true => &["environ", "maps", "mem"],
        };
        let (server, line) = start(&world, &serve, traceable);
        let announced: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(announced["pid"], server.id());
        assert_eq!(open_files(server.id()), expected, "of the launcher");
        end(server);
        let (terminal, line) = start(&world, &["terminal", "--", "/bin/cat"], traceable);
        assert!(line.contains("url="), "{line}");
        assert_eq!(open_files(terminal.id()), expected, "of a terminal");
        // The program in it is the person's own matter.
        let children = format!("/proc/{0}/task/{0}/children", terminal.id());
        let children = std::fs::read_to_string(children).unwrap();
        let program = children.trim().parse().unwrap();
        assert_eq!(open_files(program), ["environ", "maps", "mem"]);
        end(terminal);
    }
}

#[test]
fn whoever_names_a_thread_is_not_its_tool_server() {
    let world = World::serving();
    let socket = world.socket();
    let door = Door::SocketOf(&socket, "thread-of-a-planner");
    let inbox = http::send(&door, "GET", "/mcp/inbox?peek=1", None, None);
    inbox.refused(403, "not_the_tool_server");
}
