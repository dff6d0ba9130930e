//! What the operator lists (setting `egress-allow`): networks by address, and single places by host and port.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

/// Entries that are read.
const MAX_ENTRIES: usize = 1_000;

/// The list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadList {
    /// One of its entries is none.
    #[error("`{0}` is neither a network such as 10.0.0.0/8 nor a place such as idp.internal:443")]
    Entry(String),
    /// It is too long.
    #[error("more than {MAX_ENTRIES} entries")]
    TooLong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Network { base: IpAddr, prefix: u32 },
    Place { host: String, port: u16 },
}

/// Places that may be reached though they are not public, also without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressAllow(Vec<Entry>);

impl EgressAllow {
    /// Reads a list separated by commas. Networks are addresses with a prefix length, or without one; places are
    /// `HOST:PORT`.
    pub fn parse(text: &str) -> Result<Self, BadList> {
        let written = text.split(',').map(str::trim);
        let written: Vec<&str> = written.filter(|entry| !entry.is_empty()).collect();
        if written.len() > MAX_ENTRIES {
            return Err(BadList::TooLong);
        }
        let bad = |entry: &&str| BadList::Entry((*entry).to_owned());
        let read = written
            .iter()
            .map(|entry| Entry::parse(entry).ok_or_else(|| bad(entry)));
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// Whether the operator lists this address, to which `host` resolved.
    pub(crate) fn lists(&self, host: &str, address: SocketAddr) -> bool {
        self.0.iter().any(|entry| match entry {
            Entry::Network { base, prefix } => is_within(address.ip(), *base, *prefix),
            Entry::Place { host: name, port } => {
                *port == address.port() && name.eq_ignore_ascii_case(host)
            }
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(base) = text.parse::<IpAddr>() {
            return Some(Self::network(base, bits(base)));
        }
        if let Some((base, prefix)) = text.split_once('/') {
            let base: IpAddr = base.parse().ok()?;
            let prefix: u32 = prefix.parse().ok()?;
            return (prefix <= bits(base)).then(|| Self::network(base, prefix));
        }
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
        if host.is_empty() || !host.chars().all(is_host) {
            return None;
        }
        Some(Self::Place {
            host: host.to_owned(),
            port: port.parse().ok().filter(|port| *port != 0)?,
        })
    }

    fn network(base: IpAddr, prefix: u32) -> Self {
        Self::Network { base, prefix }
    }
}

fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Host bits of the base do not matter; families do.
fn is_within(address: IpAddr, base: IpAddr, prefix: u32) -> bool {
    match (address.to_canonical(), base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            let difference = address.to_bits() ^ base.to_bits();
            difference.checked_shr(32 - prefix).unwrap_or_default() == 0
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => {
            let difference = address.to_bits() ^ base.to_bits();
            difference.checked_shr(128 - prefix).unwrap_or_default() == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_places_are_listed() {
        let list = "10.0.0.0/8, 192.168.1.7,fd00::/8 ,idp.internal:8443,[::1]:9443,127.0.0.1:1";
        let list = EgressAllow::parse(list).unwrap();
        for (host, address, is_listed) in [
            ("a.example", "10.255.0.1:443", true),
            ("a.example", "11.0.0.1:443", false),
            ("a.example", "192.168.1.7:1", true),
            ("a.example", "192.168.1.8:1", false),
            ("a.example", "[fd12::1]:443", true),
            ("a.example", "[fe80::1]:443", false),
            ("a.example", "[::ffff:10.0.0.1]:443", true),
            ("IDP.internal", "127.0.0.1:8443", true),
            ("idp.internal", "127.0.0.1:443", false),
            ("a.example", "127.0.0.1:8443", false),
            ("::1", "[::1]:9443", true),
            ("127.0.0.1", "127.0.0.1:1", true),
        ] {
            let found = list.lists(host, address.parse().unwrap());
            assert_eq!(found, is_listed, "{host} {address}");
        }
        let all = EgressAllow::parse("0.0.0.0/0").unwrap();
        assert!(all.lists("x", "127.0.0.1:1".parse().unwrap()));
        assert!(!all.lists("x", "[::1]:1".parse().unwrap()));
    }

    #[test]
    fn what_is_neither_network_nor_place_is_refused() {
        assert_eq!(EgressAllow::parse(" , "), Ok(EgressAllow::default()));
        for bad in [
            "10.0.0.0/33",
            "idp.internal",
            "idp.internal:0",
            ":443",
            "a b:1",
            "x/8",
            "https://a:1",
        ] {
            assert!(EgressAllow::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            EgressAllow::parse(&"::1,".repeat(1_001)),
            Err(BadList::TooLong)
        );
    }
}
