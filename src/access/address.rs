//! Under which names this start can be reached, and which of them the page has.
//!
//! A browser keeps what a page leaves behind (service workers, storage) by origin: scheme, name and port. Whatever listened on a
//! port before us may have left a worker there, and whoever takes the port after us gets the origin of pages that are still
//! open. So the page of each start has an origin that nobody had before and nobody will have again: a random name below
//! `localhost`, which browsers take to this machine without asking anybody. Scripts use the address.

use super::secret::{NoEntropy, random_letters};
use std::net::ToSocketAddrs as _;

/// 80 random bits: nobody guesses it, and it can still be read.
const NAME_LETTERS: usize = 16;

/// Where one running server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    port: u16,
    name: String,
}

impl Address {
    /// That of a server that listens on `port` from now on.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn fresh(port: u16) -> Result<Self, NoEntropy> {
        let name = format!("zhongshu-{}.localhost", random_letters(NAME_LETTERS)?);
        Ok(Self { port, name })
    }

    /// The port, in both families of addresses.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address for scripts.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The dashboard, where nobody was before.
    pub fn page_url(&self) -> String {
        format!("http://{}:{}/", self.name, self.port)
    }

    /// The origins of our page, whichever way it was opened.
    pub fn origins(&self) -> Vec<String> {
        [self.name.as_str(), "127.0.0.1", "localhost"]
            .iter()
            .map(|name| format!("http://{name}:{}", self.port))
            .collect()
    }

    /// Whether a Host header names us: one of the three names of this machine's loopback or the name of this start, with our port.
    pub fn is_ours(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else {
            return false;
        };
        port == self.port.to_string()
            && [self.name.as_str(), "127.0.0.1", "localhost", "[::1]"]
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours))
    }

    /// Whether browsers find the name. Chromium and Firefox do by themselves, on every system; Safari asks the system, and
    /// not every macOS knows such names.
    pub fn is_known_to_browsers(&self) -> bool {
        !cfg!(target_os = "macos")
            || (self.name.as_str(), self.port)
                .to_socket_addrs()
                .is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_loopback_names_and_the_one_of_this_start_with_our_port_are_ours() {
        let address = Address::fresh(6211).unwrap();
        let own = format!("{}:6211", address.name);
        for host in [
            own.as_str(),
            &own.to_uppercase(),
            "127.0.0.1:6211",
            "localhost:6211",
            "LOCALHOST:6211",
            "LocalHost:6211",
            "[::1]:6211",
        ] {
            assert!(address.is_ours(host), "{host}");
        }
        let other = Address::fresh(6211).unwrap();
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:06211",
            "127.0.0.1:+6211",
            "127.0.0.1:62110",
            "127.0.0.1.evil.com:6211",
            "localhost.evil:6211",
            "localhost.:6211",
            "0.0.0.0:6211",
            "[::]:6211",
            "::1:6211",
            "127.1:6211",
            "2130706433:6211",
            "a@127.0.0.1:6211",
            "127.0.0.1:6211:6211",
            "127.0.0.1:6211, evil",
            " 127.0.0.1:6211",
            "x.localhost:6211",
            &format!("x.{own}"),
            &own.replace("6211", "6212"),
            &own.replace(".localhost", ""),
            &own.replace(".localhost", ".localhost.evil"),
            &format!("{}:6211", other.name),
        ] {
            assert!(!address.is_ours(host), "{host}");
        }
    }

    #[test]
    fn no_two_starts_have_the_same_name() {
        let (one, other) = (
            Address::fresh(1).unwrap().page_url(),
            Address::fresh(1).unwrap().page_url(),
        );
        assert_ne!(one, other);
        let name = one
            .strip_prefix("http://zhongshu-")
            .and_then(|rest| rest.strip_suffix(".localhost:1/"))
            .unwrap();
        assert_eq!(name.len(), NAME_LETTERS);
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
    }
}
