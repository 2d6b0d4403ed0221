//! `Code.Location` and `Content.Location`: a link to the package of a function or a layer that whoever has it may follow for ten minutes, without AWS's
//! signature, as AWS's own leads to a bucket of the service.
//!
//! The link names the package by its digest and carries a signature of this server's run over all that it says:
//! nothing about it is stored, and it ends with the server.

use bytes::Bytes;
use hearth_store::{BlobDigest, BlobError};
use hearth_world::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Lambda;
use crate::functions::{Function, Owner};
use crate::layers::LayerVersion;
use crate::limits::CODE_LOCATION_SECONDS;

const SIGNATURE: &str = "&X-Amz-Signature=";
const DATE: &str = "%Y%m%dT%H%M%SZ";

/// Why a link leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not a link of this server, or changed on its way.
    #[error("the signature of this link is not ours")]
    Denied,
    /// Older than ten minutes.
    #[error("the link has expired")]
    Expired,
    /// The package cannot be read, or is there no more.
    #[error("read the package")]
    Blob(#[from] BlobError),
}

/// The key of this run's links.
pub(crate) struct LinkKey([u8; 32]);

impl LinkKey {
    pub(crate) fn new(random: &hearth_world::Random) -> Self {
        Self(random.bytes())
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }

    fn sign(&self, signed: &str) -> String {
        hex::encode(self.mac(signed).finalize().into_bytes())
    }

    fn verifies(&self, signed: &str, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|signature| self.mac(signed).verify_slice(&signature).is_ok())
    }
}

impl Lambda {
    /// Whether a request's path is a link to a package: such a request carries no AWS signature.
    pub fn is_package_path(path: &str) -> bool {
        let bucket = path.strip_prefix("/awslambda-").and_then(|rest| rest.split('/').next());
        bucket.is_some_and(|bucket| bucket.ends_with("-tasks") || bucket.ends_with("-layers"))
    }

    /// The package that a link of [`GetFunction`](crate::service) leads to. Takes the request's path with its query.
    pub async fn package(&self, path_and_query: &str) -> Result<Bytes, PackageError> {
        let digest = self.linked(path_and_query)?;
        Ok(self.blobs.blobs().get(&digest).await?)
    }

    fn linked(&self, path_and_query: &str) -> Result<BlobDigest, PackageError> {
        let (signed, signature) = path_and_query.rsplit_once(SIGNATURE).ok_or(PackageError::Denied)?;
        if !self.link_key.verifies(signed, signature) {
            return Err(PackageError::Denied);
        }
        let query = signed.split_once('?').map_or("", |(_, query)| query);
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let digest = value("versionId").and_then(|digest| digest.parse().ok()).ok_or(PackageError::Denied)?;
        // Dates of this form sort as times do.
        let oldest = date_before(self.world.physical().now(), CODE_LOCATION_SECONDS);
        if value("X-Amz-Date").is_none_or(|date| date < oldest.as_str()) {
            return Err(PackageError::Expired);
        }
        Ok(digest)
    }

    /// A new link to a function's package, at the host that the caller asked.
    pub(crate) fn package_link(&self, owner: &Owner, function: &Function, host: &str) -> String {
        self.link(owner, "tasks", function.name.as_str(), &function.code, host)
    }

    /// A new link to a layer version's package, at the host that the caller asked.
    pub(crate) fn layer_link(&self, owner: &Owner, layer: &LayerVersion, host: &str) -> String {
        self.link(owner, "layers", layer.name.as_str(), &layer.digest, host)
    }

    fn link(&self, owner: &Owner, bucket: &str, name: &str, digest: &BlobDigest, host: &str) -> String {
        let signed = format!(
            "/awslambda-{}-{bucket}/snapshots/{}/{name}-{}?versionId={digest}&X-Amz-Date={}&X-Amz-Expires={}",
            owner.region,
            owner.account,
            self.world.random().uuid(),
            self.world.physical().now().format(DATE),
            CODE_LOCATION_SECONDS,
        );
        let signature = self.link_key.sign(&signed);
        let scheme = if self.options.links_over_tls { "https" } else { "http" };
        format!("{scheme}://{host}{signed}{SIGNATURE}{signature}")
    }
}

fn date_before(now: Timestamp, seconds: u32) -> String {
    Timestamp::from_micros(now.as_micros() - i64::from(seconds) * 1_000_000).format(DATE)
}
