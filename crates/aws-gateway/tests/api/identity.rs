//! IAM, STS and Organizations: what leads to them, and what they answer before much of them is built.

use ecru_aws_model::{iam, sts};
use http::HeaderValue;
use serde_json::json;

use crate::world::{Answer, HOME, OTHER, Signer, World, between, form, post};

fn iam_action(action: &str) -> [(&str, &str); 2] {
    [("Action", action), ("Version", iam::API_VERSION)]
}

fn sts_action(action: &str) -> [(&str, &str); 2] {
    [("Action", action), ("Version", sts::API_VERSION)]
}

/// What `AssumeRoleWithWebIdentity` is asked with.
fn web_identity() -> Vec<(&'static str, &'static str)> {
    let mut asked = sts_action("AssumeRoleWithWebIdentity").to_vec();
    asked.extend([
        ("RoleArn", "arn:aws:iam::000000000000:role/push"),
        ("RoleSessionName", "ci"),
        ("WebIdentityToken", "a.b.c"),
    ]);
    asked
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str, message: &str) {
    let text = answer.text();
    let seen = (
        answer.status.as_u16(),
        between(text, "<Code>", "</Code>"),
        between(text, "<Message>", "</Message>"),
    );
    assert_eq!(seen, (status, code, message));
}

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let world = World::new().await;
    let signer = Signer::root(OTHER).of("sts");
    let answer = world.query(&signer, &sts_action("GetCallerIdentity")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.route),
        (200, "sts:GetCallerIdentity")
    );
    assert_eq!(
        answer.text(),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <UserId>222222222222</UserId><Account>222222222222</Account><Arn>arn:aws:iam::222222222222:root</Arn>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
}

#[tokio::test]
async fn iam_may_be_signed_for_in_any_region() {
    let world = World::new().await;
    for region in ["us-east-1", "eu-west-1", "local-1"] {
        let signer = Signer::root(HOME).of("iam").in_region(region);
        let answer = world.query(&signer, &iam_action("ListSAMLProviders")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.route),
            (200, "iam:ListSAMLProviders")
        );
        assert_eq!(
            answer.text(),
            "<ListSAMLProvidersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListSAMLProvidersResult>\
             <SAMLProviderList></SAMLProviderList></ListSAMLProvidersResult>\
             <ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></ListSAMLProvidersResponse>"
        );
    }
}

#[tokio::test]
async fn a_signature_for_one_service_does_not_ask_another() {
    let world = World::new().await;
    for (service, action) in [
        ("sts", iam_action("ListSAMLProviders")),
        ("iam", sts_action("GetCallerIdentity")),
    ] {
        let answer = world.query(&Signer::root(HOME).of(service), &action).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "InvalidAction")
        );
        assert_eq!(answer.route, format!("{service}:unknown"));
    }
    let target = "AWSOrganizationsV20161128.DescribeOrganization";
    let mut request = post(target, "{}".into());
    Signer::root(HOME).of("iam").sign(&mut request);
    assert_eq!(
        world.send(request).await.code(),
        "InvalidSignatureException"
    );
}

#[tokio::test]
async fn errors_of_iam_are_in_its_namespace() {
    let world = World::new().await;
    let signer = Signer::root(HOME).of("iam");
    let mut asked = iam_action("ListServerCertificates").to_vec();
    asked.push(("MaxItems", "0"));
    let answer = world.query(&signer, &asked).await;
    assert_error(
        &answer,
        400,
        "ValidationError",
        "1 validation error detected: Value &#39;0&#39; at &#39;maxItems&#39; failed to satisfy constraint: Member \
         must have value greater than or equal to 1",
    );
    let namespace = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>";
    assert!(answer.text().starts_with(namespace), "{}", answer.text());
}

#[tokio::test]
async fn a_web_identity_needs_no_signature() {
    let world = World::new().await;
    let told = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
    let unsigned = world.send(form(&web_identity())).await;
    assert_error(&unsigned, 400, "InvalidIdentityToken", told);
    assert_eq!(
        (unsigned.route, unsigned.principal),
        ("sts:AssumeRoleWithWebIdentity", None)
    );
    let signer = Signer::root(HOME).of("sts");
    let signed = world.query(&signer, &web_identity()).await;
    assert_error(&signed, 400, "InvalidIdentityToken", told);
    let short = &web_identity()[..3];
    let refused = world.send(form(short)).await;
    assert_eq!(refused.code(), "ValidationError");
}

#[tokio::test]
async fn nothing_else_is_let_in_without_signature() {
    let world = World::new().await;
    let mut other_version = web_identity();
    other_version[1].1 = iam::API_VERSION;
    let twice = [web_identity(), web_identity()].concat();
    for request in [form(&other_version), form(&twice), form(&[])] {
        let answer = world.send(request).await;
        assert_error(
            &answer,
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        );
        assert_eq!(answer.route, "unknown");
    }
    let long = "x".repeat(70_000);
    let mut asked = web_identity();
    asked.push(("Policy", &long));
    assert_eq!(world.send(form(&asked)).await.status, 413);
}

#[tokio::test]
async fn a_session_token_that_nobody_issued_is_nobodys_and_must_be_signed() {
    let world = World::new().await;
    let mut session = Signer::root(HOME).of("sts");
    session.token = Some("token".to_owned());
    let answer = world
        .query(&session, &sts_action("GetCallerIdentity"))
        .await;
    let told = "The security token included in the request is invalid.";
    assert_error(&answer, 403, "InvalidClientTokenId", told);
    let mut request = form(&sts_action("GetCallerIdentity"));
    Signer::root(HOME).of("sts").sign(&mut request);
    let token = HeaderValue::from_static("token");
    request.headers_mut().insert("x-amz-security-token", token);
    let answer = world.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (403, "SignatureDoesNotMatch")
    );
}

#[tokio::test]
async fn organizations_says_what_is_wrong_in_its_own_words() {
    let world = World::new().await;
    let answer = world.organizations("DescribeOrganization", json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.route),
        (400, "organizations:DescribeOrganization")
    );
    assert_eq!(
        answer.json(),
        json!({
            "__type": "AWSOrganizationsNotInUseException",
            "Message": "Your account is not a member of an organization.",
        })
    );
}
