//! The policies that AWS keeps for everyone: `arn:aws:iam::aws:policy/…`.
//!
//! They are part of the program and cannot be changed through the API (IAM User Guide, "AWS managed policies").

/// A policy that AWS keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManagedPolicy {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its document.
    pub(crate) document: &'static str,
}

const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// The one that allows everything.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// All of them.
pub(crate) const ALL: &[ManagedPolicy] = &[ManagedPolicy {
    name: "AdministratorAccess",
    document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
}];

/// The policy of that ARN.
pub(crate) fn find(arn: &str) -> Option<&'static ManagedPolicy> {
    let name = arn.strip_prefix(PREFIX)?;
    ALL.iter().find(|policy| policy.name == name)
}
