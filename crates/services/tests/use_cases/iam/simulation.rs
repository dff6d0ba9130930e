//! Simulations.

use std::collections::BTreeMap;

use ecru_services::iam::IdentityKind;
use ecru_services::iam::inline_policies::InlinePolicy;
use ecru_services::iam::simulation::{Outcome, PolicySource, SimulatedDecision, Simulation};

use super::{ADMINISTRATOR, EVERYTHING, allow, identity, pages, refused, statement};
use crate::world::World;

fn ask(policies: &[String], actions: &[&str]) -> Simulation {
    Simulation {
        policies: policies.to_vec(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        ..Simulation::default()
    }
}

#[tokio::test]
async fn given_policies_decide_pair_by_pair() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let denies = statement("Deny", "ecr:DeleteRepository", "*", "{}");
    let mut simulation = ask(
        &[allow("ecr:*", "*"), denies],
        &["ecr:PutImage", "ecr:DeleteRepository", "iam:GetUser"],
    );
    let outcomes = async |simulation: Simulation| {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let page = pages(2, token);
            let decided = iam.simulate_custom_policy(&root, simulation.clone(), &page);
            let decided = decided.await.unwrap();
            found.extend(decided.items);
            token = decided.next_token;
            if token.is_none() {
                return found;
            }
        }
    };
    let decided = outcomes(simulation.clone()).await;
    let seen: Vec<_> = decided.iter().map(|one| one.outcome).collect();
    assert_eq!(
        seen,
        [
            Outcome::Allowed,
            Outcome::ExplicitlyDenied,
            Outcome::ImplicitlyDenied
        ]
    );
    assert_eq!(decided[1].matched[0].policy, "PolicyInputList.2");
    simulation.boundaries = vec![allow("s3:*", "*")];
    let bounded = outcomes(simulation).await;
    assert_eq!(bounded[0].outcome, Outcome::ImplicitlyDenied);
    assert_eq!(bounded[0].allowed_by_boundary, Some(false));
}

#[tokio::test]
async fn what_nobody_gave_is_told() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let condition = r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#;
    let policies = [statement("Allow", "ecr:*", "*", condition)];
    let keys = iam.context_keys_of_policies(&root, &policies).await;
    assert!(keys.unwrap()[0].eq_ignore_ascii_case("aws:RequestedRegion"));
    let mut simulation = ask(&policies, &["ecr:PutImage"]);
    let page = pages(10, None);
    let decided = iam.simulate_custom_policy(&root, simulation.clone(), &page);
    let decided = decided.await.unwrap().items;
    assert_eq!(decided[0].outcome, Outcome::ImplicitlyDenied);
    assert_eq!(decided[0].missing_keys.len(), 1);
    let region = vec!["eu-west-1".to_owned()];
    simulation.context = vec![("aws:RequestedRegion".to_owned(), region, false)];
    let decided = iam.simulate_custom_policy(&root, simulation, &page);
    let decided = decided.await.unwrap().items;
    assert_eq!(decided[0].outcome, Outcome::Allowed);
    assert!(decided[0].missing_keys.is_empty());
}

#[tokio::test]
async fn principals_are_asked_about_with_all_that_binds_them() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity.arn;
    iam.create_group(&root, identity("team")).await.unwrap();
    iam.add_user_to_group(&root, "team", "ada").await.unwrap();
    let kind = IdentityKind::Group;
    iam.attach_policy(&root, kind, "team", ADMINISTRATOR)
        .await
        .unwrap();
    let page = pages(10, None);
    let ask = ask(&[], &["ecr:PutImage"]);
    let decided = iam.simulate_principal_policy(&root, &ada, ask.clone(), &page);
    let decided = decided.await.unwrap().items;
    assert_eq!(decided[0].outcome, Outcome::Allowed);
    assert_eq!(decided[0].matched[0].policy, "AdministratorAccess");
    assert_eq!(decided[0].matched[0].source, PolicySource::Aws);
    let narrow = world.create_policy("narrow", &allow("s3:*", "*")).await;
    let user = IdentityKind::User;
    iam.put_boundary(&root, user, "ada", &narrow.entity.arn)
        .await
        .unwrap();
    let decided = iam.simulate_principal_policy(&root, &ada, ask.clone(), &page);
    let decided = decided.await.unwrap().items;
    assert_eq!(decided[0].allowed_by_boundary, Some(false));
    let nobody = "arn:aws:iam::000000000000:user/none";
    let absent = iam.simulate_principal_policy(&root, nobody, ask.clone(), &page);
    assert_eq!(refused(absent.await).0, "NoSuchEntity");
    let malformed = iam.simulate_principal_policy(&root, "ada", ask, &page);
    assert_eq!(refused(malformed.await).0, "InvalidInput");
}

/// Each policy by the name that AWS gives to it, and where its statement stands.
#[tokio::test]
async fn the_statements_that_decided_are_named() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity.arn;
    iam.create_group(&root, identity("team")).await.unwrap();
    iam.add_user_to_group(&root, "team", "ada").await.unwrap();
    let deny = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"},\n    {\"Effect\": \"Deny\", \"Action\": \"ecr:Put*\", \"Resource\": \"*\"}\n  ]\n}";
    for (kind, owner, name, document) in [
        (IdentityKind::User, "ada", "own", EVERYTHING),
        (IdentityKind::Group, "team", "no-push", deny),
    ] {
        let policy = InlinePolicy {
            identity: owner.to_owned(),
            name: name.to_owned(),
            document: document.to_owned(),
        };
        iam.put_inline_policy(&root, kind, policy).await.unwrap();
    }
    let all = world.create_policy("all", EVERYTHING).await.entity.arn;
    let user = IdentityKind::User;
    iam.attach_policy(&root, user, "ada", &all).await.unwrap();
    iam.put_boundary(&root, user, "ada", ADMINISTRATOR)
        .await
        .unwrap();
    let page = pages(10, None);
    let decided = async |simulation: Simulation| {
        let decided = iam.simulate_principal_policy(&root, &ada, simulation, &page);
        decided.await.unwrap().items.remove(0)
    };
    let named = |decided: &SimulatedDecision| {
        let matched = decided.matched.iter();
        let named = matched.map(|one| (one.policy.clone(), one.source));
        named.collect::<Vec<_>>()
    };
    let push = decided(ask(&[], &["ecr:PutImage"])).await;
    let group = ("group_team_no-push".to_owned(), PolicySource::Group);
    assert_eq!(named(&push), [group]);
    let place = push.matched[0].place;
    let (start, end) = (place.start, place.end);
    assert_eq!(
        (start.line, start.column, end.line, end.column),
        (4, 59, 5, 62)
    );
    let list = decided(ask(&[allow("ecr:*", "*")], &["ecr:ListImages"])).await;
    let expected = [
        ("user_ada_own", PolicySource::User),
        ("all", PolicySource::Local),
        ("PolicyInputList.1", PolicySource::Given),
        ("AdministratorAccess", PolicySource::Aws),
    ];
    assert_eq!(
        named(&list),
        expected.map(|(id, source)| (id.to_owned(), source))
    );
    assert_eq!(
        (list.allowed_by_boundary, list.allowed_by_organization),
        (Some(true), None)
    );
    assert_eq!(list.sides, None, "no resource is named");
    let mut without = ask(&[], &["ecr:ListImages"]);
    without.excluded = vec![all, "ada/own".to_owned(), "ada/no-push".to_owned()];
    let without = decided(without).await;
    assert_eq!(without.outcome, Outcome::ImplicitlyDenied);
    assert!(without.matched.is_empty());
}

#[tokio::test]
async fn both_sides_of_a_border_are_told() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let page = pages(10, None);
    let decided = async |simulation: Simulation| {
        let decided = iam.simulate_custom_policy(&root, simulation, &page);
        decided.await.unwrap().items.remove(0)
    };
    let own = "arn:aws:ecr:us-east-1:000000000000:repository/app";
    let other = "arn:aws:ecr:us-east-1:222222222222:repository/app";
    let mut simulation = ask(&[allow("ecr:*", "*")], &["ecr:BatchGetImage"]);
    simulation.resources = vec![own.to_owned()];
    let within = decided(simulation.clone()).await;
    assert_eq!(
        (within.outcome, within.sides),
        (Outcome::Allowed, Some(BTreeMap::new()))
    );
    simulation.resources = vec![other.to_owned()];
    let refused_there = decided(simulation.clone()).await;
    assert_eq!(refused_there.outcome, Outcome::ImplicitlyDenied);
    let sides = [
        ("IAM Policy", Outcome::Allowed),
        ("Resource Policy", Outcome::ImplicitlyDenied),
    ];
    assert_eq!(refused_there.sides, Some(BTreeMap::from(sides)));
    simulation.caller = Some("arn:aws:iam::000000000000:user/ada".to_owned());
    let everyone = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}}"#;
    simulation.resource_policy = Some(everyone.to_owned());
    let across = decided(simulation.clone()).await;
    assert_eq!(across.outcome, Outcome::Allowed);
    assert!(
        across
            .sides
            .unwrap()
            .values()
            .all(|side| *side == Outcome::Allowed)
    );
    let matched = across.matched.iter();
    let matched: Vec<_> = matched
        .map(|one| (one.policy.as_str(), one.source))
        .collect();
    let (resource, given) = (PolicySource::Resource, PolicySource::Given);
    assert_eq!(
        matched,
        [("ResourcePolicy", resource), ("PolicyInputList.1", given)]
    );
    simulation.boundaries = vec![EVERYTHING.to_owned(); 2];
    let two = iam.simulate_custom_policy(&root, simulation, &page).await;
    assert_eq!(refused(two).0, "InvalidInput");
}

#[tokio::test]
async fn a_control_policy_that_is_given_is_named() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut simulation = ask(&[allow("ecr:*", "*")], &["ecr:PutImage"]);
    simulation.control_levels = vec![vec![statement("Deny", "ecr:Put*", "*", "{}")]];
    let page = pages(10, None);
    let decided = iam.simulate_custom_policy(&root, simulation, &page).await;
    let decided = decided.unwrap().items.remove(0);
    assert_eq!(decided.outcome, Outcome::ExplicitlyDenied);
    assert_eq!(decided.allowed_by_organization, Some(false));
    assert_eq!(
        decided.matched[0].policy,
        "OrderedOrganizationPolicyInputList.1"
    );
}
