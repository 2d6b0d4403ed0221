//! The access keys that Hearth made: those that functions sign with.

use std::sync::Arc;

use hearth_aws::operation::BoxFuture;
use hearth_aws::{ApiError, Caller, Key, Keys};
use hearth_service_lambda::Lambda;

/// Sessions of execution roles. They last as long as their revision is in use.
pub struct RoleSessions(pub Arc<Lambda>);

impl Keys for RoleSessions {
    fn find<'a>(&'a self, access_key_id: &'a str) -> BoxFuture<'a, Result<Option<Key>, ApiError>> {
        let found = self.0.session(access_key_id).and_then(|identity| {
            // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
            let account = identity.arn.split(':').nth(4)?.to_owned();
            Some(Key {
                secret: identity.credentials.secret_access_key.0,
                session_token: Some(identity.credentials.session_token.0),
                expires: None,
                account,
                caller: Caller {
                    access_key_id: access_key_id.to_owned(),
                    arn: identity.arn,
                    user_id: identity.user_id,
                },
            })
        });
        Box::pin(std::future::ready(Ok(found)))
    }
}
