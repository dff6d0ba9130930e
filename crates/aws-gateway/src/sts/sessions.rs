//! `AssumeRole`, `GetSessionToken` and `GetFederationToken`.

use ecru_aws_model::scalar::{Sensitive, Timestamp};
use ecru_aws_model::sts as wire;
use ecru_domain::Error;
use ecru_services::sessions::SessionCredentials;
use ecru_services::sts::{
    AssumeRole, GetFederationToken, GetSessionToken, IssuedSession, Narrowing,
};

use crate::call::Call;

pub(crate) async fn assume_role(
    call: &Call<'_>,
    input: wire::AssumeRoleRequest,
) -> Result<wire::AssumeRoleResponse, Error> {
    let command = AssumeRole {
        role_arn: input.role_arn,
        session_name: input.role_session_name,
        narrowing: narrowing(input.policy, input.policy_arns),
        seconds: seconds(input.duration_seconds),
        tags: tags(input.tags),
        transitive_tag_keys: input.transitive_tag_keys.unwrap_or_default(),
        external_id: input.external_id,
        source_identity: input.source_identity,
        has_second_factor: input.serial_number.is_some() || input.token_code.is_some(),
    };
    let sts = &call.services.sts;
    let issued = sts.assume_role(&call.context, command).await?;
    Ok(wire::AssumeRoleResponse {
        credentials: Some(credentials(&issued.credentials)),
        assumed_role_user: Some(role_user(&issued)),
        packed_policy_size: percent(issued.packed_policy_size),
        source_identity: issued.source_identity,
        ..wire::AssumeRoleResponse::default()
    })
}

pub(crate) async fn get_session_token(
    call: &Call<'_>,
    input: wire::GetSessionTokenRequest,
) -> Result<wire::GetSessionTokenResponse, Error> {
    let command = GetSessionToken {
        seconds: seconds(input.duration_seconds),
        has_second_factor: input.serial_number.is_some() || input.token_code.is_some(),
    };
    let sts = &call.services.sts;
    let issued = sts.session_token(&call.context, &command).await?;
    Ok(wire::GetSessionTokenResponse {
        credentials: Some(credentials(&issued.credentials)),
        ..wire::GetSessionTokenResponse::default()
    })
}

pub(crate) async fn get_federation_token(
    call: &Call<'_>,
    input: wire::GetFederationTokenRequest,
) -> Result<wire::GetFederationTokenResponse, Error> {
    let command = GetFederationToken {
        name: input.name,
        seconds: seconds(input.duration_seconds),
        narrowing: narrowing(input.policy, input.policy_arns),
        tags: tags(input.tags),
    };
    let sts = &call.services.sts;
    let issued = sts.federation_token(&call.context, command).await?;
    Ok(wire::GetFederationTokenResponse {
        credentials: Some(credentials(&issued.credentials)),
        federated_user: Some(wire::FederatedUser {
            federated_user_id: issued.user_id,
            arn: issued.arn,
        }),
        packed_policy_size: percent(issued.packed_policy_size),
        ..wire::GetFederationTokenResponse::default()
    })
}

pub(super) fn credentials(own: &SessionCredentials) -> wire::Credentials {
    wire::Credentials {
        access_key_id: own.access_key_id.clone(),
        secret_access_key: Sensitive::new(own.secret.to_string()),
        session_token: Sensitive::new(own.token.to_string()),
        expiration: Timestamp::from_millis(own.expires_at.millis()),
    }
}

pub(super) fn role_user(issued: &IssuedSession) -> wire::AssumedRoleUser {
    wire::AssumedRoleUser {
        assumed_role_id: issued.user_id.clone(),
        arn: issued.arn.clone(),
    }
}

pub(super) fn narrowing(
    policy: Option<String>,
    arns: Option<Vec<wire::PolicyDescriptorType>>,
) -> Narrowing {
    let arns = arns.into_iter().flatten();
    Narrowing {
        policy,
        policy_arns: arns.filter_map(|descriptor| descriptor.arn).collect(),
    }
}

/// The model has a lower bound, so that no number is lost.
pub(super) fn seconds(wanted: Option<i32>) -> Option<u32> {
    wanted.map(|seconds| u32::try_from(seconds).unwrap_or_default())
}

pub(super) fn percent(size: Option<u32>) -> Option<i32> {
    size.and_then(|size| i32::try_from(size).ok())
}

fn tags(tags: Option<Vec<wire::Tag>>) -> Vec<(String, String)> {
    let tags = tags.into_iter().flatten();
    tags.map(|tag| (tag.key, tag.value)).collect()
}
