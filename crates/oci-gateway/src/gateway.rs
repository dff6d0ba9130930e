//! The entry of the OCI API: route, authenticate, dispatch, answer.
//!
//! ```text
//! path ─▶ route ─▶ token ─▶ repository ─▶ handler ─▶ use case
//!   └ 404   └ 405    └ 401/403  └ 400/403    └ what the use case refuses
//! ```

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use ecru_domain::address::{registry_of_host, registry_of_request};
use ecru_domain::{Principal, Region, Registry, Timestamp};
use ecru_services::tokens::TokenHolder;
use ecru_services::{Decisions, RequestContext, Services};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;

use crate::audit::Entry;
use crate::authentication::{authenticate, check_region};
use crate::bodies::{Drain, ManifestBudget, RequestBody};
use crate::call::{Call, Received, host_of, user_agent};
use crate::errors::{Code, Failure};
use crate::paths::{self, Target};
use crate::query::Query;
use crate::response::{self, API_VERSION, ResponseBody, RouteName, header_value};
use crate::routes::{self, Operation, Route};
use crate::{catalog, dispatch, layer_links};

/// What is read away of the body of a stranger, and of one who is known.
const STRANGER: Drain = Drain {
    bytes: 256 * 1_024,
    time: Duration::from_secs(1),
};
const KNOWN: Drain = Drain {
    bytes: 32 * 1_024 * 1_024,
    time: Duration::from_secs(5),
};

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct OciConfig {
    /// The registry that a bare path means.
    pub home: Registry,
    /// The longest pause within a body.
    pub body_idle: Duration,
    /// Bytes that all manifests may take in memory while they are pushed, and again while they are pulled.
    pub manifest_memory: usize,
}

impl OciConfig {
    /// The usual settings: a pause of a minute, 32 MiB of manifests.
    pub fn new(home: Registry) -> Self {
        Self {
            home,
            body_idle: Duration::from_secs(60),
            manifest_memory: 32 * 1_024 * 1_024,
        }
    }
}

/// What is known of the connection that a request came over.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionInfo {
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// Whether it is TLS.
    pub is_tls: bool,
}

/// Answers what is under `/v2` and `/layer/`.
#[derive(Clone)]
pub struct OciGateway {
    services: Services,
    config: OciConfig,
    pushed: ManifestBudget,
    pulled: ManifestBudget,
}

/// What is known of a request besides the request itself.
pub(crate) struct Arrival<'a> {
    pub(crate) connection: &'a ConnectionInfo,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
    /// What is decided on its way.
    pub(crate) decisions: Decisions,
    /// Who sent it, once that is known.
    pub(crate) caller: OnceLock<Principal>,
}

/// How a request ended, and whether its sender was known by then.
struct Outcome {
    answer: Result<Response<ResponseBody>, Failure>,
    drain: Drain,
    principal: Option<Principal>,
}

impl OciGateway {
    /// Over the use cases.
    pub fn new(services: Services, config: OciConfig) -> Self {
        let [pushed, pulled] = [config.manifest_memory; 2].map(ManifestBudget::new);
        Self {
            services,
            config,
            pushed,
            pulled,
        }
    }

    /// Whether a path is for this gateway.
    pub fn serves(path: &str) -> bool {
        path == "/v2" || path.starts_with("/v2/") || path.starts_with("/layer/")
    }

    /// Answers a request. Never fails: what goes wrong is an answer. It carries a [`RouteName`], and the [`Principal`]
    /// whose token was shown, as extensions.
    pub async fn handle<B>(
        &self,
        request: Request<B>,
        connection: &ConnectionInfo,
        request_id: &str,
        now: Timestamp,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let body = RequestBody::new(body, &parts.headers);
        let target = paths::parse(parts.uri.path());
        let route = target
            .as_ref()
            .and_then(|target| routes::find(&parts.method, target.place));
        let arrival = Arrival {
            connection,
            request_id,
            now,
            decisions: Decisions::default(),
            caller: OnceLock::new(),
        };
        let entry = Entry {
            audit: &self.services.audit,
            home: &self.config.home,
            parts: &parts,
            target: target.as_ref(),
            route,
            arrival: &arrival,
        };
        let Outcome {
            answer,
            drain,
            principal,
        } = self.recorded(entry, &body).await;
        body.drain(drain).await;
        let answer = answer.unwrap_or_else(|failure| {
            log(&failure, request_id);
            response::failure(&failure)
        });
        let mut answer = finish(answer, &parts.method, route);
        if let Some(principal) = principal {
            answer.extensions_mut().insert(principal);
        }
        answer
    }

    /// Nothing is done while it could not be recorded, and nothing is answered before it was.
    async fn recorded(&self, entry: Entry<'_>, body: &RequestBody) -> Outcome {
        if let Err(error) = entry.audit.admit().await {
            return Outcome::of_stranger(Err(error.into()));
        }
        let open = entry.open();
        let Entry {
            parts,
            target,
            route,
            arrival,
            ..
        } = entry;
        let outcome = self.answer(parts, body, target, route, arrival).await;
        Outcome {
            answer: open.close(outcome.answer).await,
            ..outcome
        }
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: &RequestBody,
        target: Option<&Target<'_>>,
        route: Option<&'static Route>,
        arrival: &Arrival<'_>,
    ) -> Outcome {
        let query = match Query::parse(parts.uri.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(failure) => return Outcome::of_stranger(Err(failure)),
        };
        let request = self.received(parts, body, &query);
        if let (Some(target), Some(route)) = (target, route)
            && route.operation == Operation::FollowLayerLink
        {
            let answer = self.follow_link(&target.last, &request, arrival).await;
            return Outcome::of_stranger(answer);
        }
        let (headers, host) = (request.headers, request.host);
        let holder = match authenticate(&self.services, headers, host, arrival.now).await {
            Ok(holder) => holder,
            Err(failure) => return Outcome::of_stranger(Err(failure)),
        };
        arrival.is_from(&holder.principal);
        let answer = self.admit(target, route, request, &holder, arrival).await;
        Outcome {
            answer,
            drain: KNOWN,
            principal: Some(holder.principal),
        }
    }

    /// Only who is known learns what is there and what is not.
    async fn admit(
        &self,
        target: Option<&Target<'_>>,
        route: Option<&'static Route>,
        request: Received<'_>,
        holder: &TokenHolder,
        arrival: &Arrival<'_>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let Some(target) = target else {
            return Err(Failure::unknown(Code::Unsupported, "no such resource"));
        };
        let route = route.ok_or_else(|| wrong_method(target))?;
        self.dispatch(route.operation, target, request, holder, arrival)
            .await
    }

    async fn dispatch(
        &self,
        operation: Operation,
        target: &Target<'_>,
        request: Received<'_>,
        holder: &TokenHolder,
        arrival: &Arrival<'_>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let context = context(
            holder.principal.clone(),
            holder.region.clone(),
            &request,
            arrival,
        );
        match operation {
            Operation::Ping => {
                // a token of any region may be shown here; where the host names a region, it must be the token's
                if let Some(registry) = registry_of_host(request.host) {
                    check_region(holder, &registry)?;
                }
                response::json("application/json", &serde_json::Map::new())
            }
            Operation::ListRepositories => {
                let registry = registry_of_request(&self.config.home, request.host);
                check_region(holder, &registry)?;
                catalog::list(&self.services, &context, &registry, request.query).await
            }
            _ => {
                let repository = request.resolve(&target.repository)?;
                check_region(holder, &repository.registry)?;
                let call = Call {
                    services: &self.services,
                    context,
                    repository,
                    path: &target.repository,
                    last: &target.last,
                    request,
                };
                dispatch::in_repository(operation, &call).await
            }
        }
    }

    async fn follow_link(
        &self,
        sealed: &str,
        request: &Received<'_>,
        arrival: &Arrival<'_>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let context_of = |principal, region| {
            arrival.is_from(&principal);
            context(principal, region, request, arrival)
        };
        layer_links::follow(&self.services, sealed, request, context_of, arrival.now).await
    }

    fn received<'a>(
        &'a self,
        parts: &'a Parts,
        body: &'a RequestBody,
        query: &'a Query,
    ) -> Received<'a> {
        Received {
            home: &self.config.home,
            host: host_of(parts),
            method: &parts.method,
            headers: &parts.headers,
            query,
            body,
            pushed: &self.pushed,
            pulled: &self.pulled,
            idle: self.config.body_idle,
        }
    }
}

impl Arrival<'_> {
    /// Notes who sent it.
    fn is_from(&self, principal: &Principal) {
        self.caller.get_or_init(|| principal.clone());
    }
}

impl Outcome {
    fn of_stranger(answer: Result<Response<ResponseBody>, Failure>) -> Self {
        Self {
            answer,
            drain: STRANGER,
            principal: None,
        }
    }
}

fn context(
    principal: Principal,
    region: Region,
    request: &Received<'_>,
    arrival: &Arrival<'_>,
) -> RequestContext {
    let user_agent = user_agent(request.headers);
    RequestContext {
        request_id: arrival.request_id.to_owned(),
        principal,
        region,
        peer: arrival.connection.peer,
        is_tls: arrival.connection.is_tls,
        user_agent,
        time: arrival.now,
        decisions: arrival.decisions.clone(),
    }
}

fn wrong_method(target: &Target<'_>) -> Failure {
    let message = "the operation is unsupported";
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unsupported, message)
        .with_header(ALLOW, header_value(routes::allowed(target.place)))
}

/// The one place where faults of ours are logged.
fn log(failure: &Failure, request_id: &str) {
    if let Some(fault) = failure.fault() {
        tracing::error!(request_id, error = %fault, "a request failed");
    }
}

fn finish(
    mut answer: Response<ResponseBody>,
    method: &Method,
    route: Option<&'static Route>,
) -> Response<ResponseBody> {
    let version = HeaderValue::from_static("registry/2.0");
    answer.headers_mut().insert(API_VERSION, version);
    let name = route.map_or("unknown", |route| route.name);
    answer.extensions_mut().insert(RouteName(name));
    if *method == Method::HEAD {
        return response::without_body(answer);
    }
    answer
}
