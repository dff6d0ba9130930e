//! Temporary credentials on the wire: how they are got, how they sign, and how each misuse is refused.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::people::{administrator, role};
use crate::world::{Answer, HOME, Signer, World, between, post, set_root_key};

const DESCRIBE: &str = "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry";
const VERSION: (&str, &str) = ("Version", "2011-06-15");

/// The credentials of an answer.
fn credentials(answer: &Answer) -> Signer {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let element = |name: &str| {
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        between(answer.text(), &begin, &end).to_owned()
    };
    Signer {
        id: element("AccessKeyId"),
        secret: element("SecretAccessKey"),
        token: Some(element("SessionToken")),
        ..Signer::root(HOME)
    }
}

async fn own_session(world: &World) -> Signer {
    let root = Signer::root(HOME).of("sts");
    let asked = [("Action", "GetSessionToken"), VERSION];
    credentials(&world.query(&root, &asked).await)
}

async fn describe(world: &World, signer: &Signer) -> Answer {
    let mut request = post(DESCRIBE, Bytes::from("{}"));
    signer.sign(&mut request);
    world.send(request).await
}

async fn who(world: &World, signer: Signer) -> Answer {
    let asked = [("Action", "GetCallerIdentity"), VERSION];
    world.query(&signer.of("sts"), &asked).await
}

#[tokio::test]
async fn credentials_of_a_session_sign_with_their_token() {
    let world = World::new().await;
    let session = own_session(&world).await;
    assert!(session.id.starts_with("ASIA"));
    let answer = describe(&world, &session).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.principal.unwrap().access_key_id, session.id);
    let answer = who(&world, session).await;
    assert!(
        answer
            .text()
            .contains("<Arn>arn:aws:iam::000000000000:root</Arn>")
    );
}

#[tokio::test]
async fn each_misuse_of_credentials_is_refused_as_by_aws() {
    let world = World::new().await;
    let (one, other) = (own_session(&world).await, own_session(&world).await);
    let root = Signer::root(HOME);
    let without = Signer {
        token: None,
        ..one.clone()
    };
    let foreign = Signer {
        token: other.token.clone(),
        ..one.clone()
    };
    let long_term = Signer {
        token: one.token.clone(),
        ..root.clone()
    };
    let garbage = Signer {
        token: Some("garbage".to_owned()),
        ..one.clone()
    };
    for signer in [without, foreign, long_term, garbage] {
        let told = "The security token included in the request is invalid.";
        let answer = describe(&world, &signer).await;
        assert_eq!(answer.code(), "UnrecognizedClientException");
        assert_eq!(answer.message(), told);
        let answer = who(&world, signer).await;
        assert_eq!(answer.code(), "InvalidClientTokenId");
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let wrong_secret = Signer {
        secret: other.secret,
        ..one.clone()
    };
    assert_eq!(
        describe(&world, &wrong_secret).await.code(),
        "InvalidSignatureException"
    );
    world.turn(Duration::from_secs(3_600));
    let answer = describe(&world, &one).await;
    assert_eq!(answer.code(), "ExpiredTokenException");
    assert_eq!(
        answer.message(),
        "The security token included in the request is expired"
    );
    let answer = who(&world, one).await;
    assert_eq!(
        (answer.code().as_str(), answer.status),
        ("ExpiredToken", StatusCode::FORBIDDEN)
    );
}

#[tokio::test]
async fn a_token_that_is_not_signed_is_refused() {
    let world = World::new().await;
    let session = own_session(&world).await;
    let mut request = post(DESCRIBE, Bytes::from("{}"));
    Signer {
        token: None,
        ..session.clone()
    }
    .sign(&mut request);
    let token = session.token.unwrap().parse().unwrap();
    request.headers_mut().insert("x-amz-security-token", token);
    let answer = world.send(request).await;
    assert_ne!(answer.status, StatusCode::OK);
    assert_eq!(answer.principal, None);
}

#[tokio::test]
async fn sessions_of_users_are_kept_from_iam_and_beget_no_others() {
    let world = World::new().await;
    let session = own_session(&world).await;
    let asked = [("Action", "ListUsers"), ("Version", "2010-05-08")];
    let answer = world.query(&session.clone().of("iam"), &asked).await;
    assert_eq!(answer.code(), "InvalidClientTokenId");
    let asked = [("Action", "GetSessionToken"), VERSION];
    let answer = world.query(&session.of("sts"), &asked).await;
    assert_eq!(answer.code(), "AccessDenied");
    assert_eq!(
        answer.message(),
        "Cannot call GetSessionToken with session credentials"
    );
}

#[tokio::test]
async fn a_federated_user_is_named_and_narrowed() {
    let world = World::new().await;
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:DescribeRegistry","Resource":"*"}}"#;
    let asked = [
        ("Action", "GetFederationToken"),
        VERSION,
        ("Name", "part"),
        ("Policy", policy),
        (
            "PolicyArns.member.1.arn",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "a"),
        ("DurationSeconds", "900"),
    ];
    let answer = world.query(&Signer::root(HOME).of("sts"), &asked).await;
    let text = answer.text();
    assert!(
        text.contains("<Arn>arn:aws:sts::000000000000:federated-user/part</Arn>"),
        "{text}"
    );
    assert!(
        text.contains("<FederatedUserId>000000000000:part</FederatedUserId>"),
        "{text}"
    );
    assert!(text.contains("<PackedPolicySize>"), "{text}");
    let part = credentials(&answer);
    assert_eq!(describe(&world, &part).await.status, StatusCode::OK);
    let who = who(&world, part).await;
    assert!(who.text().contains("<UserId>000000000000:part</UserId>"));
}

#[tokio::test]
async fn roles_and_strangers_tokens_are_refused_in_the_words_of_sts() {
    let world = World::new().await;
    let role = ("RoleArn", "arn:aws:iam::000000000000:role/gone");
    let name = ("RoleSessionName", "ci");
    let root = Signer::root(HOME).of("sts");
    let asked = [("Action", "AssumeRole"), VERSION, role, name];
    let answer = world.query(&root, &asked).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        answer.message(),
        "Roles may not be assumed by root accounts."
    );
    let token = ("WebIdentityToken", "no.real.token");
    let asked = [
        ("Action", "AssumeRoleWithWebIdentity"),
        VERSION,
        role,
        name,
        token,
    ];
    let answer = world.send(crate::world::form(&asked)).await;
    assert_eq!(answer.code(), "InvalidIdentityToken");
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let asked = [
        ("Action", "GetAccessKeyInfo"),
        VERSION,
        ("AccessKeyId", &root.id),
    ];
    let answer = world.query(&root, &asked).await;
    assert!(answer.text().contains("<Account>000000000000</Account>"));
}

/// Whoever it is, and whatever is asked: an account that was closed has no credentials any more.
#[tokio::test]
async fn credentials_of_a_closed_account_are_unknown_to_every_api() {
    let world = World::new().await;
    world.organizations("CreateOrganization", json!({})).await;
    let made = json!({"Email": "ci@example.com", "AccountName": "ci"});
    let made = world.organizations("CreateAccount", made).await.json();
    let account = made["CreateAccountStatus"]["AccountId"].as_str().unwrap();
    set_root_key(&world.services, account).await;
    let ada = administrator(&world, account, "ada").await;
    let push = role(&world, account, "push").await;
    let assume = [
        ("Action", "AssumeRole"),
        VERSION,
        ("RoleArn", &push),
        ("RoleSessionName", "ci"),
    ];
    let of_role = credentials(&world.query(&ada.clone().of("sts"), &assume).await);
    let part = [("Action", "GetFederationToken"), VERSION, ("Name", "part")];
    let of_part = credentials(&world.query(&ada.clone().of("sts"), &part).await);
    let own = [("Action", "GetSessionToken"), VERSION];
    let of_user = credentials(&world.query(&ada.clone().of("sts"), &own).await);
    let all = [Signer::root(account), ada, of_role, of_part, of_user];
    for signer in &all {
        assert_eq!(who(&world, signer.clone()).await.status, StatusCode::OK);
    }
    let closing = json!({"AccountId": account});
    assert_eq!(
        world.organizations("CloseAccount", closing).await.status,
        200
    );
    for signer in all {
        let answer = who(&world, signer.clone()).await;
        let told = (answer.status, answer.code());
        assert_eq!(
            told,
            (StatusCode::FORBIDDEN, "InvalidClientTokenId".to_owned())
        );
        let told = "The security token included in the request is invalid.";
        assert_eq!(answer.message(), told);
        let answer = describe(&world, &signer).await;
        assert_eq!(answer.code(), "UnrecognizedClientException");
        assert_eq!(
            (answer.message(), answer.principal),
            (told.to_owned(), None)
        );
        let asked = [("Action", "ListUsers"), ("Version", "2010-05-08")];
        let answer = world.query(&signer.of("iam"), &asked).await;
        assert_eq!(answer.code(), "InvalidClientTokenId");
    }
    // and nobody gets into it from outside
    let eve = administrator(&world, HOME, "eve").await;
    let answer = world.query(&eve.of("sts"), &assume).await;
    assert_eq!(answer.code(), "AccessDenied");
}
