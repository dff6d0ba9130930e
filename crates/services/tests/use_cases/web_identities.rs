//! Tokens of identity providers, exchanged for credentials.

use std::time::Duration;

use ecru_domain::{Error, Refusal, StsRefusal};
use ecru_services::sts::{AssumeRoleWithWebIdentity, Narrowing, WebIdentitySession};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::identities::{account, allow, role_arn, session_of};
use crate::issuers::{Issuer, key_set};
use crate::world::{World, refusal};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const CLUSTER: &str = "https://oidc.cluster.example/id/ABC";
const AUDIENCE: &str = "sts.amazonaws.com";

/// A role that believes a provider under a condition.
async fn role_for(world: &World, provider: &str, condition: &Value) -> String {
    let home = &world.home.account;
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], "Condition": condition}});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/team/app"}]});
    world
        .role(
            home,
            "deploy",
            &trust.to_string(),
            Some(&policy.to_string()),
        )
        .await;
    role_arn(home, "deploy")
}

fn claims(world: &World, own: &Value) -> Value {
    let now = world.now().seconds();
    let mut claims = json!({"sub": "repo:org/app:ref:refs/heads/main", "aud": AUDIENCE, "iat": now, "nbf": now - 5, "exp": now + 300});
    for (name, value) in own.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn exchange(world: &World, role: &str, token: &str) -> Result<WebIdentitySession, Error> {
    let command = AssumeRoleWithWebIdentity {
        role_arn: role.to_owned(),
        session_name: "run-42".to_owned(),
        token: Zeroizing::new(token.to_owned()),
        narrowing: Narrowing::default(),
        seconds: None,
    };
    let sts = &world.services.sts;
    // whoever asks is nobody: the principal of the context is not looked at
    sts.assume_role_with_web_identity(&world.root().origin(), command)
        .await
}

fn sts_refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> StsRefusal {
    match refusal(outcome) {
        Refusal::Sts(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// What the GitHub example of the AWS documentation asks for.
async fn github(world: &World) -> (Issuer, String) {
    let issuer = Issuer::new(GITHUB, "key-1");
    world.issuers.publish(&issuer, &[&issuer]);
    let provider = world
        .provider(&world.home.account, GITHUB, &[AUDIENCE])
        .await;
    let condition = json!({
        "StringEquals": {"token.actions.githubusercontent.com:aud": AUDIENCE},
        "StringLike": {"token.actions.githubusercontent.com:sub": "repo:org/app:*"},
    });
    let role = role_for(world, &provider, &condition).await;
    (issuer, role)
}

#[tokio::test]
async fn a_workflow_gets_credentials_for_its_one_repository() {
    let world = World::new().await;
    let (app, other) = (
        world.create("team/app").await,
        world.create("team/other").await,
    );
    let (issuer, role) = github(&world).await;
    let token = issuer.token(&claims(
        &world,
        &json!({"repository": "org/app", "actor": "ada"}),
    ));
    let found = exchange(&world, &role, &token).await.unwrap();
    assert_eq!(found.subject, "repo:org/app:ref:refs/heads/main");
    assert_eq!(found.audience, AUDIENCE);
    let provider = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com";
    assert_eq!(found.provider, provider);
    assert_eq!(
        found.issued.arn,
        "arn:aws:sts::000000000000:assumed-role/deploy/run-42"
    );
    let session = world.signs(&found.issued.credentials).await.unwrap();
    assert_eq!(session_of(&session).provider.as_deref(), Some(provider));
    let password = world
        .services
        .tokens
        .issue(&session)
        .await
        .unwrap()
        .password;
    let docker = world.comes_with(&password).await.unwrap();
    assert_eq!(docker.principal, session.principal);
    let uploads = &world.services.uploads;
    assert!(
        uploads
            .initiate(&docker, &world.home, &app, false)
            .await
            .is_ok()
    );
    assert!(
        uploads
            .initiate(&docker, &world.home, &other, false)
            .await
            .is_err()
    );
    for own in [
        json!({"sub": "repo:org/other:ref:refs/heads/main"}),
        json!({"sub": "repo:evil/app:x"}),
    ] {
        let outcome = exchange(&world, &role, &issuer.token(&claims(&world, &own))).await;
        let told = refusal(outcome).to_string();
        assert_eq!(
            told,
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
    }
    let gone = role_arn(&world.home.account, "gone");
    let told = refusal(exchange(&world, &gone, &token).await).to_string();
    assert_eq!(
        told,
        "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    );
}

#[tokio::test]
async fn a_service_account_of_a_cluster_gets_credentials() {
    let world = World::new().await;
    let issuer = Issuer::new(CLUSTER, "cluster-key");
    world.issuers.publish(&issuer, &[&issuer]);
    let provider = world
        .provider(&world.home.account, CLUSTER, &[AUDIENCE])
        .await;
    let subject = "system:serviceaccount:builds:pusher";
    let condition = json!({"StringEquals": {
        "oidc.cluster.example/id/ABC:sub": subject, "oidc.cluster.example/id/ABC:aud": AUDIENCE}});
    let role = role_for(&world, &provider, &condition).await;
    let own = json!({"sub": subject, "aud": [AUDIENCE], "kubernetes.io": {"namespace": "builds"}});
    let found = exchange(&world, &role, &issuer.token(&claims(&world, &own)))
        .await
        .unwrap();
    assert_eq!(found.subject, subject);
    let own = json!({"sub": "system:serviceaccount:builds:other", "aud": [AUDIENCE]});
    assert!(
        exchange(&world, &role, &issuer.token(&claims(&world, &own)))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_no_token_of_a_registered_provider_is_refused() {
    let world = World::new().await;
    let (issuer, role) = github(&world).await;
    let good = claims(&world, &json!({}));
    let asked = world.issuers.asked();
    for token in ["nonsense", "a.b.c", "e30.e30.", ""] {
        let refused = sts_refusal(exchange(&world, &role, token).await);
        assert!(
            matches!(refused, StsRefusal::InvalidIdentityToken { .. }),
            "{token}"
        );
    }
    let unknown = Issuer::new("https://evil.example", "key-1").token(&good);
    let told = sts_refusal(exchange(&world, &role, &unknown).await).to_string();
    assert!(told.starts_with("No OpenIDConnect provider found in your account"));
    let elsewhere = role_arn(&account("222222222222"), "deploy");
    let told = sts_refusal(exchange(&world, &elsewhere, &issuer.token(&good)).await).to_string();
    assert!(told.starts_with("No OpenIDConnect provider found in your account"));
    assert_eq!(
        world.issuers.asked(),
        asked,
        "nobody is asked for strangers"
    );
    let impostor = Issuer::new(GITHUB, "key-1");
    let refused = sts_refusal(exchange(&world, &role, &impostor.token(&good)).await);
    assert!(matches!(refused, StsRefusal::InvalidIdentityToken { .. }));
    let now = world.now().seconds();
    let expired = issuer.token(&claims(&world, &json!({"exp": now - 60})));
    let refused = sts_refusal(exchange(&world, &role, &expired).await);
    assert!(matches!(refused, StsRefusal::ExpiredIdentityToken { .. }));
    for own in [
        json!({"aud": "other"}),
        json!({"nbf": now + 61}),
        json!({"iat": now + 61}),
    ] {
        let refused =
            sts_refusal(exchange(&world, &role, &issuer.token(&claims(&world, &own))).await);
        assert!(
            matches!(refused, StsRefusal::InvalidIdentityToken { .. }),
            "{own}"
        );
    }
}

#[tokio::test]
async fn keys_are_kept_and_asked_for_again_only_for_one_that_is_missing() {
    let world = World::new().await;
    let (issuer, role) = github(&world).await;
    let token = || issuer.token(&claims(&world, &json!({})));
    for _ in 0..3 {
        assert!(exchange(&world, &role, &token()).await.is_ok());
    }
    assert_eq!(world.issuers.asked(), 2);
    let renewed = Issuer::new(GITHUB, "key-2");
    world.issuers.publish(&renewed, &[&issuer, &renewed]);
    let by_renewed = || renewed.token(&claims(&world, &json!({})));
    assert!(
        exchange(&world, &role, &by_renewed()).await.is_err(),
        "not again within a minute"
    );
    assert_eq!(world.issuers.asked(), 2);
    world.turn(Duration::from_secs(60));
    assert!(exchange(&world, &role, &by_renewed()).await.is_ok());
    assert_eq!(world.issuers.asked(), 4);
    let unknown = Issuer::new(GITHUB, "key-3");
    for _ in 0..3 {
        assert!(
            exchange(&world, &role, &unknown.token(&claims(&world, &json!({}))))
                .await
                .is_err()
        );
    }
    assert_eq!(
        world.issuers.asked(),
        4,
        "strangers do not make the server ask"
    );
    world.turn(Duration::from_secs(3_600));
    assert!(exchange(&world, &role, &token()).await.is_ok());
    assert_eq!(world.issuers.asked(), 6);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_as_one_is_told_as_such() {
    let world = World::new().await;
    let (issuer, role) = github(&world).await;
    world.issuers.vanish();
    let token = issuer.token(&claims(&world, &json!({})));
    for description in [
        None,
        Some(json!({"issuer": "https://other.example", "jwks_uri": "https://x/"})),
        Some(json!([])),
    ] {
        world.turn(Duration::from_secs(10));
        if let Some(description) = &description {
            world.issuers.describe(GITHUB, description);
        }
        let asked = world.issuers.asked();
        for _ in 0..2 {
            let refused = sts_refusal(exchange(&world, &role, &token).await);
            assert!(matches!(refused, StsRefusal::IdpCommunicationError { .. }));
        }
        assert_eq!(
            world.issuers.asked(),
            asked + 1,
            "a failure is remembered for a moment"
        );
    }
}

#[tokio::test]
async fn given_keys_are_used_without_asking() {
    let world = World::new().await;
    let (issuer, role) = github(&world).await;
    world.issuers.vanish();
    let token = issuer.token(&claims(&world, &json!({})));
    let provider = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com";
    let (sts, root) = (&world.services.sts, world.root());
    let put = |keys: Option<String>| sts.put_provider_keys(&root, provider, keys);
    put(Some(key_set(&[&issuer]))).await.unwrap();
    assert!(exchange(&world, &role, &token).await.is_ok());
    put(Some(key_set(&[&Issuer::new(GITHUB, "key-9")])))
        .await
        .unwrap();
    assert!(exchange(&world, &role, &token).await.is_err());
    assert_eq!(world.issuers.asked(), 0);
    for keys in ["", "{}", r#"{"keys": []}"#] {
        assert!(put(Some(keys.to_owned())).await.is_err(), "{keys}");
    }
    put(None).await.unwrap();
    assert!(exchange(&world, &role, &token).await.is_err());
    assert!(world.issuers.asked() > 0);
    let stranger = world
        .user(&account("222222222222"), "eve", Some(&allow(&["*"])))
        .await;
    let outcome = sts.put_provider_keys(&stranger, provider, None).await;
    assert!(matches!(refusal(outcome), Refusal::AccessDenied { .. }));
    let outcome = sts
        .put_provider_keys(&root, "arn:aws:iam::000000000000:oidc-provider/x", None)
        .await;
    assert!(matches!(refusal(outcome), Refusal::InvalidParameter { .. }));
}

#[tokio::test]
async fn providers_state_session_tags_and_the_source_identity() {
    let world = World::new().await;
    let (issuer, role) = github(&world).await;
    let own = json!({
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["a"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "ada",
    });
    let found = exchange(&world, &role, &issuer.token(&claims(&world, &own)))
        .await
        .unwrap();
    assert_eq!(found.issued.source_identity.as_deref(), Some("ada"));
    let session = session_of(&world.signs(&found.issued.credentials).await.unwrap());
    assert_eq!(session.tags, [("team".to_owned(), "a".to_owned())]);
    assert_eq!(session.transitive_tag_keys, ["team"]);
    let bad = json!({"https://aws.amazon.com/tags": {"principal_tags": {"aws:x": ["a"]}}});
    assert!(
        exchange(&world, &role, &issuer.token(&claims(&world, &bad)))
            .await
            .is_err()
    );
}
