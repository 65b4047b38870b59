//! Tokens, and sums of them.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Tokens, as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// What the model read.
    pub input: u64,
    /// How much of that was cached.
    pub cached: u64,
    /// What it wrote.
    pub output: u64,
    /// How much of that was reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// All of them: cached ones are part of the input, reasoning is part of the output.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// What came since `earlier`; `None` when any part is less than it was.
    pub fn since(self, earlier: Self) -> Option<Self> {
        Some(Self {
            input: self.input.checked_sub(earlier.input)?,
            cached: self.cached.checked_sub(earlier.cached)?,
            output: self.output.checked_sub(earlier.output)?,
            reasoning: self.reasoning.checked_sub(earlier.reasoning)?,
        })
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, more: Self) {
        self.input = self.input.saturating_add(more.input);
        self.cached = self.cached.saturating_add(more.cached);
        self.output = self.output.saturating_add(more.output);
        self.reasoning = self.reasoning.saturating_add(more.reasoning);
    }
}

/// A sum over turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// What they took.
    pub tokens: Tokens,
    /// How long they ran.
    pub seconds: u64,
    /// How many.
    pub turns: u64,
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.tokens += more.tokens;
        self.seconds = self.seconds.saturating_add(more.seconds);
        self.turns = self.turns.saturating_add(more.turns);
    }
}

/// How full the model's window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Tokens in it after the last answer.
    pub used: u64,
    /// Tokens that fit; `None` where Codex does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}
