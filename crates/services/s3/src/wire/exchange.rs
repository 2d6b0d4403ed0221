//! What goes beside s3s: who calls, what was said of the payload, and what failed.

use std::sync::{Mutex, PoisonError};

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
    failure: Mutex<Option<Failure>>,
    headers: Mutex<HeaderMap>,
    status: Mutex<Option<StatusCode>>,
}

impl Exchange {
    pub(super) fn new(call: Call, operation: &'static str, expected: Expected) -> Self {
        Self {
            call,
            operation,
            expected,
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
