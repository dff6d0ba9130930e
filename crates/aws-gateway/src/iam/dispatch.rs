//! Which handler answers which operation of IAM: the table of contents of the API.

use ecru_aws_model::iam::Operation;

use super::{
    absent, access_keys, account, attachments, authorization_details, boundaries, groups,
    inline_policies, instance_profiles, login_profiles, oidc_providers, policies, roles,
    simulation, tags, users,
};
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
        Op::AddClientIDToOpenIDConnectProvider => {
            run::query(call, form, oidc_providers::add_client_id).await
        }
        Op::AddRoleToInstanceProfile => run::query(call, form, instance_profiles::add_role).await,
        Op::AddUserToGroup => run::query(call, form, groups::add_user).await,
        Op::AttachGroupPolicy => run::query(call, form, attachments::attach_group).await,
        Op::AttachRolePolicy => run::query(call, form, attachments::attach_role).await,
        Op::AttachUserPolicy => run::query(call, form, attachments::attach_user).await,
        Op::CreateAccessKey => run::query(call, form, access_keys::create).await,
        Op::CreateAccountAlias => run::query(call, form, account::create_alias).await,
        Op::CreateGroup => run::query(call, form, groups::create).await,
        Op::CreateInstanceProfile => run::query(call, form, instance_profiles::create).await,
        Op::CreateLoginProfile => run::query(call, form, login_profiles::create).await,
        Op::CreateOpenIDConnectProvider => run::query(call, form, oidc_providers::create).await,
        Op::CreatePolicy => run::query(call, form, policies::create).await,
        Op::CreatePolicyVersion => run::query(call, form, policies::create_version).await,
        Op::CreateRole => run::query(call, form, roles::create).await,
        Op::CreateUser => run::query(call, form, users::create).await,
        Op::DeleteAccessKey => run::query(call, form, access_keys::delete).await,
        Op::DeleteAccountAlias => run::query(call, form, account::delete_alias).await,
        Op::DeleteAccountPasswordPolicy => {
            run::query(call, form, login_profiles::delete_policy).await
        }
        Op::DeleteGroup => run::query(call, form, groups::delete).await,
        Op::DeleteGroupPolicy => run::query(call, form, inline_policies::delete_of_group).await,
        Op::DeleteInstanceProfile => run::query(call, form, instance_profiles::delete).await,
        Op::DeleteLoginProfile => run::query(call, form, login_profiles::delete).await,
        Op::DeleteOpenIDConnectProvider => run::query(call, form, oidc_providers::delete).await,
        Op::DeletePolicy => run::query(call, form, policies::delete).await,
        Op::DeletePolicyVersion => run::query(call, form, policies::delete_version).await,
        Op::DeleteRole => run::query(call, form, roles::delete).await,
        Op::DeleteRolePermissionsBoundary => {
            run::query(call, form, boundaries::delete_of_role).await
        }
        Op::DeleteRolePolicy => run::query(call, form, inline_policies::delete_of_role).await,
        Op::DeleteUser => run::query(call, form, users::delete).await,
        Op::DeleteUserPermissionsBoundary => {
            run::query(call, form, boundaries::delete_of_user).await
        }
        Op::DeleteUserPolicy => run::query(call, form, inline_policies::delete_of_user).await,
        Op::DetachGroupPolicy => run::query(call, form, attachments::detach_group).await,
        Op::DetachRolePolicy => run::query(call, form, attachments::detach_role).await,
        Op::DetachUserPolicy => run::query(call, form, attachments::detach_user).await,
        Op::GetAccessKeyLastUsed => run::query(call, form, access_keys::get_last_used).await,
        Op::GetAccountAuthorizationDetails => {
            run::query(call, form, authorization_details::get).await
        }
        Op::GetAccountPasswordPolicy => run::query(call, form, login_profiles::get_policy).await,
        Op::GetAccountSummary => run::query(call, form, account::summarize).await,
        Op::GetContextKeysForCustomPolicy => {
            run::query(call, form, simulation::custom_context_keys).await
        }
        Op::GetContextKeysForPrincipalPolicy => {
            run::query(call, form, simulation::principal_context_keys).await
        }
        Op::GetGroup => run::query(call, form, groups::get).await,
        Op::GetGroupPolicy => run::query(call, form, inline_policies::get_of_group).await,
        Op::GetInstanceProfile => run::query(call, form, instance_profiles::get).await,
        Op::GetLoginProfile => run::query(call, form, login_profiles::get).await,
        Op::GetOpenIDConnectProvider => run::query(call, form, oidc_providers::get).await,
        Op::GetPolicy => run::query(call, form, policies::get).await,
        Op::GetPolicyVersion => run::query(call, form, policies::get_version).await,
        Op::GetRole => run::query(call, form, roles::get).await,
        Op::GetRolePolicy => run::query(call, form, inline_policies::get_of_role).await,
        Op::GetUser => run::query(call, form, users::get).await,
        Op::GetUserPolicy => run::query(call, form, inline_policies::get_of_user).await,
        Op::ListAccessKeys => run::query(call, form, access_keys::list).await,
        Op::ListAccountAliases => run::query(call, form, account::list_aliases).await,
        Op::ListAttachedGroupPolicies => run::query(call, form, attachments::list_of_group).await,
        Op::ListAttachedRolePolicies => run::query(call, form, attachments::list_of_role).await,
        Op::ListAttachedUserPolicies => run::query(call, form, attachments::list_of_user).await,
        Op::ListEntitiesForPolicy => run::query(call, form, attachments::list_entities).await,
        Op::ListGroupPolicies => run::query(call, form, inline_policies::list_of_group).await,
        Op::ListGroups => run::query(call, form, groups::list).await,
        Op::ListGroupsForUser => run::query(call, form, groups::list_of_user).await,
        Op::ListInstanceProfileTags => run::query(call, form, tags::list_of_instance_profile).await,
        Op::ListInstanceProfiles => run::query(call, form, instance_profiles::list).await,
        Op::ListInstanceProfilesForRole => {
            run::query(call, form, instance_profiles::list_of_role).await
        }
        Op::ListMFADevices => run::query(call, form, absent::list_mfa_devices).await,
        Op::ListOpenIDConnectProviderTags => {
            run::query(call, form, tags::list_of_oidc_provider).await
        }
        Op::ListOpenIDConnectProviders => run::query(call, form, oidc_providers::list).await,
        Op::ListPolicies => run::query(call, form, policies::list).await,
        Op::ListPolicyTags => run::query(call, form, tags::list_of_policy).await,
        Op::ListPolicyVersions => run::query(call, form, policies::list_versions).await,
        Op::ListRolePolicies => run::query(call, form, inline_policies::list_of_role).await,
        Op::ListRoleTags => run::query(call, form, tags::list_of_role).await,
        Op::ListRoles => run::query(call, form, roles::list).await,
        Op::ListSAMLProviders => run::query(call, form, absent::list_saml_providers).await,
        Op::ListSSHPublicKeys => run::query(call, form, absent::list_ssh_public_keys).await,
        Op::ListServerCertificates => {
            run::query(call, form, absent::list_server_certificates).await
        }
        Op::ListServiceSpecificCredentials => {
            run::query(call, form, absent::list_service_specific_credentials).await
        }
        Op::ListSigningCertificates => {
            run::query(call, form, absent::list_signing_certificates).await
        }
        Op::ListUserPolicies => run::query(call, form, inline_policies::list_of_user).await,
        Op::ListUserTags => run::query(call, form, tags::list_of_user).await,
        Op::ListUsers => run::query(call, form, users::list).await,
        Op::ListVirtualMFADevices => run::query(call, form, absent::list_virtual_mfa_devices).await,
        Op::PutGroupPolicy => run::query(call, form, inline_policies::put_in_group).await,
        Op::PutRolePermissionsBoundary => run::query(call, form, boundaries::put_on_role).await,
        Op::PutRolePolicy => run::query(call, form, inline_policies::put_in_role).await,
        Op::PutUserPermissionsBoundary => run::query(call, form, boundaries::put_on_user).await,
        Op::PutUserPolicy => run::query(call, form, inline_policies::put_in_user).await,
        Op::RemoveClientIDFromOpenIDConnectProvider => {
            run::query(call, form, oidc_providers::remove_client_id).await
        }
        Op::RemoveRoleFromInstanceProfile => {
            run::query(call, form, instance_profiles::remove_role).await
        }
        Op::RemoveUserFromGroup => run::query(call, form, groups::remove_user).await,
        Op::SetDefaultPolicyVersion => run::query(call, form, policies::set_default_version).await,
        Op::SimulateCustomPolicy => run::query(call, form, simulation::simulate_custom).await,
        Op::SimulatePrincipalPolicy => run::query(call, form, simulation::simulate_principal).await,
        Op::TagInstanceProfile => run::query(call, form, tags::tag_instance_profile).await,
        Op::TagOpenIDConnectProvider => run::query(call, form, tags::tag_oidc_provider).await,
        Op::TagPolicy => run::query(call, form, tags::tag_policy).await,
        Op::TagRole => run::query(call, form, tags::tag_role).await,
        Op::TagUser => run::query(call, form, tags::tag_user).await,
        Op::UntagInstanceProfile => run::query(call, form, tags::untag_instance_profile).await,
        Op::UntagOpenIDConnectProvider => run::query(call, form, tags::untag_oidc_provider).await,
        Op::UntagPolicy => run::query(call, form, tags::untag_policy).await,
        Op::UntagRole => run::query(call, form, tags::untag_role).await,
        Op::UntagUser => run::query(call, form, tags::untag_user).await,
        Op::UpdateAccessKey => run::query(call, form, access_keys::update).await,
        Op::UpdateAccountPasswordPolicy => {
            run::query(call, form, login_profiles::update_policy).await
        }
        Op::UpdateAssumeRolePolicy => run::query(call, form, roles::update_trust).await,
        Op::UpdateGroup => run::query(call, form, groups::update).await,
        Op::UpdateLoginProfile => run::query(call, form, login_profiles::update).await,
        Op::UpdateOpenIDConnectProviderThumbprint => {
            run::query(call, form, oidc_providers::update_thumbprints).await
        }
        Op::UpdateRole => run::query(call, form, roles::update).await,
        Op::UpdateRoleDescription => run::query(call, form, roles::update_description).await,
        Op::UpdateUser => run::query(call, form, users::update).await,
    }
}
