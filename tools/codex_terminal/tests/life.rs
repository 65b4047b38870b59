//! Start, control, end: what a launcher relies on.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use codex_terminal::control::{Event, Request};
use codex_terminal::descriptor::{Mode, State};
use codex_terminal::signals::AgentActivity;
use codex_terminal::spec::Spec;
use codex_terminal::wire::{Exit, Refusal, ToPage};
use support::{DEADLINE, Got, Sidecar, alive, pid_in, script, wait_until, with_paths};
use tokio::sync::mpsc::Receiver;

async fn event(events: &mut Receiver<Event>, mut wanted: impl FnMut(&Event) -> bool) -> Event {
    tokio::time::timeout(DEADLINE, async {
        loop {
            let event = events.recv().await.expect("the connection stays open");
            if wanted(&event) {
                return event;
            }
        }
    })
    .await
    .expect("the event within the deadline")
}

#[tokio::test]
async fn a_shell_is_typed_into_through_browser_and_control_socket() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("$ ").await;
    viewer.input("echo a-$((40+2))-ü\r".as_bytes()).await;
    viewer.until_screen("a-42-ü").await;
    let (client, mut events) = sidecar.control().await;
    let hello = events.recv().await.unwrap();
    assert!(matches!(hello, Event::Hello { descriptor, .. } if descriptor == sidecar.descriptor));
    client.input("echo b-$((1+1))\r").await.unwrap();
    viewer.until_screen("b-2").await;
    event(
        &mut events,
        |event| matches!(event, Event::Output { offset, .. } if *offset > 0),
    )
    .await;
    client.paste("echo c-$((1+2))", true).await.unwrap();
    viewer.until_screen("c-3").await;
    // Whoever cannot know whether it was typed asks again, also over another connection.
    let (again, _events) = sidecar.control().await;
    for asking in [&client, &again, &client] {
        asking
            .submit_once("message-1", "echo once >> told")
            .await
            .unwrap();
    }
    again
        .submit_once("message-2", "echo twice >> told; echo e-$((2+3))")
        .await
        .unwrap();
    viewer.until_screen("e-5").await;
    let told = std::fs::read_to_string(sidecar.path("told")).unwrap();
    assert_eq!(told, "once\ntwice\n");
    let data = "ZWNobyBkLSQoKDIrMikpDQ==".to_owned();
    client
        .request(Request::Input { data, base64: true })
        .await
        .unwrap();
    viewer.until_screen("d-4").await;
    client
        .request(Request::Resize { cols: 91, rows: 17 })
        .await
        .unwrap();
    viewer
        .until("the new size", |got| {
            *got == Got::Text(ToPage::Size { cols: 91, rows: 17 })
        })
        .await;
    client.input("stty size\r").await.unwrap();
    viewer.until_screen("17 91").await;
    let state = client.state().await.unwrap();
    assert_eq!((state.cols, state.rows, state.viewers.len()), (91, 17, 1));
    let transcript = std::fs::read_to_string(sidecar.path("t.log")).unwrap();
    assert!(transcript.contains("a-42-ü") && transcript.contains("d-4"));
}

#[tokio::test]
async fn close_ends_the_whole_tree_and_then_the_sidecar() {
    // A grandchild that ignores TERM and HUP, one that left the session, and one that was orphaned.
    let mut sidecar = Sidecar::script(
        "(trap '' TERM HUP; echo $BASHPID > stubborn; while :; do sleep 0.05; done) &
         setsid bash -c 'trap \"\" TERM HUP; echo $$ > away; while :; do sleep 0.05; done' &
         (bash -c 'trap \"\" TERM HUP; echo $$ > orphan; while :; do sleep 0.05; done' & )
         wait",
    );
    let pids = ["stubborn", "away", "orphan"].map(|name| pid_in(&sidecar.path(name)));
    let child = sidecar.descriptor.child_pid.unwrap();
    assert!(pids.iter().chain([&child]).all(|pid| alive(*pid)));
    let mut viewer = sidecar.viewer(Mode::Read).await;
    let (client, _events) = sidecar.control().await;
    client.close(Duration::from_millis(200)).await.unwrap();
    tokio::time::timeout(DEADLINE, client.closed())
        .await
        .unwrap();
    viewer
        .until("the close", |got| *got == Got::Closed(1001))
        .await;
    assert_eq!(sidecar.wait_for_exit(), 0);
    assert_eq!(pids.map(alive), [false; 3]);
    assert!(!alive(child) && !sidecar.path("t.sock").exists());
    assert!(matches!(sidecar.reread().state, State::Exited { .. }));
}

#[tokio::test]
async fn sigterm_is_a_close() {
    let mut sidecar = Sidecar::script("exec sleep 1000");
    let child = sidecar.descriptor.child_pid.unwrap();
    let pid = sidecar.child.id().to_string();
    std::process::Command::new("kill")
        .arg(pid)
        .status()
        .unwrap();
    assert_eq!(sidecar.wait_for_exit(), 0);
    assert!(!alive(child));
    let state = sidecar.reread().state;
    assert_eq!(
        state,
        State::Exited {
            code: None,
            signal: Some(15)
        }
    );
}

#[tokio::test]
async fn exit_status_and_last_screen_stay_until_closed() {
    for (end, code, signal) in [("exit 7", Some(7), None), ("kill -9 $$", None, Some(9))] {
        let sidecar = Sidecar::script(&format!("printf 'last \\033[1mwords\\033[m'; {end}"));
        let (client, mut events) = sidecar.control().await;
        let told = |event: &Event| match event {
            Event::Exited { .. } => true,
            Event::Hello { descriptor, .. } => descriptor.state != State::Running,
            _ => false,
        };
        event(&mut events, told).await;
        assert_eq!(
            client.state().await.unwrap().state,
            State::Exited { code, signal }
        );
        // The file follows the event's state within milliseconds.
        let descriptor = wait_until("the descriptor", || {
            Some(sidecar.reread()).filter(|now| now.state == State::Exited { code, signal })
        });
        assert!(descriptor.exited_at.is_some() && !alive(descriptor.child_pid.unwrap()));
        let mut viewer = sidecar.viewer(Mode::Write).await;
        viewer.until_screen("last words").await;
        let exit = ToPage::Exited(Exit {
            code,
            signal,
            told: false,
        });
        if !viewer.texts.contains(&exit) {
            viewer
                .until("the exit", |got| *got == Got::Text(exit.clone()))
                .await;
        }
        // Whatever its number: a page that waited for its turn would wait for ever.
        for number in [0, 7] {
            viewer.send_input(number, b"x").await;
        }
        let closed = |got: &Got| {
            matches!(
                got,
                Got::Text(ToPage::Refused {
                    reason: Refusal::Closed,
                    ..
                })
            )
        };
        viewer.until("the refusal", closed).await;
        let refused = client.input("x").await.unwrap_err().to_string();
        assert!(refused.contains("has ended"), "{refused}");
    }
}

#[tokio::test]
async fn a_grandchild_may_go_on_writing_after_the_program_ended() {
    let sidecar = Sidecar::script(
        "trap '' HUP; (trap '' HUP; while [ ! -e go ]; do sleep 0.02; done; echo late words; sleep 1000) & echo first",
    );
    let (_client, mut events) = sidecar.control().await;
    let ended = |event: &Event| match event {
        Event::Exited { code, .. } => *code == Some(0),
        Event::Hello { descriptor, .. } => descriptor.state != State::Running,
        _ => false,
    };
    event(&mut events, ended).await;
    std::fs::write(sidecar.path("go"), "").unwrap();
    let mut viewer = sidecar.viewer(Mode::Read).await;
    viewer.until_screen("first\nlate words").await;
}

#[tokio::test]
async fn it_survives_its_launcher_and_tells_the_next_one_everything() {
    let sidecar = Sidecar::script(
        "printf '\\033]7501;state=blocked:app=codex:kind=permission\\033\\\\'; read -r line; \
         printf '\\033]7501;state=working:app=codex\\007'; read -r line; printf '\\033]7501;state=clear\\033\\\\'; sleep 1000",
    );
    let mut viewer = sidecar.viewer(Mode::Read).await;
    {
        let (client, mut events) = sidecar.control().await;
        let known = |event: &Event| match event {
            Event::AgentState(state) => state.kind.as_deref() == Some("permission"),
            Event::Hello { agent_state, .. } => agent_state.is_some(),
            _ => false,
        };
        event(&mut events, known).await;
        client.input("\r").await.unwrap();
        let working = |event: &Event| matches!(event, Event::AgentState(state) if state.state == AgentActivity::Working);
        event(&mut events, working).await;
    }
    // The first launcher is gone. The viewer goes on; the next launcher finds all of it.
    let (client, mut events) = sidecar.control().await;
    match events.recv().await.unwrap() {
        Event::Hello {
            descriptor,
            agent_state,
            offset,
        } => {
            assert_eq!(descriptor, sidecar.descriptor);
            assert!(descriptor.is_alive() && offset > 0);
            assert_eq!(agent_state.unwrap().state, AgentActivity::Working);
        }
        other => panic!("{other:?}"),
    }
    client.input("\r").await.unwrap();
    let cleared = |event: &Event| matches!(event, Event::AgentState(state) if state.state == AgentActivity::Clear);
    event(&mut events, cleared).await;
    viewer.until("the same in the browser", |got| {
        matches!(got, Got::Output(_, bytes) if String::from_utf8_lossy(bytes).contains("clear"))
    })
    .await;
}

#[tokio::test]
async fn bad_control_lines_get_a_sentence_and_the_connection_goes_on() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let sidecar = Sidecar::script("exec sleep 1000");
    let stream = tokio::net::UnixStream::connect(sidecar.path("t.sock"))
        .await
        .unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .contains("\"hello\"")
    );
    for (request, id) in [
        ("nonsense", "null"),
        (r#"{"id":3,"type":"dance"}"#, "3"),
        (
            r#"{"id":4,"type":"attend","standing":[],"frame_ancestors":["http://a; script-src *"]}"#,
            "4",
        ),
        (r#"{"id":5,"type":"input","data":"%","base64":true}"#, "5"),
    ] {
        writer
            .write_all(format!("{request}\n").as_bytes())
            .await
            .unwrap();
        let answer = lines.next_line().await.unwrap().unwrap();
        assert!(
            answer.starts_with(&format!(r#"{{"type":"error","id":{id},"message":""#)),
            "{answer}"
        );
    }
    writer
        .write_all(b"{\"id\":6,\"type\":\"state\"}\n")
        .await
        .unwrap();
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .contains(r#""type":"state","id":6"#)
    );
    assert_eq!(
        lines.next_line().await.unwrap().unwrap(),
        r#"{"type":"ack","id":6}"#
    );
}

#[tokio::test]
async fn viewers_are_cut_off_and_may_come_back() {
    let sidecar = Sidecar::script("exec sleep 1000");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    let (client, _events) = sidecar.control().await;
    client.request(Request::CloseViewers).await.unwrap();
    let closed = viewer.until("the cut", |got| matches!(got, Got::Closed(_)));
    assert_eq!(closed.await, Got::Closed(4000));
    sidecar.viewer(Mode::Write).await;
}

#[tokio::test]
async fn a_file_is_shown_read_only_and_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shown.log");
    std::fs::write(&path, "one\ntwo\r\n").unwrap();
    let ended = State::Exited {
        code: Some(3),
        signal: None,
    };
    let mut spec = with_paths(&dir, Spec::file("f", path.clone(), ended));
    spec.log_path = None;
    let mut sidecar = Sidecar::start(dir, &spec);
    // How its program ended is the launcher's knowledge.
    assert_eq!(sidecar.descriptor.state, ended);
    // The write token allows no more than looking.
    let mut viewer = sidecar.viewer(Mode::Write).await;
    assert_eq!(viewer.mode, Mode::Read);
    assert_eq!(viewer.until_screen("two").await, "one\ntwo");
    viewer.send_binary(vec![1, 0, 0, 0, 0, b'x']).await;
    viewer
        .until("the refusal", |got| {
            matches!(got, Got::Text(ToPage::Refused { .. }))
        })
        .await;
    let append = |text: &str| {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append("three\n");
    viewer.until_screen("three").await;
    std::fs::write(sidecar.path("other"), "replaced\n").unwrap();
    std::fs::rename(sidecar.path("other"), &path).unwrap();
    viewer.until_screen("replaced").await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "replaced\n");
    let (client, _events) = sidecar.control().await;
    assert!(client.input("x").await.is_err());
    client.close(Duration::ZERO).await.unwrap();
    assert_eq!(sidecar.wait_for_exit(), 0);
}

#[tokio::test]
async fn it_ends_by_itself_when_told_to_linger_or_when_nobody_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(&dir, "true");
    spec.linger_after_exit_seconds = Some(0);
    assert_eq!(Sidecar::start(dir, &spec).wait_for_exit(), 0);

    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(&dir, "while [ ! -e go ]; do sleep 0.02; done");
    spec.orphan_exit_seconds = 0;
    let mut sidecar = Sidecar::start(dir, &spec);
    // Neither while the program runs, nor while somebody looks.
    let viewer = sidecar.viewer(Mode::Read).await;
    std::fs::write(sidecar.path("go"), "").unwrap();
    wait_until("the program's end", || {
        (sidecar.reread().state != State::Running).then_some(())
    });
    assert!(alive(sidecar.child.id()));
    drop(viewer);
    sidecar.launcher.leave();
    assert_eq!(sidecar.wait_for_exit(), 0);
}

#[test]
fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let run = |spec: &Spec| {
        let path = dir.path().join("spec.json");
        spec.write(&path).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_codex-terminal"))
            .arg("--spec")
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let mut spec = script(&dir, "true");
    spec.source = codex_terminal::spec::Source::Program {
        argv: vec!["no-such-program-here".into()],
        cwd: dir.path().to_owned(),
        env_set: Default::default(),
        env_remove: vec![],
    };
    assert!(run(&spec).contains("no-such-program-here"));
    let fifo = with_paths(&dir, Spec::file("f", dir.path().to_owned(), State::Running));
    assert!(run(&fifo).contains("not an ordinary file"));
    let mut deep = script(&dir, "true");
    deep.control_socket = Some(dir.path().join("x".repeat(200)));
    assert!(run(&deep).contains("control socket"));
}

#[tokio::test]
async fn a_killed_launcher_leaves_a_terminal_that_streams_on_and_can_be_closed() {
    use std::os::unix::process::CommandExt;
    let dir = tempfile::tempdir().unwrap();
    let spec = script(
        &dir,
        "n=0; while :; do n=$((n+1)); echo tick-$n; sleep 0.01; done",
    );
    let path = dir.path().join("spec.json");
    spec.write(&path).unwrap();
    // A launcher that starts it as the real one does: own session, stdio on files.
    let start = format!(
        "setsid {} --spec {} >{2}/out 2>{2}/err </dev/null & exec sleep 1000",
        env!("CARGO_BIN_EXE_codex-terminal"),
        path.display(),
        dir.path().display()
    );
    let mut launcher = std::process::Command::new("/bin/bash")
        .args(["-c", &start])
        .process_group(0)
        .spawn()
        .unwrap();
    let out = dir.path().join("out");
    wait_until("the address", || {
        let text = std::fs::read_to_string(&out).ok()?;
        text.ends_with('\n').then_some(())
    });
    let descriptor =
        codex_terminal::descriptor::Descriptor::read(&dir.path().join("t.json")).unwrap();
    let mut viewer = support::Viewer::connect(&descriptor).await.unwrap();
    let attending = support::launcher::Launcher::attend(&dir.path().join("t.sock"));
    viewer.attach(&attending.read, None).await;
    viewer.until_screen("tick-").await;
    drop(attending);
    // SIGKILL to its whole group.
    let group = format!("-{}", launcher.id());
    std::process::Command::new("kill")
        .args(["-9", "--", &group])
        .status()
        .unwrap();
    launcher.wait().unwrap();
    let seen = viewer.end();
    while viewer.end() < seen + 500 {
        viewer.next().await;
    }
    assert!(descriptor.is_alive());
    let (client, _events) = codex_terminal::client::connect(&dir.path().join("t.sock"))
        .await
        .unwrap();
    client.close(Duration::from_millis(500)).await.unwrap();
    client.closed().await;
    wait_until("the end", || (!descriptor.is_alive()).then_some(()));
    assert!(!alive(descriptor.child_pid.unwrap()));
}

#[test]
fn by_hand_it_prints_an_address_and_ends_with_an_interrupt() {
    use std::io::BufRead;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_codex-terminal"))
        .args(["--title", "by hand", "--", "sleep", "1000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(
        line.starts_with("[codex-terminal] url=http://127.0.0.1:"),
        "{line}"
    );
    assert!(line.contains("/#token="), "{line}");
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    let status = wait_until("its end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_link_in_place_of_the_log_costs_the_transcript_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, dir.path().join("t.log")).unwrap();
    let spec = script(&dir, "echo it-runs; read -r _");
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("it-runs").await;
    let (client, _events) = sidecar.control().await;
    assert!(client.state().await.unwrap().transcript_failed);
    let token = sidecar.token(Mode::Write);
    let kept = sidecar.get("/transcript", &format!("Authorization: Bearer {token}\r\n"));
    assert!(kept.contains("it-runs") && !kept.contains("precious"));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}
