//! `GET /layer/<sealed>`: a layer by the link that `GetDownloadUrlForLayer` gave out.
//!
//! The link is the credential: no other is read, and it is never logged. The same checks apply at each use.

use ecru_domain::{Error, Principal, Refusal, Region};
use ecru_services::layers::OpenLayer;
use ecru_services::{RequestContext, Services};
use http::{Method, Response, StatusCode};

use crate::blobs;
use crate::call::Received;
use crate::errors::{Code, Failure};
use crate::response::ResponseBody;

/// Answers the layer, or part of it.
pub(crate) async fn follow(
    services: &Services,
    sealed: &str,
    request: &Received<'_>,
    context_of: impl FnOnce(Principal, Region) -> RequestContext + Send,
    now: ecru_domain::Timestamp,
) -> Result<Response<ResponseBody>, Failure> {
    let opened = services.layers.open_link(sealed, now, context_of).await;
    let layer: OpenLayer = opened.map_err(refuse)?;
    if request.method == Method::HEAD {
        return Ok(blobs::head(layer.digest(), layer.size()));
    }
    blobs::send(&layer, request).await
}

/// A link that does not open is forbidden: there are no credentials that would help.
fn refuse(error: Error) -> Failure {
    match error {
        Error::Refused(Refusal::TokenInvalid) => {
            Failure::new(StatusCode::FORBIDDEN, Code::Denied, "the link is not valid")
        }
        Error::Refused(Refusal::TokenExpired) => {
            Failure::new(StatusCode::FORBIDDEN, Code::Denied, "the link has expired")
        }
        other => other.into(),
    }
}
