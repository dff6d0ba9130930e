//! What ends a docker login and a session at the next request: a key switched off, a user or role that is gone, another
//! policy, a time before which tokens do not count.

use anyhow::{Result, ensure};
use serde_json::json;

use super::Flow;
use super::accounts::REPOSITORY;
use crate::people::{Person, allow};
use crate::scene::Scene;

/// What a look at a manifest needs, and the login before it.
const LOOK: [&str; 2] = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"];

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "crane",
        "a deactivated access key ends its login",
        deactivated_key,
    ),
    Flow::new(
        "crane",
        "a detached policy ends what it allowed",
        changed_policy,
    ),
    Flow::new("crane", "a deleted user ends its login", deleted_user),
    Flow::new(
        "crane",
        "a deny of older tokens ends a session's login",
        older_tokens,
    ),
    Flow::new(
        "crane",
        "a deleted role ends its sessions' logins",
        deleted_role,
    ),
    Flow::new(
        "crane",
        "a closed account ends the logins of everyone in it",
        closed_account,
    ),
];

fn deactivated_key(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    let user = user(scene, &a, "rita")?;
    look(scene, &a)?;
    let switch = |status: &str| {
        let update = [
            "iam",
            "update-access-key",
            "--user-name",
            "rita",
            "--access-key-id",
            &user.key_id,
            "--status",
            status,
        ];
        scene.ask_as(&a, &update)
    };
    switch("Inactive")?;
    look_refused(scene, &a)?;
    switch("Active")?;
    look(scene, &a)
}

fn changed_policy(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    user(scene, &a, "paul")?;
    look(scene, &a)?;
    let delete = [
        "iam",
        "delete-user-policy",
        "--user-name",
        "paul",
        "--policy-name",
        "e2e",
    ];
    scene.ask_as(&a, &delete)?;
    let refused = look_refused(scene, &a)?;
    ensure!(
        refused.contains("no identity-based policy allows"),
        "{refused}"
    );
    Ok(())
}

fn deleted_user(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    let user = user(scene, &a, "dave")?;
    look(scene, &a)?;
    let refused = scene
        .aws_as(&a, &["iam", "delete-user", "--user-name", "dave"])?
        .refused()?;
    ensure!(refused.contains("DeleteConflict"), "{refused}");
    let key = [
        "iam",
        "delete-access-key",
        "--user-name",
        "dave",
        "--access-key-id",
        &user.key_id,
    ];
    scene.ask_as(&a, &key)?;
    let policy = [
        "iam",
        "delete-user-policy",
        "--user-name",
        "dave",
        "--policy-name",
        "e2e",
    ];
    scene.ask_as(&a, &policy)?;
    scene.ask_as(&a, &["iam", "delete-user", "--user-name", "dave"])?;
    look_refused(scene, &a)?;
    Ok(())
}

fn older_tokens(scene: &mut Scene) -> Result<()> {
    let a = session(scene)?;
    look(scene, &a)?;
    let condition = json!({ "DateLessThan": { "aws:TokenIssueTime": "2999-01-01T00:00:00Z" } });
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": LOOK, "Resource": "*" },
            { "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition },
        ],
    });
    scene.give_policy(Some(&a), ("role", "rolf"), &policy)?;
    let refused = look_refused(scene, &a)?;
    ensure!(
        refused.contains("with an explicit deny in an identity-based policy"),
        "{refused}"
    );
    Ok(())
}

fn deleted_role(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    scene.give_policy(Some(&a), ("role", "rolf"), &allow(&LOOK, "*"))?;
    look(scene, &a)?;
    let policy = [
        "iam",
        "delete-role-policy",
        "--role-name",
        "rolf",
        "--policy-name",
        "e2e",
    ];
    scene.ask_as(&a, &policy)?;
    scene.ask_as(&a, &["iam", "delete-role", "--role-name", "rolf"])?;
    look_refused(scene, &a)?;
    Ok(())
}

fn closed_account(scene: &mut Scene) -> Result<()> {
    let (operator, a, d) = (
        scene.recall("operator")?,
        scene.recall("a")?,
        scene.recall("d")?,
    );
    let policy =
        json!({ "Effect": "Allow", "Principal": { "AWS": d.account }, "Action": LOOK[1..] });
    scene.set_repository_policy(&a, REPOSITORY, &policy)?;
    scene.log_in_as(&d)?;
    look(scene, &a)?;
    let close = ["organizations", "close-account", "--account-id", &d.account];
    scene.ask_as(&operator, &close)?;
    look_refused(scene, &a)?;
    Ok(())
}

/// A new user who may look at manifests, logged in.
fn user(scene: &Scene, a: &Person, name: &str) -> Result<Person> {
    let user = scene.make_user(Some(a), name)?;
    scene.give_policy(Some(a), ("user", name), &allow(&LOOK, "*"))?;
    scene.log_in_as(&user)?;
    Ok(user)
}

/// A session of a new role who may look at manifests, logged in; returns the administrator.
fn session(scene: &Scene) -> Result<Person> {
    let a = scene.recall("a")?;
    scene.make_role(&a, "rolf")?;
    scene.give_policy(Some(&a), ("role", "rolf"), &allow(&LOOK, "*"))?;
    let session = scene.assume(&a, &a.account, "rolf")?;
    scene.log_in_as(&session)?;
    Ok(a)
}

fn look(scene: &Scene, a: &Person) -> Result<()> {
    scene
        .client("crane")?
        .args(["digest", &image(scene, a)])
        .run()?;
    Ok(())
}

fn look_refused(scene: &Scene, a: &Person) -> Result<String> {
    scene
        .client("crane")?
        .args(["manifest", &image(scene, a)])
        .refused()
}

fn image(scene: &Scene, a: &Person) -> String {
    format!("{}:v1", scene.uri_of(&a.account, REPOSITORY))
}
