//! Accounts that share a repository: who may pull from another account's, narrowed to roles, addresses and regions, and
//! what users of the account itself need.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::docker::Docker;
use crate::people::{Person, allow, text};
use crate::scene::Scene;
use crate::server::REGION;

/// The repository that is shared; `team-a` is the folder.
pub(super) const REPOSITORY: &str = "team-a/app";
const ELSEWHERE: &str = "team-b/app";

/// What a pull needs.
const PULL: [&str; 3] = [
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchCheckLayerAvailability",
];

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "aws",
        "an organization of four accounts with administrators",
        found,
    ),
    Flow::new("docker", "account A pushes to its own repository", push_own),
    Flow::new(
        "docker",
        "without a policy no other account pulls",
        |scene| {
            make_pullers(scene)?;
            nobody_else(scene, Docker::Classic)
        },
    ),
    Flow::new(
        Docker::Containerd.client(),
        "without a policy no other account pulls",
        |scene| nobody_else(scene, Docker::Containerd),
    ),
    Flow::new(
        "docker",
        "a policy lets accounts B and C pull, and D not",
        |scene| share(scene, Docker::Classic),
    ),
    Flow::new(
        Docker::Containerd.client(),
        "a policy lets accounts B and C pull, and D not",
        |scene| share(scene, Docker::Containerd),
    ),
    Flow::new("docker", "narrowed to one role", one_role),
    Flow::new("docker", "narrowed to an address range", addresses),
    Flow::new("docker", "narrowed to a region", regions),
    Flow::new(
        "docker",
        "a user of the account needs an identity policy",
        own_user,
    ),
    Flow::new("docker", "folders in names are borders", folders),
];

/// Makes an organization with the accounts, and an administrator of each.
pub(super) fn found(scene: &mut Scene) -> Result<()> {
    scene.ask(&["organizations", "create-organization"])?;
    let operator = scene.make_user(None, "operator")?;
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    let attach = [
        "iam",
        "attach-user-policy",
        "--user-name",
        "operator",
        "--policy-arn",
        administrator,
    ];
    scene.ask(&attach)?;
    scene.remember("operator", &operator)?;
    for name in ["a", "b", "c", "d"] {
        let email = format!("{name}@example.com");
        let create = [
            "organizations",
            "create-account",
            "--account-name",
            name,
            "--email",
            &email,
        ];
        let made = scene.ask_as(&operator, &create)?;
        let account = text(&made["CreateAccountStatus"]["AccountId"])?;
        let person = scene.assume(&operator, &account, "OrganizationAccountAccessRole")?;
        scene.remember(name, &person)?;
    }
    Ok(())
}

/// Account A makes its repositories and pushes an image to each.
pub(super) fn push_own(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    scene.log_in_as(&a)?;
    let context = scene.folder("context")?;
    std::fs::write(
        context.join("Dockerfile"),
        "FROM scratch\nCOPY Dockerfile /\n",
    )?;
    for repository in [REPOSITORY, ELSEWHERE] {
        let create = ["ecr", "create-repository", "--repository-name", repository];
        let made = scene.ask_as(&a, &create)?;
        let uri = text(&made["repository"]["repositoryUri"])?;
        ensure!(
            uri == scene.uri_of(&a.account, repository),
            "repositoryUri is {uri}"
        );
        let image = format!("{uri}:v1");
        let folder = context.to_string_lossy().into_owned();
        Docker::Classic.run(scene, &["build", "--quiet", "--tag", &image, &folder])?;
        Docker::Classic.run(scene, &["push", &image])?;
        Docker::Classic.remove(scene, &image)?;
    }
    Ok(())
}

/// Roles of account B: one that may pull as far as B says, and one that may only log in.
fn make_pullers(scene: &Scene) -> Result<()> {
    let b = scene.recall("b")?;
    for name in ["puller", "idle"] {
        scene.make_role(&b, name)?;
    }
    scene.give_policy(Some(&b), ("role", "puller"), &puller())?;
    scene.give_policy(
        Some(&b),
        ("role", "idle"),
        &allow(&["ecr:GetAuthorizationToken"], "*"),
    )?;
    for name in ["puller", "idle"] {
        // the administrator's session is a role: chaining is allowed by the trust in the account
        let session = scene.assume(&b, &b.account, name)?;
        scene.remember(name, &session)?;
    }
    Ok(())
}

fn nobody_else(scene: &Scene, docker: Docker) -> Result<()> {
    let (a, b) = (scene.recall("a")?, scene.recall("b")?);
    let refused = refused_by(docker, scene, &scene.recall("puller")?, REPOSITORY)?;
    let told = format!(
        "User: arn:aws:sts::{}:assumed-role/puller/e2e is not authorized to perform: ecr:BatchGetImage on resource: \
         arn:aws:ecr:{REGION}:{}:repository/{REPOSITORY} because no resource-based policy allows the ecr:BatchGetImage action",
        b.account, a.account
    );
    ensure!(refused.contains(&told), "another text: {refused}");
    Ok(())
}

fn share(scene: &Scene, docker: Docker) -> Result<()> {
    let (a, b, c, d) = (
        scene.recall("a")?,
        scene.recall("b")?,
        scene.recall("c")?,
        scene.recall("d")?,
    );
    let roots = json!([root(&b), root(&c)]);
    scene.set_repository_policy(&a, REPOSITORY, &grant(&roots, None))?;
    pull_by(docker, scene, &scene.recall("puller")?)?;
    pull_by(docker, scene, &c)?;
    let refused = refused_by(docker, scene, &scene.recall("idle")?, REPOSITORY)?;
    ensure!(
        refused.contains("because no identity-based policy allows the ecr:BatchGetImage action"),
        "another text: {refused}"
    );
    refused_by(docker, scene, &d, REPOSITORY)?;
    Ok(())
}

fn one_role(scene: &mut Scene) -> Result<()> {
    let (a, b, c) = (scene.recall("a")?, scene.recall("b")?, scene.recall("c")?);
    let role = json!(format!("arn:aws:iam::{}:role/puller", b.account));
    scene.set_repository_policy(&a, REPOSITORY, &grant(&role, None))?;
    let shown = scene.ask_as(
        &a,
        &[
            "ecr",
            "get-repository-policy",
            "--repository-name",
            REPOSITORY,
        ],
    )?;
    ensure!(
        text(&shown["policyText"])?.contains("role/puller"),
        "not shown as it was set"
    );
    pull(scene, &scene.recall("puller")?)?;
    pull_refused(scene, &c, REPOSITORY)?;
    pull_refused(scene, &b, REPOSITORY)?;
    Ok(())
}

fn addresses(scene: &mut Scene) -> Result<()> {
    let (a, c) = (scene.recall("a")?, scene.recall("c")?);
    for (range, allowed) in [("192.0.2.0/24", false), ("127.0.0.0/8", true)] {
        let condition = json!({ "IpAddress": { "aws:SourceIp": [range, "::1/128"] } });
        let condition = if allowed {
            condition
        } else {
            json!({ "IpAddress": { "aws:SourceIp": range } })
        };
        let granted = grant(&json!(root(&c)), Some(condition));
        scene.set_repository_policy(&a, REPOSITORY, &granted)?;
        if allowed {
            pull(scene, &c)?;
        } else {
            pull_refused(scene, &c, REPOSITORY)?;
        }
    }
    Ok(())
}

fn regions(scene: &mut Scene) -> Result<()> {
    let (a, c) = (scene.recall("a")?, scene.recall("c")?);
    for (region, allowed) in [("eu-central-1", false), (REGION, true)] {
        let condition = json!({ "StringEquals": { "aws:RequestedRegion": region } });
        let granted = grant(&json!(root(&c)), Some(condition));
        scene.set_repository_policy(&a, REPOSITORY, &granted)?;
        if allowed {
            pull(scene, &c)?;
        } else {
            pull_refused(scene, &c, REPOSITORY)?;
        }
    }
    Ok(())
}

fn own_user(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    let user = scene.make_user(Some(&a), "ada")?;
    scene.remember("ada", &user)?;
    let refused = scene
        .aws_as(&user, &["ecr", "get-login-password"])?
        .refused()?;
    ensure!(
        refused.contains("not authorized to perform: ecr:GetAuthorizationToken"),
        "{refused}"
    );
    let read_only = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly";
    let attach = [
        "iam",
        "attach-user-policy",
        "--user-name",
        "ada",
        "--policy-arn",
        read_only,
    ];
    scene.ask_as(&a, &attach)?;
    pull(scene, &user)?;
    let image = format!("{}:v2", scene.uri_of(&a.account, REPOSITORY));
    let known = format!("{}:v1", scene.uri_of(&a.account, REPOSITORY));
    Docker::Classic.run(scene, &["pull", "--quiet", &known])?;
    Docker::Classic.run(scene, &["tag", &known, &image])?;
    let refused = Docker::Classic.refused(scene, &["push", &image])?;
    Docker::Classic.remove(scene, &image)?;
    Docker::Classic.remove(scene, &known)?;
    let told = format!(
        "denied: User: arn:aws:iam::{}:user/ada is not authorized to perform: ecr:",
        a.account
    );
    ensure!(refused.contains(&told), "another text: {refused}");
    Ok(())
}

fn folders(scene: &mut Scene) -> Result<()> {
    let a = scene.recall("a")?;
    let user = scene.make_user(Some(&a), "fay")?;
    let folder = format!("arn:aws:ecr:{REGION}:{}:repository/team-a/*", a.account);
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
            { "Effect": "Allow", "Action": "ecr:*", "Resource": folder },
        ],
    });
    scene.give_policy(Some(&a), ("user", "fay"), &policy)?;
    pull(scene, &user)?;
    pull_refused(scene, &user, ELSEWHERE)?;
    Ok(())
}

/// The identity policy of those who may log in and pull.
fn puller() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
            { "Effect": "Allow", "Action": PULL, "Resource": "*" },
        ],
    })
}

pub(super) fn root(person: &Person) -> String {
    format!("arn:aws:iam::{}:root", person.account)
}

pub(super) fn grant(principals: &Value, condition: Option<Value>) -> Value {
    let mut statement =
        json!({ "Effect": "Allow", "Principal": { "AWS": principals }, "Action": PULL });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

/// Logs in as somebody and pulls account A's image.
pub(super) fn pull(scene: &Scene, person: &Person) -> Result<()> {
    pull_by(Docker::Classic, scene, person)
}

fn pull_by(docker: Docker, scene: &Scene, person: &Person) -> Result<()> {
    scene.log_in_as(person)?;
    let image = format!(
        "{}:v1",
        scene.uri_of(&scene.recall("a")?.account, REPOSITORY)
    );
    docker.run(scene, &["pull", "--quiet", &image])?;
    docker.remove(scene, &image)
}

pub(super) fn pull_refused(scene: &Scene, person: &Person, repository: &str) -> Result<String> {
    refused_by(Docker::Classic, scene, person, repository)
}

fn refused_by(docker: Docker, scene: &Scene, person: &Person, repository: &str) -> Result<String> {
    scene.log_in_as(person)?;
    let image = format!(
        "{}:v1",
        scene.uri_of(&scene.recall("a")?.account, repository)
    );
    docker.refused(scene, &["pull", "--quiet", &image])
}
