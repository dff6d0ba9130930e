//! Who makes a request, as policies see it (IAM User Guide, "AWS JSON policy elements: Principal").

use thiserror::Error;

/// What sort of identity makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// An IAM user.
    User,
    /// The root user of an account.
    Root,
    /// A role itself, as simulations name it; it is treated like a session of the role.
    Role,
    /// A session of a role.
    AssumedRole,
    /// A session of `GetFederationToken`.
    FederatedUser,
    /// A provider of identities: OIDC or SAML.
    IdentityProvider,
    /// A service, by its bare name.
    Service,
    /// Nobody known.
    Anonymous,
}

/// Text that names no principal who could make a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("this is not the ARN of a principal, nor the name of a service")]
pub struct NotAPrincipal;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    kind: PrincipalKind,
    arn: String,
    account: Option<String>,
    partition: String,
    /// The last part of a user's or role's path and name; of a federated user its own name.
    name: String,
    session: Option<String>,
    unique_id: Option<String>,
    /// The user whose federated session this is.
    parent: Option<String>,
}

impl Principal {
    /// Reads the ARN of a user, root user, role, role session, federated user or identity provider, or the bare
    /// name of a service such as `ecs-tasks.amazonaws.com`.
    ///
    /// A federated user is taken for a session of the user of the same name, until [`with_parent`](Self::with_parent)
    /// says otherwise.
    pub fn parse(text: &str) -> Result<Self, NotAPrincipal> {
        if !text.starts_with("arn:") {
            return Self::service(text);
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &[_, partition, service, "", account, resource] = parts.as_slice() else {
            return Err(NotAPrincipal);
        };
        if !is_account(account) || partition.is_empty() {
            return Err(NotAPrincipal);
        }
        let (kind, name, session) = kind_of(service, resource).ok_or(NotAPrincipal)?;
        let parent = (kind == PrincipalKind::FederatedUser)
            .then(|| format!("arn:{partition}:iam::{account}:user/{name}"));
        Ok(Self {
            kind,
            arn: text.to_owned(),
            account: Some(account.to_owned()),
            partition: partition.to_owned(),
            name: name.to_owned(),
            session: session.map(str::to_owned),
            unique_id: None,
            parent,
        })
    }

    fn service(name: &str) -> Result<Self, NotAPrincipal> {
        let is_name = name.contains('.')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if !is_name {
            return Err(NotAPrincipal);
        }
        Ok(Self::without_account(PrincipalKind::Service, name))
    }

    /// A provider of identities that is known by its bare name, such as `accounts.google.com`.
    pub fn identity_provider(name: &str) -> Self {
        Self::without_account(PrincipalKind::IdentityProvider, name)
    }

    /// Nobody known.
    pub fn anonymous() -> Self {
        Self::without_account(PrincipalKind::Anonymous, "anonymous")
    }

    fn without_account(kind: PrincipalKind, name: &str) -> Self {
        Self {
            kind,
            arn: name.to_owned(),
            account: None,
            partition: String::new(),
            name: name.to_owned(),
            session: None,
            unique_id: None,
            parent: None,
        }
    }

    /// The same principal with its unique id: of the user (`AIDA…`), of the role of a session (`AROA…`), or of the
    /// user whose federated session it is. Stored documents that name the id then match.
    #[must_use]
    pub fn with_unique_id(mut self, id: impl Into<String>) -> Self {
        self.unique_id = Some(id.into());
        self
    }

    /// The same federated user as a session of the user with this ARN.
    #[must_use]
    pub fn with_parent(mut self, user: impl Into<String>) -> Self {
        self.parent = Some(user.into());
        self
    }

    /// What sort of identity it is.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Its ARN, or the name of a service, or `anonymous`: as messages name it.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account it belongs to. A service and nobody belong to none.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The unique id that was given.
    pub fn unique_id(&self) -> Option<&str> {
        self.unique_id.as_deref()
    }

    /// The name of the user, role or federated user without its path; of others, what they are called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a role's session.
    pub fn session_name(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Whether policies of an account can be attached to it. Services, identity providers and nobody are bound by
    /// policies of resources alone.
    pub fn has_policies(&self) -> bool {
        !matches!(
            self.kind,
            PrincipalKind::Service | PrincipalKind::IdentityProvider | PrincipalKind::Anonymous
        )
    }

    pub(crate) fn partition(&self) -> &str {
        &self.partition
    }

    pub(crate) fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }
}

/// Whether `text` is an account id.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads the last part of an ARN: what it names, its name without path, and the session.
fn kind_of<'a>(
    service: &str,
    resource: &'a str,
) -> Option<(PrincipalKind, &'a str, Option<&'a str>)> {
    if (service, resource) == ("iam", "root") {
        return Some((PrincipalKind::Root, resource, None));
    }
    let (what, name) = resource.split_once('/')?;
    let last = name.rsplit('/').next().filter(|last| !last.is_empty())?;
    match (service, what) {
        ("iam", "user") => Some((PrincipalKind::User, last, None)),
        ("iam", "role") => Some((PrincipalKind::Role, last, None)),
        ("iam", "oidc-provider" | "saml-provider") => {
            Some((PrincipalKind::IdentityProvider, name, None))
        }
        ("sts", "federated-user") => Some((PrincipalKind::FederatedUser, name, None)),
        ("sts", "assumed-role") => {
            let (role, session) = name.split_once('/')?;
            let is_pair = !role.is_empty() && !session.is_empty();
            is_pair.then_some((PrincipalKind::AssumedRole, role, Some(session)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_read_from_their_arns() {
        for (text, kind, name, session) in [
            (
                "arn:aws:iam::111122223333:root",
                PrincipalKind::Root,
                "root",
                None,
            ),
            (
                "arn:aws:iam::111122223333:user/a/b",
                PrincipalKind::User,
                "b",
                None,
            ),
            (
                "arn:aws:iam::111122223333:role/ci/deploy",
                PrincipalKind::Role,
                "deploy",
                None,
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/deploy/ci-42",
                PrincipalKind::AssumedRole,
                "deploy",
                Some("ci-42"),
            ),
            (
                "arn:aws:sts::111122223333:federated-user/bob",
                PrincipalKind::FederatedUser,
                "bob",
                None,
            ),
            (
                "arn:aws:iam::111122223333:oidc-provider/gitlab.example/x",
                PrincipalKind::IdentityProvider,
                "gitlab.example/x",
                None,
            ),
            (
                "ecs-tasks.amazonaws.com",
                PrincipalKind::Service,
                "ecs-tasks.amazonaws.com",
                None,
            ),
        ] {
            let principal = Principal::parse(text).unwrap();
            assert_eq!(principal.kind(), kind, "{text}");
            assert_eq!(principal.name(), name, "{text}");
            assert_eq!(principal.session_name(), session, "{text}");
            assert_eq!(principal.arn(), text);
            assert_eq!(principal.account().is_some(), text.starts_with("arn:"));
        }
    }

    #[test]
    fn what_names_no_principal_is_refused() {
        for text in [
            "",
            "*",
            "alice",
            "arn:aws:iam::111122223333:group/x",
            "arn:aws:iam::1:user/alice",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam:us-east-1:111122223333:user/alice",
            "arn:aws:sts::111122223333:assumed-role/deploy",
            "arn:aws:sts::111122223333:assumed-role/deploy/",
            "arn:aws:ecr:us-east-1:111122223333:repository/x",
            "arn:aws:iam",
        ] {
            assert!(Principal::parse(text).is_err(), "{text}");
        }
    }
}
