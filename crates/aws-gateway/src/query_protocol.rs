//! The awsQuery dialect: forms in, XML out. STS and IAM speak it.
//!
//! Follows the Smithy "AWS query" protocol: parameters may stand in the URL (presigned `GET`) or in a form body.

mod form;
mod operation;

use bytes::Bytes;
use ecru_aws_model::{Decode, DecodeError, WriteXml, XmlWriter};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::exception::Exception;
use crate::json_protocol::REQUEST_ID;

pub use form::{Form, invalid_action};
pub use operation::QueryOperation;

/// The namespace of errors that belong to no service.
pub const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// What the query services answer to a value that breaks a constraint.
pub(crate) const VALIDATION_ERROR: &str = "ValidationError";

/// Reads the input of an operation and checks its constraints.
///
/// # Errors
/// `MalformedInput` if a parameter has the wrong type; `ValidationError` if a value breaks the model.
pub fn decode<T: Decode>(form: &Form) -> Result<T, Exception> {
    T::from_form(form.iter()).map_err(|refused| match refused {
        DecodeError::Serialization(text) => Exception::new("MalformedInput", text),
        DecodeError::Constraint(violations) => {
            Exception::new(VALIDATION_ERROR, violations.to_string())
        }
    })
}

/// Prints the output of an operation: `<XResponse><XResult>…</XResult><ResponseMetadata>…`, without the result where
/// the operation has none.
pub fn success<O: QueryOperation>(
    operation: O,
    output: &impl WriteXml,
    request_id: &str,
) -> Response<Bytes> {
    let mut xml = XmlWriter::default();
    let name = format!("{}Response", operation.name());
    xml.root(&name, O::NAMESPACE, |xml| {
        if let Some(wrapper) = operation.result_wrapper() {
            xml.element(wrapper, |xml| output.write(xml));
        }
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
    use ecru_aws_model::{iam, sts};

    use super::*;

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_result_is_wrapped_and_escaped() {
        let output = sts::GetCallerIdentityResponse {
            user_id: Some("x\u{1}\r\n".to_owned()),
            account: None,
            arn: Some("arn:aws:iam::000000000000:user/<a&b>".to_owned()),
        };
        let response = success(sts::Operation::GetCallerIdentity, &output, "id-1");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/xml");
        assert_eq!(
            body(&response),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <UserId>x\u{fffd}&#xD;\n</UserId><Arn>arn:aws:iam::000000000000:user/&lt;a&amp;b&gt;</Arn></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
    }

    #[test]
    fn an_operation_without_output_has_no_result() {
        let output = iam::DeleteUserResponse {};
        let response = success(iam::Operation::DeleteUser, &output, "id-1");
        assert_eq!(
            body(&response),
            "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteUserResponse>"
        );
    }

    #[test]
    fn inputs_are_refused_in_the_words_of_the_dialect() {
        for (query, code, message) in [
            (
                "UserName=a%20b",
                "ValidationError",
                "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
                 following: +=,.@_-",
            ),
            (
                "",
                "ValidationError",
                "1 validation error detected: Value null at 'userName' failed to satisfy constraint: \
                 Member must not be null",
            ),
            (
                "UserName=&Path=x&PermissionsBoundary=y",
                "ValidationError",
                "2 validation errors detected: Value '' at 'userName' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1; \
                 Value 'y' at 'permissionsBoundary' failed to satisfy constraint: \
                 Member must have length greater than or equal to 20",
            ),
            (
                "UserName=a&Tags=x",
                "MalformedInput",
                "the value of 'tags' can not be converted to a list",
            ),
        ] {
            let form = Form::parse(Some(query), b"").unwrap();
            let refused = decode::<iam::CreateUserRequest>(&form).unwrap_err();
            let seen = (refused.code(), refused.message(), refused.status().as_u16());
            assert_eq!(seen, (code, message, 400), "{query}");
        }
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
