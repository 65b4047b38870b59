//! Chance that can be had again: a test says its seed when it fails.

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The same seed each time, so that a run tells about the change and not about the day. `ZHONGSHU_TEST_SEED` names another one, and
    /// `random` one that was not used before.
    pub fn seed() -> u64 {
        match std::env::var("ZHONGSHU_TEST_SEED") {
            Err(_) => 1,
            Ok(word) if word == "random" => {
                let nanos = chrono::Utc::now().timestamp_nanos_opt();
                nanos.unwrap_or_default().unsigned_abs()
            }
            Ok(seed) => seed
                .parse()
                .expect("ZHONGSHU_TEST_SEED is a number or `random`"),
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap_or_default()
    }
}
