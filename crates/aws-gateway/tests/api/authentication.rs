//! Who is let in, and what is done before anybody is.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use ecru_aws_gateway::ConnectionInfo;
use ecru_aws_model::ecr::Operation as Op;
use ecru_domain::Timestamp;
use http::{HeaderValue, Request};
use http_body::{Body, Frame, SizeHint};
use serde_json::json;

use crate::world::{HOME, NOW_MICROS, Signer, World, post};

const DESCRIBE: &str = "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry";

/// A body of 28 MiB that must never be read.
struct Untouchable;

impl Body for Untouchable {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        panic!("the body was read");
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(28 * 1_024 * 1_024)
    }
}

#[tokio::test]
async fn no_body_is_read_of_who_names_no_living_key() {
    let world = World::new().await;
    let target = "AmazonEC2ContainerRegistry_V20150921.UploadLayerPart";
    let mut unknown = Signer::root(HOME);
    unknown.id = "AKIAUNKNOWN000000000".to_owned();
    let mut with_token = Signer::root(HOME);
    with_token.token = Some("session".to_owned());
    for (signer, code) in [
        (None, "MissingAuthenticationTokenException"),
        (Some(unknown), "UnrecognizedClientException"),
        (Some(with_token), "UnrecognizedClientException"),
        (
            Some(Signer::root(HOME).of("s3")),
            "InvalidSignatureException",
        ),
        (
            Some(Signer::root(HOME).in_region("-")),
            "InvalidSignatureException",
        ),
    ] {
        let mut request = post(target, Bytes::new());
        // whoever waits for leave to send is not read away either
        request
            .headers_mut()
            .insert("expect", HeaderValue::from_static("100-continue"));
        if let Some(signer) = signer {
            signer.sign(&mut request);
        }
        let (connection, now) = (
            ConnectionInfo::default(),
            Timestamp::from_micros(NOW_MICROS),
        );
        let request: Request<Untouchable> = request.map(|_| Untouchable);
        let answer = world
            .gateway
            .handle(request, &connection, "request-1", now)
            .await;
        assert_eq!(answer.headers()["x-amzn-errortype"], code);
    }
}

#[tokio::test]
async fn what_was_changed_after_signing_is_refused() {
    let world = World::new().await;
    let signed = || {
        let mut request = post(DESCRIBE, Bytes::from("{}"));
        Signer::root(HOME).sign(&mut request);
        request
    };
    assert_eq!(world.send(signed()).await.status, 200);
    let mut body = signed();
    *body.body_mut() = Bytes::from("{ }");
    let mut target = signed();
    let other = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    target
        .headers_mut()
        .insert("x-amz-target", HeaderValue::from_static(other));
    let mut secret = Signer::root(HOME);
    secret.secret.push('x');
    let mut wrong_secret = post(DESCRIBE, Bytes::from("{}"));
    secret.sign(&mut wrong_secret);
    for request in [body, target, wrong_secret] {
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "InvalidSignatureException")
        );
        assert_eq!(answer.principal, None);
    }
}

#[tokio::test]
async fn an_old_signature_is_refused() {
    let world = World::new().await;
    let mut request = post(DESCRIBE, Bytes::from("{}"));
    Signer::root(HOME).sign(&mut request);
    let late = Timestamp::from_micros(NOW_MICROS + 301_000_000);
    let request = request.map(http_body_util::Full::new);
    let answer = world
        .gateway
        .handle(request, &ConnectionInfo::default(), "request-1", late)
        .await;
    assert_eq!(
        answer.headers()["x-amzn-errortype"],
        "InvalidSignatureException"
    );
}

#[tokio::test]
async fn an_answer_names_its_route_and_who_asked() {
    let world = World::new().await;
    let answer = world.call(Op::DescribeRegistry, json!({})).await;
    assert_eq!(answer.route, "ecr:DescribeRegistry");
    assert_eq!(
        answer.principal.unwrap().access_key_id,
        Signer::root(HOME).id
    );
    let anonymous = world.send(post(DESCRIBE, Bytes::new())).await;
    assert_eq!((anonymous.route, anonymous.principal), ("unknown", None));
    let mut nowhere = post("Nothing.Here", Bytes::from("{}"));
    Signer::root(HOME).sign(&mut nowhere);
    let answer = world.send(nowhere).await;
    assert_eq!(
        (answer.route, answer.code().as_str()),
        ("unknown", "UnknownOperationException")
    );
}

#[tokio::test]
async fn a_body_beyond_its_bound_is_refused() {
    let world = World::new().await;
    for (operation, length) in [
        (Op::CreateRepository, 300_000),
        (Op::PutImage, 7_000_000),
        (Op::UploadLayerPart, 30_000_000),
    ] {
        let answer = world.call_unchecked(operation, " ".repeat(length)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.route),
            (413, operation.iam_action())
        );
    }
}

#[tokio::test]
async fn answers_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let world = World::new().await;
    let request = post(DESCRIBE, Bytes::new()).map(http_body_util::Full::new);
    let (connection, now) = (
        ConnectionInfo::default(),
        Timestamp::from_micros(NOW_MICROS),
    );
    let answer = is_send(world.gateway.handle(request, &connection, "request-1", now)).await;
    assert_eq!(answer.status(), 400);
}
