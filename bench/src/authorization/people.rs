//! Who asks: the root user, a user with one statement, and one with a hundred.

use std::sync::Arc;

use anyhow::ensure;
use hyper::StatusCode;
use serde_json::json;

use crate::authorization::documents::{self, OTHER_REPOSITORY, POLICIES, REPOSITORY};
use crate::aws::{EcrClient, IamClient, element};
use crate::client::{Connection, Endpoint};
use crate::compare::Server;
use crate::sigv4::AccessKey;

/// What the one with a single statement has.
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// Row of the user without policies.
pub(super) const ROOT: &str = "root user";
/// Row of the user with one statement.
pub(super) const FEW: &str = "1 statement";
/// Row of the user with many.
pub(super) const MANY: &str = "10 policies of 10 statements";

/// One who asks.
pub(super) struct Person {
    /// What the table calls them.
    pub(super) title: &'static str,
    /// The registry, with their token.
    pub(super) endpoint: Arc<Endpoint>,
}

/// Everybody who asks.
pub(super) struct People {
    /// Their account.
    pub(super) account: String,
    /// Each of them.
    pub(super) all: Vec<Person>,
}

impl People {
    /// Makes users, policies and the repository with its policy.
    ///
    /// # Errors
    /// A refusal, or policies that bind nobody.
    pub(super) async fn make(server: &Server, ecr: &EcrClient) -> anyhow::Result<Self> {
        let mut maker = Maker {
            iam: ecr.iam(),
            connection: ecr.iam().connection(),
        };
        let (few, arn) = maker.user("bench-few").await?;
        let (many, _) = maker.user("bench-many").await?;
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        maker.attach("bench-few", ADMINISTRATOR).await?;
        for number in 0..POLICIES {
            let name = format!("bench-{number}");
            let document = documents::managed(&account, number);
            let arn = maker.policy(&name, &document).await?;
            maker.attach("bench-many", &arn).await?;
        }
        make_repositories(server, ecr, &account).await?;
        let people = Self {
            account,
            all: vec![
                person(ROOT, ecr).await?,
                person(FEW, &ecr.with_key(few)).await?,
                person(MANY, &ecr.with_key(many)).await?,
            ],
        };
        people.require_bound().await?;
        Ok(people)
    }

    /// Whether the policies refuse what they do not allow: if not, there is nothing to measure.
    async fn require_bound(&self) -> anyhow::Result<()> {
        for person in &self.all {
            let mut connection = Connection::new(Arc::clone(&person.endpoint));
            let path = format!("/v2/{OTHER_REPOSITORY}/manifests/none");
            let status = connection.head(&path, &[]).await?;
            let wanted = if person.title == MANY {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::NOT_FOUND
            };
            ensure!(
                status == wanted,
                "{}: status {status}, expected {wanted}",
                person.title
            );
        }
        Ok(())
    }
}

async fn person(title: &'static str, ecr: &EcrClient) -> anyhow::Result<Person> {
    let endpoint = ecr.registry_endpoint().await?;
    Ok(Person { title, endpoint })
}

async fn make_repositories(server: &Server, ecr: &EcrClient, account: &str) -> anyhow::Result<()> {
    for name in [REPOSITORY, OTHER_REPOSITORY] {
        server.ensure_repository(name).await?;
    }
    let body = json!({
        "repositoryName": REPOSITORY, "policyText": documents::of_repository(account),
    });
    let mut connection = ecr.connection();
    ecr.call(&mut connection, "SetRepositoryPolicy", &body)
        .await?;
    Ok(())
}

/// Makes users and policies.
struct Maker {
    iam: IamClient,
    connection: Connection,
}

impl Maker {
    async fn call(
        &mut self,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let iam = &self.iam;
        iam.call(&mut self.connection, operation, parameters).await
    }

    /// A user's access key, and its ARN.
    async fn user(&mut self, name: &str) -> anyhow::Result<(AccessKey, String)> {
        let named = [("UserName", name)];
        let user = self.call("CreateUser", &named).await?;
        let key = self.call("CreateAccessKey", &named).await?;
        let key = AccessKey {
            id: element(&key, "AccessKeyId")?.to_owned(),
            secret: element(&key, "SecretAccessKey")?.to_owned(),
        };
        Ok((key, element(&user, "Arn")?.to_owned()))
    }

    /// The ARN of a new managed policy.
    async fn policy(&mut self, name: &str, document: &str) -> anyhow::Result<String> {
        let parameters = [("PolicyName", name), ("PolicyDocument", document)];
        let policy = self.call("CreatePolicy", &parameters).await?;
        Ok(element(&policy, "Arn")?.to_owned())
    }

    async fn attach(&mut self, user: &str, policy: &str) -> anyhow::Result<()> {
        let parameters = [("UserName", user), ("PolicyArn", policy)];
        self.call("AttachUserPolicy", &parameters).await.map(drop)
    }
}
