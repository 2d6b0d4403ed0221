//! Requests without a signature: what a policy or an ACL opens to everybody, to be read.
//!
//! Never: lets anybody write.

use hearth_aws::Routed;
use hearth_store::{Tx, transact_read};
use http::request::Parts;

use super::Wire;
use super::query::Query;
use super::route::Scope;
use crate::buckets;
use crate::config::document::Document;
use crate::error::Failure;
use crate::records::Bucket;
use crate::settings::access;
use crate::versions;

impl Wire {
    /// The account in whose name the request is answered; `None` when it is not open to everybody.
    pub(super) async fn everybody_of(
        &self,
        parts: &Parts,
        routed: &Routed,
    ) -> Result<Option<String>, Failure> {
        let lists = match routed.operation {
            "GetObject" | "HeadObject" => false,
            "ListObjects" | "ListObjectsV2" | "HeadBucket" => true,
            _ => return Ok(None),
        };
        let (name, key) = match Scope::of(&routed.path)? {
            Scope::Bucket(name) if lists => (name, None),
            Scope::Object(name, key) if !lists => (name, Some(key)),
            _ => return Ok(None),
        };
        let query = Query::of(parts)?;
        let version = query.value("versionId").filter(|id| !id.is_empty()).map(str::to_owned);
        let look = move |tx: &mut dyn Tx| -> Result<Option<String>, Failure> {
            let bucket = buckets::find(tx, &name)?.ok_or_else(|| Failure::no_bucket(&name))?;
            let open = match &key {
                None => access::anybody_may(tx, &bucket, "s3:ListBucket", None, None)?,
                Some(key) => may_read(tx, &bucket, key, version.as_deref())?,
            };
            Ok(open.then_some(bucket.account))
        };
        transact_read(&*self.s3.store, look).await
    }
}

fn may_read(tx: &mut dyn Tx, bucket: &Bucket, key: &str, version: Option<&str>) -> Result<bool, Failure> {
    let found = match version {
        None => versions::newest(tx, bucket.number, key)?,
        Some(id) => versions::find(tx, bucket.number, key, id)?,
    };
    let object = found.and_then(|found| found.version.object);
    // Whether an object is there is for those who may list.
    if object.is_none() && !access::anybody_may(tx, bucket, "s3:ListBucket", None, None)? {
        return Ok(false);
    }
    let acl = object.as_ref().and_then(|object| object.documents.get(Document::Acl.name()));
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    access::anybody_may(tx, bucket, action, Some(key), acl.map(String::as_str))
}
