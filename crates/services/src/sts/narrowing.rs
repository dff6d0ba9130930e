//! The session policies that a request passes: what a session may do at most, whatever its role or user may (IAM User
//! Guide, "Session policies").

use ecru_domain::{AccountId, Error, SessionPolicy, StsRefusal, sessions};
use ecru_policy::DocumentKind;
use ecru_policy::validate::MAX_SESSION_POLICY;
use ecru_ports::metadata::{EntityKind, ReadTransaction};

use super::{Sts, invalid};
use crate::iam::{managed_policies, records};
use crate::store::Warrant;

/// Session policies as passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// A document.
    pub policy: Option<String>,
    /// ARNs of managed policies, of the account of the role or user.
    pub policy_arns: Vec<String>,
}

impl Sts {
    /// The policies of a session in `account`. White space is left out, which takes room in the token and means nothing.
    pub(super) async fn session_policies(
        &self,
        account: &AccountId,
        narrowing: Narrowing,
    ) -> Result<Vec<SessionPolicy>, Error> {
        let Narrowing {
            policy,
            policy_arns,
        } = narrowing;
        if policy_arns.len() > sessions::MAX_POLICY_ARNS {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to {}",
                sessions::MAX_POLICY_ARNS
            )));
        }
        let mut policies = Vec::new();
        if let Some(text) = policy {
            policies.push(SessionPolicy::Inline(checked(&text)?));
        }
        let owner = account.clone();
        let read = self.store.lookup(Warrant::server(), move |rows| {
            let mut managed = Vec::new();
            for arn in policy_arns {
                if !is_there(rows, &owner, &arn)? {
                    return Err(malformed(format!(
                        "The managed policy {arn} does not exist in the account, or cannot be passed to a session."
                    )));
                }
                managed.push(SessionPolicy::Managed(arn));
            }
            Ok(managed)
        });
        policies.extend(read.await?);
        Ok(policies)
    }
}

/// An inline session policy without white space between its parts.
fn checked(text: &str) -> Result<String, Error> {
    if text.chars().count() > MAX_SESSION_POLICY {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to {MAX_SESSION_POLICY}"
        )));
    }
    ecru_policy::validate(text, DocumentKind::Session)
        .map_err(|finding| malformed(finding.message))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(Error::internal)?;
    Ok(value.to_string())
}

fn malformed(message: String) -> Error {
    StsRefusal::MalformedPolicyDocument { message }.into()
}

/// Whether a managed policy is one of AWS or of the account.
fn is_there(rows: &mut dyn ReadTransaction, account: &AccountId, arn: &str) -> Result<bool, Error> {
    if managed_policies::find(arn).is_some() {
        return Ok(true);
    }
    match records::parse_identity_arn(arn) {
        Some((owner, EntityKind::Policy, key)) if owner == *account => {
            let found = rows.find_entity(account, EntityKind::Policy, &key)?;
            Ok(found.is_some())
        }
        _ => Ok(false),
    }
}
