//! Temporary credentials: who gets them, what they carry, and what ends them.

use std::time::Duration;

use ecru_domain::{AccountId, Error, Refusal, SessionKind, StsRefusal};
use ecru_ports::metadata::EntityKind;
use ecru_services::RequestContext;
use ecru_services::sts::{
    AssumeRole, GetFederationToken, GetSessionToken, IssuedSession, Narrowing,
};
use serde_json::json;

use crate::identities::{ALL, account, allow, role_arn, session_of, trusts};
use crate::world::{World, refusal};

const HOUR: Duration = Duration::from_secs(3_600);

fn asks(role: &str) -> AssumeRole {
    AssumeRole {
        role_arn: role.to_owned(),
        session_name: "ci".to_owned(),
        ..AssumeRole::default()
    }
}

async fn assume(
    world: &World,
    caller: &RequestContext,
    command: AssumeRole,
) -> Result<IssuedSession, Error> {
    world.services.sts.assume_role(caller, command).await
}

/// A user of the home account, and a role that trusts it.
async fn user_and_role(world: &World) -> (RequestContext, String) {
    let home = &world.home.account;
    let user = world.user(home, "ada", Some(ALL)).await;
    let trust = trusts(&user.principal.arn, &["sts:*"], &json!({}));
    world
        .role(home, "ci", &trust, Some(&allow(&["ecr:*"])))
        .await;
    (user, role_arn(home, "ci"))
}

fn message<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    refusal(outcome).to_string()
}

#[tokio::test]
async fn a_session_signs_for_its_role_while_it_lasts() {
    let world = World::new().await;
    let (user, role) = user_and_role(&world).await;
    let issued = assume(&world, &user, asks(&role)).await.unwrap();
    assert_eq!(issued.arn, "arn:aws:sts::000000000000:assumed-role/ci/ci");
    assert!(issued.user_id.starts_with("AROACI") && issued.user_id.ends_with(":ci"));
    assert_eq!(issued.packed_policy_size, None);
    let credentials = &issued.credentials;
    assert_eq!(credentials.expires_at, world.now().plus(HOUR));
    assert!(credentials.access_key_id.starts_with("ASIA") && credentials.access_key_id.len() == 20);
    assert_eq!(credentials.secret.len(), 40);
    let session = world.signs(credentials).await.unwrap();
    assert_eq!(session.principal.arn, issued.arn);
    assert_eq!(session.principal.user_id(), issued.user_id);
    let caller = world.services.identity.caller(&session);
    assert_eq!((caller.arn, caller.user_id), (issued.arn, issued.user_id));
    world.turn(HOUR - Duration::from_secs(1));
    assert!(world.signs(credentials).await.is_some());
    world.turn(Duration::from_secs(1));
    let (id, token) = (&credentials.access_key_id, credentials.token.as_str());
    let late = world.services.identity.signing_key(id, Some(token)).await;
    assert!(matches!(late, Err(Error::Refused(Refusal::TokenExpired))));
}

#[tokio::test]
async fn no_other_key_and_no_altered_token_signs() {
    let world = World::new().await;
    let (user, role) = user_and_role(&world).await;
    let one = assume(&world, &user, asks(&role))
        .await
        .unwrap()
        .credentials;
    let other = assume(&world, &user, asks(&role))
        .await
        .unwrap()
        .credentials;
    assert_ne!(one.access_key_id, other.access_key_id);
    assert_ne!(*one.secret, *other.secret);
    let identity = &world.services.identity;
    let signs = async |id: &str, token: Option<&str>| {
        identity.signing_key(id, token).await.unwrap().is_some()
    };
    assert!(!signs(&one.access_key_id, None).await);
    assert!(!signs(&one.access_key_id, Some(&other.token)).await);
    assert!(!signs(&user.principal.access_key_id, Some(&one.token)).await);
    assert!(signs(&user.principal.access_key_id, None).await);
    let password = world.services.tokens.issue(&user).await.unwrap().password;
    assert!(!signs(&one.access_key_id, Some(&password)).await);
    for at in 0..one.token.len() {
        for bit in 0..7 {
            let mut altered = one.token.as_bytes().to_vec();
            altered[at] ^= 1 << bit;
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                !signs(&one.access_key_id, Some(&altered)).await,
                "{at} {bit}"
            );
        }
        assert!(
            !signs(&one.access_key_id, Some(&one.token[..at])).await,
            "{at}"
        );
    }
}

#[tokio::test]
async fn a_session_ends_with_its_role_and_a_namesake_does_not_bring_it_back() {
    let world = World::new().await;
    let (user, role) = user_and_role(&world).await;
    let credentials = assume(&world, &user, asks(&role))
        .await
        .unwrap()
        .credentials;
    let session = world.signs(&credentials).await.unwrap();
    let password = world
        .services
        .tokens
        .issue(&session)
        .await
        .unwrap()
        .password;
    assert!(world.comes_with(&password).await.is_some());
    let home = world.home.account.clone();
    world.delete_entity(&home, EntityKind::Role, "ci").await;
    assert!(world.signs(&credentials).await.is_none());
    assert!(world.comes_with(&password).await.is_none());
    world.turn(Duration::from_secs(1));
    world
        .role(
            &home,
            "ci",
            &trusts(&user.principal.arn, &["sts:*"], &json!({})),
            Some(ALL),
        )
        .await;
    assert!(world.signs(&credentials).await.is_none());
    assert!(world.comes_with(&password).await.is_none());
}

#[tokio::test]
async fn revoking_and_a_deny_of_older_tokens_end_sessions_and_their_tokens() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let (user, role) = user_and_role(&world).await;
    let credentials = assume(&world, &user, asks(&role))
        .await
        .unwrap()
        .credentials;
    let session = world.signs(&credentials).await.unwrap();
    let password = world
        .services
        .tokens
        .issue(&session)
        .await
        .unwrap()
        .password;
    let docker = world.comes_with(&password).await.unwrap();
    let (repositories, home) = (&world.services.repositories, &world.home);
    let names = std::slice::from_ref(&app);
    for context in [&session, &docker] {
        assert!(repositories.describe(context, home, names).await.is_ok());
    }
    world.turn(Duration::from_secs(10));
    let revoked = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": world.now().to_iso8601()}}}]});
    world.set_policy(&session, &revoked.to_string()).await;
    for context in [&session, &world.comes_with(&password).await.unwrap()] {
        let outcome = repositories.describe(context, home, names).await;
        assert!(message(outcome).contains("explicit deny in an identity-based policy"));
    }
    let fresh = assume(&world, &user, asks(&role))
        .await
        .unwrap()
        .credentials;
    let session = world.signs(&fresh).await.unwrap();
    assert!(repositories.describe(&session, home, names).await.is_ok());
    world.set_policy(&session, &allow(&["s3:*"])).await;
    assert!(repositories.describe(&session, home, names).await.is_err());
    let (access, root) = (&world.services.access, world.root());
    world
        .services
        .identity
        .revoke_tokens(access, &root, home)
        .await
        .unwrap();
    assert!(world.signs(&fresh).await.is_none());
    assert!(world.comes_with(&password).await.is_none());
}

#[tokio::test]
async fn registry_tokens_of_sessions_are_short_and_carry_all_that_the_session_does() {
    let world = World::new().await;
    let (user, role) = user_and_role(&world).await;
    let policy = allow(&["ecr:GetAuthorizationToken", "ecr:BatchGetImage"]);
    let command = AssumeRole {
        session_name: "s".repeat(64),
        narrowing: Narrowing {
            policy: Some(policy),
            policy_arns: vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()],
        },
        tags: (0..50)
            .map(|n| (format!("key{n}"), "value".repeat(5)))
            .collect(),
        source_identity: Some("i".repeat(64)),
        ..asks(&role)
    };
    let issued = assume(&world, &user, command).await.unwrap();
    assert!(matches!(issued.packed_policy_size, Some(1..=100)));
    assert!(issued.credentials.token.len() <= 8 * 1_024);
    let session = world.signs(&issued.credentials).await.unwrap();
    let password = world
        .services
        .tokens
        .issue(&session)
        .await
        .unwrap()
        .password;
    assert!(password.len() <= 1_800, "{}", password.len());
    let docker = world.comes_with(&password).await.unwrap();
    assert_eq!(docker.principal, session.principal);
    assert_eq!(session_of(&docker).tags.len(), 50);
    // the token outlives the session, and its context outlives the token
    world.turn(HOUR * 11);
    world.collect().await;
    assert!(world.comes_with(&password).await.is_some());
    world.turn(HOUR);
    assert!(world.comes_with(&password).await.is_none());
    world.turn(HOUR * 48);
    world.collect().await;
    let hash = session_context_count(&world).await;
    assert_eq!(hash, 0, "what no token names any more is forgotten");
}

/// Contexts that are kept beyond their time.
async fn session_context_count(world: &World) -> u64 {
    let now = world.now();
    let write = world
        .outside
        .metadata
        .write(ecru_ports::metadata::Lane::Any, move |rows| {
            Ok::<u64, Error>(rows.delete_expired_session_contexts(now, 100)?)
        });
    write.await.unwrap()
}

#[tokio::test]
async fn session_policies_narrow_what_a_session_may() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let (user, role) = user_and_role(&world).await;
    let command = AssumeRole {
        narrowing: Narrowing {
            policy: Some(allow(&["ecr:ListImages"])),
            policy_arns: vec![],
        },
        ..asks(&role)
    };
    let issued = assume(&world, &user, command).await.unwrap();
    let session = world.signs(&issued.credentials).await.unwrap();
    let (repositories, home) = (&world.services.repositories, &world.home);
    let outcome = repositories
        .describe(&session, home, std::slice::from_ref(&app))
        .await;
    let told = "because no session policy allows the ecr:DescribeRepositories action";
    assert!(message(outcome).contains(told));
    for (policy, arns, told) in [
        (Some("nonsense".to_owned()), 0, None),
        (
            Some(allow(&["x"; 1]).replace("\"x\"", &format!("\"{}\"", "ecr:a".repeat(500)))),
            0,
            Some("2048"),
        ),
        (None, 11, Some("10")),
    ] {
        let command = AssumeRole {
            narrowing: Narrowing {
                policy,
                policy_arns: vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned(); arns],
            },
            ..asks(&role)
        };
        let text = message(assume(&world, &user, command).await);
        assert!(told.is_none_or(|told| text.contains(told)), "{text}");
    }
    let foreign = AssumeRole {
        narrowing: Narrowing {
            policy: None,
            policy_arns: vec!["arn:aws:iam::999999999999:policy/x".to_owned()],
        },
        ..asks(&role)
    };
    let refused = refusal(assume(&world, &user, foreign).await);
    assert!(matches!(
        refused,
        Refusal::Sts(StsRefusal::MalformedPolicyDocument { .. })
    ));
    let large = AssumeRole {
        tags: (0..50)
            .map(|n| (format!("k{n}"), "v".repeat(200)))
            .collect(),
        ..asks(&role)
    };
    let refused = refusal(assume(&world, &user, large).await);
    assert!(matches!(
        refused,
        Refusal::Sts(StsRefusal::PackedPolicyTooLarge { .. })
    ));
}

#[tokio::test]
async fn the_trust_policy_and_the_callers_own_policies_both_decide() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let stranger = account("222222222222");
    let allowed = allow(&["sts:*"]);
    for (name, owner, policy, principal, is_allowed) in [
        // own account: named directly suffices, the account alone does not
        ("a", &home, None, "arn:aws:iam::000000000000:user/a", true),
        ("b", &home, None, "000000000000", false),
        ("c", &home, Some(&allowed), "000000000000", true),
        (
            "d",
            &home,
            Some(&allowed),
            "arn:aws:iam::000000000000:user/a",
            false,
        ),
        // another account: both, always
        (
            "e",
            &stranger,
            None,
            "arn:aws:iam::222222222222:user/e",
            false,
        ),
        (
            "f",
            &stranger,
            Some(&allowed),
            "arn:aws:iam::222222222222:user/f",
            true,
        ),
        ("g", &stranger, Some(&allowed), "222222222222", true),
        ("h", &stranger, Some(&allowed), "000000000000", false),
    ] {
        let user = world.user(owner, name, policy.map(String::as_str)).await;
        let trust = trusts(principal, &["sts:AssumeRole"], &json!({}));
        world
            .role(&home, &format!("for-{name}"), &trust, None)
            .await;
        let outcome = assume(
            &world,
            &user,
            asks(&role_arn(&home, &format!("for-{name}"))),
        )
        .await;
        assert_eq!(outcome.is_ok(), is_allowed, "{name} {outcome:?}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_whether_the_role_exists() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let trust = trusts("000000000000", &["sts:AssumeRole"], &json!({}));
    world.role(&home, "there", &trust, None).await;
    let here = world.user(&home, "here", None).await;
    let away = world
        .user(&account("222222222222"), "away", Some(ALL))
        .await;
    for (caller, reason) in [
        (
            &here,
            " because no identity-based policy allows the sts:AssumeRole action",
        ),
        (&away, ""),
    ] {
        for name in ["there", "gone"] {
            let role = role_arn(&home, name);
            let told = message(assume(&world, caller, asks(&role)).await);
            let user = &caller.principal.arn;
            assert_eq!(
                told,
                format!(
                    "User: {user} is not authorized to perform: sts:AssumeRole on resource: {role}{reason}"
                )
            );
        }
    }
    let may_ask = world.user(&home, "asker", Some(&allow(&["sts:*"]))).await;
    let told = message(assume(&world, &may_ask, asks(&role_arn(&home, "gone"))).await);
    assert!(told.ends_with("because no role trust policy allows the sts:AssumeRole action"));
    let told = message(assume(&world, &may_ask, asks("arn:aws:iam::000000000000:user/x")).await);
    assert_eq!(told, "arn:aws:iam::000000000000:user/x is invalid");
}

#[tokio::test]
async fn root_users_and_federated_users_assume_no_role() {
    let world = World::new().await;
    let (user, role) = user_and_role(&world).await;
    let told = message(assume(&world, &world.root(), asks(&role)).await);
    assert_eq!(told, "Roles may not be assumed by root accounts.");
    let sts = &world.services.sts;
    let own = sts
        .session_token(&world.root(), &GetSessionToken::default())
        .await
        .unwrap();
    let own = world.signs(&own.credentials).await.unwrap();
    assert!(assume(&world, &own, asks(&role)).await.is_err());
    let command = GetFederationToken {
        name: "part".to_owned(),
        narrowing: Narrowing {
            policy: Some(ALL.to_owned()),
            policy_arns: vec![],
        },
        ..GetFederationToken::default()
    };
    let part = sts.federation_token(&user, command).await.unwrap();
    let part = world.signs(&part.credentials).await.unwrap();
    assert!(assume(&world, &part, asks(&role)).await.is_err());
}

#[tokio::test]
async fn trust_policies_see_what_the_request_says() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let user = world.user(&home, "ada", None).await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let tagged = || AssumeRole {
        tags: vec![tag("team", "a")],
        transitive_tag_keys: vec!["team".to_owned()],
        ..asks(&role_arn(&home, "r"))
    };
    let of = |change: &dyn Fn(&mut AssumeRole)| {
        let mut command = tagged();
        change(&mut command);
        command
    };
    let cases = [
        (
            json!({"StringEquals": {"sts:ExternalId": "x-1"}}),
            of(&|c| c.external_id = Some("x-1".to_owned())),
            of(&|c| c.external_id = Some("x-2".to_owned())),
        ),
        (
            json!({"StringLike": {"sts:RoleSessionName": "c?"}}),
            tagged(),
            of(&|c| c.session_name = "other".to_owned()),
        ),
        (
            json!({"StringEquals": {"sts:SourceIdentity": "ada"}}),
            of(&|c| c.source_identity = Some("ada".to_owned())),
            tagged(),
        ),
        (
            json!({"StringEquals": {"aws:RequestTag/team": "a"}}),
            tagged(),
            of(&|c| c.tags = vec![tag("team", "b")]),
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}),
            tagged(),
            of(&|c| c.tags.push(tag("x", "y"))),
        ),
        (
            json!({"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": ["team"]}}),
            tagged(),
            of(&|c| c.transitive_tag_keys.clear()),
        ),
    ];
    for (condition, good, bad) in cases {
        let trust = trusts(
            &user.principal.arn,
            &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            &condition,
        );
        world.role(&home, "r", &trust, None).await;
        assert!(assume(&world, &user, good).await.is_ok(), "{condition}");
        assert!(assume(&world, &user, bad).await.is_err(), "{condition}");
        world.delete_entity(&home, EntityKind::Role, "r").await;
        world.turn(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn tags_and_source_identity_need_permissions_of_their_own() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let user = world.user(&home, "ada", None).await;
    let trust = trusts(&user.principal.arn, &["sts:AssumeRole"], &json!({}));
    world.role(&home, "r", &trust, None).await;
    let role = role_arn(&home, "r");
    assert!(assume(&world, &user, asks(&role)).await.is_ok());
    let tagged = AssumeRole {
        tags: vec![("a".to_owned(), "b".to_owned())],
        ..asks(&role)
    };
    let told = message(assume(&world, &user, tagged).await);
    assert!(
        told.contains("is not authorized to perform: sts:TagSession"),
        "{told}"
    );
    let sourced = AssumeRole {
        source_identity: Some("ada".to_owned()),
        ..asks(&role)
    };
    let told = message(assume(&world, &user, sourced).await);
    assert!(
        told.contains("is not authorized to perform: sts:SetSourceIdentity"),
        "{told}"
    );
}

#[tokio::test]
async fn chains_last_an_hour_and_keep_transitive_tags_and_the_source_identity() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let user = world.user(&home, "ada", None).await;
    let first = trusts(&user.principal.arn, &["sts:*"], &json!({}));
    world
        .long_role(&home, "first", &first, (43_200, Some(&allow(&["sts:*"]))))
        .await;
    let second = trusts(
        &role_arn(&home, "first"),
        &["sts:*"],
        &json!({"StringEquals": {"aws:PrincipalTag/team": "a"}}),
    );
    world
        .long_role(&home, "second", &second, (43_200, None))
        .await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let command = AssumeRole {
        tags: vec![tag("team", "a"), tag("only", "here")],
        transitive_tag_keys: vec!["team".to_owned()],
        source_identity: Some("ada".to_owned()),
        seconds: Some(43_200),
        ..asks(&role_arn(&home, "first"))
    };
    let issued = assume(&world, &user, command).await.unwrap();
    assert_eq!(issued.source_identity.as_deref(), Some("ada"));
    let chained = world.signs(&issued.credentials).await.unwrap();
    let role = role_arn(&home, "second");
    let issued = assume(&world, &chained, asks(&role)).await.unwrap();
    let session = session_of(&world.signs(&issued.credentials).await.unwrap());
    assert_eq!(session.tags, [tag("team", "a")]);
    assert_eq!(session.source_identity.as_deref(), Some("ada"));
    assert_eq!(session.expires_at, world.now().plus(HOUR));
    for (command, told) in [
        (
            AssumeRole {
                seconds: Some(3_601),
                ..asks(&role)
            },
            "role chaining",
        ),
        (
            AssumeRole {
                source_identity: Some("bob".to_owned()),
                ..asks(&role)
            },
            "cannot be changed",
        ),
        (
            AssumeRole {
                tags: vec![tag("TEAM", "b")],
                ..asks(&role)
            },
            "conflicts",
        ),
    ] {
        let text = message(assume(&world, &chained, command).await);
        assert!(text.contains(told), "{text}");
    }
    let long = AssumeRole {
        seconds: Some(43_201),
        ..asks(&role_arn(&home, "first"))
    };
    let told = message(assume(&world, &user, long).await);
    assert_eq!(
        told,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
}

#[tokio::test]
async fn own_sessions_are_the_users_and_end_with_its_access_key() {
    let world = World::new().await;
    let home = world.home.account.clone();
    let user = world.user(&home, "ada", Some(&allow(&["ecr:*"]))).await;
    let sts = &world.services.sts;
    let issued = sts
        .session_token(&user, &GetSessionToken::default())
        .await
        .unwrap();
    assert_eq!(issued.credentials.expires_at, world.now().plus(HOUR * 12));
    let session = world.signs(&issued.credentials).await.unwrap();
    assert_eq!(session.principal.arn, user.principal.arn);
    assert_eq!(session.principal.user_id(), user.principal.user_id());
    assert_eq!(session.principal.session_kind(), Some(SessionKind::OwnUser));
    let told = message(
        sts.session_token(&session, &GetSessionToken::default())
            .await,
    );
    assert_eq!(told, "Cannot call GetSessionToken with session credentials");
    let told = message(
        sts.federation_token(&session, GetFederationToken::default())
            .await,
    );
    assert_eq!(
        told,
        "Cannot call GetFederationToken with session credentials"
    );
    let second_factor = GetSessionToken {
        has_second_factor: true,
        ..GetSessionToken::default()
    };
    assert!(sts.session_token(&user, &second_factor).await.is_err());
    let password = world
        .services
        .tokens
        .issue(&session)
        .await
        .unwrap()
        .password;
    assert!(world.comes_with(&password).await.is_some());
    world.deactivate(&home, &user.principal.access_key_id).await;
    assert!(world.signs(&issued.credentials).await.is_none());
    assert!(world.comes_with(&password).await.is_none());
}

#[tokio::test]
async fn sessions_of_the_root_user_end_with_its_key_and_last_an_hour() {
    let world = World::new().await;
    let sts = &world.services.sts;
    let wanted = GetSessionToken {
        seconds: Some(129_600),
        ..GetSessionToken::default()
    };
    let issued = sts.session_token(&world.root(), &wanted).await.unwrap();
    assert_eq!(issued.credentials.expires_at, world.now().plus(HOUR));
    let session = world.signs(&issued.credentials).await.unwrap();
    assert!(session.principal.is_root());
    assert!(world.services.tokens.issue(&session).await.is_ok());
    world.set_root_key("AKIABBBBBBBBBBBBBBBB").await;
    assert!(world.signs(&issued.credentials).await.is_none());
}

async fn federated(world: &World, caller: &RequestContext, policy: Option<&str>) -> RequestContext {
    let command = GetFederationToken {
        name: "part".to_owned(),
        narrowing: Narrowing {
            policy: policy.map(str::to_owned),
            policy_arns: vec![],
        },
        ..GetFederationToken::default()
    };
    let issued = world
        .services
        .sts
        .federation_token(caller, command)
        .await
        .unwrap();
    assert_eq!(issued.user_id, "000000000000:part");
    world.signs(&issued.credentials).await.unwrap()
}

#[tokio::test]
async fn federated_users_may_what_both_the_user_and_the_session_policy_allow() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let home = world.home.account.clone();
    let allowed = allow(&["sts:GetFederationToken", "ecr:DescribeRepositories"]);
    let user = world.user(&home, "ada", Some(&allowed)).await;
    let none = world.user(&home, "bob", None).await;
    let sts = &world.services.sts;
    let command = GetFederationToken {
        name: "part".to_owned(),
        ..GetFederationToken::default()
    };
    let told = message(sts.federation_token(&none, command).await);
    assert!(told.contains(
        "sts:GetFederationToken on resource: arn:aws:sts::000000000000:federated-user/part"
    ));
    let (repositories, registry) = (&world.services.repositories, &world.home);
    let names = std::slice::from_ref(&app);
    for (caller, policy, is_allowed) in [
        (&user, Some(ALL), true),
        (&user, Some(allow(&["ecr:ListImages"]).as_str()), false),
        (&user, None, false),
        (&world.root(), Some(ALL), true),
        (&world.root(), None, false),
    ] {
        let part = federated(&world, caller, policy).await;
        assert_eq!(
            part.principal.arn,
            "arn:aws:sts::000000000000:federated-user/part"
        );
        let outcome = repositories.describe(&part, registry, names).await;
        assert_eq!(outcome.is_ok(), is_allowed, "{policy:?}");
    }
    let part = federated(&world, &user, Some(ALL)).await;
    assert!(
        sts.access_key_info(&part, &user.principal.access_key_id)
            .await
            .is_err()
    );
    world.delete_entity(&home, EntityKind::User, "ada").await;
    let outcome = repositories.describe(&part, registry, names).await;
    assert_eq!(refusal(outcome), Refusal::TokenInvalid);
}

#[tokio::test]
async fn access_keys_are_told_by_their_account() {
    let world = World::new().await;
    let other = account("222222222222");
    let user = world.user(&other, "ada", None).await;
    let sts = &world.services.sts;
    let found = sts
        .access_key_info(&world.root(), &user.principal.access_key_id)
        .await;
    assert_eq!(found.unwrap(), other);
    assert!(
        sts.access_key_info(&world.root(), "AKIANOBODYNOBODYNOBO")
            .await
            .is_err()
    );
    let told = message::<AccountId>(sts.access_key_info(&user, "AKIANOBODYNOBODYNOBO").await);
    assert!(told.contains("not authorized to perform: sts:GetAccessKeyInfo"));
}
