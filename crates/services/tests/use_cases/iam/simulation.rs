//! Simulations.

use ecru_services::iam::IdentityKind;
use ecru_services::iam::simulation::{Outcome, PolicySource, Simulation};

use super::{ADMINISTRATOR, allow, identity, pages, refused, statement};
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
    assert_eq!(decided[0].matched[0].policy, ADMINISTRATOR);
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
