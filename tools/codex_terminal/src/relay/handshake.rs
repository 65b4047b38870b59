//! The HTTP request by which a WebSocket begins, without the header that would have its frames compressed. Pure.

/// Longer heads go through as they are, and nothing of that connection is read.
pub(super) const MAX_HEAD_BYTES: usize = 16 << 10;
/// Asked for by the TUI. Whoever does not hear of it answers without, and then frames are plain.
const COMPRESSION: &[u8] = b"x-codex-app-server-compression";

/// How long the head is, with the empty line that ends it, once that has come.
pub(super) fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// The head without that header; every other byte stays as it is.
pub(super) fn without_compression(head: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(head.len());
    let mut leaving_out = false;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        // A line that begins with a blank goes on with the header before it.
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        leaving_out = match goes_on {
            true => leaving_out,
            false => name(line).is_some_and(|name| name.eq_ignore_ascii_case(COMPRESSION)),
        };
        if !leaving_out {
            plain.extend_from_slice(line);
        }
    }
    plain
}

fn name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some(line[..colon].trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_is_taken_out_and_nothing_else() {
        let head = b"GET /rpc HTTP/1.1\r\nHost: localhost\r\nX-Codex-App-Server-Compression: zstd-stream-v1,\r\n  more\r\nSec-WebSocket-Key: x-codex-app-server-compression: a\r\n\r\n";
        let plain = without_compression(head);
        assert_eq!(
            String::from_utf8_lossy(&plain),
            "GET /rpc HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Key: x-codex-app-server-compression: a\r\n\r\n"
        );
        assert_eq!(without_compression(&plain), plain);
        assert_eq!(head_bytes(head), Some(head.len()));
        assert_eq!(head_bytes(&head[..head.len() - 1]), None);
        let with_more = [&head[..], b"\x81\x80"].concat();
        assert_eq!(head_bytes(&with_more), Some(head.len()));
    }
}
