//! Which handler answers which operation of Organizations: the table of contents of the API.

use ecru_aws_model::organizations::Operation;

use super::organization;
use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::run::{self, Answer};

/// Answers an operation of an authenticated caller.
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, body: BufferedBody) -> Answer {
    use Operation as Op;
    match operation {
        Op::DescribeOrganization => run::json(call, body, organization::describe).await,
        Op::AttachPolicy
        | Op::CloseAccount
        | Op::CreateAccount
        | Op::CreateOrganization
        | Op::CreateOrganizationalUnit
        | Op::CreatePolicy
        | Op::DeleteOrganization
        | Op::DeleteOrganizationalUnit
        | Op::DeletePolicy
        | Op::DescribeAccount
        | Op::DescribeCreateAccountStatus
        | Op::DescribeOrganizationalUnit
        | Op::DescribePolicy
        | Op::DetachPolicy
        | Op::DisablePolicyType
        | Op::EnablePolicyType
        | Op::ListAWSServiceAccessForOrganization
        | Op::ListAccounts
        | Op::ListAccountsForParent
        | Op::ListChildren
        | Op::ListCreateAccountStatus
        | Op::ListDelegatedAdministrators
        | Op::ListOrganizationalUnitsForParent
        | Op::ListParents
        | Op::ListPolicies
        | Op::ListPoliciesForTarget
        | Op::ListRoots
        | Op::ListTagsForResource
        | Op::ListTargetsForPolicy
        | Op::MoveAccount
        | Op::RemoveAccountFromOrganization
        | Op::TagResource
        | Op::UntagResource
        | Op::UpdateOrganizationalUnit
        | Op::UpdatePolicy => Err(run::not_built(
            "UnknownOperationException",
            operation.name(),
        )),
    }
}
