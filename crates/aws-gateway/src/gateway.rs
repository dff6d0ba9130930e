//! The entry: authenticate, dispatch, answer. The server hands every request on `/` over to it.

use std::net::IpAddr;
use std::pin::pin;

use bytes::Bytes;
use ecru_domain::{Error, Principal, Timestamp};
use ecru_services::{Decisions, RequestOrigin, Services};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;

use crate::answer_budget::AnswerBudget;
use crate::audit::{Asked, Entry, Stranger};
use crate::authentication::{Authenticated, NO_ROUTE, Refused};
use crate::body_budget::BodyBudget;
use crate::call::Call;
use crate::drain::Drain;
use crate::errors::Failure;
use crate::exception::Exception;
use crate::protocol::Dialect;
use crate::registry_uri::AwsConfig;
use crate::response::{self, ResponseBody, RouteName};
use crate::routing::{self, Route, Service};
use crate::unsigned::{self, Unsigned};
use crate::{administration, dispatch, iam, organizations, sts};

/// Memory that all request bodies share, in bytes (design: 48 MiB in all).
const BODY_BUDGET: usize = 48 * 1_024 * 1_024;

/// Memory that the bodies of requests without signature share, in bytes: whoever sends them is not known.
const STRANGERS_BUDGET: usize = 2 * 1_024 * 1_024;

/// Memory that all large answers share, in bytes.
const ANSWER_BUDGET: usize = 32 * 1_024 * 1_024;

/// The longest user agent that is remembered, in characters.
const LONGEST_USER_AGENT: usize = 1_024;

/// How a request reached the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The client's address, if it came over a network.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub is_tls: bool,
}

/// The AWS APIs.
pub struct AwsGateway {
    pub(crate) services: Services,
    pub(crate) bodies: BodyBudget,
    pub(crate) strangers: BodyBudget,
    answers: AnswerBudget,
    config: AwsConfig,
}

impl AwsGateway {
    /// The APIs over these use cases.
    pub fn new(services: Services, config: AwsConfig) -> Self {
        Self {
            services,
            bodies: BodyBudget::new(BODY_BUDGET),
            strangers: BodyBudget::of_small(STRANGERS_BUDGET),
            answers: AnswerBudget::new(ANSWER_BUDGET),
            config,
        }
    }

    /// Answers one request, whatever it asks for.
    ///
    /// The answer carries a [`RouteName`], and a [`Principal`] if the request was authenticated, as extensions.
    pub async fn handle<B>(
        &self,
        request: Request<B>,
        connection: &ConnectionInfo,
        request_id: &str,
        now: Timestamp,
    ) -> Response<ResponseBody>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let mut body = pin!(body);
        if let Err(busy) = self.services.audit.admit().await {
            Drain::STRANGER.apply(body, &parts.headers).await;
            return unrecorded(&parts, busy, request_id);
        }
        let origin = self.origin(&parts, connection, request_id, now);
        let outcome = if unsigned::is_possible(&parts) {
            let read = self.read_unsigned(&parts, body.as_mut()).await;
            match read {
                Ok(asked) => Ok(self.answer_unsigned(asked, origin).await),
                Err(refused) => Err(refused),
            }
        } else {
            let read = self.authenticate(&parts, body.as_mut(), request_id, now);
            match read.await {
                Ok(authenticated) => Ok(self.answer(&parts, authenticated, origin).await),
                Err(refused) => Err(refused),
            }
        };
        match outcome {
            Ok(response) => response,
            Err(refused) => {
                refused.drain.apply(body, &parts.headers).await;
                let stranger = Stranger {
                    parts: &parts,
                    connection,
                    request_id,
                    now,
                    region: self.config.home.region.as_str(),
                };
                self.turn_away(&stranger, refused).await
            }
        }
    }

    /// Answers a request that is not let in, once that is recorded.
    async fn turn_away(&self, stranger: &Stranger<'_>, refused: Refused) -> Response<ResponseBody> {
        let (audit, id) = (&self.services.audit, stranger.request_id);
        let (dialect, route) = (refused.dialect, refused.route);
        let recorded = stranger.record(audit, route, &refused.exception).await;
        let exception = match recorded {
            Ok(()) => *refused.exception,
            Err(failed) => Failure::from(failed).of_no_service(dialect, id),
        };
        error(dialect, &exception, id, route)
    }

    /// What is known of a request before anybody is believed.
    fn origin(
        &self,
        parts: &Parts,
        connection: &ConnectionInfo,
        request_id: &str,
        now: Timestamp,
    ) -> RequestOrigin {
        RequestOrigin {
            request_id: request_id.to_owned(),
            region: self.config.home.region.clone(),
            peer: connection.peer,
            is_tls: connection.is_tls,
            user_agent: user_agent(parts),
            time: now,
            decisions: Decisions::default(),
        }
    }

    /// A request on its way to a handler.
    fn call<C>(&self, context: C) -> Call<'_, C> {
        Call {
            services: &self.services,
            config: &self.config,
            answers: &self.answers,
            context,
        }
    }

    async fn answer(
        &self,
        parts: &Parts,
        authenticated: Authenticated,
        origin: RequestOrigin,
    ) -> Response<ResponseBody> {
        let Authenticated {
            route,
            principal,
            region,
            body,
        } = authenticated;
        let (name, service) = (route_name(&route), route.service());
        let call = self.call(origin.signed(principal.clone(), region));
        let (origin, signer) = (call.context.origin(), Some(principal.clone()));
        let asked = Asked::of(service, parts, body.as_slice());
        let entry = Entry::open(&self.services.audit, asked, origin, signer);
        let id = &call.context.request_id;
        let of_service = |failure: Failure| failure.of_service(service, id);
        let query = parts.uri.query();
        let (name, outcome) = match route {
            Route::Ecr(operation) => {
                let answer = dispatch::answer(&call, operation, body).await;
                (name, answer.map_err(|e| e.of_operation(operation, id)))
            }
            Route::Administration(operation) => {
                let answer = administration::answer(&call, &operation, &body).await;
                (name, answer.map_err(of_service))
            }
            Route::Organizations(operation) => {
                let answer = organizations::answer(&call, operation, body).await;
                (name, answer.map_err(of_service))
            }
            Route::Iam => {
                let (name, answer) = iam::answer(&call, query, &body).await;
                (name, answer.map_err(of_service))
            }
            Route::Sts => {
                let (name, answer) = sts::answer(&call, query, &body).await;
                (name, answer.map_err(of_service))
            }
        };
        let outcome = recorded(entry, outcome, (service, id)).await;
        let response = match outcome {
            Ok(response) => named(response, name),
            Err(exception) => error(Dialect::of(service), &exception, id, name),
        };
        authored(response, principal)
    }

    /// Answers what nobody has to sign, which STS alone has.
    async fn answer_unsigned(
        &self,
        asked: Unsigned,
        origin: RequestOrigin,
    ) -> Response<ResponseBody> {
        let name_and_form = Asked::of_form(Service::Sts, asked.operation.name(), &asked.form);
        let entry = Entry::open(&self.services.audit, name_and_form, origin.clone(), None);
        let call = self.call(origin);
        let (id, service) = (&call.context.request_id, Service::Sts);
        let name = RouteName(asked.operation.iam_action());
        let answer = sts::answer_unsigned(&call, asked.operation, &asked.form).await;
        let outcome = answer.map_err(|failure| failure.of_service(service, id));
        match recorded(entry, outcome, (service, id)).await {
            Ok(response) => named(response, name),
            Err(exception) => error(Dialect::of(service), &exception, id, name),
        }
    }
}

/// An outcome that is recorded; if it cannot be, that is the outcome.
fn recorded(
    entry: Entry<'_>,
    outcome: Result<Response<ResponseBody>, Exception>,
    (service, request_id): (Service, &str),
) -> impl Future<Output = Result<Response<ResponseBody>, Exception>> + Send {
    let closing = entry.close(outcome.as_ref());
    async move {
        match closing.await {
            Ok(()) => outcome,
            Err(failed) => Err(Failure::from(failed).of_service(service, request_id)),
        }
    }
}

/// What is answered while nothing can be recorded.
fn unrecorded(parts: &Parts, busy: Error, request_id: &str) -> Response<ResponseBody> {
    let dialect = Dialect::of_no_service(routing::protocol_of(parts, None));
    let exception = Failure::from(busy).of_no_service(dialect, request_id);
    error(dialect, &exception, request_id, NO_ROUTE)
}

/// The name of a route, from a bounded set. That of the query services is known when the form is read.
pub(crate) fn route_name(route: &Route) -> RouteName {
    RouteName(match route {
        Route::Ecr(operation) => operation.iam_action(),
        Route::Administration(operation) => administration::route_name(operation),
        Route::Organizations(operation) => operation.iam_action(),
        Route::Iam => return iam::ROUTE_NAME,
        Route::Sts => return sts::ROUTE_NAME,
    })
}

/// What the client calls itself, shortened.
pub(crate) fn user_agent(parts: &Parts) -> Option<String> {
    let text = parts.headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(LONGEST_USER_AGENT).collect())
}

fn error(
    dialect: Dialect,
    exception: &Exception,
    request_id: &str,
    name: RouteName,
) -> Response<ResponseBody> {
    let response: Response<Bytes> = dialect.error_response(exception, request_id);
    named(response::whole(response), name)
}

fn named(mut response: Response<ResponseBody>, name: RouteName) -> Response<ResponseBody> {
    response.extensions_mut().insert(name);
    response
}

fn authored(mut response: Response<ResponseBody>, principal: Principal) -> Response<ResponseBody> {
    response.extensions_mut().insert(principal);
    response
}
