//! Blobs in a bucket of any store that speaks S3: where it is, and who asks.
//!
//! Never: prints a secret; dials but through the outbound client.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hearth_outbound::Outbound;
use hearth_world::TaskGroup;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, RetryConfig};

use super::connector::Through;
use super::{BlobError, Blobs, storage};

/// How often a request is tried again that found no answer, or one of the store's own faults: the time ends it first.
const RETRIES_MAX: usize = 32;

/// How long one request is tried, as transactions of a shared database are.
const RETRY_TIME: Duration = Duration::from_secs(15);

/// The first wait between two tries; each one is about twice as long.
const RETRY_WAIT_FIRST: Duration = Duration::from_millis(100);

/// The longest wait between two tries.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(3);

/// Names of a bucket: 3 to 63 characters.
const BUCKET_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=63;

/// A place in a bucket: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    bucket: String,
    /// Without slashes at its ends; empty is the whole bucket.
    prefix: String,
}

/// The text names no place in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place in a bucket is s3://BUCKET or s3://BUCKET/PREFIX")]
pub struct NotAPlace;

impl FromStr for S3Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let rest = text.strip_prefix("s3://").ok_or(NotAPlace)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        let prefix = prefix.trim_matches('/');
        let parts_are_fine = prefix.is_empty()
            || prefix.split('/').all(|part| {
                !matches!(part, "" | "." | "..")
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_=".contains(&byte))
            });
        if BUCKET_CHARACTERS.contains(&bucket.len()) && bucket.bytes().all(is_fine) && parts_are_fine {
            Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        } else {
            Err(NotAPlace)
        }
    }
}

impl fmt::Display for S3Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(out, "s3://{}{slash}{}", self.bucket, self.prefix)
    }
}

/// What AWS's own tools read to find a store and to sign. Whoever reads the environment gives its values.
#[derive(Clone, Default)]
pub struct S3Settings {
    /// Another store than AWS's: `https://minio.example:9000`. Buckets are parts of its path.
    pub endpoint: Option<String>,
    /// The bucket's region; `us-east-1` where none is given.
    pub region: Option<String>,
    /// The key and what comes with it; without one, who this machine is decides: [`S3Settings::identity`].
    pub key: Option<S3Key>,
    /// Where this machine's or container's role is told, by the name of AWS's environment variable.
    pub identity: Vec<(&'static str, String)>,
}

/// An access key.
#[derive(Clone)]
pub struct S3Key {
    /// Its public half.
    pub id: String,
    /// What signs.
    pub secret: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

/// Variables that tell of a role instead of a key.
const IDENTITY_VARIABLES: [&str; 7] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_ENDPOINT_URL_STS",
];

/// Half a key is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: one of them is missing")]
pub struct HalfAKey;

impl S3Settings {
    /// Out of the variables that AWS's tools read, by a function that looks one up.
    pub fn of_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, HalfAKey> {
        let value = |name: &str| look_up(name).filter(|value| !value.is_empty());
        let key = match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => Some(S3Key { id, secret, session_token: value("AWS_SESSION_TOKEN") }),
            (None, None) => None,
            _ => return Err(HalfAKey),
        };
        Ok(Self {
            endpoint: value("AWS_ENDPOINT_URL_S3").or_else(|| value("AWS_ENDPOINT_URL")),
            region: value("AWS_REGION").or_else(|| value("AWS_DEFAULT_REGION")),
            key,
            identity: IDENTITY_VARIABLES
                .iter()
                .filter_map(|name| value(name).map(|value| (*name, value)))
                .collect(),
        })
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| &key.id);
        out.debug_struct("S3Settings")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("key", &key)
            .finish_non_exhaustive()
    }
}

impl Blobs {
    /// Blobs in a bucket. Nothing is asked yet: [`Blobs::check`] does. What is broken off is given up in tasks of the
    /// group.
    pub fn s3(
        place: &S3Place,
        settings: &S3Settings,
        outbound: Arc<Outbound>,
        tasks: &TaskGroup,
    ) -> Result<Self, BlobError> {
        let store = store(place, settings, outbound).map_err(|error| storage("open", place, &error))?;
        let store: Arc<dyn object_store::ObjectStore> = match place.prefix.as_str() {
            "" => Arc::new(store),
            prefix => Arc::new(PrefixStore::new(store, prefix)),
        };
        Ok(Self::with(store, None, true, Some(tasks.clone())))
    }
}

fn store(place: &S3Place, settings: &S3Settings, outbound: Arc<Outbound>) -> object_store::Result<AmazonS3> {
    let backoff = BackoffConfig { init_backoff: RETRY_WAIT_FIRST, max_backoff: RETRY_WAIT_MAX, base: 2.0 };
    let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME };
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(Through(outbound))
        .with_retry(retry)
        .with_bucket_name(&place.bucket)
        // One object at a time is deleted here, and not every store has the call for many.
        .with_disable_bulk_delete(true)
        // The outbound client decides what is dialled.
        .with_allow_http(true);
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    match &settings.key {
        Some(key) => {
            builder = builder.with_access_key_id(&key.id).with_secret_access_key(&key.secret);
            if let Some(token) = &key.session_token {
                builder = builder.with_token(token);
            }
        }
        None => {
            for (name, value) in &settings.identity {
                builder = builder.with_config(name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()?, value);
            }
        }
    }
    builder.build()
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
