//! Users with access keys that sign, and roles, as their accounts' root users make them.

use ecru_aws_model::iam::API_VERSION;

use crate::world::{Answer, Signer, World, between};

/// What the root user of `account` is answered by IAM, which has to be a success.
pub(crate) async fn manage(
    world: &World,
    account: &str,
    action: &str,
    rest: &[(&str, &str)],
) -> Answer {
    let root = Signer::root(account).of("iam");
    let head = [("Action", action), ("Version", API_VERSION)];
    let answer = world.query(&root, &[&head[..], rest].concat()).await;
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    answer
}

/// A user to whom no policy allows anything, with an access key.
pub(crate) async fn user(world: &World, account: &str, name: &str) -> Signer {
    let named = [("UserName", name)];
    manage(world, account, "CreateUser", &named).await;
    let key = manage(world, account, "CreateAccessKey", &named).await;
    let value = |open: &str, close: &str| between(key.text(), open, close).to_owned();
    Signer {
        id: value("<AccessKeyId>", "</AccessKeyId>"),
        secret: value("<SecretAccessKey>", "</SecretAccessKey>"),
        ..Signer::root(account)
    }
}

/// A user who may do everything that policies of its account can allow, with an access key.
pub(crate) async fn administrator(world: &World, account: &str, name: &str) -> Signer {
    let signer = user(world, account, name).await;
    let attached = [
        ("UserName", name),
        ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
    ];
    manage(world, account, "AttachUserPolicy", &attached).await;
    signer
}

/// A role that trusts whom its own account lets.
pub(crate) async fn role(world: &World, account: &str, name: &str) -> String {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"sts:AssumeRole"}}}}"#
    );
    let given = [("RoleName", name), ("AssumeRolePolicyDocument", &trust)];
    manage(world, account, "CreateRole", &given).await;
    format!("arn:aws:iam::{account}:role/{name}")
}
