//! Every operation of STS, asked by those who may not.

use ecru_aws_model::sts::{API_VERSION, Operation};

use crate::people::{administrator, role, user};
use crate::world::{Answer, HOME, OTHER, Signer, World};

/// What needs no permission: to be told who one is (STS API Reference, `GetCallerIdentity`: "No permissions are
/// required to perform this operation"), and a session of oneself (IAM User Guide, "Permissions for
/// GetSessionToken": "No permissions are required for users to perform this operation"). Both name nothing.
const WITHOUT_PERMISSION: [Operation; 2] =
    [Operation::GetCallerIdentity, Operation::GetSessionToken];

/// What tells of another account by design: whose an access key is, asked by who has found one.
const OF_ANY_ACCOUNT: [Operation; 1] = [Operation::GetAccessKeyInfo];

async fn ask(
    world: &World,
    signer: &Signer,
    operation: Operation,
    role: &str,
    key: &str,
) -> Answer {
    let given = [
        ("Action", operation.name()),
        ("Version", API_VERSION),
        ("RoleArn", role),
        ("RoleSessionName", "ci"),
        ("Name", "part"),
        ("AccessKeyId", key),
    ];
    world.query(&signer.clone().of("sts"), &given).await
}

fn signed() -> impl Iterator<Item = Operation> {
    let all = Operation::ALL.iter().copied();
    all.filter(|operation| operation.is_signed())
}

#[tokio::test]
async fn who_may_nothing_learns_nothing_from_any_operation_of_sts() {
    let world = World::new().await;
    let nobody = user(&world, HOME, "nil").await;
    let there = role(&world, HOME, "there").await;
    let absent = there.replace("there", "other");
    let key = Signer::root(OTHER).id;
    for operation in signed() {
        let first = ask(&world, &nobody, operation, &there, &key).await;
        let second = ask(&world, &nobody, operation, &absent, "AKIAOTHEROTHEROTHER0").await;
        if WITHOUT_PERMISSION.contains(&operation) {
            assert_eq!(
                (first.status, second.status),
                (200.try_into().unwrap(), first.status)
            );
            continue;
        }
        assert_eq!(
            first.code(),
            "AccessDenied",
            "{operation}: {}",
            first.text()
        );
        let same = second.message().replace("other", "there");
        assert_eq!(first.message(), same, "{operation}");
        assert!(
            same.contains("no identity-based policy allows"),
            "{operation}: {same}"
        );
    }
}

#[tokio::test]
async fn another_account_learns_nothing_from_any_operation_of_sts() {
    let world = World::new().await;
    let there = role(&world, OTHER, "there").await;
    let absent = there.replace("there", "other");
    let (key, no_key) = (Signer::root(OTHER).id, "AKIAOTHEROTHEROTHER0");
    let stranger = administrator(&world, HOME, "ada").await;
    for operation in signed() {
        if WITHOUT_PERMISSION.contains(&operation) || OF_ANY_ACCOUNT.contains(&operation) {
            continue;
        }
        let first = ask(&world, &stranger, operation, &there, &key).await;
        let second = ask(&world, &stranger, operation, &absent, no_key).await;
        assert_eq!(first.status, second.status, "{operation}");
        if operation == Operation::GetFederationToken {
            // it names nothing but a part of the caller itself
            assert_eq!(first.status, 200);
            continue;
        }
        assert_eq!(
            first.code(),
            "AccessDenied",
            "{operation}: {}",
            first.text()
        );
        let same = second.message().replace("other", "there");
        assert_eq!(first.message(), same, "{operation}");
    }
}
