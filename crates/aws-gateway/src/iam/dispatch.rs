//! Which handler answers which operation of IAM: the table of contents of the API.

use ecru_aws_model::iam::Operation;

use super::absent;
use crate::call::Call;
use crate::query_protocol::Form;
use crate::run::{self, Answer};

/// Answers an operation of an authenticated caller.
#[expect(
    clippy::too_many_lines,
    reason = "one line for each operation of the model"
)]
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, form: &Form) -> Answer {
    use Operation as Op;
    match operation {
        Op::ListSAMLProviders => run::query(call, form, absent::list_saml_providers).await,
        Op::ListServerCertificates => {
            run::query(call, form, absent::list_server_certificates).await
        }
        Op::ListVirtualMFADevices => run::query(call, form, absent::list_virtual_mfa_devices).await,
        Op::AddClientIDToOpenIDConnectProvider
        | Op::AddRoleToInstanceProfile
        | Op::AddUserToGroup
        | Op::AttachGroupPolicy
        | Op::AttachRolePolicy
        | Op::AttachUserPolicy
        | Op::CreateAccessKey
        | Op::CreateAccountAlias
        | Op::CreateGroup
        | Op::CreateInstanceProfile
        | Op::CreateLoginProfile
        | Op::CreateOpenIDConnectProvider
        | Op::CreatePolicy
        | Op::CreatePolicyVersion
        | Op::CreateRole
        | Op::CreateUser
        | Op::DeleteAccessKey
        | Op::DeleteAccountAlias
        | Op::DeleteAccountPasswordPolicy
        | Op::DeleteGroup
        | Op::DeleteGroupPolicy
        | Op::DeleteInstanceProfile
        | Op::DeleteLoginProfile
        | Op::DeleteOpenIDConnectProvider
        | Op::DeletePolicy
        | Op::DeletePolicyVersion
        | Op::DeleteRole
        | Op::DeleteRolePermissionsBoundary
        | Op::DeleteRolePolicy
        | Op::DeleteUser
        | Op::DeleteUserPermissionsBoundary
        | Op::DeleteUserPolicy
        | Op::DetachGroupPolicy
        | Op::DetachRolePolicy
        | Op::DetachUserPolicy
        | Op::GetAccessKeyLastUsed
        | Op::GetAccountAuthorizationDetails
        | Op::GetAccountPasswordPolicy
        | Op::GetAccountSummary
        | Op::GetContextKeysForCustomPolicy
        | Op::GetContextKeysForPrincipalPolicy
        | Op::GetGroup
        | Op::GetGroupPolicy
        | Op::GetInstanceProfile
        | Op::GetLoginProfile
        | Op::GetOpenIDConnectProvider
        | Op::GetPolicy
        | Op::GetPolicyVersion
        | Op::GetRole
        | Op::GetRolePolicy
        | Op::GetUser
        | Op::GetUserPolicy
        | Op::ListAccessKeys
        | Op::ListAccountAliases
        | Op::ListAttachedGroupPolicies
        | Op::ListAttachedRolePolicies
        | Op::ListAttachedUserPolicies
        | Op::ListEntitiesForPolicy
        | Op::ListGroupPolicies
        | Op::ListGroups
        | Op::ListGroupsForUser
        | Op::ListInstanceProfileTags
        | Op::ListInstanceProfiles
        | Op::ListInstanceProfilesForRole
        | Op::ListMFADevices
        | Op::ListOpenIDConnectProviderTags
        | Op::ListOpenIDConnectProviders
        | Op::ListPolicies
        | Op::ListPolicyTags
        | Op::ListPolicyVersions
        | Op::ListRolePolicies
        | Op::ListRoleTags
        | Op::ListRoles
        | Op::ListSSHPublicKeys
        | Op::ListServiceSpecificCredentials
        | Op::ListSigningCertificates
        | Op::ListUserPolicies
        | Op::ListUserTags
        | Op::ListUsers
        | Op::PutGroupPolicy
        | Op::PutRolePermissionsBoundary
        | Op::PutRolePolicy
        | Op::PutUserPermissionsBoundary
        | Op::PutUserPolicy
        | Op::RemoveClientIDFromOpenIDConnectProvider
        | Op::RemoveRoleFromInstanceProfile
        | Op::RemoveUserFromGroup
        | Op::SetDefaultPolicyVersion
        | Op::SimulateCustomPolicy
        | Op::SimulatePrincipalPolicy
        | Op::TagInstanceProfile
        | Op::TagOpenIDConnectProvider
        | Op::TagPolicy
        | Op::TagRole
        | Op::TagUser
        | Op::UntagInstanceProfile
        | Op::UntagOpenIDConnectProvider
        | Op::UntagPolicy
        | Op::UntagRole
        | Op::UntagUser
        | Op::UpdateAccessKey
        | Op::UpdateAccountPasswordPolicy
        | Op::UpdateAssumeRolePolicy
        | Op::UpdateGroup
        | Op::UpdateLoginProfile
        | Op::UpdateOpenIDConnectProviderThumbprint
        | Op::UpdateRole
        | Op::UpdateRoleDescription
        | Op::UpdateUser => Err(run::not_built("InvalidAction", operation.name())),
    }
}
