//! The program in every terminal that is measured. It says that it is ready, takes one line that tells it what to do, and does
//! that until its terminal goes.

use std::io::{BufRead, Read, Write, stdin, stdout};

use anyhow::bail;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::content;

/// The first bytes of every terminal's output.
pub const READY: &[u8] = b"ready\r\n";
/// Keys are echoed from here on.
pub const ECHOING: &[u8] = b"echoing\r\n";

/// One write of a flood.
const PIECE_BYTES: usize = 64 << 10;

/// Does what the terminal's first line says.
pub fn run() -> anyhow::Result<()> {
    let mut terminal = tcgetattr(stdin())?;
    terminal.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Now, &terminal)?;
    let mut out = stdout();
    out.write_all(b"ready\n")?;
    out.flush()?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let ended = match words[..] {
        ["flood", blocks] => flood(blocks.parse()?),
        ["echo"] => {
            terminal.make_raw();
            tcsetattr(stdin(), OptionalActions::Now, &terminal)?;
            echo()
        }
        _ => bail!("{line:?} says nothing that could be done"),
    };
    match ended {
        // The terminal went, and so do we.
        Err(_) => Ok(()),
        Ok(()) => wait_for_the_end(),
    }
}

/// So many blocks; 0: for ever. Past the standard library's line buffer.
fn flood(blocks: u64) -> std::io::Result<()> {
    let block = content::block();
    let mut written = 0;
    while blocks == 0 || written < blocks {
        for piece in block.chunks(PIECE_BYTES) {
            let mut rest = piece;
            while !rest.is_empty() {
                rest = &rest[rustix::io::write(stdout(), rest)?..];
            }
        }
        written += 1;
    }
    Ok(())
}

fn echo() -> std::io::Result<()> {
    rustix::io::write(stdout(), ECHOING)?;
    let mut keys = [0; 256];
    loop {
        let count = rustix::io::read(stdin(), &mut keys)?;
        if count == 0 {
            return Ok(());
        }
        rustix::io::write(stdout(), &keys[..count])?;
    }
}

fn wait_for_the_end() -> anyhow::Result<()> {
    let mut rest = Vec::new();
    stdin().lock().read_to_end(&mut rest).ok();
    Ok(())
}
