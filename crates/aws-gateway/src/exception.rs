//! What an AWS API answers instead of a result: a code, a status, a message and, seldom, more members.
//!
//! Both dialects carry the same four things, so the rest of the gateway makes an [`Exception`] and the dialect
//! only prints it (`json_protocol`, `query_protocol`).

use std::borrow::Cow;

use ecru_aws_model::ecr;
use http::StatusCode;
use serde_json::{Map, Value};

/// An error as AWS clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    code: Cow<'static, str>,
    status: StatusCode,
    message: String,
    members: Map<String, Value>,
}

impl Exception {
    /// An error of the caller, status 400, which is what every modelled exception of ECR has.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            members: Map::new(),
        }
    }

    /// The same error with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same error with one more member, such as `lastValidByteReceived` of `InvalidLayerPartException`.
    ///
    /// Only the JSON dialect prints it. `__type` and `message` cannot be replaced.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The name clients act on.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text people read, and some clients match.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What else the JSON dialect prints.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

impl From<ecr::Exception> for Exception {
    fn from(modelled: ecr::Exception) -> Self {
        let members = serde_json::to_value(&modelled.members);
        let members = members.ok().and_then(|value| value.as_object().cloned());
        Self {
            code: modelled.kind.name().into(),
            status: StatusCode::from_u16(modelled.kind.http_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: modelled.message,
            members: members.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modelled_exception_keeps_its_status_and_members() {
        let mut part = ecr::Exception::new(ecr::ExceptionKind::InvalidLayerPart, "First byte");
        part.members = Some(ecr::ExceptionMembers::InvalidLayerPart {
            registry_id: None,
            repository_name: Some("team/app".to_owned()),
            upload_id: None,
            last_valid_byte_received: Some(7),
        });
        let expected = Exception::new("InvalidLayerPartException", "First byte")
            .with_member("repositoryName", "team/app")
            .with_member("lastValidByteReceived", 7);
        assert_eq!(Exception::from(part), expected);

        let server = Exception::from(ecr::Exception::new(ecr::ExceptionKind::Server, ""));
        assert_eq!((server.status().as_u16(), server.members().len()), (500, 0));
    }
}
