//! What goes beside s3s: who calls, what was said of the payload, and what failed.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hearth_aws::{ApiError, Call, Code, Document};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::content::Expected;
use crate::error::Failure;

/// One call on its way through s3s.
pub(crate) struct Exchange {
    pub(crate) call: Call,
    /// The operation that the route chose.
    pub(crate) operation: &'static str,
    /// What the client said of the payload.
    pub(crate) expected: Expected,
    /// The document that came, for what its shape does not have. Empty for an object's bytes.
    pub(crate) document: Bytes,
    failure: Mutex<Option<Failure>>,
    headers: Mutex<HeaderMap>,
    status: Mutex<Option<StatusCode>>,
}

impl Exchange {
    pub(super) fn new(call: Call, operation: &'static str, expected: Expected, document: Bytes) -> Self {
        Self {
            call,
            operation,
            expected,
            document,
            failure: Mutex::default(),
            headers: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// What failed, told beside s3s, which knows code and text alone.
    pub(super) fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One more header of the answer, which its shape does not have.
    pub(crate) fn header(&self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            let mut headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
            headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// Another status of the answer than its shape has.
    pub(crate) fn status(&self, status: StatusCode) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    pub(super) fn own_status(&self) -> Option<StatusCode> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn headers(&self) -> HeaderMap {
        std::mem::take(&mut *self.headers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A failure of the route as the front door passes it on. One of ours takes its cause along, for the log.
pub(super) fn carried(failure: Failure) -> ApiError {
    if failure.code == "InternalError" {
        let message = failure.message.clone();
        return ApiError { message, ..ApiError::internal(failure) };
    }
    let code = match failure.code {
        "NotImplemented" => Code::NotImplemented,
        "MethodNotAllowed" => Code::MethodNotAllowed,
        code => Code::Modelled(code),
    };
    let mut error = ApiError::client(code, failure.message);
    error.members =
        failure.members.into_iter().map(|(name, value)| (name, Document::String(value))).collect();
    error
}

/// The failure of an error of the front door's.
pub(super) fn carried_by(error: &ApiError) -> Failure {
    let mut failure = Failure::from(error);
    for (name, value) in &error.members {
        if let Document::String(value) = value {
            failure.members.push((name, value.to_string()));
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn what_failed_keeps_its_status_and_a_fault_of_ours_its_cause() {
        let check = |failure: Failure, status: u16, code: &str| {
            let shown = carried_by(&carried(failure));
            assert_eq!((shown.status.as_u16(), shown.code), (status, code));
        };
        check(Failure::no_bucket("b"), 404, "NoSuchBucket");
        check(Failure::not_built("This"), 501, "NotImplemented");
        check(Failure::argument("name", "value", "text"), 400, "InvalidArgument");
        check(Failure::internal(std::io::Error::other("gone")), 500, "InternalError");
        let error = carried(Failure::internal(std::io::Error::other("the disk is gone")));
        let mut chain = String::new();
        let mut next: Option<&dyn Error> = error.source.as_deref().map(|cause| cause as &dyn Error);
        while let Some(cause) = next {
            chain.push_str(&cause.to_string());
            next = cause.source();
        }
        assert!(chain.ends_with("the disk is gone"), "{chain}");
    }
}
