//! Who else there is besides the root user: accounts, users and sessions of roles, made with the aws CLI and kept by
//! name in files below the scene's home, since flows build on one another.

use std::fs;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scene::Scene;
use crate::server::REGION;
use crate::tool::Tool;

/// Credentials of somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Account.
    pub(crate) account: String,
    /// Access key id.
    pub(crate) key_id: String,
    secret: String,
    session_token: Option<String>,
}

impl Scene {
    /// `aws <arguments>` as somebody, in the server's region.
    pub(crate) fn aws_as(&self, person: &Person, arguments: &[&str]) -> Result<Tool<'_>> {
        let mut tool = self.aws(arguments)?;
        tool = tool
            .env("AWS_ACCESS_KEY_ID", &person.key_id)
            .env("AWS_SECRET_ACCESS_KEY", &person.secret);
        if let Some(token) = &person.session_token {
            tool = tool.env("AWS_SESSION_TOKEN", token);
        }
        Ok(tool)
    }

    /// The same, for its answer.
    pub(crate) fn ask_as(&self, person: &Person, arguments: &[&str]) -> Result<Value> {
        let output = self.aws_as(person, arguments)?.private_output().run()?;
        if output.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&output).context("the answer is not JSON")
    }

    /// The same as the root user of the management account.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.aws(arguments)?.private_output().run()?;
        if output.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&output).context("the answer is not JSON")
    }

    /// Keeps somebody under a name.
    pub(crate) fn remember(&self, name: &str, person: &Person) -> Result<()> {
        let file = self.folder("people")?.join(name);
        Ok(fs::write(file, serde_json::to_vec(person)?)?)
    }

    /// Somebody who was kept.
    pub(crate) fn recall(&self, name: &str) -> Result<Person> {
        let file = self.folder("people")?.join(name);
        let text = fs::read(&file).with_context(|| format!("{name} was not made"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// A user with an access key. `by` is an administrator of its account, or the root user.
    pub(crate) fn make_user(&self, by: Option<&Person>, name: &str) -> Result<Person> {
        let ask = |arguments: &[&str]| match by {
            Some(person) => self.ask_as(person, arguments),
            None => self.ask(arguments),
        };
        let user = ask(&["iam", "create-user", "--user-name", name])?;
        let made = ask(&["iam", "create-access-key", "--user-name", name])?;
        let key = &made["AccessKey"];
        let arn = text(&user["User"]["Arn"])?;
        let account = arn.split(':').nth(4).context("no account in the ARN")?;
        let person = Person {
            account: account.to_owned(),
            key_id: text(&key["AccessKeyId"])?,
            secret: text(&key["SecretAccessKey"])?,
            session_token: None,
        };
        self.bench.remember_secret(&person.secret);
        Ok(person)
    }

    /// A role that everybody of an account may assume if their own policies allow it.
    pub(crate) fn make_role(&self, by: &Person, name: &str) -> Result<()> {
        let trust = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": { "AWS": format!("arn:aws:iam::{}:root", by.account) },
            }],
        });
        let trust = trust.to_string();
        let create = [
            "iam",
            "create-role",
            "--role-name",
            name,
            "--assume-role-policy-document",
        ];
        self.ask_as(by, &[create.as_slice(), &[&trust]].concat())?;
        Ok(())
    }

    /// A session of a role.
    pub(crate) fn assume(&self, by: &Person, account: &str, role: &str) -> Result<Person> {
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        let assume = [
            "sts",
            "assume-role",
            "--role-session-name",
            "e2e",
            "--role-arn",
            &arn,
        ];
        let answer = self.ask_as(by, &assume)?;
        self.person_of(account, &answer["Credentials"])
    }

    /// Whose credentials an answer of STS has.
    pub(crate) fn person_of(&self, account: &str, credentials: &Value) -> Result<Person> {
        let person = Person {
            account: account.to_owned(),
            key_id: text(&credentials["AccessKeyId"])?,
            secret: text(&credentials["SecretAccessKey"])?,
            session_token: Some(text(&credentials["SessionToken"])?),
        };
        self.bench.remember_secret(&person.secret);
        Ok(person)
    }

    /// Gives a user or role (`user` or `role`) an inline policy.
    pub(crate) fn give_policy(
        &self,
        by: Option<&Person>,
        (kind, name): (&str, &str),
        document: &Value,
    ) -> Result<()> {
        let (command, flag) = (format!("put-{kind}-policy"), format!("--{kind}-name"));
        let document = document.to_string();
        let arguments = [
            "iam",
            &command,
            &flag,
            name,
            "--policy-name",
            "e2e",
            "--policy-document",
            &document,
        ];
        match by {
            Some(person) => self.ask_as(person, &arguments)?,
            None => self.ask(&arguments)?,
        };
        Ok(())
    }

    /// `docker login` and the other clients' logins as somebody.
    pub(crate) fn log_in_as(&self, person: &Person) -> Result<()> {
        let password = self
            .aws_as(person, &["ecr", "get-login-password"])?
            .private_output()
            .run()?;
        let password = password.trim();
        self.bench.remember_secret(password);
        self.write_docker_config(password)
    }

    /// Sets the policy of a repository of somebody's account.
    pub(crate) fn set_repository_policy(
        &self,
        by: &Person,
        repository: &str,
        statement: &Value,
    ) -> Result<()> {
        let document = document(statement).to_string();
        let set = [
            "ecr",
            "set-repository-policy",
            "--repository-name",
            repository,
            "--policy-text",
            &document,
        ];
        self.ask_as(by, &set)?;
        Ok(())
    }

    /// URI of a repository of any account in the server's region.
    pub(crate) fn uri_of(&self, account: &str, repository: &str) -> String {
        format!("{}/{account}.{REGION}/{repository}", self.host())
    }
}

/// A policy document of one statement.
pub(crate) fn document(statement: &Value) -> Value {
    serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// An identity policy that allows actions on a resource.
pub(crate) fn allow(actions: &[&str], resource: &str) -> Value {
    document(&serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resource }))
}

/// A text of an answer.
pub(crate) fn text(value: &Value) -> Result<String> {
    let text = value.as_str().context("the answer lacks a text")?;
    Ok(text.to_owned())
}
