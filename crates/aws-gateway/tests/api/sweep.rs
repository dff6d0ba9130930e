//! Every operation, asked by those who may not: refused alike, and nothing is revealed.

mod iam_operations;
mod organizations_operations;
mod sts_operations;

use bytes::Bytes;
use ecru_aws_model::ecr::Operation;
use ecru_aws_model::{iam, organizations, sts};
use http::Request;
use serde_json::{Value, json};

use crate::people::user;
use crate::world::{HOME, OTHER, REGION, Signer, World, form, post};

/// Operations that concern the caller's own registry, whoever calls: they name no other account's resource.
const OF_THE_CALLER: [Operation; 7] = [
    Operation::DeleteRegistryPolicy,
    Operation::DescribeRegistry,
    Operation::GetAccountSetting,
    Operation::GetAuthorizationToken,
    Operation::GetRegistryPolicy,
    Operation::PutAccountSetting,
    Operation::PutRegistryPolicy,
];

/// An input that is valid for every operation which takes a repository.
fn input(account: &str, repository: &str) -> Value {
    let digest = format!("sha256:{}", "0".repeat(64));
    let upload = "01234567-89ab-cdef-0123-456789abcdef";
    json!({
        "registryId": account,
        "repositoryName": repository,
        "repositoryNames": [repository],
        "resourceArn": format!("arn:aws:ecr:{REGION}:{account}:repository/{repository}"),
        "tags": [{"Key": "k", "Value": "v"}],
        "tagKeys": ["k"],
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
        "imageManifest": "{}",
        "imageIds": [{"imageTag": "v1"}],
        "subjectId": {"imageDigest": digest},
        "layerDigests": [digest],
        "layerDigest": digest,
        "uploadId": upload,
        "partFirstByte": 0,
        "partLastByte": 2,
        "layerPartBlob": "YWJj",
        "policyText": json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}).to_string(),
        "force": true,
        "name": "BLOB_MOUNTING",
        "value": "DISABLED",
    })
}

fn target(operation: Operation) -> String {
    format!("AmazonEC2ContainerRegistry_V20150921.{operation}")
}

async fn world_with_a_repository_of(account: &str) -> World {
    let world = World::new().await;
    let create = json!({"repositoryName": "secret/app"}).to_string();
    let owner = Signer::root(account);
    let answer = world
        .send_as(&owner, Operation::CreateRepository, create)
        .await;
    assert_eq!(answer.status, 200);
    world
}

/// What every operation answers about a repository that exists and one that does not.
async fn answers_to(world: &World, signer: Option<&Signer>, code: &str) -> Vec<Bytes> {
    let mut answers = Vec::new();
    for operation in Operation::ALL {
        for repository in ["secret/app", "secret/none"] {
            let body = Bytes::from(input(HOME, repository).to_string());
            let mut request = post(&target(*operation), body);
            if let Some(signer) = signer {
                signer.sign(&mut request);
            }
            let answer = world.send(request).await;
            assert_eq!(answer.code(), code, "{operation}");
            answers.push(answer.body);
        }
    }
    answers
}

#[tokio::test]
async fn strangers_get_one_answer_from_every_operation() {
    let world = world_with_a_repository_of(HOME).await;
    for (signer, code) in strangers("ecr", JSON_CODES) {
        let mut answers = answers_to(&world, signer.as_ref(), code).await;
        answers.dedup();
        assert_eq!(answers.len(), 1, "{code}: {answers:?}");
    }
}

const JSON_CODES: [&str; 3] = [
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
];

const QUERY_CODES: [&str; 3] = [
    "MissingAuthenticationToken",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
];

/// Nobody, somebody unknown, and a wrong secret, with what each is told.
fn strangers(
    service: &'static str,
    codes: [&'static str; 3],
) -> [(Option<Signer>, &'static str); 3] {
    let [nobody, nameless, forged] = codes;
    let unknown = Signer {
        id: "AKIAUNKNOWN000000000".to_owned(),
        ..Signer::root(HOME).of(service)
    };
    let mut wrong = Signer::root(HOME).of(service);
    wrong.secret.push('x');
    [
        (None, nobody),
        (Some(unknown), nameless),
        (Some(wrong), forged),
    ]
}

/// The one answer that strangers get to these requests.
async fn assert_one_answer(
    requests: &[Request<Bytes>],
    service: &'static str,
    codes: [&'static str; 3],
) {
    let world = World::new().await;
    for (signer, code) in strangers(service, codes) {
        let mut bodies = Vec::new();
        for request in requests {
            let mut request = request.clone();
            if let Some(signer) = &signer {
                signer.sign(&mut request);
            }
            let answer = world.send(request).await;
            assert_eq!(answer.code(), code, "{}", answer.text());
            assert_eq!(answer.principal, None);
            bodies.push(answer.body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{service} {code}: {bodies:?}");
    }
}

/// Each action with and without what it may need.
fn forms(action: &str, version: &str) -> [Request<Bytes>; 2] {
    let head = [("Action", action), ("Version", version)];
    let names = [
        ("UserName", "ada"),
        ("RoleName", "push"),
        ("GroupName", "team"),
        ("RoleArn", "arn:aws:iam::000000000000:role/push"),
        ("RoleSessionName", "s"),
    ];
    [form(&head), form(&[&head[..], &names].concat())]
}

#[tokio::test]
async fn strangers_get_one_answer_from_every_operation_of_iam() {
    let operations = iam::Operation::ALL.iter();
    let requests: Vec<_> = operations
        .flat_map(|operation| forms(operation.name(), iam::API_VERSION))
        .collect();
    assert_one_answer(&requests, "iam", QUERY_CODES).await;
}

#[tokio::test]
async fn strangers_get_one_answer_from_every_operation_of_sts_that_is_signed() {
    let signed = sts::Operation::ALL.iter().filter(|found| found.is_signed());
    let requests: Vec<_> = signed
        .flat_map(|operation| forms(operation.name(), sts::API_VERSION))
        .collect();
    assert_eq!(requests.len(), 10);
    assert_one_answer(&requests, "sts", QUERY_CODES).await;
}

#[tokio::test]
async fn strangers_get_one_answer_from_every_operation_of_organizations() {
    let operations = organizations::Operation::ALL.iter();
    let requests: Vec<_> = operations
        .flat_map(|operation| {
            let target = format!("AWSOrganizationsV20161128.{operation}");
            let input = json!({"AccountId": OTHER, "PolicyId": "p-FullAWSAccess"});
            [
                post(&target, Bytes::from_static(b"{}")),
                post(&target, input.to_string().into()),
            ]
        })
        .collect();
    assert_one_answer(&requests, "organizations", JSON_CODES).await;
}

#[tokio::test]
async fn who_has_no_permissions_learns_nothing_of_what_exists() {
    let world = world_with_a_repository_of(HOME).await;
    let nobody = user(&world, HOME, "nil").await;
    for operation in Operation::ALL {
        let mut texts = Vec::new();
        for repository in ["secret/app", "secret/none"] {
            let body = input(HOME, repository).to_string();
            let answer = world.send_as(&nobody, *operation, body).await;
            if answer.code() == "UnknownOperationException" {
                continue;
            }
            let text = answer.text();
            assert_eq!(
                answer.code(),
                "AccessDeniedException",
                "{operation}: {text}"
            );
            assert!(
                text.contains("no identity-based policy allows"),
                "{operation}: {text}"
            );
            texts.push(text.replace(repository, "<name>"));
        }
        texts.dedup();
        assert!(texts.len() <= 1, "{operation} tells what exists: {texts:?}");
    }
}

#[tokio::test]
async fn another_account_learns_nothing_of_what_exists() {
    let world = world_with_a_repository_of(OTHER).await;
    for operation in Operation::ALL {
        let mut texts = Vec::new();
        for repository in ["secret/app", "secret/none"] {
            let body = input(OTHER, repository).to_string();
            let answer = world.send_as(&Signer::root(HOME), *operation, body).await;
            let code = answer.code();
            if code == "UnknownOperationException" || OF_THE_CALLER.contains(operation) {
                continue;
            }
            assert_eq!(
                code,
                "AccessDeniedException",
                "{operation}: {}",
                answer.text()
            );
            texts.push(answer.text().replace(repository, "<name>"));
        }
        texts.dedup();
        assert!(texts.len() <= 1, "{operation} tells what exists: {texts:?}");
    }
    let list = json!({"registryId": OTHER}).to_string();
    let answer = world
        .send_as(&Signer::root(HOME), Operation::DescribeRepositories, list)
        .await;
    assert_eq!(answer.code(), "AccessDeniedException");
}

#[tokio::test]
async fn the_denial_is_worded_as_clients_know_it() {
    let world = World::new().await;
    let body = json!({"registryId": OTHER, "repositoryName": "app", "force": true}).to_string();
    let answer = world
        .send_as(&Signer::root(HOME), Operation::DeleteRepository, body)
        .await;
    assert_eq!(
        answer.message(),
        "User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:DeleteRepository on resource: \
         arn:aws:ecr:us-east-1:222222222222:repository/app because no resource-based policy allows the \
         ecr:DeleteRepository action"
    );
}
