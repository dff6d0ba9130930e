//! Where a policy of a simulation is from: written into the source of its document, and read from decisions.

/// Whose policy a statement is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// Embedded in a user.
    User,
    /// Embedded in a group.
    Group,
    /// Embedded in a role.
    Role,
    /// One of AWS's.
    Aws,
    /// A managed policy of the account.
    Local,
    /// The resource's.
    Resource,
    /// Given with the request.
    Given,
}

const WORDS: [(PolicySource, &str); 7] = [
    (PolicySource::User, "user"),
    (PolicySource::Group, "group"),
    (PolicySource::Role, "role"),
    (PolicySource::Aws, "aws"),
    (PolicySource::Local, "local"),
    (PolicySource::Resource, "resource"),
    (PolicySource::Given, "given"),
];

/// Where a policy is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) kind: PolicySource,
    /// The ARN of a managed policy, `OWNER/NAME` of an inline one, and what the request calls any other.
    pub(super) name: String,
}

impl Source {
    pub(super) fn new(kind: PolicySource, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind, name }
    }

    /// As the source of a document.
    pub(super) fn write(&self) -> String {
        format!("{} {}", self.word(), self.name)
    }

    /// From the source of a document; `None` if it is none that a simulation was given or looked for.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (word, name) = text.split_once(' ')?;
        let (kind, _) = WORDS.iter().find(|(_, known)| *known == word)?;
        Some(Self::new(*kind, name))
    }

    /// As AWS names the policy in answers.
    pub(super) fn id(&self) -> String {
        match self.kind {
            PolicySource::User | PolicySource::Group | PolicySource::Role => {
                format!("{}_{}", self.word(), self.name.replace('/', "_"))
            }
            PolicySource::Aws | PolicySource::Local => {
                let last = self.name.rsplit('/').next();
                last.unwrap_or(&self.name).to_owned()
            }
            PolicySource::Resource | PolicySource::Given => self.name.clone(),
        }
    }

    fn word(&self) -> &'static str {
        let found = WORDS.iter().find(|(known, _)| *known == self.kind);
        found.map_or("given", |(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_were_written_and_named_as_aws_names_them() {
        for (kind, name, id) in [
            (PolicySource::User, "ada/own", "user_ada_own"),
            (PolicySource::Role, "ci/push", "role_ci_push"),
            (
                PolicySource::Aws,
                "arn:aws:iam::aws:policy/aws-service-role/P",
                "P",
            ),
            (
                PolicySource::Local,
                "arn:aws:iam::000000000000:policy/x/P",
                "P",
            ),
            (PolicySource::Resource, "ResourcePolicy", "ResourcePolicy"),
            (
                PolicySource::Given,
                "PolicyInputList.1",
                "PolicyInputList.1",
            ),
        ] {
            let source = Source::new(kind, name);
            assert_eq!(Source::read(&source.write()), Some(source.clone()));
            assert_eq!(source.id(), id);
        }
        assert_eq!(Source::read("p-FullAWSAccess"), None);
        assert_eq!(Source::read("other x"), None);
    }
}
