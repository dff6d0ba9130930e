//! The awsQuery dialect: forms in, XML out. STS and IAM speak it.
//!
//! Follows the Smithy "AWS query" protocol: parameters may stand in the URL (presigned `GET`) or in a form body.

mod form;
mod xml;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::exception::Exception;
use crate::json_protocol::REQUEST_ID;

pub use form::{Form, invalid_action};
pub use xml::XmlWriter;

/// The namespace of errors that belong to no service.
pub const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// Prints the result of an operation: `<XResponse><XResult>…</XResult><ResponseMetadata>…`.
pub fn success(
    namespace: &str,
    operation: &str,
    request_id: &str,
    write_result: impl FnOnce(&mut XmlWriter),
) -> Response<Bytes> {
    let mut xml = XmlWriter::default();
    xml.root(&format!("{operation}Response"), namespace, |xml| {
        xml.element(&format!("{operation}Result"), write_result);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    respond(StatusCode::OK, xml, request_id)
}

/// Prints an error: `<ErrorResponse><Error><Type>…</Type><Code>…`.
pub fn error(exception: &Exception, namespace: &str, request_id: &str) -> Response<Bytes> {
    let fault = if exception.status().is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let mut xml = XmlWriter::default();
    xml.root("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", fault);
            xml.text("Code", exception.code());
            xml.text("Message", exception.message());
        });
        xml.text("RequestId", request_id);
    });
    respond(exception.status(), xml, request_id)
}

/// The first value of a parameter in the URL, for routing before anything is read.
pub(crate) fn url_parameter(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query()?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (form::decode(key)? == name).then(|| form::decode(value))?
    })
}

fn respond(status: StatusCode, xml: XmlWriter, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(xml.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_result_is_wrapped_and_escaped() {
        let response = success(
            "https://sts.amazonaws.com/doc/2011-06-15/",
            "GetCallerIdentity",
            "id-1",
            |xml| {
                xml.text("Arn", "arn:aws:iam::000000000000:user/<a&b>");
                xml.text("UserId", "x\u{1}\r\n");
            },
        );
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/xml");
        assert_eq!(
            body(&response),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::000000000000:user/&lt;a&amp;b&gt;</Arn><UserId>x\u{fffd}&#xD;\n</UserId></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
    }

    #[test]
    fn an_error_names_whose_fault_it_is() {
        for (status, fault) in [
            (StatusCode::FORBIDDEN, "Sender"),
            (StatusCode::SERVICE_UNAVAILABLE, "Receiver"),
        ] {
            let exception = Exception::new("Code", "\"m\"").with_status(status);
            let response = error(&exception, FAULT_NAMESPACE, "id-1");
            assert_eq!(response.status(), status);
            let expected = format!(
                "<ErrorResponse xmlns=\"{FAULT_NAMESPACE}\"><Error><Type>{fault}</Type><Code>Code</Code>\
                 <Message>&quot;m&quot;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
            );
            assert_eq!(body(&response), expected);
        }
    }
}
