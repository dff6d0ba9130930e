//! The `Link` header of a list that goes on (RFC 8288; OCI distribution specification, "Content discovery").

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::response::header_value;

/// What stays as it is in a query (RFC 3986, "unreserved").
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A link to the next page: `path` with these parameters. `path` must be fit for a URL as it is.
pub fn next(path: &str, parameters: &[(&str, &str)]) -> HeaderValue {
    let mut target = path.to_owned();
    for (index, (name, value)) in parameters.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        target.extend(utf8_percent_encode(value, QUERY));
    }
    header_value(format!("<{target}>; rel=\"next\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded() {
        let link = next(
            "/v2/team/app/tags/list",
            &[("n", "2"), ("last", "v1.0-a_b")],
        );
        assert_eq!(
            link,
            "</v2/team/app/tags/list?n=2&last=v1.0-a_b>; rel=\"next\""
        );
        let link = next("/x", &[("artifactType", "a/b+c"), ("last", "ü>;\"")]);
        assert_eq!(
            link,
            "</x?artifactType=a%2Fb%2Bc&last=%C3%BC%3E%3B%22>; rel=\"next\""
        );
        assert_eq!(next("/x", &[]), "</x>; rel=\"next\"");
    }
}
