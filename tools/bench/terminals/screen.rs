//! The screen model alone: how fast it takes a flood, in the pieces in which a sidecar gives it one.

use std::time::Instant;

use codex_terminal::feed::RECORD_BYTES;
use codex_terminal::model::Model;

use crate::content::Flood;
use crate::peer::{COLS, ROWS};
use crate::table::{Table, spread};

/// Prints the table.
pub fn measure(rounds: usize, megabytes: u64) {
    let flood = Flood::new();
    let (blocks, total) = flood.blocks(megabytes);
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let mut model = Model::new(COLS, ROWS);
        let begin = Instant::now();
        for _ in 0..blocks {
            for piece in flood.block().chunks(RECORD_BYTES) {
                model.feed(piece);
            }
        }
        rates.push(total as f64 / 1e6 / begin.elapsed().as_secs_f64());
    }
    let mut table = Table::new(&["", "MB/s (least–most)"]);
    table.row(vec!["zhongshu".to_owned(), spread(&rates, 0)]);
    table.print(
        "Screen model",
        &format!(
            "{megabytes} MB of the same flood, without a terminal or a viewer, {rounds} times."
        ),
    );
}
