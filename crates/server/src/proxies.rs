//! Who sent a request that came through a proxy: what proxies say is believed of those alone that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use ecru_policy::Network;
use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The most ranges that can be trusted.
const MAX_RANGES: usize = 256;

/// The most addresses of a forwarding header that are looked at, from its end.
const MAX_HOPS: usize = 32;

/// Ranges of addresses whose forwarding headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Who sent a request, as far as that can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks TLS, to the proxy if there is one.
    pub is_tls: bool,
}

impl TrustedProxies {
    /// Reads ranges, separated by commas: `10.0.0.0/8, 2001:db8::/32, 192.0.2.1`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let ranges = parts.map(|part| {
            Network::parse(part).ok_or_else(|| format!("{part} is neither an address nor a range"))
        });
        let ranges: Vec<Network> = ranges.collect::<Result<_, _>>()?;
        if ranges.len() > MAX_RANGES {
            return Err(format!("there are more than {MAX_RANGES} ranges"));
        }
        Ok(Self(ranges))
    }

    /// The client of a request that came from `peer`: the last address of `X-Forwarded-For` that is not a trusted
    /// proxy's. Of an untrusted peer, headers say nothing.
    pub fn client(&self, peer: IpAddr, is_tls: bool, headers: &HeaderMap) -> Client {
        let own = Client {
            address: peer,
            is_tls,
        };
        if !self.trusts(peer) {
            return own;
        }
        let mut address = peer;
        for hop in listed(headers, &FORWARDED_FOR).take(MAX_HOPS) {
            let Some(before) = address_of(hop) else {
                break;
            };
            address = before;
            if !self.trusts(address) {
                break;
            }
        }
        let proto = listed(headers, &FORWARDED_PROTO).next();
        Client {
            address,
            is_tls: proto.map_or(is_tls, |proto| proto.eq_ignore_ascii_case("https")),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }
}

/// The values of a header that is a list, the last first.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    let texts = lines.into_iter().rev();
    let texts = texts.map(|line| line.to_str().unwrap_or_default());
    texts.flat_map(|text| text.rsplit(',').map(str::trim))
}

/// An address, with or without a port.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|both| both.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(
        peer: &str,
        forwarded: &[&'static str],
        proto: Option<&'static str>,
    ) -> (String, bool) {
        let proxies = TrustedProxies::parse("10.0.0.0/8, fd00::/8").unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        if let Some(proto) = proto {
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
        }
        let found = proxies.client(peer.parse().unwrap(), false, &headers);
        (found.address.to_string(), found.is_tls)
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_clients() {
        for (peer, forwarded, address) in [
            ("10.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["192.0.2.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(
                client(peer, forwarded, None).0,
                address,
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn headers_of_strangers_say_nothing() {
        let told = client("192.0.2.7", &["203.0.113.9"], Some("https"));
        assert_eq!(told, ("192.0.2.7".to_owned(), false));
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(peer, true, &headers).address, peer);
    }

    #[test]
    fn a_trusted_proxy_tells_whether_the_client_speaks_tls() {
        assert!(client("10.0.0.1", &[], Some("HTTPS")).1);
        assert!(!client("10.0.0.1", &[], Some("https, http")).1);
        assert!(!client("10.0.0.1", &[], None).1);
    }

    #[test]
    fn ranges_are_read_or_refused() {
        assert_eq!(TrustedProxies::parse(""), Ok(TrustedProxies::default()));
        for text in ["10.0.0.0/33", "proxy.example.com", "10.0.0.0/8;::1"] {
            assert!(TrustedProxies::parse(text).is_err(), "{text}");
        }
    }
}
