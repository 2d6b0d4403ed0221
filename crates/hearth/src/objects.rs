//! Packages for functions, out of our own S3.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use hearth_aws::Call;
use hearth_aws::operation::BoxFuture;
use hearth_service_lambda::{Object, ObjectError, ObjectName, Objects};
use hearth_service_s3::{Failure, S3};

use crate::server::chain;

/// The buckets of the caller's account.
///
/// GAP(policies): whoever may call Lambda reads every object of the account, and none of another one.
#[derive(Debug)]
pub struct Buckets(hearth_service_s3::Objects);

impl Buckets {
    /// Those of this service.
    pub fn of(s3: &Arc<S3>) -> Self {
        Self(hearth_service_s3::Objects::of(s3))
    }
}

impl Objects for Buckets {
    fn open<'a>(
        &'a self,
        call: &'a Call,
        object: &'a ObjectName,
    ) -> BoxFuture<'a, Result<Object, ObjectError>> {
        Box::pin(async move {
            let ObjectName { bucket, key, version } = object;
            let found = self.0.get(&call.account, bucket, key, version.as_deref()).await.map_err(refused)?;
            if found.region != call.region {
                let region = &found.region;
                return Err(ObjectError::Refused {
                    code: "PermanentRedirect".to_owned(),
                    message: format!(
                        "The bucket is in this region: {region}. Please use this region to retry the request"
                    ),
                });
            }
            Ok(Object { bytes: found.bytes, content: found.stream().map_err(refused).boxed() })
        })
    }
}

/// What S3 says; for a fault of ours its cause, which the log shows.
fn refused(failure: Failure) -> ObjectError {
    let Failure { code, status, message, source, .. } = failure;
    if status.is_server_error() {
        let cause = source.map_or_else(|| message.clone(), |cause| chain(&*cause));
        return ObjectError::Failed(cause.into());
    }
    ObjectError::Refused { code: code.to_owned(), message }
}
