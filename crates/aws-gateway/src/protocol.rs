//! The two wire dialects of the AWS APIs that meet on `POST /`.

use bytes::Bytes;
use http::Response;

use crate::exception::Exception;
use crate::{json_protocol, query_protocol};

/// How a request was written and its answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.1: ECR, KMS, Organizations and the administration API.
    AwsJson,
    /// awsQuery: STS and IAM.
    AwsQuery,
}

impl Protocol {
    /// Prints an error whose service is not known yet, for instance because the signature was refused.
    pub fn error_response(self, exception: &Exception, request_id: &str) -> Response<Bytes> {
        match self {
            Self::AwsJson => json_protocol::error(exception, request_id),
            Self::AwsQuery => {
                query_protocol::error(exception, query_protocol::FAULT_NAMESPACE, request_id)
            }
        }
    }
}
