//! What lies on disk, as Git would record it: contents after the conversions that attributes and configuration ask for,
//! and whether they are what the index has recorded.

use std::fs::File;
use std::io::Read;

use git2::{ObjectType, Oid};

use super::attributes::{Attributes, Name, Rules, State};
use super::change::MAX_COUNTED_BYTES;
use super::convert::Conversion;
use super::deadline::Deadline;
use super::files::{self, Entry};
use super::index::{Index, LINK};
use super::objects::Objects;
use super::rows::Side;
use super::settings::Settings;
use super::{GitError, Root};

/// Largest file that is converted, and read in one piece. A larger one is compared byte by byte as it is.
pub(super) const MAX_WHOLE_BYTES: u64 = 32 << 20;

/// Longest target of a link that is kept as a file.
const MAX_TARGET_BYTES: u64 = 16 << 10;

/// Longest pointer that stands for a large file.
const MAX_POINTER_BYTES: u64 = 1024;

/// First line of such a pointer.
const POINTER_START: &str = "version https://git-lfs.github.com/spec/v1";

/// The working tree's files.
pub(super) struct Disk<'a> {
    pub root: &'a Root,
    pub settings: &'a Settings,
    pub index: &'a Index,
    pub objects: &'a Objects,
    pub rules: Rules<'a>,
    pub deadline: &'a Deadline,
}

impl<'a> Disk<'a> {
    pub(super) fn new(
        root: &'a Root,
        settings: &'a Settings,
        index: &'a Index,
        objects: &'a Objects,
        deadline: &'a Deadline,
    ) -> Self {
        Self {
            root,
            settings,
            index,
            objects,
            rules: Rules::new(root, settings, index, objects),
            deadline,
        }
    }

    /// Whether the file at `path`, of the same kind as `side`, has the content that `side` has. `recorded` is what the
    /// index has for it, and `sizes` what is known before reading: its size then and now.
    pub(super) fn is_same(
        &self,
        path: &[u8],
        side: Side,
        recorded: Oid,
        sizes: Option<(u32, u64)>,
    ) -> Result<bool, GitError> {
        // What is there and cannot be known is better shown than hidden.
        let (file, size) = match files::look_in(self.root.folder(), path) {
            Ok(Entry::Symlink(target)) => {
                return Ok(side.mode == LINK && id_of(&target) == Some(side.id));
            }
            Ok(Entry::File(file, size)) => (file, size),
            _ => return Ok(false),
        };
        if side.mode == LINK {
            let target = files::read_limited(file, MAX_TARGET_BYTES).ok().flatten();
            return Ok(target.and_then(|target| id_of(&target)) == Some(side.id));
        }
        let attributes = self.rules.of(path);
        let conversion = Conversion::of(&attributes, self.settings);
        let is_for_lfs = self.is_for_lfs(&attributes);
        let is_other_size = sizes.is_some_and(|(before, now)| before != 0 && before != now as u32);
        if is_other_size && conversion.is_none() && !is_for_lfs {
            return Ok(false);
        }
        if is_for_lfs && let Some(same) = self.is_pointed_to(side.id, &file, size)? {
            return Ok(same);
        }
        if size > MAX_WHOLE_BYTES {
            return Ok(sha1_of(file, size, self.deadline)? == Some(side.id));
        }
        let Ok(Some(bytes)) = files::read_limited(file, MAX_WHOLE_BYTES) else {
            return Ok(false);
        };
        let bytes = self.converted(conversion, bytes, Some(recorded));
        Ok(id_of(&bytes) == Some(side.id))
    }

    /// The text of the file at `path` as Git would record it; none when it is too large to be compared.
    pub(super) fn text(&self, path: &[u8], mode: u32) -> Option<Vec<u8>> {
        match files::look_in(self.root.folder(), path).ok()? {
            Entry::Symlink(target) => Some(target),
            Entry::File(file, size) if size <= MAX_COUNTED_BYTES => {
                let bytes = files::read_limited(file, MAX_COUNTED_BYTES).ok()??;
                if mode == LINK {
                    return Some(bytes);
                }
                let conversion = Conversion::of(&self.rules.of(path), self.settings);
                Some(self.converted(conversion, bytes, None))
            }
            _ => None,
        }
    }

    /// What Git would record for `bytes`; `recorded` is what the index has now.
    pub(super) fn converted(
        &self,
        conversion: Conversion,
        bytes: Vec<u8>,
        recorded: Option<Oid>,
    ) -> Vec<u8> {
        if conversion.is_none() {
            return bytes;
        }
        let is_needed = conversion.depends_on_recorded() && bytes.contains(&b'\r');
        let before = recorded
            .filter(|_| is_needed)
            .and_then(|id| self.objects.small_blob(id, MAX_WHOLE_BYTES));
        conversion.apply(bytes, before.as_deref())
    }

    /// Whether a pointer is recorded for the content of such a file.
    fn is_for_lfs(&self, attributes: &Attributes) -> bool {
        let filter = attributes.get(Name::Filter);
        self.settings.has_lfs && matches!(filter, State::Value(name) if **name == *b"lfs")
    }

    /// Whether the recorded pointer stands for this file. None when no pointer is recorded.
    fn is_pointed_to(&self, id: Oid, file: &File, size: u64) -> Result<Option<bool>, GitError> {
        let Some(pointer) = self
            .objects
            .small_blob(id, MAX_POINTER_BYTES)
            .and_then(Pointer::parse)
        else {
            return Ok(None);
        };
        if pointer.size != size {
            // What lies there may be the pointer itself.
            return Ok((size > MAX_POINTER_BYTES).then_some(false));
        }
        let Ok(file) = file.try_clone() else {
            return Ok(None);
        };
        let hash = sha256_of(file, size, self.deadline)?;
        Ok(Some(hash.as_deref() == Some(pointer.hash.as_str())))
    }
}

/// A pointer to a large file that is kept elsewhere.
struct Pointer {
    hash: String,
    size: u64,
}

impl Pointer {
    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(POINTER_START) {
            return None;
        }
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        Some(Self {
            hash: value("oid sha256:")?.to_owned(),
            size: value("size ")?.parse().ok()?,
        })
    }
}

/// The id under which Git records these bytes.
pub(super) fn id_of(bytes: &[u8]) -> Option<Oid> {
    Oid::hash_object(ObjectType::Blob, bytes).ok()
}

/// The id of a file that is too large to be read in one piece.
fn sha1_of(file: File, size: u64, deadline: &Deadline) -> Result<Option<Oid>, GitError> {
    use sha1::Digest;
    let mut hasher = sha1::Sha1::new();
    hasher.update(format!("blob {size}\0"));
    let is_whole = read_through(file, size, deadline, |bytes| hasher.update(bytes))?;
    Ok(is_whole
        .then(|| Oid::from_bytes(&hasher.finalize()).ok())
        .flatten())
}

/// SHA-256 of a file in lower-case hexadecimal; none when it cannot be read as a whole.
pub(super) fn sha256_of(
    file: File,
    size: u64,
    deadline: &Deadline,
) -> Result<Option<String>, GitError> {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    let is_whole = read_through(file, size, deadline, |bytes| hasher.update(bytes))?;
    Ok(is_whole.then(|| crate::domain::hex::hex(&hasher.finalize())))
}

/// Hands out a file of `size` bytes piece by piece. False when it has another size or cannot be read.
fn read_through(
    mut file: File,
    size: u64,
    deadline: &Deadline,
    mut take: impl FnMut(&[u8]),
) -> Result<bool, GitError> {
    let mut buffer = vec![0; 256 << 10];
    let mut rest = size;
    loop {
        deadline.check()?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(rest == 0),
            Ok(count) => {
                // A file that grows meanwhile must not keep us here.
                let Some(left) = rest.checked_sub(count as u64) else {
                    return Ok(false);
                };
                rest = left;
                take(&buffer[..count]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(false),
        }
    }
}
