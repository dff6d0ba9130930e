//! The entry: authenticate, dispatch, answer. The server hands every request on `/` over to it.

use std::net::IpAddr;
use std::pin::pin;

use bytes::Bytes;
use ecru_domain::{Principal, Timestamp};
use ecru_services::{Decisions, RequestContext, Services};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;

use crate::answer_budget::AnswerBudget;
use crate::audit::{Entry, Stranger};
use crate::authentication::{Authenticated, NO_ROUTE, Refused};
use crate::body_budget::BodyBudget;
use crate::call::Call;
use crate::drain::Drain;
use crate::errors::Failure;
use crate::exception::Exception;
use crate::protocol::Protocol;
use crate::registry_uri::AwsConfig;
use crate::response::{self, ResponseBody, RouteName};
use crate::routing::{self, Route};
use crate::{administration, dispatch, security_tokens};

/// Memory that all request bodies share, in bytes (design: 48 MiB in all).
const BODY_BUDGET: usize = 48 * 1_024 * 1_024;

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
    answers: AnswerBudget,
    config: AwsConfig,
}

impl AwsGateway {
    /// The APIs over these use cases.
    pub fn new(services: Services, config: AwsConfig) -> Self {
        Self {
            services,
            bodies: BodyBudget::new(BODY_BUDGET),
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
            let protocol = routing::protocol_of(&parts, None);
            let exception = Failure::from(busy).outside_the_model(protocol, request_id);
            return error(protocol, &exception, request_id, NO_ROUTE);
        }
        let authenticated = self.authenticate(&parts, body.as_mut(), request_id, now);
        let authenticated = match authenticated.await {
            Ok(authenticated) => authenticated,
            Err(refused) => {
                refused.drain.apply(body, &parts.headers).await;
                let stranger = Stranger {
                    parts: &parts,
                    connection,
                    request_id,
                    now,
                    region: self.config.home.region.as_str(),
                };
                return self.turn_away(&stranger, refused).await;
            }
        };
        let context = RequestContext {
            request_id: request_id.to_owned(),
            principal: authenticated.principal.clone(),
            region: authenticated.region.clone(),
            peer: connection.peer,
            is_tls: connection.is_tls,
            user_agent: user_agent(&parts),
            time: now,
            decisions: Decisions::default(),
        };
        self.answer(&parts, authenticated, context).await
    }

    /// Answers a request that is not let in, once that is recorded.
    async fn turn_away(&self, stranger: &Stranger<'_>, refused: Refused) -> Response<ResponseBody> {
        let (audit, id) = (&self.services.audit, stranger.request_id);
        let (protocol, route) = (refused.protocol, refused.route);
        let recorded = stranger.record(audit, route, &refused.exception).await;
        let exception = match recorded {
            Ok(()) => *refused.exception,
            Err(failed) => Failure::from(failed).outside_the_model(protocol, id),
        };
        error(protocol, &exception, id, route)
    }

    async fn answer(
        &self,
        parts: &Parts,
        authenticated: Authenticated,
        context: RequestContext,
    ) -> Response<ResponseBody> {
        let Authenticated { route, body, .. } = authenticated;
        let (name, protocol) = (route_name(&route), route.service().protocol());
        let (id, principal) = (context.request_id.clone(), context.principal.clone());
        let (audit, service) = (&self.services.audit, route.service());
        let entry = Entry::open(audit, service, &context, parts, body.as_slice());
        let call = Call {
            services: &self.services,
            config: &self.config,
            answers: &self.answers,
            context,
        };
        let mut outcome = match route {
            Route::Ecr(operation) => dispatch::answer(&call, operation, body)
                .await
                .map_err(|failure| failure.of_operation(operation, &id)),
            Route::Administration(operation) => administration::answer(&call, &operation, &body)
                .await
                .map_err(|failure| failure.outside_the_model(protocol, &id)),
            Route::Sts => security_tokens::answer(&call, parts.uri.query(), &body)
                .map_err(|failure| failure.outside_the_model(protocol, &id)),
        };
        let closing = entry.close(outcome.as_ref());
        if let Err(failed) = closing.await {
            outcome = Err(Failure::from(failed).outside_the_model(protocol, &id));
        }
        let response = match outcome {
            Ok(response) => named(response, name),
            Err(exception) => error(protocol, &exception, &id, name),
        };
        authored(response, principal)
    }
}

/// The name of a route, from a bounded set.
pub(crate) fn route_name(route: &Route) -> RouteName {
    RouteName(match route {
        Route::Ecr(operation) => operation.iam_action(),
        Route::Administration(operation) => administration::route_name(operation),
        Route::Sts => security_tokens::ROUTE_NAME,
    })
}

/// What the client calls itself, shortened.
pub(crate) fn user_agent(parts: &Parts) -> Option<String> {
    let text = parts.headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(LONGEST_USER_AGENT).collect())
}

fn error(
    protocol: Protocol,
    exception: &Exception,
    request_id: &str,
    name: RouteName,
) -> Response<ResponseBody> {
    let response: Response<Bytes> = protocol.error_response(exception, request_id);
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
