//! What real programs print on a terminal. Those that the machine lacks are left out; git and ls it must have.
//!
//! The real Codex is compared in `browser_codex.rs`, in the real page.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Columns and rows.
pub const SIZE: (u16, u16) = (80, 24);
const DEADLINE: Duration = Duration::from_secs(30);

/// A command line, and what is typed once it has printed something.
const PROGRAMS: &[(&[&str], &str)] = &[
    (&["git", "log", "--graph", "--color=always", "--stat"], ""),
    (&["git", "-c", "color.ui=always", "diff", "HEAD~2"], ""),
    (&["ls", "-la", "--color=always", "/usr/bin"], ""),
    (&["less", "-R", "text"], "   /line\rnnGq"),
    (
        &[
            "vim",
            "-u",
            "NONE",
            "-N",
            "+syntax on",
            "+set number",
            "+redraw",
            "+normal Gkdd",
            "+redraw",
            "+q!",
            "text",
        ],
        "",
    ),
    (&["top", "-n", "2", "-d", "0.1"], ""),
    (
        &[
            "tmux",
            "-S",
            "socket",
            "-f",
            "/dev/null",
            "new-session",
            "ls -la --color=always /usr/bin | head -60; cat text",
        ],
        "",
    ),
];

/// The name of each and all of its output.
pub fn outputs() -> Vec<(String, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_repository(folder);
    let there = |program: &&(&[&str], &str)| {
        let required = matches!(program.0[0], "git" | "ls");
        let paths = std::env::var_os("PATH").unwrap();
        required || std::env::split_paths(&paths).any(|path| path.join(program.0[0]).is_file())
    };
    let run = |(line, typed): &(&[&str], &str)| (line.join(" "), output(folder, line, typed));
    PROGRAMS.iter().filter(there).map(run).collect()
}

/// Two branches with a text that has a bit of everything.
fn write_repository(folder: &Path) {
    let text = folder.join("text");
    let git = |line: &str| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=A 名", "-c", "user.email=a@localhost"]);
        let done = command
            .args(line.split(' '))
            .current_dir(folder)
            .env("HOME", folder)
            .output();
        let done = done.unwrap();
        assert!(
            done.status.success(),
            "git {line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let lines = |count: usize| -> String {
        let line = |n| {
            format!(
                "line {n}\tmit Ümläuten, 中文宽字符, “quotes” — 🙂 and \x1b[3{}mcolours\x1b[m {}\n",
                n % 8,
                "x".repeat(n % 90)
            )
        };
        (0..count).map(line).collect()
    };
    std::fs::write(&text, lines(100)).unwrap();
    git("init -q -b main");
    git("add text");
    git("commit -q -m first");
    git("checkout -q -b side");
    git("commit -q --allow-empty -m side");
    git("checkout -q main");
    std::fs::write(&text, lines(120)).unwrap();
    git("commit -q -a -m 宽字符");
    git("merge -q --no-ff -m merge side");
}

/// All that a program prints in a terminal until it ends.
fn output(folder: &Path, line: &[&str], typed: &str) -> Vec<u8> {
    let (cols, rows) = SIZE;
    let size = PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::from_argv(line.iter().map(Into::into).collect());
    command.cwd(folder);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    for (name, value) in [
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("GIT_PAGER", "cat"),
    ] {
        command.env(name, value);
    }
    command.env("HOME", folder);
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let (mut reader, mut writer) = (
        pty.master.try_clone_reader().unwrap(),
        pty.master.take_writer().unwrap(),
    );
    let (sender, pieces) = mpsc::channel();
    // A terminal whose program has ended gives an error on Linux and nothing elsewhere.
    let reading = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut output = Vec::new();
    loop {
        match pieces.recv_timeout(DEADLINE) {
            Ok(piece) => {
                if output.is_empty() {
                    writer.write_all(typed.as_bytes()).unwrap();
                }
                output.extend(piece);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // It leads a session of its own, and may have ended meanwhile.
                let group = child.process_id().and_then(|pid| i32::try_from(pid).ok());
                if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
                    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
                }
                panic!("{line:?} printed {} bytes and does not end", output.len());
            }
        }
    }
    reading.join().unwrap();
    child.wait().unwrap();
    assert!(!output.is_empty(), "{line:?} printed nothing");
    output
}
