//! What a WebSocket client says, read on the side from bytes that go by: text messages, masked and perhaps in fragments, with control frames
//! between them. Pure; it never sees what the server says.

/// The longest message that the app-server takes. Of a longer one nothing is read.
const MAX_MESSAGE_BYTES: u64 = 16 << 20;
/// So much of a message is kept. Answers of people, and what names a thread, are far below it; a pasted picture is not, and nobody waits here
/// until it is parsed.
pub(super) const KEPT_BYTES: usize = 256 << 10;
/// Two bytes, a length of up to eight, a mask of four.
const MAX_HEAD_BYTES: usize = 14;
/// No control frame is longer.
const MAX_CONTROL_BYTES: u64 = 125;

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// An extension that nobody is known to have asked for, compression for example.
    #[error("a frame uses an extension")]
    Extension,
    /// Clients mask.
    #[error("a frame is not masked")]
    Unmasked,
    /// Neither text, binary, continuation nor control.
    #[error("a frame has an unknown kind")]
    Kind,
    /// In fragments or too long.
    #[error("a control frame is in fragments or too long")]
    Control,
    /// A continuation of nothing, or a message inside of another one.
    #[error("a fragment is out of place")]
    Fragment,
    /// No file is that long.
    #[error("a frame has an impossible length")]
    Length,
}

/// A text message that is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Its first [`KEPT_BYTES`].
    pub(super) kept: Vec<u8>,
    /// How long it is.
    pub(super) length: u64,
}

/// Takes bytes as they come, cut anywhere.
#[derive(Default)]
pub(super) struct Frames {
    head: Head,
    payload: Option<Payload>,
    message: Option<Partial>,
}

#[derive(Default)]
struct Head {
    bytes: [u8; MAX_HEAD_BYTES],
    length: usize,
}

/// The payload of the frame that goes by.
struct Payload {
    left: u64,
    mask: [u8; 4],
    /// Of a control frame nothing is read.
    control: bool,
    last: bool,
}

struct Partial {
    text: bool,
    kept: Vec<u8>,
    length: u64,
}

impl Frames {
    /// Takes the next bytes and gives away each message that they complete.
    ///
    /// # Errors
    /// When they are no frames of a client. Nothing that comes later means anything then.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        mut whole: impl FnMut(Message),
    ) -> Result<(), Broken> {
        loop {
            if self.payload.is_none() {
                let (wanted, rest) = self.head.fill(bytes);
                bytes = rest;
                if !wanted {
                    return Ok(());
                }
                let head = std::mem::take(&mut self.head);
                self.payload = Some(self.begin(&head)?);
            }
            let Some(payload) = &mut self.payload else {
                return Ok(());
            };
            let length =
                usize::try_from(payload.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (here, rest) = bytes.split_at(length);
            bytes = rest;
            payload.left -= length as u64;
            if let (false, Some(message)) = (payload.control, &mut self.message) {
                message.take(here, payload.mask);
            }
            payload.mask.rotate_left(length % 4);
            if payload.left > 0 {
                return Ok(());
            }
            let ends_message = payload.last && !payload.control;
            self.payload = None;
            if let Some(message) = self.message.take_if(|_| ends_message)
                && message.text
                && message.length <= MAX_MESSAGE_BYTES
            {
                let Partial { kept, length, .. } = message;
                whole(Message { kept, length });
            }
        }
    }

    fn begin(&mut self, head: &Head) -> Result<Payload, Broken> {
        let bytes = head.bytes;
        let (last, kind) = (bytes[0] & 0x80 != 0, bytes[0] & 0x0f);
        if bytes[0] & 0x70 != 0 {
            return Err(Broken::Extension);
        }
        if bytes[1] & 0x80 == 0 {
            return Err(Broken::Unmasked);
        }
        let control = kind & 0x08 != 0;
        let left = head.payload_bytes();
        match kind {
            0x8..=0xa if last && left <= MAX_CONTROL_BYTES => {}
            0x8..=0xa => return Err(Broken::Control),
            0x0 if self.message.is_some() => {}
            0x1 | 0x2 if self.message.is_none() => {
                self.message = Some(Partial {
                    text: kind == 0x1,
                    kept: Vec::new(),
                    length: 0,
                });
            }
            0x0..=0x2 => return Err(Broken::Fragment),
            _ => return Err(Broken::Kind),
        }
        if left > i64::MAX as u64 {
            return Err(Broken::Length);
        }
        let mut mask = [0; 4];
        mask.copy_from_slice(&bytes[head.length - 4..head.length]);
        Ok(Payload {
            left,
            mask,
            control,
            last,
        })
    }
}

impl Head {
    /// Whether the head is complete, and what comes after it.
    fn fill<'a>(&mut self, mut bytes: &'a [u8]) -> (bool, &'a [u8]) {
        while self.length < self.wanted() {
            let Some((first, rest)) = bytes.split_first() else {
                return (false, bytes);
            };
            self.bytes[self.length] = *first;
            self.length += 1;
            bytes = rest;
        }
        (true, bytes)
    }

    /// How long it is, as far as that can be told by now.
    fn wanted(&self) -> usize {
        if self.length < 2 {
            return 2;
        }
        let mask = if self.bytes[1] & 0x80 == 0 { 0 } else { 4 };
        mask + match self.bytes[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn payload_bytes(&self) -> u64 {
        let big_endian = |range: std::ops::Range<usize>| {
            let bytes = self.bytes[range].iter();
            bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        match self.bytes[1] & 0x7f {
            126 => big_endian(2..4),
            127 => big_endian(2..10),
            short => u64::from(short),
        }
    }
}

impl Partial {
    fn take(&mut self, bytes: &[u8], mask: [u8; 4]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.text {
            let room = KEPT_BYTES - self.kept.len();
            let masked = bytes.iter().zip(mask.iter().cycle()).take(room);
            self.kept.extend(masked.map(|(byte, mask)| byte ^ mask));
        }
        if self.length > MAX_MESSAGE_BYTES {
            self.kept = Vec::new();
            self.text = false;
        }
    }
}

#[cfg(test)]
mod tests;
