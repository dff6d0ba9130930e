//! What an AWS API answers instead of a result: a code, a status, a message and, seldom, more members.
//!
//! Both dialects carry the same four things, so the rest of the gateway makes an [`Exception`] and the dialect
//! only prints it (`json_protocol`, `query_protocol`).

use std::borrow::Cow;

use ecru_aws_model::{ecr, organizations};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// An error as AWS clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    code: Cow<'static, str>,
    status: StatusCode,
    message: String,
    /// What the JSON dialect calls the member that holds the message.
    message_member: &'static str,
    members: Map<String, Value>,
}

impl Exception {
    /// An error of the caller, status 400, which is what every modelled exception of ECR has.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            message_member: "message",
            members: Map::new(),
        }
    }

    /// An error of a model, under its code and with its status.
    pub(crate) fn modelled(code: &'static str, status: u16, message: String) -> Self {
        let status = StatusCode::from_u16(status);
        Self::new(code, message).with_status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// The same error with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same error with its message in another member, as some services have it.
    ///
    /// Only the JSON dialect prints the name.
    #[must_use]
    pub fn with_message_in(mut self, member: &'static str) -> Self {
        self.message_member = member;
        self
    }

    /// The same error with the members that a model gives it.
    fn with_members(mut self, members: &impl Serialize) -> Self {
        let members = serde_json::to_value(members).ok();
        if let Some(Value::Object(members)) = members {
            self.members = members;
        }
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

    /// Where the JSON dialect prints the message.
    pub fn message_member(&self) -> &'static str {
        self.message_member
    }

    /// What else the JSON dialect prints.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

impl From<ecr::Exception> for Exception {
    fn from(modelled: ecr::Exception) -> Self {
        let kind = modelled.kind;
        Self::modelled(kind.name(), kind.http_status(), modelled.message)
            .with_members(&modelled.members)
    }
}

impl From<organizations::Exception> for Exception {
    fn from(modelled: organizations::Exception) -> Self {
        let kind = modelled.kind;
        Self::modelled(kind.name(), kind.http_status(), modelled.message)
            .with_members(&modelled.members)
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
