//! Login profiles of users, and the password policy of the account.

use ecru_aws_model::Sensitive;
use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::login_profiles::{LoginProfileChange, LoginProfileDescription};
use ecru_services::iam::passwords::PasswordPolicy;
use zeroize::Zeroizing;

use super::descriptions::time;
use crate::call::Call;

/// The fewest characters of a password, where a policy does not say (IAM API Reference, `PasswordPolicy`).
const DEFAULT_LENGTH: u32 = 6;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateLoginProfileRequest,
) -> Result<wire::CreateLoginProfileResponse, Error> {
    let change = change(input.password, input.password_reset_required);
    let user = input.user_name.as_deref();
    let iam = &call.services.iam;
    let made = iam.create_login_profile(&call.context, user, change);
    Ok(wire::CreateLoginProfileResponse {
        login_profile: login_profile(made.await?),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetLoginProfileRequest,
) -> Result<wire::GetLoginProfileResponse, Error> {
    let user = input.user_name.as_deref();
    let iam = &call.services.iam;
    let found = iam.get_login_profile(&call.context, user).await?;
    Ok(wire::GetLoginProfileResponse {
        login_profile: login_profile(found),
    })
}

pub(crate) async fn update(
    call: &Call<'_>,
    input: wire::UpdateLoginProfileRequest,
) -> Result<wire::UpdateLoginProfileResponse, Error> {
    let change = change(input.password, input.password_reset_required);
    let iam = &call.services.iam;
    iam.update_login_profile(&call.context, &input.user_name, change)
        .await?;
    Ok(wire::UpdateLoginProfileResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteLoginProfileRequest,
) -> Result<wire::DeleteLoginProfileResponse, Error> {
    let user = input.user_name.as_deref();
    let iam = &call.services.iam;
    iam.delete_login_profile(&call.context, user).await?;
    Ok(wire::DeleteLoginProfileResponse {})
}

pub(crate) async fn update_policy(
    call: &Call<'_>,
    input: wire::UpdateAccountPasswordPolicyRequest,
) -> Result<wire::UpdateAccountPasswordPolicyResponse, Error> {
    let count = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let policy = PasswordPolicy {
        minimum_length: count(input.minimum_password_length).unwrap_or(DEFAULT_LENGTH),
        require_symbols: input.require_symbols.unwrap_or(false),
        require_numbers: input.require_numbers.unwrap_or(false),
        require_uppercase: input.require_uppercase_characters.unwrap_or(false),
        require_lowercase: input.require_lowercase_characters.unwrap_or(false),
        allow_change: input.allow_users_to_change_password.unwrap_or(false),
        max_age: count(input.max_password_age),
        reuse_prevention: count(input.password_reuse_prevention),
        hard_expiry: input.hard_expiry,
    };
    let iam = &call.services.iam;
    iam.update_password_policy(&call.context, policy).await?;
    Ok(wire::UpdateAccountPasswordPolicyResponse {})
}

pub(crate) async fn get_policy(
    call: &Call<'_>,
    _input: wire::GetAccountPasswordPolicyRequest,
) -> Result<wire::GetAccountPasswordPolicyResponse, Error> {
    let iam = &call.services.iam;
    let policy = iam.get_password_policy(&call.context).await?;
    let count = |number: u32| i32::try_from(number).ok();
    Ok(wire::GetAccountPasswordPolicyResponse {
        password_policy: wire::PasswordPolicy {
            minimum_password_length: count(policy.minimum_length),
            require_symbols: Some(policy.require_symbols),
            require_numbers: Some(policy.require_numbers),
            require_uppercase_characters: Some(policy.require_uppercase),
            require_lowercase_characters: Some(policy.require_lowercase),
            allow_users_to_change_password: Some(policy.allow_change),
            expire_passwords: Some(policy.max_age.is_some_and(|days| days > 0)),
            max_password_age: policy.max_age.and_then(count),
            password_reuse_prevention: policy.reuse_prevention.and_then(count),
            hard_expiry: policy.hard_expiry,
        },
    })
}

pub(crate) async fn delete_policy(
    call: &Call<'_>,
    _input: wire::DeleteAccountPasswordPolicyRequest,
) -> Result<wire::DeleteAccountPasswordPolicyResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_password_policy(&call.context).await?;
    Ok(wire::DeleteAccountPasswordPolicyResponse {})
}

fn change(password: Option<Sensitive>, reset_required: Option<bool>) -> LoginProfileChange {
    LoginProfileChange {
        password: password.map(|password| Zeroizing::new(password.into_string())),
        reset_required,
    }
}

fn login_profile(profile: LoginProfileDescription) -> wire::LoginProfile {
    wire::LoginProfile {
        user_name: profile.user,
        create_date: time(profile.created_at),
        password_reset_required: Some(profile.reset_required),
    }
}
