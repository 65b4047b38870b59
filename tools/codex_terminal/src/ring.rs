//! A fixed buffer of the newest output, addressed by the absolute number of bytes written before. Owns the
//! arithmetic of offsets only: no locks, no waiting.

/// The newest bytes of a stream.
pub struct Ring {
    bytes: Box<[u8]>,
    end: u64,
}

/// Where a reader that asked for lost bytes can go on at the earliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The oldest byte that is still there.
    pub start: u64,
}

impl Ring {
    /// A ring of `capacity` bytes. The memory is touched only as output comes.
    pub fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity.max(1)].into_boxed_slice(),
            end: 0,
        }
    }

    /// How many bytes it holds at most.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// The number of bytes written so far: the offset of the next one.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The offset of the oldest byte that is still there.
    pub fn start(&self) -> u64 {
        self.end.saturating_sub(self.bytes.len() as u64)
    }

    /// Adds output, dropping the oldest.
    pub fn append(&mut self, mut data: &[u8]) {
        let capacity = self.bytes.len();
        if data.len() > capacity {
            let skipped = data.len() - capacity;
            self.end += skipped as u64;
            data = &data[skipped..];
        }
        let at = self.position(self.end);
        let first = data.len().min(capacity - at);
        self.bytes[at..at + first].copy_from_slice(&data[..first]);
        self.bytes[..data.len() - first].copy_from_slice(&data[first..]);
        self.end += data.len() as u64;
    }

    /// Appends to `into` what lies at `offset`, at most `max` bytes. An offset at or past the end gives nothing.
    pub fn read(&self, offset: u64, max: usize, into: &mut Vec<u8>) -> Result<usize, Lost> {
        if offset < self.start() {
            return Err(Lost {
                start: self.start(),
            });
        }
        let available = self.end.saturating_sub(offset);
        let count = usize::try_from(available).unwrap_or(usize::MAX).min(max);
        if count == 0 {
            return Ok(0);
        }
        let at = self.position(offset);
        let first = count.min(self.bytes.len() - at);
        into.extend_from_slice(&self.bytes[at..at + first]);
        into.extend_from_slice(&self.bytes[..count - first]);
        Ok(count)
    }

    fn position(&self, offset: u64) -> usize {
        usize::try_from(offset % self.bytes.len() as u64)
            .expect("a remainder of a usize fits in one")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_read_equals_the_same_range_of_the_whole_stream(
            capacity in 1usize..70,
            writes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 0..30),
            reads in proptest::collection::vec((0u64..1500, 0usize..100), 0..30),
        ) {
            let mut ring = Ring::new(capacity);
            let mut whole = Vec::new();
            for data in &writes {
                ring.append(data);
                whole.extend_from_slice(data);
                prop_assert_eq!(ring.end(), whole.len() as u64);
                prop_assert_eq!(ring.start() as usize, whole.len().saturating_sub(capacity));
                for (offset, max) in &reads {
                    let mut got = Vec::new();
                    match ring.read(*offset, *max, &mut got) {
                        Err(lost) => {
                            prop_assert!(*offset < ring.start());
                            prop_assert_eq!(lost.start, ring.start());
                        }
                        Ok(count) => {
                            let from = (*offset as usize).min(whole.len());
                            let to = (from + max).min(whole.len());
                            prop_assert_eq!(count, to - from);
                            prop_assert_eq!(&got[..], &whole[from..to]);
                        }
                    }
                }
            }
        }
    }
}
