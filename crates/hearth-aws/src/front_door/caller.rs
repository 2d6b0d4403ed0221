//! Who calls: the socket's identity in a sandbox, the owner of a key that Hearth made, or whom the key names.

use std::collections::HashMap;

use bytes::Bytes;
use hearth_world::Timestamp;
use http::request::Parts;
use uuid::Uuid;

use super::{FrontDoor, Origin, defence};
use crate::error::{ApiError, Code};
use crate::operation::{BoxFuture, Call, Caller};
use crate::sigv4::{Claim, Link, Seed, verify};

/// The region of a request that names none.
const REGION: &str = "us-east-1";

/// Long-lived access keys that Hearth made.
pub trait Keys: Send + Sync {
    /// The key of this id, or `None` when Hearth did not make it.
    fn find<'a>(&'a self, access_key_id: &'a str) -> BoxFuture<'a, Result<Option<Key>, ApiError>>;

    /// A request with the key of this id was verified: for `GetAccessKeyLastUsed`. Neither waits nor fails.
    fn used(&self, _access_key_id: &str, _service: &str, _region: &str) {}
}

/// An access key that Hearth made. Its signatures are verified.
#[derive(Clone)]
pub struct Key {
    /// The secret access key.
    pub secret: String,
    /// The session's token, which a request with temporary credentials must carry.
    pub session_token: Option<String>,
    /// When temporary credentials end.
    pub expires: Option<Timestamp>,
    /// The owner's account.
    pub account: String,
    /// The owner.
    pub caller: Caller,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Key")
            .field("account", &self.account)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// No key of Hearth's own.
#[derive(Clone, Copy, Debug)]
pub struct NoKeys;

impl Keys for NoKeys {
    fn find<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Key>, ApiError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// Keys that are known from the start.
impl Keys for HashMap<String, Key> {
    fn find<'a>(&'a self, access_key_id: &'a str) -> BoxFuture<'a, Result<Option<Key>, ApiError>> {
        Box::pin(std::future::ready(Ok(self.get(access_key_id).cloned())))
    }
}

/// A caller, and where the call takes place.
pub(super) struct Known {
    account: String,
    region: String,
    caller: Caller,
}

impl Known {
    /// Somebody without a signature, whom an account has opened something to.
    pub(super) fn nobody(account: String) -> Self {
        let caller = Caller {
            access_key_id: String::new(),
            arn: String::new(),
            user_id: "anonymous".to_owned(),
            session: None,
        };
        Self { account, region: REGION.to_owned(), caller }
    }
}

impl FrontDoor {
    pub(super) async fn caller(
        &self,
        parts: &Parts,
        claim: Option<&Claim<'_>>,
        body: &Bytes,
        origin: &Origin,
    ) -> Result<Known, ApiError> {
        let Some(claim) = claim else { return Ok(self.unsigned(origin)) };
        let verify = |secret: &str, now| verify::check(claim, parts, body, secret, now);
        Ok(self.signed(parts, claim, origin, verify).await?.0)
    }

    /// The same for a request whose body is still to be read: `payload` stands for it in the signature. What the
    /// signatures of its pieces go on from, where they are to be verified.
    pub(super) async fn caller_of_head(
        &self,
        parts: &Parts,
        claim: &Claim<'_>,
        payload: &str,
        origin: &Origin,
    ) -> Result<(Known, Option<Seed>), ApiError> {
        let verify = |secret: &str, now| verify::head(claim, parts, payload, secret, now);
        self.signed(parts, claim, origin, verify).await
    }

    /// The same for a link of Signature Version 2. `path` is `/BUCKET/KEY`.
    pub(super) async fn caller_of_link(
        &self,
        link: &Link<'_>,
        parts: &Parts,
        path: &str,
        origin: &Origin,
    ) -> Result<Known, ApiError> {
        let now = self.world.physical().now();
        let id = &*link.access_key_id;
        link.check_time(now)?;
        let issuer = self.sessions.as_ref().filter(|sessions| sessions.made(id));
        let key = match issuer {
            Some(sessions) => {
                let token = link.token.as_deref().ok_or_else(invalid_token)?;
                Some(sessions.key(id, token).ok_or_else(invalid_token)?)
            }
            None => self.keys.find(id).await?,
        };
        let region = REGION.to_owned();
        if let Some(key) = key {
            link.verify(parts, path, &key.secret)?;
            verify::lives(key.expires, now)?;
            self.keys.used(id, "s3", &region);
            return Ok(Known { account: key.account, region, caller: key.caller });
        }
        match origin {
            Origin::Sandbox(sandbox) => {
                Ok(Known { account: sandbox.account.clone(), region, caller: sandbox.caller.clone() })
            }
            Origin::Listener { .. } if self.options.accept_unknown_keys => {
                let account = account_of(id).unwrap_or(&self.options.account);
                Ok(Known { account: account.to_owned(), region, caller: root(account, id) })
            }
            Origin::Listener { .. } => Err(invalid_token()),
        }
    }

    async fn signed<T>(
        &self,
        parts: &Parts,
        claim: &Claim<'_>,
        origin: &Origin,
        verify: impl FnOnce(&str, Timestamp) -> Result<T, ApiError>,
    ) -> Result<(Known, Option<T>), ApiError> {
        let scope = claim.scope();
        let region = scope.region.to_owned();
        if let Some(key) = self.key(parts, scope.access_key_id).await? {
            let now = self.world.physical().now();
            let verified = verify(&key.secret, now)?;
            verify::session(parts, key.session_token.as_deref(), key.expires, now)?;
            self.keys.used(scope.access_key_id, scope.service, &region);
            return Ok((Known { account: key.account, region, caller: key.caller }, Some(verified)));
        }
        let known = match origin {
            Origin::Sandbox(sandbox) => {
                Known { account: sandbox.account.clone(), region, caller: sandbox.caller.clone() }
            }
            // A link needs no header that a web page could not send.
            Origin::Listener { .. } if self.options.accept_unknown_keys && !claim.is_open_link() => {
                let account = account_of(scope.access_key_id).unwrap_or(&self.options.account);
                Known { account: account.to_owned(), region, caller: root(account, scope.access_key_id) }
            }
            Origin::Listener { .. } => return Err(invalid_token()),
        };
        Ok((known, None))
    }

    /// The key of this id, if Hearth made it: temporary ones carry everything in their token, which must be true.
    async fn key(&self, parts: &Parts, access_key_id: &str) -> Result<Option<Key>, ApiError> {
        let issuer = self.sessions.as_ref().filter(|sessions| sessions.made(access_key_id));
        let Some(sessions) = issuer else { return self.keys.find(access_key_id).await };
        let token = verify::session_token(parts)?.ok_or_else(invalid_token)?;
        sessions.key(access_key_id, &token).map(Some).ok_or_else(invalid_token)
    }

    /// Operations that AWS serves unsigned check their caller by what the input holds.
    fn unsigned(&self, origin: &Origin) -> Known {
        let anonymous = || Caller {
            access_key_id: String::new(),
            arn: "anonymous".to_owned(),
            user_id: "anonymous".to_owned(),
            session: None,
        };
        let (account, caller) = match origin {
            Origin::Sandbox(sandbox) => (sandbox.account.clone(), sandbox.caller.clone()),
            Origin::Listener { .. } => (self.options.account.clone(), anonymous()),
        };
        Known { account, region: REGION.to_owned(), caller }
    }
}

/// An access key of 12 digits is an account.
fn account_of(access_key_id: &str) -> Option<&str> {
    let is_account = access_key_id.len() == 12 && access_key_id.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then_some(access_key_id)
}

fn root(account: &str, access_key_id: &str) -> Caller {
    Caller {
        access_key_id: access_key_id.to_owned(),
        arn: format!("arn:aws:iam::{account}:root"),
        user_id: account.to_owned(),
        session: None,
    }
}

fn invalid_token() -> ApiError {
    let text = "The security token included in the request is invalid.";
    ApiError::client(Code::UnrecognizedClient, text)
}

impl Known {
    pub(super) fn call(
        self,
        parts: &Parts,
        origin: &Origin,
        service: &'static str,
        operation: &'static str,
        request_id: Uuid,
    ) -> Call {
        let host = match (defence::authority(parts), origin) {
            (Some(host), _) => host.to_owned(),
            (None, Origin::Listener { local, .. }) => local.to_string(),
            (None, Origin::Sandbox(sandbox)) => sandbox.host.clone(),
        };
        let trace_id = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        Call {
            account: self.account,
            region: self.region,
            caller: self.caller,
            request_id,
            service,
            operation,
            host,
            trace_id: trace_id.map(str::to_owned),
        }
    }
}
