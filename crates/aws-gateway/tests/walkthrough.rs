//! Requests from the head on the wire to the answer, in the order that the crate's documentation gives.

use bytes::Bytes;
use ecru_aws_gateway::body_budget::{BodyBudget, BodyPace};
use ecru_aws_gateway::exception::Exception;
use ecru_aws_gateway::json_protocol;
use ecru_aws_gateway::protocol::{Dialect, Protocol};
use ecru_aws_gateway::query_protocol::{self, Form};
use ecru_aws_gateway::routing::{self, Route};
use ecru_aws_gateway::sigv4::{PrecheckLimits, SignatureError, SignedRequest, SigningSecret};
use ecru_aws_model::ecr::DescribeRepositoriesRequest;
use ecru_aws_model::{ConstraintViolations, sts};
use ecru_domain::Timestamp;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;

const BOTOCORE: &str = include_str!("vectors/botocore.json");
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: i64 = 1_795_165_687;

/// A request that botocore signed at [`NOW`].
fn recorded(name: &str) -> Option<Request<Full<Bytes>>> {
    let recorded: Value = serde_json::from_str(BOTOCORE).ok()?;
    let case = recorded["cases"]
        .as_array()?
        .iter()
        .find(|case| case["name"] == name)?;
    let (method, uri) = (case["method"].as_str()?, case["uri"].as_str()?);
    let mut request = Request::builder().method(method).uri(uri);
    for header in case["headers"].as_array()? {
        request = request.header(header[0].as_str()?, header[1].as_str()?);
    }
    request
        .body(Full::new(Bytes::from(case["body"].as_str()?.to_owned())))
        .ok()
}

async fn answer(
    request: Request<Full<Bytes>>,
    secret: &str,
    budget: &BodyBudget,
) -> Result<Response<Bytes>, (Protocol, Exception)> {
    let refused =
        |protocol: Protocol| move |e: SignatureError| (protocol, e.to_exception(protocol));
    let now = Timestamp::from_seconds(NOW);
    let (parts, body) = request.into_parts();
    let prechecked = SignedRequest::parse(&parts)
        .and_then(|signed| signed.precheck(now, &PrecheckLimits::default()))
        .map_err(refused(routing::protocol_of(&parts, None)))?;
    let route = routing::route(&parts, Some(&prechecked.claims().scope().service))
        .map_err(|e| (e.protocol(), e.to_exception()))?;
    let protocol = route.service().protocol();
    let scoped = prechecked.check_scope(route.service().signing_name(), |_| true);
    scoped.map_err(refused(protocol))?;
    let read = budget
        .read(body, route.body_limit(), &BodyPace::default())
        .await;
    let body = read.map_err(|e| (protocol, e.to_exception(protocol)))?;
    let verified = prechecked.verify(&SigningSecret::new(secret), body.hash());
    verified.map_err(refused(protocol))?;
    let answered = match route {
        Route::Sts => caller_identity(parts.uri.query(), body.as_slice()),
        _ => repositories(body.as_slice()),
    };
    answered.map_err(|exception| (protocol, exception))
}

fn caller_identity(query: Option<&str>, body: &[u8]) -> Result<Response<Bytes>, Exception> {
    let form = Form::parse(query, body)?;
    assert_eq!(form.operation(sts::API_VERSION)?, "GetCallerIdentity");
    let _input: sts::GetCallerIdentityRequest = query_protocol::decode(&form)?;
    let output = sts::GetCallerIdentityResponse {
        account: Some("000000000000".to_owned()),
        ..Default::default()
    };
    let operation = sts::Operation::GetCallerIdentity;
    Ok(query_protocol::success(operation, &output, "id-1"))
}

fn repositories(body: &[u8]) -> Result<Response<Bytes>, Exception> {
    let broken = |violations: &ConstraintViolations| {
        Exception::new("InvalidParameterException", violations.in_registry_words())
    };
    json_protocol::decode::<DescribeRepositoriesRequest>(body, broken)?;
    Ok(json_protocol::success(
        &serde_json::json!({ "repositories": [] }),
        "id-1",
    ))
}

#[tokio::test]
async fn what_botocore_sends_is_answered_in_its_dialect() {
    let budget = BodyBudget::new(48 * 1_024 * 1_024);
    for (name, expected) in [
        ("ecr, key", "{\"repositories\":[]}"),
        ("sts form, session", "<Account>000000000000</Account>"),
        (
            "sts presigned, key",
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">",
        ),
    ] {
        let request = recorded(name).expect(name);
        let response = answer(request, SECRET, &budget).await.expect(name);
        let text = String::from_utf8_lossy(response.body());
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[tokio::test]
async fn a_refusal_is_written_in_the_dialect_of_the_request() {
    let budget = BodyBudget::new(48 * 1_024 * 1_024);
    for (name, status, expected) in [
        ("ecr, key", 400, "\"__type\":\"InvalidSignatureException\""),
        (
            "sts form, session",
            403,
            "<Type>Sender</Type><Code>SignatureDoesNotMatch</Code>",
        ),
        (
            "sts presigned, key",
            403,
            "<Code>SignatureDoesNotMatch</Code>",
        ),
    ] {
        let request = recorded(name).expect(name);
        let refused = answer(request, "another secret", &budget).await;
        let (protocol, exception) = refused.expect_err(name);
        let response = Dialect::of_no_service(protocol).error_response(&exception, "id-1");
        assert_eq!(response.status(), status, "{name}");
        let text = String::from_utf8_lossy(response.body());
        assert!(text.contains(expected), "{name}: {text}");
    }
}
