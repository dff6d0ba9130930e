//! What binds a whole account, and how an administrator learns why somebody is denied.

use anyhow::{Result, ensure};
use serde_json::json;

use super::Flow;
use super::accounts::{REPOSITORY, grant, pull, pull_refused, root};
use crate::people::{document, text};
use crate::scene::Scene;
use crate::server::REGION;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "docker",
        "a control policy binds a whole account",
        control_policy,
    ),
    Flow::new("ecru", "explain names the layer and the condition", explain),
];

fn control_policy(scene: &mut Scene) -> Result<()> {
    let (operator, c) = (scene.recall("operator")?, scene.recall("c")?);
    let roots = scene.ask_as(&operator, &["organizations", "list-roots"])?;
    let root_id = text(&roots["Roots"][0]["Id"])?;
    let kind = "SERVICE_CONTROL_POLICY";
    let enable = [
        "organizations",
        "enable-policy-type",
        "--root-id",
        &root_id,
        "--policy-type",
        kind,
    ];
    scene.ask_as(&operator, &enable)?;
    pull(scene, &c)?;
    let denies =
        document(&json!({ "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*" }))
            .to_string();
    let create = [
        "organizations",
        "create-policy",
        "--name",
        "no-pulls",
        "--description",
        "none",
        "--type",
        kind,
        "--content",
        &denies,
    ];
    let made = scene.ask_as(&operator, &create)?;
    let id = text(&made["Policy"]["PolicySummary"]["Id"])?;
    let attach = [
        "organizations",
        "attach-policy",
        "--policy-id",
        &id,
        "--target-id",
        &c.account,
    ];
    scene.ask_as(&operator, &attach)?;
    let refused = pull_refused(scene, &c, REPOSITORY)?;
    ensure!(
        refused.contains("with an explicit deny in a service control policy"),
        "{refused}"
    );
    let detach = [
        "organizations",
        "detach-policy",
        "--policy-id",
        &id,
        "--target-id",
        &c.account,
    ];
    scene.ask_as(&operator, &detach)?;
    pull(scene, &c)
}

fn explain(scene: &mut Scene) -> Result<()> {
    let (a, c) = (scene.recall("a")?, scene.recall("c")?);
    let condition = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
    scene.set_repository_policy(&a, REPOSITORY, &grant(&json!(root(&c)), Some(condition)))?;
    let role = format!(
        "arn:aws:iam::{}:role/OrganizationAccountAccessRole",
        c.account
    );
    let resource = format!("arn:aws:ecr:{REGION}:{}:repository/{REPOSITORY}", a.account);
    let question = [
        "explain",
        "--principal",
        &role,
        "--action",
        "ecr:BatchGetImage",
        "--resource",
        &resource,
    ];
    let ask = |context: &'static str| {
        scene.ecru(&[question.as_slice(), &["--context", context]].concat())
    };
    let refused = ask("aws:SourceIp=127.0.0.1")?.refused()?;
    for part in [
        "no resource-based policy allows",
        "IpAddress aws:SourceIp",
        "127.0.0.1",
        "192.0.2.0/24",
    ] {
        ensure!(refused.contains(part), "no word of {part}: {refused}");
    }
    let allowed = ask("aws:SourceIp=192.0.2.9")?.run()?;
    ensure!(allowed.starts_with("allowed"), "{allowed}");
    Ok(())
}
