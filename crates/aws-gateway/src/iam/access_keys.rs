//! `CreateAccessKey`, `ListAccessKeys`, `UpdateAccessKey`, `DeleteAccessKey`, `GetAccessKeyLastUsed`.

use ecru_aws_model::Sensitive;
use ecru_aws_model::iam as wire;
use ecru_domain::{Error, IamRefusal};
use ecru_services::iam::access_keys::AccessKeyDescription;

use super::descriptions::{page, time};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateAccessKeyRequest,
) -> Result<wire::CreateAccessKeyResponse, Error> {
    let user = input.user_name.as_deref();
    let iam = &call.services.iam;
    let (key, pair) = iam.create_access_key(&call.context, user).await?;
    Ok(wire::CreateAccessKeyResponse {
        access_key: wire::AccessKey {
            user_name: key.user,
            access_key_id: key.id,
            status: status(key.is_active),
            secret_access_key: Sensitive::new(pair.secret.as_str().to_owned()),
            create_date: Some(time(key.created_at)),
        },
    })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListAccessKeysRequest,
) -> Result<wire::ListAccessKeysResponse, Error> {
    let page = page(input.max_items, input.marker);
    let user = input.user_name.as_deref();
    let iam = &call.services.iam;
    let found = iam.list_access_keys(&call.context, user, &page).await?;
    Ok(wire::ListAccessKeysResponse {
        access_key_metadata: found.items.into_iter().map(metadata).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn update(
    call: &Call<'_>,
    input: wire::UpdateAccessKeyRequest,
) -> Result<wire::UpdateAccessKeyResponse, Error> {
    let is_active = match input.status {
        wire::StatusType::Active => true,
        wire::StatusType::Inactive => false,
        wire::StatusType::Expired => {
            let message = "The status of an access key is Active or Inactive.".to_owned();
            return Err(IamRefusal::ValidationError { message }.into());
        }
    };
    let (user, id) = (input.user_name.as_deref(), &input.access_key_id);
    let iam = &call.services.iam;
    iam.update_access_key(&call.context, user, id, is_active)
        .await?;
    Ok(wire::UpdateAccessKeyResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteAccessKeyRequest,
) -> Result<wire::DeleteAccessKeyResponse, Error> {
    let (user, id) = (input.user_name.as_deref(), &input.access_key_id);
    let iam = &call.services.iam;
    iam.delete_access_key(&call.context, user, id).await?;
    Ok(wire::DeleteAccessKeyResponse {})
}

pub(crate) async fn get_last_used(
    call: &Call<'_>,
    input: wire::GetAccessKeyLastUsedRequest,
) -> Result<wire::GetAccessKeyLastUsedResponse, Error> {
    let id = &input.access_key_id;
    let iam = &call.services.iam;
    let found = iam.access_key_last_used(&call.context, id).await?;
    let nothing = || "N/A".to_owned();
    let (at, service, region) = match found.last {
        Some(last) => (Some(time(last.at)), last.service, last.region),
        None => (None, nothing(), nothing()),
    };
    Ok(wire::GetAccessKeyLastUsedResponse {
        user_name: Some(found.user),
        access_key_last_used: Some(wire::AccessKeyLastUsed {
            last_used_date: at,
            service_name: service,
            region,
        }),
    })
}

fn metadata(key: AccessKeyDescription) -> wire::AccessKeyMetadata {
    wire::AccessKeyMetadata {
        user_name: Some(key.user),
        access_key_id: Some(key.id),
        status: Some(status(key.is_active)),
        create_date: Some(time(key.created_at)),
    }
}

fn status(is_active: bool) -> wire::StatusType {
    if is_active {
        wire::StatusType::Active
    } else {
        wire::StatusType::Inactive
    }
}
