//! Numbers for people: the middle and the best of several, Markdown tables, and what was to be reached.

use std::time::Duration;

/// The times of one answerer.
#[derive(Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1000.0);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one, in ms.
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// `median (best)`
    pub fn shown(&self) -> String {
        let best = self.0.first().copied().unwrap_or(f64::NAN);
        format!("{:.2} ({best:.2})", self.median())
    }
}

/// Prints a Markdown table; the first row has the titles.
pub fn print(title: &str, rows: &[Vec<String>]) {
    println!("## {title}\n");
    for (number, row) in rows.iter().enumerate() {
        println!("| {} |", row.join(" | "));
        if number == 0 {
            println!("|{}", "---|".repeat(row.len()));
        }
    }
    println!();
}

/// What was to be reached.
#[derive(Default)]
pub struct Targets(Vec<Vec<String>>);

impl Targets {
    /// A value that should be at most `limit`.
    pub fn at_most(&mut self, what: String, value: f64, limit: f64, unit: &str) {
        let digits = if limit < 0.5 { 3 } else { 2 };
        let reached = if value <= limit {
            "reached"
        } else {
            "**missed**"
        };
        self.0.push(vec![
            what,
            format!("{value:.digits$}{unit}"),
            format!("≤ {limit}{unit}"),
            reached.to_owned(),
        ]);
    }

    pub fn print(mut self) {
        let titles = ["", "measured", "target", ""].map(str::to_owned).to_vec();
        self.0.insert(0, titles);
        print("Targets", &self.0);
    }
}
