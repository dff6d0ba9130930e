//! Paths, hosts and queries: which place of which registry a request names, and where the next page is.
//!
//! Input: the host on the first line, the request target on the second, `last` of the next page on the third.
#![no_main]

use ecru_domain::address::{
    path_of, registry_of_host, registry_of_request, registry_of_segment, resolve,
};
use ecru_domain::{AccountId, Region, Registry};
use ecru_oci_gateway::listing::Listing;
use ecru_oci_gateway::paths::{self, Place, Target};
use ecru_oci_gateway::query::Query;
use ecru_oci_gateway::{OciGateway, links, routes};
use ecru_server::front::route::Route;
use http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (host, target, last) = (line(), line(), line());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    hosts(host);
    if let Some(target) = paths::parse(path) {
        places(path, &target);
        addresses(host, &target.repository);
    }
    addresses(host, path);
    if let Ok(query) = Query::parse(query) {
        pages(&query, last);
    }
    parameters(query);
});

fn home() -> Registry {
    Registry {
        account: AccountId::parse("000000000000").expect("an account"),
        region: Region::parse("us-east-1").expect("a region"),
    }
}

fn hosts(host: &str) {
    let Some(registry) = registry_of_host(host) else {
        assert_eq!(registry_of_request(&home(), host), home());
        return;
    };
    assert!(host.starts_with(registry.account.as_str()));
    let lower = host.to_ascii_lowercase();
    assert!(lower.contains(registry.region.as_str()) && lower.contains(".dkr"));
    let written = format!(
        "{}.dkr.ecr.{}.example.com:443",
        registry.account, registry.region
    );
    assert_eq!(registry_of_host(&written).as_ref(), Some(&registry));
    assert_eq!(
        registry_of_host(&written.to_ascii_uppercase()).as_ref(),
        Some(&registry)
    );
    assert_eq!(registry_of_request(&home(), host), registry);
}

/// A place, written so that no segment can be mistaken for a word of the API, is the same place.
fn places(path: &str, target: &Target<'_>) {
    let (name, last) = (encoded(&target.repository), encoded(&target.last));
    let written = match target.place {
        Place::Base => "/v2/".to_owned(),
        Place::Catalog => "/v2/_catalog".to_owned(),
        Place::Tags => format!("/v2/{name}/tags/list"),
        Place::Manifest => format!("/v2/{name}/manifests/{last}"),
        Place::Blob => format!("/v2/{name}/blobs/{last}"),
        Place::Uploads => format!("/v2/{name}/blobs/uploads/"),
        Place::Upload => format!("/v2/{name}/blobs/uploads/{last}"),
        Place::Referrers => format!("/v2/{name}/referrers/{last}"),
        Place::LayerLink => format!("/layer/{last}"),
    };
    if written.len() <= 4_096 {
        assert_eq!(paths::parse(&written).as_ref(), Some(target));
    }
    assert!(OciGateway::serves(path) && path.len() <= 4_096);
    assert_eq!(Route::of(path), metric(target.place), "{path}");
    let allowed = routes::allowed(target.place);
    for method in [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::POST,
        Method::DELETE,
    ] {
        let listed = allowed.split(", ").any(|name| name == method.as_str());
        assert_eq!(routes::find(&method, target.place).is_some(), listed);
    }
}

/// Under which name the metrics count a place.
fn metric(place: Place) -> Route {
    match place {
        Place::Base => Route::Version,
        Place::Catalog => Route::Catalog,
        Place::Tags => Route::Tags,
        Place::Manifest => Route::Manifest,
        Place::Blob => Route::Blob,
        Place::Uploads => Route::Uploads,
        Place::Upload => Route::Upload,
        Place::Referrers => Route::Referrers,
        Place::LayerLink => Route::Layer,
    }
}

/// Every byte of every segment percent-encoded.
fn encoded(text: &str) -> String {
    let byte = |b: u8| {
        if b == b'/' {
            "/".to_owned()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

/// The path that stands for a repository under any host leads back to it.
fn addresses(host: &str, path: &str) {
    let home = home();
    let Ok(address) = resolve(&home, host, path) else {
        return;
    };
    assert!(path.ends_with(address.name.as_str()));
    let written = path_of(&home, &address.registry, &address.name);
    assert_eq!(
        resolve(&home, "localhost:5050", &written).as_ref(),
        Ok(&address)
    );
    if let Some((segment, _)) = written.split_once('/')
        && address.registry != home
    {
        assert_eq!(registry_of_segment(&home, segment), Some(address.registry));
    }
}

/// The link to the next page asks for what follows, and for as much.
fn pages(query: &Query, last: &str) {
    let Ok(listing) = Listing::parse(query) else {
        return;
    };
    assert!(listing.limit <= 10_000);
    assert!(
        listing
            .after
            .as_ref()
            .is_none_or(|after| (1..=1_024).contains(&after.len()))
    );
    let link = links::next("/v2/_catalog", &listing.next(last));
    let link = link.to_str().expect("a link is ASCII");
    let target = link
        .strip_prefix("</v2/_catalog?")
        .and_then(|rest| rest.split_once('>'));
    let (asked, _) = target.expect("a link has a query");
    let is_name = (1..=1_024).contains(&last.len()) && !last.chars().any(char::is_control);
    if !is_name {
        return;
    }
    let next = Query::parse(asked)
        .ok()
        .and_then(|query| Listing::parse(&query).ok());
    let next = next.expect("a link is understood");
    assert_eq!(
        (next.limit, next.asked),
        (listing.limit, listing.asked.clone())
    );
    assert_eq!(next.after.as_deref(), Some(last));
}

/// Against a decoder that goes byte by byte.
fn parameters(text: &str) {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded: Option<Vec<(String, String)>> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect();
    let parsed = Query::parse(text);
    let (Ok(query), Some(pairs)) = (&parsed, &decoded) else {
        assert!(parsed.is_err() && (decoded.is_none() || text.len() > 16_384));
        return;
    };
    for (name, _) in pairs {
        let same = pairs.iter().filter(|(other, _)| other == name);
        let values: Vec<&str> = same.map(|(_, value)| value.as_str()).collect();
        assert_eq!(query.get(name), values.first().copied());
        assert_eq!(query.all(name).collect::<Vec<_>>(), values);
    }
}

fn decode(text: &str) -> Option<String> {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    let text = String::from_utf8(decoded).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}
