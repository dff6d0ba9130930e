//! Lists in pages: each item once, whatever the size of a page; tokens of one list open no other.

use std::collections::BTreeSet;

use ecru_aws_model::ecr::Operation as Op;
use serde_json::{Value, json};

use crate::world::{MANIFEST, World};

const INVALID: &str = "InvalidParameterException";

/// All pages of a list, in order.
async fn pages(world: &World, operation: Op, input: &Value, size: usize) -> Vec<Vec<Value>> {
    let keys = operation
        .pagination()
        .map_or(["referrers"].as_slice(), |pages| pages.result_keys);
    let mut input = input.clone();
    input["maxResults"] = size.into();
    let mut pages = Vec::new();
    loop {
        let mut answer = world.ok(operation, input.clone()).await;
        pages.push(answer[keys[0]].as_array().unwrap().clone());
        match answer["nextToken"].take() {
            Value::Null => return pages,
            token => input["nextToken"] = token,
        }
    }
}

async fn filled() -> (World, Vec<(Op, Value, usize, usize)>) {
    let world = World::new().await;
    for name in ["app", "bpp", "cpp/x"] {
        world.create(name).await;
    }
    let (subject, _) = world.push("app", "subject", Some("v0")).await;
    for n in 1..4 {
        let mut referrer = world.image("app", &format!("referrer {n}")).await;
        referrer["subject"] = json!({"mediaType": MANIFEST, "digest": subject, "size": 3});
        let put = json!({"repositoryName": "app", "imageManifest": referrer.to_string()});
        world.ok(Op::PutImage, put).await;
    }
    let app = json!({"repositoryName": "app"});
    let referrers = json!({"repositoryName": "app", "subjectId": {"imageDigest": subject}});
    let lists = vec![
        (Op::DescribeRepositories, json!({}), 3, 1_000),
        (Op::DescribeImages, app.clone(), 4, 1_000),
        (Op::ListImages, app, 4, 1_000),
        (Op::ListImageReferrers, referrers, 3, 50),
    ];
    (world, lists)
}

#[tokio::test]
async fn every_item_comes_once() {
    let (world, lists) = filled().await;
    for (operation, input, count, largest) in lists {
        for size in [1, 2, count, largest] {
            let pages = pages(&world, operation, &input, size).await;
            assert_eq!(pages.len(), count.div_ceil(size), "{operation} by {size}");
            let items: BTreeSet<String> = pages.concat().iter().map(ToString::to_string).collect();
            assert_eq!(items.len(), count, "{operation} by {size}");
        }
    }
}

#[tokio::test]
async fn bad_sizes_and_tokens_are_refused() {
    let (world, lists) = filled().await;
    for (operation, input, _, largest) in lists {
        for (member, value) in [
            ("maxResults", json!(0)),
            ("maxResults", json!(-1)),
            ("maxResults", json!(largest + 1)),
            ("nextToken", json!("garbage%%")),
            ("nextToken", json!("AAAA")),
            ("nextToken", json!("")),
        ] {
            let mut input = input.clone();
            input[member] = value;
            world.refused(operation, input, INVALID).await;
        }
    }
}

#[tokio::test]
async fn a_token_is_bound_to_its_list() {
    let (world, lists) = filled().await;
    let mut tokens = Vec::new();
    for (operation, input, ..) in &lists {
        let mut first = input.clone();
        first["maxResults"] = 1.into();
        tokens.push(world.ok(*operation, first).await["nextToken"].clone());
    }
    for (place, (operation, input, ..)) in lists.iter().enumerate() {
        for (of, token) in tokens.iter().enumerate() {
            if of != place {
                let mut input = input.clone();
                input["nextToken"] = token.clone();
                world.refused(*operation, input, INVALID).await;
            }
        }
    }
    for (filter, code) in [("TAGGED", 400), ("ANY", 200)] {
        let input = json!({"repositoryName": "app", "nextToken": tokens[2], "filter": {"tagStatus": filter}});
        assert_eq!(
            world.call(Op::ListImages, input).await.status,
            code,
            "{filter}"
        );
    }
}
