//! IAM on the wire: the shapes of answers, and what somebody without permissions gets.

use ecru_aws_model::iam::{API_VERSION, Operation};

use crate::world::{Answer, HOME, Signer, World, between};

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

async fn ask(world: &World, signer: &Signer, action: &str, rest: &[(&str, &str)]) -> Answer {
    let head = [("Action", action), ("Version", API_VERSION)];
    world.query(signer, &[&head[..], rest].concat()).await
}

async fn root(world: &World, action: &str, rest: &[(&str, &str)]) -> Answer {
    let answer = ask(world, &Signer::root(HOME).of("iam"), action, rest).await;
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    answer
}

#[tokio::test]
async fn a_user_comes_back_as_it_was_made() {
    let world = World::new().await;
    let given = [
        ("UserName", "ada"),
        ("Path", "/team/"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v=1"),
    ];
    let made = root(&world, "CreateUser", &given).await;
    let id = between(made.text(), "<UserId>", "</UserId>").to_owned();
    let created = between(made.text(), "<CreateDate>", "</CreateDate>").to_owned();
    assert!(created.ends_with('Z') && created.len() == 20, "{created}");
    let user = format!(
        "<User><Path>/team/</Path><UserName>ada</UserName><UserId>{id}</UserId>\
         <Arn>arn:aws:iam::000000000000:user/team/ada</Arn><CreateDate>{created}</CreateDate>\
         <Tags><member><Key>k</Key><Value>v=1</Value></member></Tags></User>"
    );
    let result = format!("<CreateUserResult>{user}</CreateUserResult>");
    assert!(made.text().contains(&result), "{}", made.text());
    let found = root(&world, "GetUser", &[("UserName", "ada")]).await;
    let result = format!("<GetUserResult>{user}</GetUserResult>");
    assert!(found.text().contains(&result), "{}", found.text());
    let signer = Signer::root(HOME).of("iam");
    let again = ask(&world, &signer, "CreateUser", &given).await;
    let told = (again.status.as_u16(), again.code(), again.message());
    let text = "User with name ada already exists.".to_owned();
    assert_eq!(told, (409, "EntityAlreadyExists".to_owned(), text));
    let absent = ask(&world, &signer, "GetUser", &[("UserName", "bob")]).await;
    let told = (absent.status.as_u16(), absent.code(), absent.message());
    let text = "The user with name bob cannot be found.".to_owned();
    assert_eq!(told, (404, "NoSuchEntity".to_owned(), text));
}

#[tokio::test]
async fn documents_are_encoded_in_answers() {
    let world = World::new().await;
    let given = [("RoleName", "ci"), ("AssumeRolePolicyDocument", TRUST)];
    let made = root(&world, "CreateRole", &given).await;
    let text = made.text();
    let start = "<AssumeRolePolicyDocument>";
    let shown = between(text, start, "</AssumeRolePolicyDocument>");
    assert!(shown.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"));
    let given = [("PolicyName", "p"), ("PolicyDocument", DOCUMENT)];
    root(&world, "CreatePolicy", &given).await;
    let arn = ("PolicyArn", "arn:aws:iam::000000000000:policy/p");
    let version = root(&world, "GetPolicyVersion", &[arn, ("VersionId", "v1")]).await;
    let shown = between(version.text(), "<Document>", "</Document>");
    assert!(shown.starts_with("%7B%22Version%22"), "{shown}");
    let policy = root(&world, "GetPolicy", &[arn]).await;
    assert!(
        policy
            .text()
            .contains("<AttachmentCount>0</AttachmentCount>")
    );
}

#[tokio::test]
async fn lists_say_whether_they_go_on() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        root(&world, "CreateGroup", &[("GroupName", name)]).await;
    }
    let first = root(&world, "ListGroups", &[("MaxItems", "2")]).await;
    assert!(first.text().contains("<IsTruncated>true</IsTruncated>"));
    let marker = between(first.text(), "<Marker>", "</Marker>");
    let last = root(&world, "ListGroups", &[("Marker", marker)]).await;
    assert!(last.text().contains("<GroupName>c</GroupName>"));
    assert!(last.text().contains("<IsTruncated>false</IsTruncated>"));
    assert!(!last.text().contains("<Marker>"));
    let signer = Signer::root(HOME).of("iam");
    for (name, value) in [("MaxItems", "0"), ("MaxItems", "1001"), ("Marker", "x")] {
        let bad = ask(&world, &signer, "ListGroups", &[(name, value)]).await;
        assert_eq!(bad.code(), "ValidationError", "{name} {value}");
    }
}

/// A user, with an access key that signs.
async fn user(world: &World, name: &str) -> Signer {
    root(world, "CreateUser", &[("UserName", name)]).await;
    let key = root(world, "CreateAccessKey", &[("UserName", name)]).await;
    let value = |open: &str, close: &str| between(key.text(), open, close).to_owned();
    Signer {
        id: value("<AccessKeyId>", "</AccessKeyId>"),
        secret: value("<SecretAccessKey>", "</SecretAccessKey>"),
        ..Signer::root(HOME).of("iam")
    }
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_an_inactive_one_no_longer() {
    let world = World::new().await;
    let ada = user(&world, "ada").await;
    let attach = [
        ("UserName", "ada"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
    ];
    let denied = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(denied.code(), "AccessDenied");
    root(&world, "AttachUserPolicy", &attach).await;
    let allowed = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    let own = ask(&world, &ada, "GetUser", &[]).await;
    assert!(own.text().contains("<UserName>ada</UserName>"));
    let off = [
        ("UserName", "ada"),
        ("AccessKeyId", ada.id.as_str()),
        ("Status", "Inactive"),
    ];
    root(&world, "UpdateAccessKey", &off).await;
    let refused = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(refused.code(), "InvalidClientTokenId");
}

/// Everything that an operation may need, about things of one name.
fn everything(name: &str, key: &str) -> Vec<(&'static str, String)> {
    let policy = format!("arn:aws:iam::{HOME}:policy/{name}");
    let provider = format!("arn:aws:iam::{HOME}:oidc-provider/{name}.example");
    let mut all: Vec<(&str, String)> = [
        ("PolicyDocument", DOCUMENT),
        ("AssumeRolePolicyDocument", TRUST),
        ("PolicyInputList.member.1", DOCUMENT),
        ("Status", "Inactive"),
        ("ClientID", "client"),
        ("Password", "Sesame-123"),
        ("VersionId", "v1"),
        ("Description", "text"),
        ("ActionNames.member.1", "ecr:PutImage"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
        ("TagKeys.member.1", "k"),
        ("AccessKeyId", key),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    let named = [
        "UserName",
        "RoleName",
        "GroupName",
        "PolicyName",
        "InstanceProfileName",
        "AccountAlias",
    ];
    all.extend(named.map(|parameter| (parameter, name.to_owned())));
    all.extend([
        ("PermissionsBoundary", policy.clone()),
        ("PolicyArn", policy),
        ("OpenIDConnectProviderArn", provider),
        ("Url", format!("https://{name}.example")),
        ("ThumbprintList.member.1", "0".repeat(40)),
        (
            "PolicySourceArn",
            format!("arn:aws:iam::{HOME}:user/{name}"),
        ),
    ]);
    all
}

/// What exists and what does not is refused in the same words, whatever is asked.
#[tokio::test]
async fn who_may_nothing_learns_nothing_from_any_operation() {
    let world = World::new().await;
    let eve = user(&world, "eve").await;
    let there = user(&world, "there").await;
    let present = everything("there", &there.id);
    let present: Vec<(&str, &str)> = present.iter().map(|(n, v)| (*n, v.as_str())).collect();
    for action in [
        "CreateRole",
        "CreateGroup",
        "CreatePolicy",
        "CreateInstanceProfile",
        "CreateOpenIDConnectProvider",
        "CreateAccountAlias",
    ] {
        let given = present.iter().copied();
        let given: Vec<_> = given.filter(|(n, _)| *n != "PermissionsBoundary").collect();
        root(&world, action, &given).await;
    }
    let absent = everything("other", "AKIAOTHEROTHEROTHER0");
    let absent: Vec<(&str, &str)> = absent.iter().map(|(n, v)| (*n, v.as_str())).collect();
    for operation in Operation::ALL {
        let name = operation.name();
        let first = ask(&world, &eve, name, &present).await;
        let second = ask(&world, &eve, name, &absent).await;
        assert_eq!(first.code(), "AccessDenied", "{name}: {}", first.text());
        assert_eq!(second.code(), "AccessDenied", "{name}: {}", second.text());
        let same = second.message().replace("other", "there");
        assert_eq!(first.message(), same, "{name}");
    }
    let audited = root(&world, "GetAccountAuthorizationDetails", &[]).await;
    assert!(audited.text().contains("<UserName>there</UserName>"));
}
