//! The Organizations API (awsJson 1.1, version 2016-11-28), a file for each family of operations.
//!
//! - `dispatch`: the table of contents
//! - [`organization`]: the organization itself, its root and the types of policies enabled there
//! - [`accounts`], [`units`]: what is in it
//! - [`policies`], [`attachments`]: what binds whom
//! - [`resource_tags`]: tags of all these

mod accounts;
mod attachments;
mod dispatch;
mod organization;
mod policies;
mod resource_tags;
mod units;

use ecru_aws_model::organizations as wire;
use ecru_domain::organization::{PolicyType, TargetKind};
use ecru_domain::{Error, OrganizationsRefusal};

pub(crate) use dispatch::answer;

/// A type of policies. Those that Ecru has no use for are refused.
fn policy_type(kind: wire::PolicyType) -> Result<PolicyType, Error> {
    PolicyType::parse(kind.as_str()).ok_or_else(|| {
        OrganizationsRefusal::InvalidInput {
            message: "You specified an invalid value.".to_owned(),
            reason: "INVALID_ENUM_POLICY_TYPE",
        }
        .into()
    })
}

fn wire_policy_type(kind: PolicyType) -> wire::PolicyType {
    match kind {
        PolicyType::ServiceControl => wire::PolicyType::ServiceControlPolicy,
        PolicyType::ResourceControl => wire::PolicyType::ResourceControlPolicy,
    }
}

fn wire_target_type(kind: TargetKind) -> wire::TargetType {
    match kind {
        TargetKind::Root => wire::TargetType::Root,
        TargetKind::OrganizationalUnit => wire::TargetType::OrganizationalUnit,
        TargetKind::Account => wire::TargetType::Account,
    }
}
