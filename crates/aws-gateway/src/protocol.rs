//! The two wire dialects of the AWS APIs that meet on `POST /`.

use bytes::Bytes;
use http::Response;

use crate::exception::Exception;
use crate::routing::Service;
use crate::{json_protocol, query_protocol};

/// How a request was written and its answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.1: ECR, KMS, Organizations and the administration API.
    AwsJson,
    /// awsQuery: STS and IAM.
    AwsQuery,
}

/// How an error is written: the dialect, and the namespace of the service if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The dialect.
    pub protocol: Protocol,
    /// The namespace of XML answers.
    namespace: &'static str,
}

impl Dialect {
    /// Of a request to a service.
    pub(crate) fn of(service: Service) -> Self {
        Self {
            protocol: service.protocol(),
            namespace: service.namespace(),
        }
    }

    /// Of a request whose service is not known, for instance because the signature was refused.
    pub fn of_no_service(protocol: Protocol) -> Self {
        Self {
            protocol,
            namespace: query_protocol::FAULT_NAMESPACE,
        }
    }

    /// Prints an error.
    pub fn error_response(self, exception: &Exception, request_id: &str) -> Response<Bytes> {
        match self.protocol {
            Protocol::AwsJson => json_protocol::error(exception, request_id),
            Protocol::AwsQuery => query_protocol::error(exception, self.namespace, request_id),
        }
    }
}
