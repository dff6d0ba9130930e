//! The audit record of a request: parameters as sent and the answer as given, without what is sensitive.
//!
//! A request that ended is recorded before its answer leaves; one whose client went away, or that panicked, when it is
//! dropped, since what it changed may have been kept.

use std::ops::RangeInclusive;

use ecru_domain::{Error, Principal};
use ecru_services::audit::{Event, Fault, Shown, is_read_only};
use ecru_services::{Audit, RequestOrigin};
use http::Response;
use http::request::Parts;

use crate::exception::Exception;
use crate::gateway::{ConnectionInfo, user_agent};
use crate::protocol::Protocol;
use crate::query_protocol::Form;
use crate::response::{ResponseBody, RouteName};
use crate::routing::Service;
use crate::sigv4::SignedRequest;

/// The longest name of an operation that is recorded.
const LONGEST_NAME: usize = 64;

/// How long the ids of access keys are (IAM model, `accessKeyIdType`).
const KEY_ID_LENGTHS: RangeInclusive<usize> = 16..=128;

/// What an answer of a query service tells the audit log; an extension of the answer.
#[derive(Clone)]
pub(crate) struct Elements(pub(crate) Shown);

/// How a request ended.
pub(crate) type Ending<'a> = Result<&'a Response<ResponseBody>, &'a Exception>;

/// What a request asks for, as it is recorded.
pub(crate) struct Asked {
    service: Service,
    name: String,
    parameters: Option<Shown>,
}

impl Asked {
    /// What a request with this head and body asks for.
    pub(crate) fn of(service: Service, parts: &Parts, body: &[u8]) -> Self {
        let (name, parameters) = match service.protocol() {
            Protocol::AwsJson => (target(parts), Shown::of_json(body)),
            Protocol::AwsQuery => match Form::parse(parts.uri.query(), body) {
                Ok(form) => (form.get("Action").and_then(named), Some(shown(&form))),
                Err(_) => (None, None),
            },
        };
        Self {
            service,
            name: name.unwrap_or_else(|| "unknown".to_owned()),
            parameters,
        }
    }

    /// What a form asks for that was read already.
    pub(crate) fn of_form(service: Service, name: &str, form: &Form) -> Self {
        Self {
            service,
            name: name.to_owned(),
            parameters: Some(shown(form)),
        }
    }
}

/// A request on its way that somebody signed, or nobody has to. If it is dropped before it is closed, its client has
/// gone.
pub(crate) struct Entry<'a> {
    audit: &'a Audit,
    origin: RequestOrigin,
    principal: Option<Principal>,
    asked: Asked,
    is_open: bool,
}

impl<'a> Entry<'a> {
    /// From now on the request is recorded, however it ends.
    pub(crate) fn open(
        audit: &'a Audit,
        asked: Asked,
        origin: RequestOrigin,
        principal: Option<Principal>,
    ) -> Self {
        Self {
            audit,
            origin,
            principal,
            asked,
            is_open: true,
        }
    }

    /// Records how the request ended. An error: it could not be recorded in time, and that is to be answered.
    pub(crate) fn close(
        mut self,
        ending: Ending<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<'a> {
        self.is_open = false;
        let line = match ending {
            Ok(response) => self.line(None, self.elements(response).as_ref()),
            Err(exception) => self.line(Some(fault(exception)), None),
        };
        let (audit, is_read_only) = (self.audit, is_read_only(&self.asked.name));
        async move { audit.keep(line, is_read_only).await }
    }

    /// Reads are answered with what is there already; changes tell what they made.
    fn elements(&self, response: &Response<ResponseBody>) -> Option<Shown> {
        match self.asked.service.protocol() {
            Protocol::AwsQuery => {
                let told = response.extensions().get();
                told.map(|Elements(shown)| shown.clone())
            }
            Protocol::AwsJson if is_read_only(&self.asked.name) => None,
            Protocol::AwsJson => Shown::of_json(response.body().held()?),
        }
    }

    fn line(&self, fault: Option<Fault<'_>>, elements: Option<&Shown>) -> Vec<u8> {
        let (origin, asked) = (&self.origin, &self.asked);
        let decisions = origin.decisions.take();
        let decided = decisions.first().map(|note| &note.resource_account);
        let own = self.principal.as_ref().map(|principal| &principal.account);
        let source = event_source(asked.service);
        let event = Event {
            principal: self.principal.as_ref(),
            claimed_key: None,
            peer: origin.peer,
            user_agent: origin.user_agent.as_deref(),
            request_id: &origin.request_id,
            time: origin.time,
            source: &source,
            name: &asked.name,
            is_read_only: is_read_only(&asked.name),
            region: origin.region.as_str(),
            account: decided.or(own),
            fault,
            decisions: &decisions,
            passed_over: 0,
        };
        self.audit.line(&event, asked.parameters.as_ref(), elements)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let gone = Fault {
                code: "ClientDisconnected",
                message: "the client has gone before it was answered",
            };
            self.audit.leave(self.line(Some(gone), None));
        }
    }
}

/// A request that is not let in, since nobody knows who sent it.
pub(crate) struct Stranger<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) connection: &'a ConnectionInfo,
    pub(crate) request_id: &'a str,
    pub(crate) now: ecru_domain::Timestamp,
    pub(crate) region: &'a str,
}

impl Stranger<'_> {
    /// Records how it was refused, unless there were too many strangers. `route` is what it asked for, if that is
    /// known.
    pub(crate) async fn record(
        &self,
        audit: &Audit,
        route: RouteName,
        exception: &Exception,
    ) -> Result<(), Error> {
        let Some(passed_over) = audit.admit_stranger(self.now) else {
            return Ok(());
        };
        let (service, action) = route.0.split_once(':').unwrap_or(("unknown", route.0));
        let (source, user_agent) = (format!("{service}.amazonaws.com"), user_agent(self.parts));
        let claimed_key = claimed_key(self.parts);
        let event = Event {
            principal: None,
            claimed_key: claimed_key.as_deref(),
            peer: self.connection.peer,
            user_agent: user_agent.as_deref(),
            request_id: self.request_id,
            time: self.now,
            source: &source,
            name: action,
            is_read_only: is_read_only(action),
            region: self.region,
            account: None,
            fault: Some(fault(exception)),
            decisions: &[],
            passed_over,
        };
        let line = audit.line(&event, None::<&()>, None::<&()>);
        // nothing was changed
        audit.keep(line, true).await
    }
}

/// The access key by which a request says it is signed, if it looks like one: nobody finds a secret in the log that was
/// given in its place.
fn claimed_key(parts: &Parts) -> Option<String> {
    let signed = SignedRequest::parse(parts).ok()?;
    let id = signed.access_key_id();
    let is_id = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let looks_like_one = KEY_ID_LENGTHS.contains(&id.len()) && id.bytes().all(is_id);
    looks_like_one.then(|| id.to_owned())
}

fn event_source(service: Service) -> String {
    format!("{}.amazonaws.com", service.signing_name())
}

fn fault(exception: &Exception) -> Fault<'_> {
    Fault {
        code: exception.code(),
        message: exception.message(),
    }
}

/// The operation that `X-Amz-Target` names.
fn target(parts: &Parts) -> Option<String> {
    let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
    named(target.rsplit('.').next()?)
}

/// The parameters of a form.
fn shown(form: &Form) -> Shown {
    let spoken = |name: &str| matches!(name, "Action" | "Version");
    Shown::of_pairs(form.iter().filter(|(name, _)| !spoken(name)))
}

fn named(name: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_name && name.len() <= LONGEST_NAME).then(|| name.to_owned())
}
