//! Which service and operation a request on `/` names, in which dialect, and how large its body may be.
//!
//! Pure and early: it looks at the head of the request only, so that the body is read with the right limit or
//! not at all (design: service by `X-Amz-Target`, else by the credential scope, else by `Action`).

use ecru_aws_model::{ecr, iam, organizations, sts};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::exception::Exception;
use crate::protocol::Protocol;
use crate::query_protocol;

const KIB: usize = 1_024;
const LONGEST_OPERATION: usize = 64;

const ADMINISTRATION_PREFIX: &str = "EcruAdmin";

/// Where AWS has the services that are one for all regions.
pub const GLOBAL_REGION: &str = "us-east-1";

/// The APIs that are served here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The container registry.
    Ecr,
    /// The administration of this server.
    Administration,
    /// Users, roles, groups and policies.
    Iam,
    /// Security tokens and `GetCallerIdentity`.
    Sts,
    /// Accounts and what binds them.
    Organizations,
}

impl Service {
    const ALL: [Self; 5] = [
        Self::Ecr,
        Self::Administration,
        Self::Iam,
        Self::Sts,
        Self::Organizations,
    ];

    /// The service of the credential scope.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Ecr => ecr::SIGNING_NAME,
            Self::Administration => "ecru",
            Self::Iam => iam::SIGNING_NAME,
            Self::Sts => sts::SIGNING_NAME,
            Self::Organizations => organizations::SIGNING_NAME,
        }
    }

    /// How it is spoken to.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Ecr | Self::Administration | Self::Organizations => Protocol::AwsJson,
            Self::Iam | Self::Sts => Protocol::AwsQuery,
        }
    }

    /// Whether the service is one for all regions. It may be signed for in any, and is asked in
    /// [`GLOBAL_REGION`] whatever the signature says.
    pub fn is_global(self) -> bool {
        match self {
            Self::Ecr | Self::Administration | Self::Sts => false,
            Self::Iam | Self::Organizations => true,
        }
    }

    /// The namespace of its XML answers.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Ecr | Self::Administration | Self::Organizations => {
                query_protocol::FAULT_NAMESPACE
            }
            Self::Iam => iam::XML_NAMESPACE,
            Self::Sts => sts::XML_NAMESPACE,
        }
    }

    /// What `Version` must be, in the query dialect.
    fn query_version(self) -> Option<&'static str> {
        match self {
            Self::Ecr | Self::Administration | Self::Organizations => None,
            Self::Iam => Some(iam::API_VERSION),
            Self::Sts => Some(sts::API_VERSION),
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To an operation of the registry API.
    Ecr(ecr::Operation),
    /// To an operation of the administration API, by name.
    Administration(String),
    /// To the identity service; the form of the request, in URL or body, names the operation (`Form::operation`).
    Iam,
    /// To the token service, in the same way.
    Sts,
    /// To an operation of the Organizations API.
    Organizations(organizations::Operation),
}

impl Route {
    /// The API.
    pub fn service(&self) -> Service {
        match self {
            Self::Ecr(_) => Service::Ecr,
            Self::Administration(_) => Service::Administration,
            Self::Iam => Service::Iam,
            Self::Sts => Service::Sts,
            Self::Organizations(_) => Service::Organizations,
        }
    }

    /// The longest body to accept, in bytes.
    ///
    /// 28 MiB hold the base64 of the largest layer part, 6 MiB the largest manifest as a JSON string, 256 KiB the
    /// longest policy document with every second character encoded.
    pub fn body_limit(&self) -> usize {
        match self {
            Self::Ecr(ecr::Operation::UploadLayerPart) => 28 * KIB * KIB,
            Self::Ecr(ecr::Operation::PutImage) => 6 * KIB * KIB,
            Self::Ecr(_)
            | Self::Administration(_)
            | Self::Iam
            | Self::Sts
            | Self::Organizations(_) => 256 * KIB,
        }
    }
}

/// A request that goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// No such service or operation in the JSON dialect.
    #[error("unknown operation")]
    UnknownOperation,
    /// No such action in the query dialect.
    #[error("could not find the operation of the request")]
    InvalidAction,
}

impl RoutingError {
    /// The dialect to answer in.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::UnknownOperation => Protocol::AwsJson,
            Self::InvalidAction => Protocol::AwsQuery,
        }
    }

    /// The error as clients expect it, status 400.
    pub fn to_exception(&self) -> Exception {
        match self {
            Self::UnknownOperation => Exception::new(
                "UnknownOperationException",
                "The requested operation is not recognized by the service: this version of Ecru does not have it.",
            ),
            Self::InvalidAction => Exception::new(
                "InvalidAction",
                "Could not find the operation of the request: this version of Ecru does not have it.",
            ),
        }
    }
}

/// The dialect that an error must be written in when routing was not reached, as when the signature is refused.
pub fn protocol_of(parts: &Parts, scope_service: Option<&str>) -> Protocol {
    if parts.headers.contains_key("x-amz-target") {
        return Protocol::AwsJson;
    }
    if let Some(service) = scope_service.and_then(service_by_signing_name) {
        return service.protocol();
    }
    if is_form(&parts.headers) || query_protocol::url_parameter(parts, "Action").is_some() {
        Protocol::AwsQuery
    } else {
        Protocol::AwsJson
    }
}

/// Finds service and operation. `scope_service` is the service of the credential scope, absent if unsigned.
pub fn route(parts: &Parts, scope_service: Option<&str>) -> Result<Route, RoutingError> {
    if parts.headers.contains_key("x-amz-target") {
        return route_by_target(parts).ok_or(RoutingError::UnknownOperation);
    }
    let refused = || match protocol_of(parts, scope_service) {
        Protocol::AwsJson => RoutingError::UnknownOperation,
        Protocol::AwsQuery => RoutingError::InvalidAction,
    };
    let service = match scope_service {
        Some(name) => service_by_signing_name(name),
        None => service_by_version(parts),
    };
    match (service, &parts.method) {
        (Some(Service::Iam), &Method::GET | &Method::POST) => Ok(Route::Iam),
        (Some(Service::Sts), &Method::GET | &Method::POST) => Ok(Route::Sts),
        _ => Err(refused()),
    }
}

fn route_by_target(parts: &Parts) -> Option<Route> {
    let mut targets = parts.headers.get_all("x-amz-target").iter();
    let (prefix, operation) = targets.next()?.to_str().ok()?.split_once('.')?;
    if targets.next().is_some() || parts.method != Method::POST {
        return None;
    }
    match prefix {
        ecr::TARGET_PREFIX => ecr::Operation::from_name(operation).map(Route::Ecr),
        organizations::TARGET_PREFIX => {
            organizations::Operation::from_name(operation).map(Route::Organizations)
        }
        ADMINISTRATION_PREFIX if is_operation_name(operation) => {
            Some(Route::Administration(operation.to_owned()))
        }
        _ => None,
    }
}

fn service_by_signing_name(name: &str) -> Option<Service> {
    Service::ALL.into_iter().find(|s| s.signing_name() == name)
}

fn service_by_version(parts: &Parts) -> Option<Service> {
    let version = query_protocol::url_parameter(parts, "Version")?;
    query_protocol::url_parameter(parts, "Action")?;
    Service::ALL
        .into_iter()
        .find(|s| s.query_version() == Some(version.as_str()))
}

/// Whether the body says that it is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| {
            text.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        })
}

fn is_operation_name(name: &str) -> bool {
    (1..=LONGEST_OPERATION).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn target(value: &str) -> Parts {
        parts("POST", "/", &[("x-amz-target", value)])
    }

    #[test]
    fn the_target_names_service_and_operation() {
        for operation in ecr::Operation::ALL {
            let value = format!("AmazonEC2ContainerRegistry_V20150921.{}", operation.name());
            assert_eq!(
                route(&target(&value), Some("ecr")),
                Ok(Route::Ecr(*operation))
            );
        }
        for operation in organizations::Operation::ALL {
            let value = format!("AWSOrganizationsV20161128.{}", operation.name());
            assert_eq!(
                route(&target(&value), Some("organizations")),
                Ok(Route::Organizations(*operation))
            );
        }
        let routed = route(&target("EcruAdmin.Verify"), Some("ecru"));
        assert_eq!(routed, Ok(Route::Administration("Verify".to_owned())));
    }

    #[test]
    fn only_layers_and_manifests_may_be_large() {
        for (routed, limit) in [
            (Route::Ecr(ecr::Operation::UploadLayerPart), 28 * KIB * KIB),
            (Route::Ecr(ecr::Operation::PutImage), 6 * KIB * KIB),
            (Route::Ecr(ecr::Operation::BatchGetImage), 256 * KIB),
            (Route::Administration("PutImage".to_owned()), 256 * KIB),
            (Route::Iam, 256 * KIB),
            (Route::Sts, 256 * KIB),
        ] {
            assert_eq!(routed.body_limit(), limit, "{routed:?}");
        }
    }

    #[test]
    fn a_target_that_names_nothing_is_an_unknown_operation() {
        for value in [
            "",
            ".",
            "Nope.List",
            "AmazonEC2ContainerRegistry_V20150921",
            "AmazonEC2ContainerRegistry_V20150921.",
            "AmazonEC2ContainerRegistry_V20150921.Nope",
            "AmazonEC2ContainerRegistry_V20150921.putImage",
            "amazonec2containerregistry_v20150921.PutImage",
            "ecr.PutImage",
            "AWSOrganizationsV20161128.PutImage",
            "EcruAdmin.",
            "EcruAdmin.a.b",
            "EcruAdmin.re-encrypt",
        ] {
            assert_eq!(
                route(&target(value), Some("ecr")),
                Err(RoutingError::UnknownOperation),
                "{value}"
            );
        }
        let twice = parts(
            "POST",
            "/",
            &[
                ("x-amz-target", "EcruAdmin.Verify"),
                ("x-amz-target", "EcruAdmin.Explain"),
            ],
        );
        assert_eq!(
            route(&twice, Some("ecru")),
            Err(RoutingError::UnknownOperation)
        );
        let get = parts("GET", "/", &[("x-amz-target", "EcruAdmin.Verify")]);
        assert_eq!(
            route(&get, Some("ecru")),
            Err(RoutingError::UnknownOperation)
        );
    }

    #[test]
    fn without_target_the_scope_decides() {
        let form = parts(
            "POST",
            "/",
            &[(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )],
        );
        assert_eq!(route(&form, Some("sts")), Ok(Route::Sts));
        assert_eq!(route(&form, Some("iam")), Ok(Route::Iam));
        assert_eq!(
            route(&form, Some("organizations")),
            Err(RoutingError::UnknownOperation)
        );
        assert_eq!(
            route(&form, Some("ecr")),
            Err(RoutingError::UnknownOperation)
        );
        assert_eq!(route(&form, Some("ec2")), Err(RoutingError::InvalidAction));
        assert_eq!(
            route(&parts("POST", "/", &[]), Some("ec2")),
            Err(RoutingError::UnknownOperation)
        );
        assert!(route(&parts("DELETE", "/", &[]), Some("sts")).is_err());
    }

    #[test]
    fn without_scope_action_and_version_decide() {
        let get = parts("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", &[]);
        assert_eq!(route(&get, None), Ok(Route::Sts));
        let get = parts("GET", "/?Action=ListUsers&Version=2010-05-08", &[]);
        assert_eq!(route(&get, None), Ok(Route::Iam));
        for uri in [
            "/",
            "/?Action=GetCallerIdentity",
            "/?Version=2011-06-15",
            "/?Action=ListUsers&Version=2015-09-21",
        ] {
            assert!(route(&parts("GET", uri, &[]), None).is_err(), "{uri}");
        }
    }

    #[test]
    fn errors_before_routing_speak_the_callers_dialect() {
        assert_eq!(
            protocol_of(&target("EcruAdmin.Verify"), None),
            Protocol::AwsJson
        );
        assert_eq!(
            protocol_of(&parts("POST", "/", &[]), Some("sts")),
            Protocol::AwsQuery
        );
        assert_eq!(
            protocol_of(&parts("GET", "/?Action=x", &[]), None),
            Protocol::AwsQuery
        );
        let form = parts(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
        );
        assert_eq!(protocol_of(&form, None), Protocol::AwsQuery);
        assert_eq!(
            protocol_of(&parts("GET", "/", &[]), None),
            Protocol::AwsJson
        );
    }
}
