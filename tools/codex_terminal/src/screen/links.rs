//! Hyperlinks of `OSC 8`. Keeps their addresses; nobody follows them here.

/// Longer addresses are no links; browsers take no longer ones either.
const MAX_ADDRESS: usize = 2048;
/// Links on screen and scrollback; a program with more gets plain text.
const MAX_LINKS: usize = 4096;

/// What stands for an address that nobody may open: it looks like a link and is none.
const REFUSED: &str = "about:blank";

#[derive(Debug)]
struct Link {
    number: u32,
    name: Option<Box<str>>,
    address: Box<str>,
}

/// All links that cells may have, by number.
#[derive(Debug, Default)]
pub struct Links {
    links: Vec<Link>,
    last: u32,
}

impl Links {
    /// The number of a link; 0: it is none. Parts of a text with the same name and address are one link.
    pub fn open(&mut self, name: Option<&str>, address: &str) -> u32 {
        if address.len() > MAX_ADDRESS {
            return 0;
        }
        let lower = address.get(..8).unwrap_or(address).to_ascii_lowercase();
        let allowed = lower.starts_with("http://") || lower.starts_with("https://");
        let address = if allowed { address } else { REFUSED };
        let same = |link: &&Link| {
            name.is_some() && link.name.as_deref() == name && *link.address == *address
        };
        if let Some(known) = self.links.iter().find(same) {
            return known.number;
        }
        if self.links.len() >= MAX_LINKS {
            return 0;
        }
        self.last = self.last.wrapping_add(1).max(1);
        self.links.push(Link {
            number: self.last,
            name: name.map(Into::into),
            address: address.into(),
        });
        self.last
    }

    /// The address of a link.
    pub fn address(&self, number: u32) -> Option<&str> {
        let link = self.links.iter().find(|link| link.number == number)?;
        Some(&link.address)
    }

    /// Whether there is no room for another one.
    pub fn full(&self) -> bool {
        self.links.len() >= MAX_LINKS
    }

    /// Forgets all others.
    pub fn keep(&mut self, used: impl Fn(u32) -> bool) {
        self.links.retain(|link| used(link.number));
    }
}
