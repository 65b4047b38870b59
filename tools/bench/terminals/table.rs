//! Numbers for people: percentiles, Markdown tables, and the list of what was to be reached.

use crate::peer::Peer;

/// The value below which so many percent lie.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => sorted[((count - 1) as f64 * percent / 100.0).round() as usize],
    }
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// How much more the one is than the other: the median of the ratios of the rounds, as a machine that becomes slower meanwhile
/// becomes so for both.
pub fn ratio(ones: &[f64], others: &[f64]) -> f64 {
    let ratios: Vec<f64> = ones.iter().zip(others).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// `median (least–most)`
pub fn spread(values: &[f64], digits: usize) -> String {
    format!(
        "{:.digits$} ({:.digits$}–{:.digits$})",
        median(values),
        percentile(values, 0.0),
        percentile(values, 100.0)
    )
}

/// A Markdown table.
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// With these titles.
    pub fn new(titles: &[&str]) -> Self {
        Self(vec![
            titles.iter().map(|title| (*title).to_owned()).collect(),
        ])
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    /// Prints it below a title.
    pub fn print(&self, title: &str, note: &str) {
        println!("## {title}\n\n{note}\n");
        for (number, row) in self.0.iter().enumerate() {
            println!("| {} |", row.join(" | "));
            if number == 0 {
                println!("|{}", "---|".repeat(row.len()));
            }
        }
        println!();
    }
}

/// What was to be reached, beside the first peer after ours.
pub struct Targets {
    rows: Table,
    any: bool,
    beside: Option<String>,
}

/// On which side of the bound it should lie.
#[derive(Clone, Copy)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Targets {
    /// None yet.
    pub fn new(peers: &[Peer]) -> Self {
        Self {
            rows: Table::new(&["", "measured", "target", ""]),
            any: false,
            beside: peers.get(1).map(|peer| peer.name.clone()),
        }
    }

    /// The [`ratio`] of what was measured of ours and of the first other peer. Peer by peer, round by round.
    pub fn ratio(&mut self, what: &str, values: &[Vec<f64>], bound: Bound) {
        if let ([ours, other, ..], Some(name)) = (values, self.beside.clone()) {
            self.value(&format!("{what}, ÷ {name}"), ratio(ours, other), bound);
        }
    }

    /// A value of ours alone.
    pub fn value(&mut self, what: &str, value: f64, bound: Bound) {
        let (sign, limit, reached) = match bound {
            Bound::AtLeast(limit) => ("≥", limit, value >= limit),
            Bound::AtMost(limit) => ("≤", limit, value <= limit),
        };
        self.any = true;
        self.rows.row(vec![
            what.to_owned(),
            format!("{value:.2}"),
            format!("{sign} {limit}"),
            if reached { "reached" } else { "**missed**" }.to_owned(),
        ]);
    }

    /// If there are any.
    pub fn print(&self) {
        if self.any {
            self.rows.print(
                "Targets",
                "Ratios are the medians of those of the rounds; of keys alone, of all keys.",
            );
        }
    }
}
