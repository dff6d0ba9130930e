//! What nobody can have here: SAML providers, certificates, MFA devices, SSH keys, credentials of other services. The
//! lists are asked for by clients that look at everything, and are empty.

use ecru_aws_model::iam::{self as wire, Operation};
use ecru_domain::{Action, Error};
use ecru_services::Resource;

use crate::call::Call;

pub(crate) async fn list_saml_providers(
    call: &Call<'_>,
    _input: wire::ListSAMLProvidersRequest,
) -> Result<wire::ListSAMLProvidersResponse, Error> {
    permit(call, Operation::ListSAMLProviders).await?;
    Ok(wire::ListSAMLProvidersResponse {
        saml_provider_list: Some(Vec::new()),
    })
}

pub(crate) async fn list_server_certificates(
    call: &Call<'_>,
    _input: wire::ListServerCertificatesRequest,
) -> Result<wire::ListServerCertificatesResponse, Error> {
    permit(call, Operation::ListServerCertificates).await?;
    Ok(wire::ListServerCertificatesResponse {
        is_truncated: Some(false),
        ..Default::default()
    })
}

pub(crate) async fn list_virtual_mfa_devices(
    call: &Call<'_>,
    _input: wire::ListVirtualMFADevicesRequest,
) -> Result<wire::ListVirtualMFADevicesResponse, Error> {
    permit(call, Operation::ListVirtualMFADevices).await?;
    Ok(wire::ListVirtualMFADevicesResponse {
        is_truncated: Some(false),
        ..Default::default()
    })
}

pub(crate) async fn list_mfa_devices(
    call: &Call<'_>,
    _input: wire::ListMFADevicesRequest,
) -> Result<wire::ListMFADevicesResponse, Error> {
    permit(call, Operation::ListMFADevices).await?;
    Ok(wire::ListMFADevicesResponse {
        mfa_devices: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) async fn list_ssh_public_keys(
    call: &Call<'_>,
    _input: wire::ListSSHPublicKeysRequest,
) -> Result<wire::ListSSHPublicKeysResponse, Error> {
    permit(call, Operation::ListSSHPublicKeys).await?;
    Ok(wire::ListSSHPublicKeysResponse {
        ssh_public_keys: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) async fn list_service_specific_credentials(
    call: &Call<'_>,
    _input: wire::ListServiceSpecificCredentialsRequest,
) -> Result<wire::ListServiceSpecificCredentialsResponse, Error> {
    permit(call, Operation::ListServiceSpecificCredentials).await?;
    Ok(wire::ListServiceSpecificCredentialsResponse {
        service_specific_credentials: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) async fn list_signing_certificates(
    call: &Call<'_>,
    _input: wire::ListSigningCertificatesRequest,
) -> Result<wire::ListSigningCertificatesResponse, Error> {
    permit(call, Operation::ListSigningCertificates).await?;
    Ok(wire::ListSigningCertificatesResponse {
        certificates: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    })
}

/// Whether the caller may ask at all.
async fn permit(call: &Call<'_>, operation: Operation) -> Result<(), Error> {
    let action = Action::named(operation.iam_action());
    let resource = Resource::Any(call.context.own_registry());
    let access = &call.services.access;
    access
        .authorize(&call.context, action, resource)
        .await
        .map(|_permit| ())
}
