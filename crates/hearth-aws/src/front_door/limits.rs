//! How large a request's body may be, known before it is read.

use http::HeaderMap;

use crate::error::{ApiError, Code};
use crate::model::OperationFacts;

/// Most requests: what AWS takes for a synchronous invocation.
const BODY_BYTES_MAX: u64 = 6_291_456;

/// An asynchronous invocation: 1 MB (`spec/lambda-api.md` row 103).
const EVENT_BYTES_MAX: u64 = 1_048_576;

/// InvokeAsync: 256 KB (`spec/invoke.md` section 1).
const ASYNC_BYTES_MAX: u64 = 262_144;

/// Code inline: 50 MB in base64 and some (`spec/lambda-api.md` row 25).
const CODE_BYTES_MAX: u64 = 70_167_211;

/// A limit and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// More is refused.
    pub bytes_max: u64,
    /// As policies and error texts name it: `InvokeFunction`.
    name: &'static str,
    is_event: bool,
}

/// The limit of an operation; of one that only the body names when `None`.
pub(super) fn of(service: &str, operation: Option<&OperationFacts>, headers: &HeaderMap) -> Limit {
    let name = operation.map_or("requested", |operation| operation.name);
    let limit = |bytes_max| Limit { bytes_max, name, is_event: false };
    match (service, name) {
        ("lambda", "Invoke") => {
            let is_event = headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event");
            let bytes_max = if is_event { EVENT_BYTES_MAX } else { BODY_BYTES_MAX };
            Limit { bytes_max, name: "InvokeFunction", is_event }
        }
        ("lambda", "InvokeAsync") => limit(ASYNC_BYTES_MAX),
        ("lambda", "CreateFunction" | "UpdateFunctionCode" | "PublishLayerVersion") => limit(CODE_BYTES_MAX),
        _ => limit(BODY_BYTES_MAX),
    }
}

impl Limit {
    /// Whether a body of this kind is done with when it is answered. An event lives on in its function, where
    /// concurrency limits how many there are.
    pub(super) fn keeps_room(self) -> bool {
        self.bytes_max > BODY_BYTES_MAX
    }

    /// The answer to a body of this many bytes, as far as they are known.
    pub(super) fn exceeded(self, bytes: u64) -> ApiError {
        let text = match self {
            Self { is_event: true, bytes_max, .. } => {
                format!(
                    "{bytes} byte payload is too large for the Event invocation type (limit {bytes_max} bytes)"
                )
            }
            Self { bytes_max, name, .. } => {
                format!("Request must be smaller than {bytes_max} bytes for the {name} operation")
            }
        };
        ApiError::client(Code::RequestEntityTooLarge, text)
    }
}
