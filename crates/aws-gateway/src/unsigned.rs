//! Requests that nobody has to sign: `AssumeRoleWithWebIdentity`, whose caller is told by a token of another identity
//! provider. What they ask for stands in their form, so that a little of a stranger's body is read here.
//!
//! Whatever else comes without signature gets the one answer that every unsigned request gets.

use ecru_aws_model::sts::Operation;
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body::Body;

use crate::authentication::{NO_ROUTE, Refused, drain_after};
use crate::body_budget::BodyPace;
use crate::drain::Drain;
use crate::gateway::AwsGateway;
use crate::protocol::{Dialect, Protocol};
use crate::query_protocol::{Form, QueryOperation, url_parameter};
use crate::routing::is_form;
use crate::run;
use crate::sigv4::SignatureError;

/// The longest body to read of a stranger, in bytes: the longest token (20,000 characters), ten policies by ARN and a
/// session policy, most of it not encoded.
const BODY_LIMIT: usize = 64 * 1_024;

/// Marks of a signature in the URL.
const SIGNING_PARAMETERS: [&str; 2] = ["X-Amz-Algorithm", "X-Amz-Signature"];

/// A request for what needs no signature.
pub(crate) struct Unsigned {
    pub(crate) operation: Operation,
    pub(crate) form: Form,
}

/// Whether a request carries no signature, and may ask for something that needs none.
pub(crate) fn is_possible(parts: &Parts) -> bool {
    let headers = &parts.headers;
    if headers.contains_key(AUTHORIZATION) || headers.contains_key("x-amz-target") {
        return false;
    }
    let is_signed = |name: &&str| url_parameter(parts, name).is_some();
    if SIGNING_PARAMETERS.iter().any(is_signed) {
        return false;
    }
    match url_parameter(parts, "Action") {
        Some(action) => is_unsigned(&action) && is_readable(&parts.method),
        None => parts.method == Method::POST && is_form(headers),
    }
}

fn is_readable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::POST)
}

fn is_unsigned(action: &str) -> bool {
    <Operation as QueryOperation>::from_name(action).is_some_and(|found| !found.is_signed())
}

impl AwsGateway {
    /// Reads the form of a request for which [`is_possible`] holds.
    pub(crate) async fn read_unsigned<B>(&self, parts: &Parts, body: B) -> Result<Unsigned, Refused>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let protocol = Protocol::AwsQuery;
        let refuse = |exception, drain| Refused {
            dialect: Dialect::of_no_service(protocol),
            exception: Box::new(exception),
            route: NO_ROUTE,
            drain,
        };
        let pace = BodyPace::default();
        let read = self.strangers.read(body, BODY_LIMIT, &pace).await;
        let body =
            read.map_err(|e| refuse(e.to_exception(protocol), drain_after(&e, Drain::STRANGER)))?;
        match run::read_form(parts.uri.query(), body.as_slice()) {
            Ok((operation, form)) if !Operation::is_signed(operation) => {
                Ok(Unsigned { operation, form })
            }
            _ => Err(refuse(
                SignatureError::Missing.to_exception(protocol),
                Drain::NOTHING,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const FORM: (&str, &str) = (
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );

    fn possible(method: &str, uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_possible(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_a_form_without_signature_is_looked_at() {
        assert!(possible("POST", "/", &[FORM]));
        assert!(!possible("POST", "/", &[]));
        assert!(!possible("GET", "/", &[FORM]));
        assert!(!possible(
            "POST",
            "/",
            &[FORM, ("authorization", "AWS4-HMAC-SHA256")]
        ));
        assert!(!possible(
            "POST",
            "/",
            &[FORM, ("x-amz-target", "EcruAdmin.Verify")]
        ));
        assert!(!possible("POST", "/?X-Amz-Signature=x", &[FORM]));
        assert!(!possible("POST", "/?X-Amz-Algorithm=x", &[FORM]));
    }

    #[test]
    fn an_action_in_the_url_must_be_one_that_needs_no_signature() {
        for (action, is_unsigned) in [
            ("AssumeRoleWithWebIdentity", true),
            ("AssumeRole", false),
            ("GetCallerIdentity", false),
            ("ListUsers", false),
            ("", false),
        ] {
            let uri = format!("/?Action={action}&Version=2011-06-15");
            assert_eq!(possible("GET", &uri, &[]), is_unsigned, "{action}");
            assert_eq!(possible("POST", &uri, &[FORM]), is_unsigned, "{action}");
            assert!(!possible("DELETE", &uri, &[FORM]), "{action}");
        }
    }
}
