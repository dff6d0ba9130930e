//! The one map from what use cases refuse to what AWS clients understand, a file for each API. A new refusal does not
//! compile until its code is decided there.

pub(crate) mod ecr;
mod everywhere;
mod iam;
pub(crate) mod organizations;
mod sts;

use ecru_aws_model::ecr::Operation;
use ecru_domain::{Error, Refusal};
use http::StatusCode;

use crate::exception::Exception;
use crate::protocol::{Dialect, Protocol};
use crate::routing::Service;

const INTERNAL: &str = "The server could not complete the request because of an internal error.";
const UNAVAILABLE: &str = "The server cannot complete the request now. Try again.";

/// What the query services call a fault of ours.
const QUERY_FAULT: &str = "InternalFailure";

/// Why a request got no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The wire layer refuses it.
    Wire(Exception),
    /// A use case refuses it, or failed.
    UseCase(Error),
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Wire(exception)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::UseCase(error)
    }
}

impl Failure {
    /// The answer to an ECR operation. Faults of ours are logged here, once.
    pub(crate) fn of_operation(self, operation: Operation, request_id: &str) -> Exception {
        let words = |refusal: &Refusal| ecr::exception(refusal, Some(operation));
        self.told(words, ecr::FAULT, request_id)
    }

    /// The answer to any other request to a service. Faults of ours are logged here, once.
    pub(crate) fn of_service(self, service: Service, request_id: &str) -> Exception {
        match service {
            Service::Ecr | Service::Administration => self.told(
                |refusal| ecr::exception(refusal, None),
                ecr::FAULT,
                request_id,
            ),
            Service::Iam => self.told(iam::exception, QUERY_FAULT, request_id),
            Service::Sts => self.told(sts::exception, QUERY_FAULT, request_id),
            Service::Organizations => {
                self.told(organizations::exception, organizations::FAULT, request_id)
            }
        }
    }

    /// The answer to a request whose service is not known.
    pub(crate) fn of_no_service(self, dialect: Dialect, request_id: &str) -> Exception {
        let service = match dialect.protocol {
            Protocol::AwsJson => Service::Ecr,
            Protocol::AwsQuery => Service::Sts,
        };
        self.of_service(service, request_id)
    }

    /// A refusal that the API has no words for is a fault of ours.
    fn told(
        self,
        words: impl FnOnce(&Refusal) -> Option<Exception>,
        fault_code: &'static str,
        request_id: &str,
    ) -> Exception {
        let fault = match self {
            Self::Wire(exception) => return exception,
            Self::UseCase(Error::Refused(refusal)) => match words(&refusal) {
                Some(exception) => return exception,
                None => Error::internal(refusal),
            },
            Self::UseCase(fault) => fault,
        };
        server_fault(&fault, fault_code, request_id)
    }
}

/// A fault of ours: the log gets what happened, the client a text that says nothing.
fn server_fault(fault: &Error, code: &'static str, request_id: &str) -> Exception {
    tracing::error!(request_id, error = %fault, "a request failed");
    let (status, text) = match fault {
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        Error::Internal(_) | Error::Refused(_) => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL),
    };
    Exception::new(code, text).with_status(status)
}

#[cfg(test)]
mod tests {
    use ecru_domain::{IamRefusal, OrganizationsRefusal};

    use super::*;

    const FAULTS: [(Service, &str); 5] = [
        (Service::Ecr, "ServerException"),
        (Service::Administration, "ServerException"),
        (Service::Iam, "InternalFailure"),
        (Service::Sts, "InternalFailure"),
        (Service::Organizations, "ServiceException"),
    ];

    #[test]
    fn a_fault_of_ours_says_nothing_and_may_be_tried_again() {
        for (service, code) in FAULTS {
            for (fault, status) in [
                (Error::internal("secret detail"), 500),
                (Error::Unavailable("secret detail".into()), 503),
            ] {
                let exception = Failure::UseCase(fault).of_service(service, "request-1");
                let seen = (exception.code(), exception.status().as_u16());
                assert_eq!(seen, (code, status));
                assert!(!exception.message().contains("secret"));
            }
        }
    }

    #[test]
    fn a_refusal_that_an_api_has_no_words_for_is_a_fault_of_ours() {
        let of_iam = || {
            let message = "secret detail".to_owned();
            Failure::UseCase(IamRefusal::NoSuchEntity { message }.into())
        };
        let of_organizations = || {
            let message = "secret detail".to_owned();
            Failure::UseCase(OrganizationsRefusal::PolicyNotFound { message }.into())
        };
        for (service, code) in FAULTS {
            if service != Service::Iam {
                let exception = of_iam().of_service(service, "request-1");
                assert_eq!((exception.code(), exception.message()), (code, INTERNAL));
            }
            if service != Service::Organizations {
                let exception = of_organizations().of_service(service, "request-1");
                assert_eq!((exception.code(), exception.message()), (code, INTERNAL));
            }
        }
    }
}
