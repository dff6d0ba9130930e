//! What the operation tables of the query services have in common.

use ecru_aws_model::{iam, sts};
use ecru_services::audit::is_read_only;

/// An operation of a service that speaks the query dialect.
pub trait QueryOperation: Copy + 'static {
    /// What `Version` must be.
    const VERSION: &'static str;
    /// The namespace of the service's answers.
    const NAMESPACE: &'static str;

    /// The operation of an `Action`.
    fn from_name(name: &str) -> Option<Self>;

    /// The `Action`.
    fn name(self) -> &'static str;

    /// The element that holds the members of the output, if there is an output.
    fn result_wrapper(self) -> Option<&'static str>;

    /// Whether the audit log tells what it is answered: a change what it made, an issue of credentials whose they are.
    fn is_told(self) -> bool {
        !is_read_only(self.name())
    }
}

impl QueryOperation for iam::Operation {
    const VERSION: &'static str = iam::API_VERSION;
    const NAMESPACE: &'static str = iam::XML_NAMESPACE;

    fn from_name(name: &str) -> Option<Self> {
        Self::parse(name)
    }

    fn name(self) -> &'static str {
        self.as_str()
    }

    fn result_wrapper(self) -> Option<&'static str> {
        self.result_wrapper()
    }
}

impl QueryOperation for sts::Operation {
    const VERSION: &'static str = sts::API_VERSION;
    const NAMESPACE: &'static str = sts::XML_NAMESPACE;

    fn from_name(name: &str) -> Option<Self> {
        Self::parse(name)
    }

    fn name(self) -> &'static str {
        self.as_str()
    }

    fn result_wrapper(self) -> Option<&'static str> {
        self.result_wrapper()
    }

    fn is_told(self) -> bool {
        match self {
            Self::AssumeRole
            | Self::AssumeRoleWithWebIdentity
            | Self::GetFederationToken
            | Self::GetSessionToken => true,
            Self::GetAccessKeyInfo | Self::GetCallerIdentity => false,
        }
    }
}
