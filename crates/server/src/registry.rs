//! Which gateway a request is for.

use std::sync::Arc;

use ecru_aws_gateway::AwsGateway;
use ecru_oci_gateway::OciGateway;
use ecru_ports::Clock;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;

use crate::front::route::Route;
use crate::front::{AnswerBody, Application, Operation, RequestBody, Visit, json};
use crate::proxies::{Client, TrustedProxies};
use crate::readiness::Readiness;

/// Everything that the one listener serves.
pub struct Registry {
    /// What is on `/`.
    pub aws: AwsGateway,
    /// What is under `/v2/` and `/layer/`.
    pub oci: OciGateway,
    /// Whether the stores answer.
    pub readiness: Readiness,
    /// Whose forwarding headers are believed.
    pub proxies: TrustedProxies,
    /// Tells when a request arrived.
    pub clock: Arc<dyn Clock>,
}

impl Registry {
    fn client(&self, request: &Request<RequestBody>, visit: &Visit) -> Client {
        let (peer, is_tls) = (visit.peer.address.ip(), visit.peer.is_tls);
        self.proxies.client(peer, is_tls, request.headers())
    }

    async fn aws(&self, request: Request<RequestBody>, visit: &Visit) -> Response<AnswerBody> {
        let client = self.client(&request, visit);
        let connection = ecru_aws_gateway::ConnectionInfo {
            peer: Some(client.address),
            is_tls: client.is_tls,
        };
        let (id, now) = (&visit.request_id, self.clock.now());
        let answer = self.aws.handle(request, &connection, id, now).await;
        let name = answer
            .extensions()
            .get()
            .map(|ecru_aws_gateway::RouteName(name)| *name);
        operated(answer.map(BodyExt::boxed_unsync), name)
    }

    async fn oci(&self, request: Request<RequestBody>, visit: &Visit) -> Response<AnswerBody> {
        let client = self.client(&request, visit);
        let connection = ecru_oci_gateway::ConnectionInfo {
            peer: Some(client.address),
            is_tls: client.is_tls,
        };
        let (id, now) = (&visit.request_id, self.clock.now());
        let answer = self.oci.handle(request, &connection, id, now).await;
        let name = answer
            .extensions()
            .get()
            .map(|ecru_oci_gateway::RouteName(name)| *name);
        operated(answer.map(BodyExt::boxed_unsync), name)
    }

    async fn health(&self, method: &Method, route: Route) -> Response<AnswerBody> {
        if *method != Method::GET && *method != Method::HEAD {
            let text = r#"{"message":"method not allowed"}"#;
            let mut answer = json(StatusCode::METHOD_NOT_ALLOWED, text);
            let allowed = HeaderValue::from_static("GET, HEAD");
            answer.headers_mut().insert(ALLOW, allowed);
            return answer;
        }
        if route == Route::Health || self.readiness.is_ready().await {
            json(StatusCode::OK, r#"{"status":"ok"}"#)
        } else {
            json(
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"status":"unavailable"}"#,
            )
        }
    }
}

impl Application for Registry {
    async fn answer(&self, request: Request<RequestBody>, visit: Visit) -> Response<AnswerBody> {
        match visit.route {
            Route::Health | Route::Ready => self.health(request.method(), visit.route).await,
            // in a box, so that pulls do not move the state of the largest API operation
            Route::Api => Box::pin(self.aws(request, &visit)).await,
            _ if OciGateway::serves(request.uri().path()) => self.oci(request, &visit).await,
            _ => json(StatusCode::NOT_FOUND, r#"{"message":"not found"}"#),
        }
    }
}

fn operated(mut answer: Response<AnswerBody>, name: Option<&'static str>) -> Response<AnswerBody> {
    if let Some(name) = name {
        answer.extensions_mut().insert(Operation(name));
    }
    answer
}
