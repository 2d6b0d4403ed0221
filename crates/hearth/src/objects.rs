//! Packages for functions, out of S3.

use hearth_aws::Call;
use hearth_aws::operation::BoxFuture;
use hearth_service_lambda::{Object, ObjectError, ObjectName, Objects};

/// No bucket at all.
#[derive(Debug)]
pub struct NoBuckets;

impl Objects for NoBuckets {
    fn open<'a>(&'a self, _: &'a Call, _: &'a ObjectName) -> BoxFuture<'a, Result<Object, ObjectError>> {
        Box::pin(async {
            Err(ObjectError::Refused {
                code: "NoSuchBucket".into(),
                message: "The specified bucket does not exist".into(),
            })
        })
    }
}
