//! Accounts: create, describe, list, move, close, remove.

use ecru_aws_model::organizations as wire;
use ecru_domain::Error;
use ecru_domain::organization::DEFAULT_ROLE;
use ecru_services::organizations::accounts::{AccountDescription, CreateAccount, CreationStatus};

use super::resource_tags::pairs;
use crate::call::Call;
use crate::ecr::{page, wire_time};

pub(super) async fn create(
    call: &Call<'_>,
    input: wire::CreateAccountRequest,
) -> Result<wire::CreateAccountResponse, Error> {
    let role = input.role_name.filter(|name| !name.is_empty());
    let command = CreateAccount {
        name: input.account_name.into_string(),
        email: input.email.into_string(),
        role_name: role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()),
        tags: pairs(input.tags.unwrap_or_default()),
    };
    let organizations = &call.services.organizations;
    let created = organizations.create_account(&call.context, command).await?;
    Ok(wire::CreateAccountResponse {
        create_account_status: Some(wire_status(created)),
    })
}

pub(super) async fn describe_creation(
    call: &Call<'_>,
    input: wire::DescribeCreateAccountStatusRequest,
) -> Result<wire::DescribeCreateAccountStatusResponse, Error> {
    let organizations = &call.services.organizations;
    let status = organizations.describe_creation(&call.context, &input.create_account_request_id);
    Ok(wire::DescribeCreateAccountStatusResponse {
        create_account_status: Some(wire_status(status.await?)),
    })
}

pub(super) async fn list_creations(
    call: &Call<'_>,
    input: wire::ListCreateAccountStatusRequest,
) -> Result<wire::ListCreateAccountStatusResponse, Error> {
    use wire::CreateAccountState as State;
    let wanted = input.states.filter(|states| !states.is_empty());
    let wants = |state: State| {
        let wanted = wanted.as_ref();
        wanted.is_none_or(|states| states.contains(&state))
    };
    let (failed, succeeded) = (wants(State::Failed), wants(State::Succeeded));
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_creations(&call.context, failed, succeeded, &page);
    let found = found.await?.map(wire_status);
    Ok(wire::ListCreateAccountStatusResponse {
        create_account_statuses: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn describe(
    call: &Call<'_>,
    input: wire::DescribeAccountRequest,
) -> Result<wire::DescribeAccountResponse, Error> {
    let organizations = &call.services.organizations;
    let found = organizations.describe_account(&call.context, &input.account_id);
    Ok(wire::DescribeAccountResponse {
        account: Some(wire_account(found.await?)),
    })
}

pub(super) async fn list(
    call: &Call<'_>,
    input: wire::ListAccountsRequest,
) -> Result<wire::ListAccountsResponse, Error> {
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_accounts(&call.context, &page).await?;
    let found = found.map(wire_account);
    Ok(wire::ListAccountsResponse {
        accounts: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn list_for_parent(
    call: &Call<'_>,
    input: wire::ListAccountsForParentRequest,
) -> Result<wire::ListAccountsForParentResponse, Error> {
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_accounts_for_parent(&call.context, &input.parent_id, &page);
    let found = found.await?.map(wire_account);
    Ok(wire::ListAccountsForParentResponse {
        accounts: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn move_between_parents(
    call: &Call<'_>,
    input: wire::MoveAccountRequest,
) -> Result<wire::MoveAccountResponse, Error> {
    let organizations = &call.services.organizations;
    let (account, source) = (&input.account_id, &input.source_parent_id);
    organizations
        .move_account(&call.context, account, source, &input.destination_parent_id)
        .await?;
    Ok(wire::MoveAccountResponse {})
}

pub(super) async fn close(
    call: &Call<'_>,
    input: wire::CloseAccountRequest,
) -> Result<wire::CloseAccountResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .close_account(&call.context, &input.account_id)
        .await?;
    Ok(wire::CloseAccountResponse {})
}

pub(super) async fn remove(
    call: &Call<'_>,
    input: wire::RemoveAccountFromOrganizationRequest,
) -> Result<wire::RemoveAccountFromOrganizationResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .remove_account(&call.context, &input.account_id)
        .await?;
    Ok(wire::RemoveAccountFromOrganizationResponse {})
}

fn wire_account(account: AccountDescription) -> wire::Account {
    let (status, state) = if account.is_closed {
        (
            wire::AccountStatus::Suspended,
            wire::AccountState::Suspended,
        )
    } else {
        (wire::AccountStatus::Active, wire::AccountState::Active)
    };
    let joined_method = if account.was_created {
        wire::AccountJoinedMethod::Created
    } else {
        wire::AccountJoinedMethod::Invited
    };
    wire::Account {
        id: Some(account.id.to_string()),
        arn: Some(account.arn),
        email: Some(account.email.into()),
        name: Some(account.name.into()),
        status: Some(status),
        state: Some(state),
        paths: Some(vec![account.path]),
        joined_method: Some(joined_method),
        joined_timestamp: Some(wire_time(account.joined_at)),
    }
}

fn wire_status(status: CreationStatus) -> wire::CreateAccountStatus {
    let state = match status.outcome {
        Ok(_) => wire::CreateAccountState::Succeeded,
        Err(_) => wire::CreateAccountState::Failed,
    };
    let failure = status.outcome.as_ref().err();
    wire::CreateAccountStatus {
        id: Some(status.id),
        account_name: Some(status.account_name.into()),
        state: Some(state),
        requested_timestamp: Some(wire_time(status.at)),
        completed_timestamp: Some(wire_time(status.at)),
        account_id: status.outcome.as_ref().ok().map(ToString::to_string),
        gov_cloud_account_id: None,
        failure_reason: failure.and_then(|text| wire::CreateAccountFailureReason::parse(text)),
    }
}
