//! Who sent a request: everything that can be refused without its body is refused before the body is read, and
//! nothing of the request is believed before its signature is verified.

use ecru_domain::{Error, Principal, Refusal, Region, Timestamp};
use ecru_services::identity::SigningKey;
use http::request::Parts;
use http_body::Body;

use crate::body_budget::{BodyError, BodyPace, BufferedBody};
use crate::drain::Drain;
use crate::errors::Failure;
use crate::exception::Exception;
use crate::gateway::{AwsGateway, route_name};
use crate::protocol::Dialect;
use crate::response::RouteName;
use crate::routing::{self, Route, Service};
use crate::sigv4::{PrecheckLimits, Prechecked, SignatureError, SignedRequest, SigningSecret};

/// What metrics call a request that was refused before anything was found.
pub(crate) const NO_ROUTE: RouteName = RouteName("unknown");

/// A request whose signature is that of a living access key.
pub(crate) struct Authenticated {
    pub(crate) route: Route,
    pub(crate) principal: Principal,
    pub(crate) region: Region,
    pub(crate) body: BufferedBody,
}

/// A request that is not let in.
pub(crate) struct Refused {
    pub(crate) dialect: Dialect,
    pub(crate) exception: Box<Exception>,
    pub(crate) route: RouteName,
    /// What to read away of its body before the answer.
    pub(crate) drain: Drain,
}

impl AwsGateway {
    /// Signature parsed, time, route, scope and access key; then the body; then the signature itself.
    pub(crate) async fn authenticate<B>(
        &self,
        parts: &Parts,
        body: B,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Authenticated, Refused>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let prechecked = precheck(parts, now)?;
        let route = find_route(parts, &prechecked)?;
        let (service, name) = (route.service(), route_name(&route));
        let protocol = service.protocol();
        let refuse = |exception, drain| Refused {
            dialect: Dialect::of(service),
            exception: Box::new(exception),
            route: name,
            drain,
        };
        let unsigned = |e: SignatureError| refuse(e.to_exception(protocol), Drain::STRANGER);
        let region = check_scope(&prechecked, service).map_err(unsigned)?;
        let key = self.signing_key(&prechecked).await.map_err(|e| match e {
            Error::Refused(Refusal::TokenExpired) => unsigned(SignatureError::ExpiredToken),
            other => {
                let exception = Failure::UseCase(other).of_service(service, request_id);
                refuse(exception, Drain::STRANGER)
            }
        })?;
        let key = key.ok_or_else(|| unsigned(SignatureError::UnknownAccessKey))?;
        let pace = BodyPace::default();
        let read = self.bodies.read(body, route.body_limit(), &pace).await;
        let body =
            read.map_err(|e| refuse(e.to_exception(protocol), drain_after(&e, Drain::KNOWN)))?;
        let secret = secret_of(&key).map_err(unsigned)?;
        let signed_for = prechecked.claims().scope().service.clone();
        prechecked.verify(&secret, body.hash()).map_err(unsigned)?;
        let kind = key.principal.session_kind();
        if kind.is_some_and(|kind| !kind.may_use(service.signing_name())) {
            return Err(unsigned(SignatureError::UnknownAccessKey));
        }
        let iam = &self.services.iam;
        iam.note_use(&key.principal, &signed_for, region.as_str(), now);
        Ok(Authenticated {
            route,
            principal: key.principal,
            region,
            body,
        })
    }

    /// The access key that is claimed, with its session token, which is signed wherever it stands (`precheck`).
    async fn signing_key(&self, claimed: &Prechecked) -> Result<Option<SigningKey>, Error> {
        let claims = claimed.claims();
        let (id, token) = (claims.access_key_id(), claims.security_token());
        self.services.identity.signing_key(id, token).await
    }
}

fn precheck(parts: &Parts, now: Timestamp) -> Result<Prechecked, Refused> {
    let refuse = |e: SignatureError, scope: Option<&str>| {
        let protocol = routing::protocol_of(parts, scope);
        Refused {
            dialect: Dialect::of_no_service(protocol),
            exception: Box::new(e.to_exception(protocol)),
            route: NO_ROUTE,
            drain: Drain::STRANGER,
        }
    };
    let signed = SignedRequest::parse(parts).map_err(|e| refuse(e, None))?;
    let service = signed.scope().service.clone();
    signed
        .precheck(now, &PrecheckLimits::default())
        .map_err(|e| refuse(e, Some(&service)))
}

fn find_route(parts: &Parts, prechecked: &Prechecked) -> Result<Route, Refused> {
    let service = &prechecked.claims().scope().service;
    routing::route(parts, Some(service)).map_err(|e| Refused {
        dialect: Dialect::of_no_service(e.protocol()),
        exception: Box::new(e.to_exception()),
        route: NO_ROUTE,
        drain: Drain::STRANGER,
    })
}

/// What to read away after a body that was not taken.
pub(crate) fn drain_after(error: &BodyError, of_sender: Drain) -> Drain {
    match error {
        BodyError::TooLarge { .. } | BodyError::Busy => of_sender,
        BodyError::Truncated | BodyError::TooSlow | BodyError::Transport(_) => Drain::NOTHING,
    }
}

/// Every region is served: each has a registry of every account, and the global services do not care.
fn check_scope(prechecked: &Prechecked, service: Service) -> Result<Region, SignatureError> {
    let region = Region::parse(&prechecked.claims().scope().region);
    prechecked.check_scope(service.signing_name(), |_| region.is_ok())?;
    let region = if service.is_global() {
        Region::parse(routing::GLOBAL_REGION)
    } else {
        region
    };
    region.map_err(|_| SignatureError::Mismatch)
}

fn secret_of(key: &SigningKey) -> Result<SigningSecret, SignatureError> {
    let text = std::str::from_utf8(&key.secret).map_err(|_| SignatureError::Mismatch)?;
    Ok(SigningSecret::new(text))
}
