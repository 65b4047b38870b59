//! Packs as no Git would write them: a few megabytes that become gigabytes when somebody reads one small object of them.

use sha1::{Digest, Sha1};
use std::path::Path;

/// What a pack calls the kinds of its objects.
#[derive(Clone, Copy)]
pub enum Kind {
    Tree = 2,
    Blob = 3,
}

/// A chain of deltas: zeros at its bottom, on them `steps` times the same zeros, and a small object on top.
pub struct Chain {
    pub kind: Kind,
    pub zeros: u64,
    pub steps: usize,
}

/// Puts the pack into the object store at `git` and gives the id under which the object on top is found.
pub fn plant(git: &Path, chain: &Chain) -> git2::Oid {
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend((chain.steps as u32 + 2).to_be_bytes());
    let mut starts = vec![pack.len()];
    head(&mut pack, chain.kind as u8, chain.zeros);
    pack.extend(deflated_zeros(chain.zeros));
    for step in 0..=chain.steps {
        let start = pack.len();
        let taken = if step == chain.steps { 10 } else { chain.zeros };
        let delta = copy_of_start(chain.zeros, taken);
        head(&mut pack, 6, delta.len() as u64);
        back(&mut pack, (start - starts[step]) as u64);
        pack.extend(stored(&delta));
        starts.push(start);
    }
    let trailer = Sha1::digest(&pack);
    pack.extend(trailer);
    let (index, top) = index(&starts, &trailer);
    let folder = git.join("objects/pack");
    let name = hex(&trailer);
    std::fs::write(folder.join(format!("pack-{name}.pack")), pack).unwrap();
    std::fs::write(folder.join(format!("pack-{name}.idx")), index).unwrap();
    top
}

/// Kind and size, seven bits at a time behind the first four.
fn head(pack: &mut Vec<u8>, kind: u8, mut size: u64) {
    let mut byte = (kind << 4) | (size & 15) as u8;
    size >>= 4;
    while size > 0 {
        pack.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    pack.push(byte);
}

/// How far back the base lies.
fn back(pack: &mut Vec<u8>, mut distance: u64) {
    let mut bytes = vec![(distance & 0x7f) as u8];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        bytes.push(0x80 | (distance & 0x7f) as u8);
    }
    pack.extend(bytes.iter().rev());
}

/// A delta that takes the first bytes of its base.
fn copy_of_start(base: u64, taken: u64) -> Vec<u8> {
    let mut delta = Vec::new();
    for mut size in [base, taken] {
        while size > 0x7f {
            delta.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        delta.push(size as u8);
    }
    let mut left = taken;
    while left > 0 {
        let part = left.min(0xff_ffff);
        // Three bytes of size and no offset: it is all zeros, wherever it begins.
        delta.push(0b1111_0000);
        delta.extend(&(part as u32).to_le_bytes()[..3]);
        left -= part;
    }
    delta
}

/// A stream of zlib with `count` zeros: one, and then the one before it, 258 times over, by the fixed codes of deflate.
fn deflated_zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    // The code of a zero byte and that of the longest match begin with their highest bit.
    let zero = |bits: &mut Bits| bits.push(0b0000_1100, 8);
    zero(&mut bits);
    for _ in 0..(count - 1) / 258 {
        bits.push(0b0_0000_1010_0011, 13);
    }
    for _ in 0..(count - 1) % 258 {
        zero(&mut bits);
    }
    bits.push(0, 7);
    let sum = ((count % 65_521) << 16 | 1) as u32;
    [&[0x78, 0x01], bits.bytes().as_slice(), &sum.to_be_bytes()].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    open: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.open |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.open as u8);
            self.open >>= 8;
            self.count -= 8;
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.open as u8);
        }
        self.bytes
    }
}

/// A stream of zlib with these bytes as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(bytes);
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

/// The index of the pack, under ids that are not those of the contents, and the id of the last object. Nobody can know that
/// they are wrong who has not read them.
fn index(starts: &[usize], trailer: &[u8]) -> (Vec<u8>, git2::Oid) {
    let mut ids: Vec<([u8; 20], usize)> = starts
        .iter()
        .map(|start| {
            // With the trailer: packs whose objects start at the same places share no ids.
            let id = Sha1::new_with_prefix(trailer).chain_update(start.to_be_bytes());
            (id.finalize().into(), *start)
        })
        .collect();
    let top = git2::Oid::from_bytes(&ids[ids.len() - 1].0).unwrap();
    ids.sort_unstable();
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255 {
        let count = ids.partition_point(|(id, _)| id[0] <= first) as u32;
        index.extend(count.to_be_bytes());
    }
    index.extend(ids.iter().flat_map(|(id, _)| *id));
    index.extend(vec![0; 4 * ids.len()]);
    for (_, start) in &ids {
        index.extend((*start as u32).to_be_bytes());
    }
    index.extend(trailer);
    let sum = Sha1::digest(&index);
    index.extend(sum);
    (index, top)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
