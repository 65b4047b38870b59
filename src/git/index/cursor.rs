//! A cursor over bytes of Git's formats: every step is checked, since an index may be damaged or forged.

use git2::Oid;

/// Length of an object's id.
pub(super) const ID_BYTES: usize = 20;

/// Ends where the bytes do.
pub(in crate::git) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub(in crate::git) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::git) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(in crate::git) fn id(&mut self) -> Option<Oid> {
        Oid::from_bytes(self.take(ID_BYTES)?).ok()
    }

    /// What stands before the next `end`, which is passed over.
    pub(in crate::git) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = self.0.iter().position(|byte| *byte == end)?;
        let taken = self.take(at)?;
        self.take(1)?;
        Some(taken)
    }

    /// A number of variable length: seven bits in each byte, each further byte counts from one higher.
    pub(super) fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        loop {
            let byte = self.take(1)?[0];
            value = value
                .checked_shl(7)?
                .checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1)?;
            if value > u32::MAX as usize {
                return None;
            }
        }
    }
}
