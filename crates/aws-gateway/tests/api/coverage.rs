//! Which operations of the model are built: the list of the others may only shrink.

use std::collections::BTreeSet;

use ecru_aws_model::ecr::Operation;
use serde_json::json;

use crate::world::World;

const UNCOVERED: &str = include_str!("../../coverage/uncovered.txt");

/// Lower it with every operation that is built.
const MOST_UNCOVERED: usize = 39;

#[tokio::test]
async fn every_operation_is_built_or_listed() {
    let world = World::new().await;
    let listed: Vec<&str> = UNCOVERED.lines().collect();
    let mut not_built = Vec::new();
    for operation in Operation::ALL {
        let answer = world.call(*operation, json!({})).await;
        if answer.code() == "UnknownOperationException" {
            assert!(
                answer.message().contains(operation.name()),
                "{}",
                answer.text()
            );
            assert_eq!(answer.status, 400);
            not_built.push(operation.name());
        }
        assert_eq!(answer.route, operation.iam_action());
    }
    not_built.sort_unstable();
    assert_eq!(listed, not_built, "coverage/uncovered.txt");
    assert!(listed.len() <= MOST_UNCOVERED, "the list may only shrink");
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len());
}
