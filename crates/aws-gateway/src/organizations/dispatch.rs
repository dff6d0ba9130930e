//! Which handler answers which operation of Organizations: the table of contents of the API.

use ecru_aws_model::organizations::Operation;

use super::{accounts, attachments, organization, policies, resource_tags, units};
use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::run::{self, Answer};

/// Answers an operation of an authenticated caller.
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, body: BufferedBody) -> Answer {
    use Operation as Op;
    match operation {
        Op::CreateOrganization => run::json(call, body, organization::create).await,
        Op::DescribeOrganization => run::json(call, body, organization::describe).await,
        Op::DeleteOrganization => run::json(call, body, organization::delete).await,
        Op::ListRoots => run::json(call, body, organization::list_roots).await,
        Op::EnablePolicyType => run::json(call, body, organization::enable_policy_type).await,
        Op::DisablePolicyType => run::json(call, body, organization::disable_policy_type).await,
        Op::ListDelegatedAdministrators => {
            run::json(call, body, organization::list_delegated_administrators).await
        }
        Op::ListAWSServiceAccessForOrganization => {
            run::json(call, body, organization::list_service_access).await
        }
        Op::CreateAccount => run::json(call, body, accounts::create).await,
        Op::DescribeCreateAccountStatus => run::json(call, body, accounts::describe_creation).await,
        Op::ListCreateAccountStatus => run::json(call, body, accounts::list_creations).await,
        Op::DescribeAccount => run::json(call, body, accounts::describe).await,
        Op::ListAccounts => run::json(call, body, accounts::list).await,
        Op::ListAccountsForParent => run::json(call, body, accounts::list_for_parent).await,
        Op::MoveAccount => run::json(call, body, accounts::move_between_parents).await,
        Op::CloseAccount => run::json(call, body, accounts::close).await,
        Op::RemoveAccountFromOrganization => run::json(call, body, accounts::remove).await,
        Op::CreateOrganizationalUnit => run::json(call, body, units::create).await,
        Op::DescribeOrganizationalUnit => run::json(call, body, units::describe).await,
        Op::UpdateOrganizationalUnit => run::json(call, body, units::update).await,
        Op::DeleteOrganizationalUnit => run::json(call, body, units::delete).await,
        Op::ListOrganizationalUnitsForParent => run::json(call, body, units::list_for_parent).await,
        Op::ListChildren => run::json(call, body, units::list_children).await,
        Op::ListParents => run::json(call, body, units::list_parents).await,
        Op::CreatePolicy => run::json(call, body, policies::create).await,
        Op::DescribePolicy => run::json(call, body, policies::describe).await,
        Op::UpdatePolicy => run::json(call, body, policies::update).await,
        Op::DeletePolicy => run::json(call, body, policies::delete).await,
        Op::ListPolicies => run::json(call, body, policies::list).await,
        Op::AttachPolicy => run::json(call, body, attachments::attach).await,
        Op::DetachPolicy => run::json(call, body, attachments::detach).await,
        Op::ListPoliciesForTarget => run::json(call, body, attachments::list_policies).await,
        Op::ListTargetsForPolicy => run::json(call, body, attachments::list_targets).await,
        Op::TagResource => run::json(call, body, resource_tags::tag).await,
        Op::UntagResource => run::json(call, body, resource_tags::untag).await,
        Op::ListTagsForResource => run::json(call, body, resource_tags::list).await,
    }
}
