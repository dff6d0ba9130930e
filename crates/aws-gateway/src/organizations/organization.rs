//! The organization itself.

use ecru_aws_model::organizations::{self as wire, Operation};
use ecru_domain::{Action, Error, OrganizationsRefusal};
use ecru_services::Resource;

use crate::call::Call;

/// No account can be in an organization yet.
pub(crate) async fn describe(
    call: &Call<'_>,
    _input: wire::DescribeOrganizationRequest,
) -> Result<wire::DescribeOrganizationResponse, Error> {
    let action = Action::named(Operation::DescribeOrganization.iam_action());
    let resource = Resource::Any(call.context.own_registry());
    let access = &call.services.access;
    access.authorize(&call.context, action, resource).await?;
    Err(OrganizationsRefusal::NotInUse {
        message: "Your account is not a member of an organization.".to_owned(),
    }
    .into())
}
