//! The awsJson 1.1 dialect: bodies that are one JSON object, errors that name their type.
//!
//! Follows the Smithy "AWS JSON 1.1" protocol as ECR speaks it: blobs are base64, times are epoch seconds,
//! unknown members are ignored, absent members are left out.

use bytes::Bytes;
use ecru_aws_model::{ConstraintViolations, Decode, DecodeError};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::exception::Exception;

/// What every answer of this dialect is.
pub const JSON_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
/// Where answers carry the id under which the server knows the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const SERIALIZATION: &str = "SerializationException";
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Reads the input of a modelled operation and checks its constraints. An empty body is an empty object.
///
/// # Errors
/// `SerializationException` if the body is not one JSON object, or a member has the wrong type; what `broken` makes of
/// it if values break the model.
pub fn decode<T: Decode>(
    body: &[u8],
    broken: impl FnOnce(&ConstraintViolations) -> Exception,
) -> Result<T, Exception> {
    T::from_json(body).map_err(|refused| match refused {
        DecodeError::Serialization(text) => Exception::new(SERIALIZATION, text),
        DecodeError::Constraint(violations) => broken(&violations),
    })
}

/// Reads the input of an operation that no model describes, which are those of the administration API.
///
/// The length was bounded when the body was read; nesting is bounded at 128 levels.
///
/// # Errors
/// `SerializationException` if the body is not one JSON object, or a member has the wrong type.
pub fn decode_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Exception> {
    let body = body.trim_ascii();
    // A derived structure would take an array too, member by member.
    if !matches!(body.first(), None | Some(b'{')) {
        return Err(Exception::new(
            SERIALIZATION,
            "the request body is not a JSON object",
        ));
    }
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| serialization(&e))
}

/// Says where the body is wrong, without repeating what it holds.
fn serialization(error: &serde_json::Error) -> Exception {
    let what = match error.classify() {
        Category::Eof => "the request body ends early",
        Category::Data => "a value has the wrong type",
        Category::Syntax | Category::Io => "the request body is not valid JSON",
    };
    let place = format!("line {} column {}", error.line(), error.column());
    Exception::new(SERIALIZATION, format!("{what} at {place}"))
}

/// Prints the output of an operation.
pub fn success<T: Serialize>(output: &T, request_id: &str) -> Response<Bytes> {
    match serde_json::to_vec(output) {
        Ok(body) => respond(StatusCode::OK, body, request_id),
        Err(_) => error(
            &Exception::new("InternalFailure", "the answer could not be written")
                .with_status(StatusCode::INTERNAL_SERVER_ERROR),
            request_id,
        ),
    }
}

/// The head of a success whose body is written piece by piece.
pub fn streamed<B>(body: B, request_id: &str) -> Response<B> {
    head(StatusCode::OK, body, request_id)
}

/// Prints an error: `{"__type":"…","message":"…"}` and its further members.
pub fn error(exception: &Exception, request_id: &str) -> Response<Bytes> {
    let mut body = Map::new();
    body.extend(exception.members().clone());
    body.insert("__type".to_owned(), Value::from(exception.code()));
    let message = Value::from(exception.message());
    body.insert(exception.message_member().to_owned(), message);
    let mut response = respond(
        exception.status(),
        Value::Object(body).to_string().into(),
        request_id,
    );
    if let Ok(code) = HeaderValue::from_str(exception.code()) {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn respond(status: StatusCode, body: Vec<u8>, request_id: &str) -> Response<Bytes> {
    head(status, Bytes::from(body), request_id)
}

fn head<B>(status: StatusCode, body: B, request_id: &str) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, JSON_CONTENT_TYPE);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use ecru_aws_model::ecr::DescribeRepositoriesRequest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Input {
        name: Option<String>,
        count: Option<i64>,
    }

    fn broken(violations: &ConstraintViolations) -> Exception {
        Exception::new("InvalidParameterException", violations.to_string())
    }

    const NOT_JSON_OBJECTS: [&str; 14] = [
        "{",
        "[]",
        "[\"a\"]",
        "null",
        "1",
        "\"x\"",
        "{}{}",
        "{} x",
        "{\"name\":1}",
        "{\"name\":{\"a\":1}}",
        "{\"name\":\"\\ud800\"}",
        "{'name':1}",
        "{\"name\":\"a\",}",
        "\u{feff}{}",
    ];

    #[test]
    fn an_object_is_read_and_unknown_members_ignored() {
        let input: Input = decode_object(br#" {"name":"a","count":2,"more":[[{}]]} "#).unwrap();
        assert_eq!(
            input,
            Input {
                name: Some("a".to_owned()),
                count: Some(2)
            }
        );
        assert_eq!(decode_object::<Input>(b"").unwrap(), Input::default());
        assert_eq!(decode_object::<Input>(b" \n").unwrap(), Input::default());
        let body = br#"{"maxResults":5,"more":[[{}]]}"#;
        let input: DescribeRepositoriesRequest = decode(body, broken).unwrap();
        assert_eq!(input.max_results, Some(5));
        assert!(decode::<DescribeRepositoriesRequest>(b"", broken).is_ok());
    }

    #[test]
    fn what_is_not_an_object_of_the_right_types_is_a_serialization_exception() {
        for body in NOT_JSON_OBJECTS {
            let refused = decode_object::<Input>(body.as_bytes()).unwrap_err();
            assert_eq!(
                (refused.code(), refused.status().as_u16()),
                (SERIALIZATION, 400),
                "{body}"
            );
            let body = body.replace("name", "nextToken");
            let refused =
                decode::<DescribeRepositoriesRequest>(body.as_bytes(), broken).unwrap_err();
            assert_eq!(
                (refused.code(), refused.status().as_u16()),
                (SERIALIZATION, 400),
                "{body}"
            );
        }
        assert_eq!(
            decode_object::<Input>(b"{\"name\":\"\xff\"}")
                .unwrap_err()
                .code(),
            SERIALIZATION
        );
    }

    #[test]
    fn a_broken_constraint_is_the_operations_own_exception() {
        let decoded = decode::<DescribeRepositoriesRequest>(br#"{"maxResults":1001}"#, broken);
        let refused = decoded.unwrap_err();
        assert_eq!(refused.code(), "InvalidParameterException");
        assert!(
            refused.message().contains("less than or equal to 1000"),
            "{}",
            refused.message()
        );
    }

    #[test]
    fn deep_nesting_is_refused_without_harm() {
        for open in ["[", "{\"a\":"] {
            for member in ["unknown", "name", "nextToken"] {
                let body = format!("{{\"{member}\":{}", open.repeat(50_000));
                assert_eq!(
                    decode_object::<Input>(body.as_bytes()).unwrap_err().code(),
                    SERIALIZATION
                );
                let decoded = decode::<DescribeRepositoriesRequest>(body.as_bytes(), broken);
                assert_eq!(decoded.unwrap_err().code(), SERIALIZATION);
            }
        }
    }

    #[test]
    fn messages_do_not_repeat_values() {
        let refused = decode_object::<Input>(br#"{"count":"secret"}"#).unwrap_err();
        assert_eq!(
            refused.message(),
            "a value has the wrong type at line 1 column 17"
        );
    }

    #[test]
    fn an_error_names_its_type_in_body_and_header() {
        let exception = Exception::new("InvalidLayerPartException", "First \"byte\"")
            .with_member("lastValidByteReceived", 7)
            .with_member("message", "other");
        let elsewhere = error(&exception.clone().with_message_in("Message"), "id-1");
        let elsewhere: Value = serde_json::from_slice(elsewhere.body()).unwrap();
        assert_eq!(elsewhere["Message"], "First \"byte\"");
        let response = error(&exception, "id-1");
        assert_eq!(response.status(), 400);
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("content-type"), "application/x-amz-json-1.1");
        assert_eq!(header("x-amzn-requestid"), "id-1");
        assert_eq!(header("x-amzn-errortype"), "InvalidLayerPartException");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let expected = serde_json::json!({
            "__type": "InvalidLayerPartException",
            "message": "First \"byte\"",
            "lastValidByteReceived": 7,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_success_is_the_output_alone() {
        let response = success(&serde_json::json!({}), "id\nwith control");
        assert_eq!(
            (response.status().as_u16(), response.body().as_ref()),
            (200, &b"{}"[..])
        );
        assert!(response.headers().get(REQUEST_ID).is_none());
    }
}
