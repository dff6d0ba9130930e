//! Which operations of the models are built: the lists of the others may only shrink.

use std::collections::BTreeSet;

use ecru_aws_model::{ecr, iam, organizations, sts};
use serde_json::json;

use crate::world::{Answer, HOME, Signer, World};

/// What a dialect answers to an operation that is not built.
const UNKNOWN: [&str; 2] = ["UnknownOperationException", "InvalidAction"];

/// The operations of one API, and which of them are listed as not built.
struct Table {
    name: &'static str,
    listed: &'static str,
    /// Lower it with every operation that is built.
    most_listed: usize,
    not_built: Vec<&'static str>,
}

impl Table {
    fn new(name: &'static str, listed: &'static str, most_listed: usize) -> Self {
        Self {
            name,
            listed,
            most_listed,
            not_built: Vec::new(),
        }
    }

    /// Notes whether an operation answers, and that it is called as its IAM action.
    fn note(&mut self, operation: &'static str, iam_action: &str, answer: &Answer) {
        assert_eq!(answer.route, iam_action, "{}", answer.text());
        if !UNKNOWN.contains(&answer.code().as_str()) {
            return;
        }
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(operation), "{}", answer.text());
        self.not_built.push(operation);
    }

    fn check(mut self) {
        self.not_built.sort_unstable();
        let listed: Vec<&str> = self.listed.lines().collect();
        assert_eq!(listed, self.not_built, "coverage/{}.txt", self.name);
        assert!(listed.len() <= self.most_listed, "the list may only shrink");
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len());
    }
}

#[tokio::test]
async fn every_operation_of_the_registry_is_built_or_listed() {
    let world = World::new().await;
    let mut table = Table::new("ecr", include_str!("../../coverage/ecr.txt"), 39);
    for operation in ecr::Operation::ALL {
        let answer = world.call(*operation, json!({})).await;
        table.note(operation.name(), operation.iam_action(), &answer);
    }
    table.check();
}

#[tokio::test]
async fn every_operation_of_organizations_is_built_or_listed() {
    let world = World::new().await;
    let listed = include_str!("../../coverage/organizations.txt");
    let mut table = Table::new("organizations", listed, 0);
    for operation in organizations::Operation::ALL {
        let answer = world.organizations(operation.name(), json!({})).await;
        table.note(operation.name(), operation.iam_action(), &answer);
    }
    table.check();
}

#[tokio::test]
async fn every_operation_of_iam_is_built_or_listed() {
    let world = World::new().await;
    let mut table = Table::new("iam", include_str!("../../coverage/iam.txt"), 0);
    let signer = Signer::root(HOME).of("iam");
    for operation in iam::Operation::ALL {
        let asked = [("Action", operation.name()), ("Version", iam::API_VERSION)];
        let answer = world.query(&signer, &asked).await;
        table.note(operation.name(), operation.iam_action(), &answer);
    }
    table.check();
}

#[tokio::test]
async fn every_operation_of_sts_is_built_or_listed() {
    let world = World::new().await;
    let mut table = Table::new("sts", include_str!("../../coverage/sts.txt"), 0);
    let signer = Signer::root(HOME).of("sts");
    for operation in sts::Operation::ALL {
        let asked = [("Action", operation.name()), ("Version", sts::API_VERSION)];
        let answer = world.query(&signer, &asked).await;
        table.note(operation.name(), operation.iam_action(), &answer);
    }
    table.check();
}
