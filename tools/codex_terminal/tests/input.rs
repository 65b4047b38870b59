//! Input: taken whole, in order and once, or refused; never dropped, whatever program, page and connection do.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use codex_terminal::control::MAX_PASTE_BYTES;
use codex_terminal::descriptor::Mode;
use codex_terminal::wire::{Refusal, ToPage};
use support::{DEADLINE, Dice, Got, Sidecar, Viewer, wait_until};

/// Reads nothing until there is a file `go`, then keeps what it reads, and stops again while there is a file `stop`.
const RELUCTANT: &str = r#"stty raw -echo; exec python3 -c '
import os, time
kept = open("kept", "ab", buffering=0)
open("ready", "w")
while not os.path.exists("go"): time.sleep(0.01)
while True:
    while os.path.exists("stop"): time.sleep(0.01)
    kept.write(os.read(0, 4096))
'"#;

fn reluctant() -> Sidecar {
    let sidecar = Sidecar::script(RELUCTANT);
    wait_until("the program", || {
        sidecar.path("ready").exists().then_some(())
    });
    sidecar
}

fn kept(sidecar: &Sidecar) -> Vec<u8> {
    std::fs::read(sidecar.path("kept")).unwrap()
}

/// A page as it types: numbered pieces that it keeps until they are taken, renumbered on every new connection.
struct Page {
    viewer: Viewer,
    attach: serde_json::Value,
    /// Not known to be taken, oldest first.
    waiting: std::collections::VecDeque<Vec<u8>>,
    /// How many of those were sent on this connection.
    sent: usize,
    refusals: usize,
}

impl Page {
    async fn open(sidecar: &Sidecar) -> Self {
        let token = sidecar.token(Mode::Write);
        let attach = serde_json::json!({"type": "attach", "token": token, "client": "page"});
        let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        viewer.attach_as(attach.clone()).await;
        Self {
            viewer,
            attach,
            waiting: Default::default(),
            sent: 0,
            refusals: 0,
        }
    }

    /// Leaves without a word and comes back.
    async fn reconnect(&mut self, sidecar: &Sidecar) {
        let before = self.viewer.next_input;
        self.viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        self.viewer.attach_as(self.attach.clone()).await;
        let taken = self.viewer.next_input.wrapping_sub(before);
        self.waiting.drain(..taken as usize);
        self.sent = 0;
    }

    async fn send(&mut self, at_most: usize) {
        while self.sent < at_most.min(self.waiting.len()) {
            let number = self.viewer.next_input.wrapping_add(self.sent as u32);
            let piece = self.waiting[self.sent].clone();
            self.viewer.send_input(number, &piece).await;
            self.sent += 1;
        }
    }

    /// Takes one answer.
    async fn hear(&mut self) {
        let answer = |got: &Got| matches!(got, Got::Taken(_) | Got::Busy(_));
        match self.viewer.until("an answer", answer).await {
            Got::Taken(next) => {
                let taken = next.wrapping_sub(self.viewer.next_input) as usize;
                self.waiting.drain(..taken);
                self.sent = self.sent.saturating_sub(taken);
                self.viewer.next_input = next;
            }
            _ => {
                self.refusals += 1;
                self.sent = 0;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_typed_over_a_hundred_reconnects_arrives_once_and_in_order() {
    let sidecar = reluctant();
    let mut dice = Dice::new(0x7f4a_7c15_9e37_79b9);
    let mut page = Page::open(&sidecar).await;
    let (mut typed, mut reconnects, mut number) = (Vec::new(), 0, 0u32);
    while reconnects < 100 || !page.waiting.is_empty() {
        if reconnects < 100 {
            for _ in 0..dice.roll(6) {
                number += 1;
                let mut piece = format!("<{number}>").into_bytes();
                piece.resize(dice.roll(9000) as usize + piece.len(), b'.');
                typed.extend_from_slice(&piece);
                page.waiting.push_back(piece);
            }
        }
        page.send(1 + dice.roll(6) as usize).await;
        match dice.roll(3) {
            // With pieces on their way whose fate is unknown.
            0 if reconnects < 100 => {
                page.reconnect(&sidecar).await;
                reconnects += 1;
            }
            _ if page.sent > 0 => page.hear().await,
            _ => {}
        }
        match reconnects {
            // By now the queue is full and more is refused.
            10 if page.refusals > 0 => std::fs::write(sidecar.path("go"), "").unwrap(),
            40 => std::fs::write(sidecar.path("stop"), "").unwrap(),
            60 => drop(std::fs::remove_file(sidecar.path("stop"))),
            _ => {}
        }
        if reconnects > 10 && !sidecar.path("go").exists() {
            std::fs::write(sidecar.path("go"), "").unwrap();
        }
    }
    wait_until("all that was taken", || {
        (kept(&sidecar).len() >= typed.len()).then_some(())
    });
    let got = kept(&sidecar);
    let differs = got.iter().zip(&typed).position(|(got, typed)| got != typed);
    assert!(
        got == typed,
        "{} of {} bytes, the first difference is at {differs:?}",
        got.len(),
        typed.len()
    );
    assert!(
        page.refusals > 0,
        "the program that did not read was noticed"
    );
}

#[tokio::test]
async fn pastes_of_one_mebibyte_are_taken_whole_or_refused_and_nothing_comes_between() {
    let sidecar = reluctant();
    let (client, _events) = sidecar.control().await;
    let paste = |letter: char| letter.to_string().repeat(MAX_PASTE_BYTES);
    let too_long = client.paste(paste('x') + "x", false).await.unwrap_err();
    assert!(too_long.to_string().contains("1,048,576"), "{too_long}");
    // Nothing waits yet, so it is taken at once, though the program does not read.
    client.paste(paste('a'), true).await.unwrap();
    let memory = sidecar.own_kib();
    // The next one waits for room, and what is typed meanwhile is refused instead of landing within it.
    let second = tokio::spawn({
        let (client, text) = (client.clone(), paste('b'));
        async move { client.paste(text, true).await }
    });
    let mut page = Page::open(&sidecar).await;
    page.waiting.push_back(b"typed".to_vec());
    page.send(1).await;
    page.hear().await;
    assert_eq!((page.refusals, page.waiting.len()), (1, 1));
    let refused = second.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("not reading"), "{refused}");
    // With a program that reads, all of it goes through.
    std::fs::write(sidecar.path("go"), "").unwrap();
    client.paste(paste('c'), true).await.unwrap();
    while !page.waiting.is_empty() {
        page.send(1).await;
        page.hear().await;
    }
    let whole = [
        paste('a'),
        "\r".into(),
        paste('c'),
        "\r".into(),
        "typed".into(),
    ]
    .concat();
    wait_until("all of it", || {
        (kept(&sidecar).len() >= whole.len()).then_some(())
    });
    assert!(
        kept(&sidecar) == whole.as_bytes(),
        "{}",
        kept(&sidecar).len()
    );
    let grown = sidecar.own_kib().saturating_sub(memory);
    assert!(grown < 4 << 10, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_program_may_close_its_terminal_and_open_it_again() {
    let sidecar = Sidecar::script(
        "tty=$(tty); stty -echo; echo open; exec <&- >&- 2>&-; while [ ! -e go ]; do sleep 0.01; done
         exec <\"$tty\" >\"$tty\" 2>&1; echo again; while read -r line; do echo \"got $line\"; done",
    );
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("open").await;
    // Nobody holds the other side: typed bytes wait.
    wait_until("the closed terminal", || {
        let child = sidecar.descriptor.child_pid.unwrap();
        let files = std::fs::read_dir(format!("/proc/{child}/fd")).unwrap();
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        let mut terminals = targets.filter(|target| target.starts_with("/dev/pts"));
        terminals.next().is_none().then_some(())
    });
    viewer.input(b"one\r").await;
    viewer.input(b"two\r").await;
    std::fs::write(sidecar.path("go"), "").unwrap();
    viewer.until_screen("got two").await;
    assert!(viewer.screen().contains("got one\ngot two"));
}

#[tokio::test]
async fn a_page_that_only_looks_for_long_can_still_type() {
    let sidecar = Sidecar::script("stty -echo; while read -r line; do echo \"got $line\"; done");
    let token = sidecar.token(Mode::Write).to_owned();
    let attach = |client: String| serde_json::json!({"type": "attach", "token": token, "client": client, "offset": 0});
    let mut patient = Viewer::connect(&sidecar.descriptor).await.unwrap();
    patient.attach_as(attach("patient".into())).await;
    patient.input(b"first\r").await;
    patient.until_screen("got first").await;
    for number in 0..50 {
        let mut other = Viewer::connect(&sidecar.descriptor).await.unwrap();
        other.attach_as(attach(format!("other {number}"))).await;
        other.input(b"\r").await;
    }
    patient.input(b"last\r").await;
    patient.until_screen("got last").await;
}

#[tokio::test]
async fn input_for_a_program_that_has_ended_is_refused_and_counted() {
    let sidecar = Sidecar::script("read -r line; exit 3");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.input(b"\r").await;
    let ended = |text: &ToPage| matches!(text, ToPage::Exited(_));
    while !viewer.texts.iter().any(ended) {
        viewer.next().await;
    }
    viewer.send_input(1, b"too late").await;
    let refused = |got: &Got| {
        let reason = Refusal::Closed;
        *got == Got::Text(ToPage::Refused { reason, dropped: 1 })
    };
    viewer.until("the refusal", refused).await;
}

/// A program that does not read is held up by nobody, and holds nobody up.
#[tokio::test]
async fn a_program_that_never_reads_goes_on_writing() {
    let sidecar = Sidecar::script(
        "stty raw -echo; touch ready; n=0; while :; do n=$((n+1)); echo tick-$n; sleep 0.005; done",
    );
    let mut page = Page::open(&sidecar).await;
    let begun = Instant::now();
    while page.refusals < 3 {
        assert!(begun.elapsed() < DEADLINE, "nothing is ever refused");
        page.waiting.push_back(vec![b'x'; 16 << 10]);
        page.send(1).await;
        page.hear().await;
    }
    let (client, _events) = sidecar.control().await;
    let offset = client.state().await.unwrap().offset;
    while page.viewer.end() < offset + 2000 {
        page.viewer.next().await;
    }
    client.close(Duration::from_millis(300)).await.unwrap();
    let closed = |got: &Got| *got == Got::Closed(1001);
    page.viewer.until("the close", closed).await;
}
