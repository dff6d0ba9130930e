//! The alias of an account, and how much the account has of everything.

use std::collections::BTreeMap;

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::account::AccountSummary;

use super::descriptions::number;
use crate::call::Call;

pub(crate) async fn summarize(
    call: &Call<'_>,
    _input: wire::GetAccountSummaryRequest,
) -> Result<wire::GetAccountSummaryResponse, Error> {
    let iam = &call.services.iam;
    let summary = iam.account_summary(&call.context).await?;
    Ok(wire::GetAccountSummaryResponse {
        summary_map: Some(summary_map(&summary)),
    })
}

fn summary_map(summary: &AccountSummary) -> BTreeMap<wire::SummaryKeyType, i32> {
    use wire::SummaryKeyType as Key;
    let mut map = BTreeMap::from([
        (Key::Users, number(summary.users)),
        (Key::Groups, number(summary.groups)),
        (Key::Roles, number(summary.roles)),
        (Key::Policies, number(summary.policies)),
        (Key::InstanceProfiles, number(summary.instance_profiles)),
        (Key::Providers, number(summary.providers)),
        (
            Key::AccountAccessKeysPresent,
            i32::from(summary.has_root_key),
        ),
        (Key::AccountMFAEnabled, 0),
        (Key::AccountPasswordPresent, 0),
        (Key::AccountSigningCertificatesPresent, 0),
        (Key::MFADevices, 0),
        (Key::MFADevicesInUse, 0),
        (Key::ServerCertificates, 0),
        (Key::GlobalEndpointTokenVersion, 1),
    ]);
    for (name, quota) in AccountSummary::quotas() {
        if let Some(key) = Key::parse(name) {
            map.insert(key, number(quota));
        }
    }
    map
}

pub(crate) async fn list_aliases(
    call: &Call<'_>,
    _input: wire::ListAccountAliasesRequest,
) -> Result<wire::ListAccountAliasesResponse, Error> {
    let iam = &call.services.iam;
    Ok(wire::ListAccountAliasesResponse {
        account_aliases: iam.list_account_aliases(&call.context).await?,
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) async fn create_alias(
    call: &Call<'_>,
    input: wire::CreateAccountAliasRequest,
) -> Result<wire::CreateAccountAliasResponse, Error> {
    let iam = &call.services.iam;
    iam.create_account_alias(&call.context, &input.account_alias)
        .await?;
    Ok(wire::CreateAccountAliasResponse {})
}

pub(crate) async fn delete_alias(
    call: &Call<'_>,
    input: wire::DeleteAccountAliasRequest,
) -> Result<wire::DeleteAccountAliasResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_account_alias(&call.context, &input.account_alias)
        .await?;
    Ok(wire::DeleteAccountAliasResponse {})
}
