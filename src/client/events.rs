//! Events of a stream, put together from the pieces in which they arrive.

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name.
    pub event: String,
    /// What it carries.
    pub data: String,
}

/// Puts events together from pieces that may end anywhere.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    rest: Vec<u8>,
    event: ServerEvent,
    has_data: bool,
}

impl EventReader {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Option<ServerEvent> {
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            if line.is_empty() {
                if std::mem::take(&mut self.has_data) {
                    return Some(std::mem::take(&mut self.event));
                }
                self.event = ServerEvent::default();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.event.id = Some(value.to_owned()),
                "event" => self.event.event = value.to_owned(),
                "data" => {
                    if std::mem::replace(&mut self.has_data, true) {
                        self.event.data.push('\n');
                    }
                    self.event.data.push_str(value);
                }
                // A comment, or something of a newer version.
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_however_they_are_cut() {
        let text = ": hello\n\nid: 7\nevent: a\ndata: {\"x\":1}\n\n: alive\n\nevent: b\ndata: one\ndata: 两\n\n";
        for size in 1..text.len() {
            let mut reader = EventReader::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                reader.feed(piece);
                while let Some(event) = reader.next() {
                    events.push(event);
                }
            }
            let expected = [
                ServerEvent {
                    id: Some("7".to_owned()),
                    event: "a".to_owned(),
                    data: "{\"x\":1}".to_owned(),
                },
                ServerEvent {
                    id: None,
                    event: "b".to_owned(),
                    data: "one\n两".to_owned(),
                },
            ];
            assert_eq!(events, expected, "pieces of {size}");
        }
    }
}
