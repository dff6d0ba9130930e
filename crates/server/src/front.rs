//! What happens to every request, whatever it asks for: an id, a net under panics, a line in the log, numbers.
//!
//! - [`route`]: what a path asks for
//! - `record`: what is remembered of a request until its answer has left
//! - [`answer`]: the bodies that count

pub mod answer;
mod record;
pub mod route;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use ecru_ports::Ids;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

pub use answer::{Answer, AnswerBody, RequestBody};
use record::Record;
use route::Route;

use crate::listener::Peer;
use crate::listener::pace::InFlight;
use crate::metrics::Metrics;

/// The header that names a request, as AWS spells it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What is known of a request besides itself.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who sent it.
    pub peer: Peer,
    /// Its id: a random UUID.
    pub request_id: String,
    /// What its path asks for.
    pub route: Route,
}

/// What a request turned out to ask for: a name out of a bounded set, in the extensions of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation(pub &'static str);

/// What a listener serves.
pub trait Application: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        &self,
        request: Request<RequestBody>,
        visit: Visit,
    ) -> impl Future<Output = Response<AnswerBody>> + Send;
}

/// An application behind everything that all requests share.
pub struct Front<A> {
    application: A,
    ids: Arc<dyn Ids>,
    metrics: Arc<Metrics>,
}

impl<A: Application> Front<A> {
    /// Puts the front before an application.
    pub fn new(application: A, ids: Arc<dyn Ids>, metrics: Arc<Metrics>) -> Self {
        Self {
            application,
            ids,
            metrics,
        }
    }

    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Answers one request; its record is written once the last byte has left, or the client has.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        in_flight: InFlight,
    ) -> Response<Answer> {
        let visit = Visit {
            peer,
            request_id: self.ids.uuid(),
            route: Route::of(request.uri().path()),
        };
        let record = Record::begin(&request, &visit, Arc::clone(&self.metrics));
        let request = request.map(|body| RequestBody::new(body, record.received()));
        let request_id = visit.request_id.clone();
        let work = AssertUnwindSafe(self.work(request, visit));
        let mut response = work.catch_unwind().await.unwrap_or_else(|_| {
            // the panic hook has told why, but not of which request
            tracing::error!(request_id, "a request panicked");
            internal_error()
        });
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        let record = record.with_answer(&response);
        response.map(|body| Answer::new(body, record, in_flight))
    }

    async fn work(&self, request: Request<RequestBody>, visit: Visit) -> Response<AnswerBody> {
        if is_coded(&request) {
            let text = r#"{"message":"of transfer codings, chunked alone is understood"}"#;
            let mut answer = json(StatusCode::NOT_IMPLEMENTED, text);
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
            return answer;
        }
        if names_one_host(&request) {
            self.application.answer(request, visit).await
        } else {
            let text = r#"{"message":"a request names its host once"}"#;
            json(StatusCode::BAD_REQUEST, text)
        }
    }
}

/// A host is part of what is addressed and of what is signed: it must be told once, and HTTP/1.1 has no other place
/// for it (RFC 9112 §3.2).
fn names_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        hosts => hosts == 1,
    }
}

/// Whether the body comes in a transfer coding besides `chunked`, which would be stored as it is instead of what it
/// stands for (RFC 9112 §6.1).
fn is_coded<B>(request: &Request<B>) -> bool {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(|first| !is_chunked(first)) || codings.next().is_some()
}

/// What a client learns of a fault of ours.
fn internal_error() -> Response<AnswerBody> {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"__type":"InternalFailure","message":"internal error"}"#,
    )
}

/// An answer of a few bytes of JSON.
pub fn json(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body of bytes that are there already.
pub fn whole(bytes: Bytes) -> AnswerBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
