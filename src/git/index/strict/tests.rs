//! Indexes made byte by byte. `tests/gate/index.rs` compares with the indexes that Git writes.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::git::index::cursor::ID_BYTES;
use proptest::prelude::*;

/// What an entry has before its id: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
const MODE_AT: usize = 24;

/// An index of version 2 with these entries and these bytes behind them.
fn index(entries: &[(&str, u16)], behind: &[u8]) -> Vec<u8> {
    let mut bytes = b"DIRC\0\0\0\x02".to_vec();
    bytes.extend((entries.len() as u32).to_be_bytes());
    for (path, flags) in entries {
        let start = bytes.len();
        bytes.extend([0; MODE_AT]);
        bytes.extend(0o100_644_u32.to_be_bytes());
        bytes.extend([0; STAT_BYTES - MODE_AT - 4]);
        bytes.extend([7; ID_BYTES]);
        bytes.extend((flags | path.len() as u16).to_be_bytes());
        bytes.extend(path.as_bytes());
        bytes.push(0);
        while !(bytes.len() - start).is_multiple_of(8) {
            bytes.push(0);
        }
    }
    bytes.extend(behind);
    bytes.extend([0; ID_BYTES]);
    bytes
}

fn extension(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [name, &(content.len() as u32).to_be_bytes()[..], content].concat()
}

fn fault(bytes: &[u8]) -> String {
    StrictIndex::parse(bytes).unwrap_err().to_string()
}

#[test]
fn entries_and_remembered_trees_are_read() {
    let id = [9; ID_BYTES];
    let tree = [&b"\x0002 1\n"[..], &id, b"b\0-1 1\n", b"c\x001 0\n", &id].concat();
    let index = index(&[("a", 0), ("b/c/d", 0)], &extension(b"TREE", &tree));
    let index = StrictIndex::parse(&index).unwrap();
    let paths: Vec<_> = index.entries().map(|entry| entry.path).collect();
    assert_eq!(paths, [b"a".as_slice(), b"b/c/d"]);
    assert_eq!(index.entries().nth(1).unwrap().mode, 0o100_644);
    let remembered: Vec<_> = index
        .remembered()
        .iter()
        .map(|tree| (tree.path.as_slice(), tree.entries))
        .collect();
    assert_eq!(remembered, [(b"".as_slice(), 2), (b"b/c", 1)]);
}

#[test]
fn what_git_would_read_otherwise_is_refused() {
    for (bytes, sentence) in [
        (index(&[("b", 0), ("a", 0)], b""), "not in order"),
        (index(&[("a", 0), ("a", 0)], b""), "not in order"),
        (index(&[("a", 0x4000)], b""), "newer version"),
        (index(&[("a", 8)], b""), "another length"),
        (index(&[], &extension(b"link", b"x")), "core.splitIndex"),
        (index(&[], &extension(b"sdir", b"")), "index.sparse"),
        (
            index(&[], &extension(b"EOIE", &[0; 24])),
            "where its entries end",
        ),
        (
            index(
                &[("a", 0)],
                &extension(b"IEOT", &[0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 1]),
            ),
            "table of entries is wrong",
        ),
        (
            index(&[("a", 0)], &extension(b"IEOT", &[0, 0, 0, 1])),
            "table of entries is wrong",
        ),
        (
            index(&[], &extension(b"TREE", b"\0x 0\n")),
            "cannot be read",
        ),
        (
            b"DIRC\0\0\0\x05\0\0\0\0aaaaaaaaaaaaaaaaaaaa".to_vec(),
            "version 5",
        ),
        (
            b"DIRC\0\0\0\x02\xff\xff\xff\xffaaaaaaaaaaaaaaaaaaaa".to_vec(),
            "middle",
        ),
        (
            b"nothing at all, but long enough".to_vec(),
            "begin like an index",
        ),
        (Vec::new(), "middle"),
    ] {
        let said = fault(&bytes);
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
    // An extension that may be left out says nothing that counts.
    let unknown = extension(b"XYZW", b"whatever");
    assert!(StrictIndex::parse(&index(&[("a", 0)], &unknown)).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), version in 2..5_u8) {
        let mut index = b"DIRC\0\0\0".to_vec();
        index.push(version);
        index.extend([0, 0, 0, 2]);
        index.extend(bytes);
        StrictIndex::parse(&index).ok();
    }
}
