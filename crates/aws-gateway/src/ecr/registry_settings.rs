//! What holds for a whole registry.

use ecru_aws_model::ecr as wire;
use ecru_domain::Error;
use ecru_domain::settings::AccountSetting;

use crate::call::{Call, refuse};

/// Replication cannot be configured yet: there are no rules.
pub(crate) async fn describe(
    call: &Call<'_>,
    _: wire::DescribeRegistryRequest,
) -> Result<wire::DescribeRegistryResponse, Error> {
    let settings = &call.services.settings;
    let registry = settings.describe_registry(&call.context).await?;
    Ok(wire::DescribeRegistryResponse {
        registry_id: Some(registry.account.to_string()),
        replication_configuration: Some(wire::ReplicationConfiguration { rules: Vec::new() }),
    })
}

pub(crate) async fn get_account(
    call: &Call<'_>,
    input: wire::GetAccountSettingRequest,
) -> Result<wire::GetAccountSettingResponse, Error> {
    let setting = account_setting(&input.name)?;
    let settings = &call.services.settings;
    let value = settings.get_account_setting(&call.context, setting).await?;
    Ok(wire::GetAccountSettingResponse {
        name: Some(input.name),
        value: Some(value),
    })
}

pub(crate) async fn put_account(
    call: &Call<'_>,
    input: wire::PutAccountSettingRequest,
) -> Result<wire::PutAccountSettingResponse, Error> {
    let setting = account_setting(&input.name)?;
    let settings = &call.services.settings;
    let value = settings.put_account_setting(&call.context, setting, &input.value);
    Ok(wire::PutAccountSettingResponse {
        value: Some(value.await?),
        name: Some(input.name),
    })
}

fn account_setting(name: &str) -> Result<AccountSetting, Error> {
    AccountSetting::parse(name).ok_or_else(|| {
        refuse(
            "name",
            "Member must satisfy enum value set: [BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE, BLOB_MOUNTING]",
        )
    })
}
