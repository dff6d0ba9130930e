//! Every operation of IAM, asked by those who may not, in the own account and from another.

use ecru_aws_model::iam::{API_VERSION, Operation};
use serde_json::Value;

use crate::people::{manage, user};
use crate::world::{Answer, HOME, OTHER, Signer, World};

const MODEL: &str = include_str!("../../../../../models/iam.json");
const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// What makes the things that operations are about.
const MAKERS: [&str; 6] = [
    "CreateRole",
    "CreateGroup",
    "CreatePolicy",
    "CreateInstanceProfile",
    "CreateOpenIDConnectProvider",
    "CreateAccountAlias",
];

type Parameters = Vec<(&'static str, String)>;

/// What operations need besides names and ARNs.
fn matter() -> Parameters {
    [
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
        (
            "ThumbprintList.member.1",
            "0000000000000000000000000000000000000000",
        ),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// Things of the caller's account, by name.
fn named(name: &str, key: &str) -> Parameters {
    let named = [
        "UserName",
        "RoleName",
        "GroupName",
        "PolicyName",
        "InstanceProfileName",
        "AccountAlias",
    ];
    let mut all = named.map(|member| (member, name.to_owned())).to_vec();
    all.push(("Url", format!("https://{name}.example")));
    all.push(("AccessKeyId", key.to_owned()));
    all
}

/// Things of any account, by ARN.
fn by_arn(account: &str, name: &str) -> Parameters {
    let arn = |kind: &str| format!("arn:aws:iam::{account}:{kind}/{name}");
    vec![
        ("PermissionsBoundary", arn("policy")),
        ("PolicyArn", arn("policy")),
        ("PolicySourceArn", arn("user")),
        (
            "OpenIDConnectProviderArn",
            arn("oidc-provider") + ".example",
        ),
    ]
}

async fn ask(world: &World, signer: &Signer, action: &str, given: &[Parameters]) -> Answer {
    let head = [("Action", action), ("Version", API_VERSION)];
    let rest = given.iter().flatten();
    let rest = rest.map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> = head.into_iter().chain(rest).collect();
    world.query(signer, &all).await
}

/// Makes one of each kind in an account, and returns the access key of its user.
async fn furnish(world: &World, account: &str, name: &str) -> String {
    let key = user(world, account, name).await.id;
    let given = [matter(), named(name, &key)].concat();
    let given: Vec<_> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    for action in MAKERS {
        manage(world, account, action, &given).await;
    }
    key
}

/// What exists and what does not is refused in the same words, whatever is asked.
#[tokio::test]
async fn who_may_nothing_learns_nothing_from_any_operation_of_iam() {
    let world = World::new().await;
    let eve = user(&world, HOME, "eve").await.of("iam");
    let key = furnish(&world, HOME, "there").await;
    let present = [matter(), named("there", &key), by_arn(HOME, "there")];
    let other = "AKIAOTHEROTHEROTHER0";
    let absent = [matter(), named("other", other), by_arn(HOME, "other")];
    for operation in Operation::ALL {
        let name = operation.name();
        let first = ask(&world, &eve, name, &present).await;
        let second = ask(&world, &eve, name, &absent).await;
        assert_eq!(first.code(), "AccessDenied", "{name}: {}", first.text());
        assert_eq!(second.code(), "AccessDenied", "{name}: {}", second.text());
        let same = second.message().replace("other", "there");
        assert_eq!(first.message(), same, "{name}");
    }
    let audited = manage(&world, HOME, "GetAccountAuthorizationDetails", &[]).await;
    assert!(audited.text().contains("<UserName>there</UserName>"));
}

/// Whether the model lets the operation be asked about nothing but what has this ARN, and not about an own identity too.
fn is_about_an_arn(operation: Operation) -> bool {
    let model: Value = serde_json::from_str(MODEL).unwrap();
    let input = &model["operations"][operation.name()]["input"]["shape"];
    let shape = &model["shapes"][input.as_str().unwrap_or_default()];
    let required: Vec<_> = shape["required"].as_array().into_iter().flatten().collect();
    let arns = by_arn(HOME, "there");
    let names = named("", "");
    let one_of = |all: &Parameters| {
        all.iter()
            .any(|(name, _)| required.iter().any(|own| *own == name))
    };
    one_of(&arns) && !one_of(&names)
}

/// Two servers, alike but for what one account has: another account is answered alike by both.
#[tokio::test]
async fn another_account_learns_nothing_from_any_operation_of_iam() {
    let (with, without) = (World::new().await, World::new().await);
    furnish(&with, HOME, "there").await;
    let mut refused = 0;
    let stranger = Signer::root(OTHER).of("iam");
    let mut keys = Vec::new();
    for world in [&with, &without] {
        keys.push(furnish(world, OTHER, "mine").await);
    }
    for operation in Operation::ALL {
        let name = operation.name();
        let mut told = Vec::new();
        for (world, key) in [&with, &without].into_iter().zip(&keys) {
            let given = [matter(), named("mine", key), by_arn(HOME, "there")];
            let answer = ask(world, &stranger, name, &given).await;
            let message = answer.message().replace(key.as_str(), "its key");
            told.push((answer.status, answer.code(), message));
        }
        assert_eq!(told.first(), told.last(), "{name}");
        if is_about_an_arn(*operation) {
            let (_, code, message) = &told[0];
            assert_eq!(code, "AccessDenied", "{name}: {message}");
            assert!(message.contains("no resource-based policy"), "{message}");
            refused += 1;
        }
    }
    assert!(refused >= 15, "{refused} operations are about an ARN");
}
