//! Buckets: made, found, listed, deleted.

use s3s::dto::{self, *};

use super::given::grants;
use super::shown::{owner, time};
use super::{Cx, expect_owner, read, write};
use crate::config::tags;
use crate::error::Failure;
use crate::records::{Bucket, Versioning};
use crate::settings::{access, plain};
use crate::{buckets, names};

/// The region whose buckets have no location.
const FIRST_REGION: &str = "us-east-1";

/// Buckets of one page: AWS's limit and default.
const PAGE: u32 = 10_000;

/// CreateBucket: makes a bucket, whose name nobody else has.
pub(crate) async fn create(cx: Cx, input: CreateBucketInput) -> Result<CreateBucketOutput, Failure> {
    if !names::is_bucket_name(&input.bucket) {
        return Err(names::invalid_bucket_name(&input.bucket));
    }
    // GAP(s3): object lock.
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(Failure::not_built("Object lock"));
    }
    let given = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    let region = location(given.as_ref().map(BucketLocationConstraint::as_str), &cx.exchange.call.region)?;
    let new = Bucket {
        number: cx.s3.number(),
        name: input.bucket.clone(),
        account: cx.account().to_owned(),
        region,
        created: cx.s3.world.domain().now().as_micros(),
        versioning: Versioning::Never,
    };
    let ownership = input.object_ownership.map(|ownership| ownership.as_str().to_owned());
    let acl = grants!(input, input.grant_write);
    let tags = tags::of_new_bucket(&cx.exchange.document)?;
    write(&cx, move |tx| {
        if !buckets::create(tx, &new)? {
            return Ok(());
        }
        access::created(tx, &new, ownership.as_deref(), &acl.headers())?;
        tags.as_ref().map_or(Ok(()), |tags| plain::put_tagging(tx, &new, tags))
    })
    .await?;
    Ok(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
}

/// The region of a new bucket.
fn location_error(region: &str) -> Failure {
    let text = "The specified location-constraint is not valid";
    Failure::new(400, "InvalidLocationConstraint", text).with("LocationConstraint", region)
}

fn location(given: Option<&str>, endpoint: &str) -> Result<String, Failure> {
    // s3cmd signs for the region US, where it knows no other.
    let endpoint = if is_region(endpoint) { endpoint } else { FIRST_REGION };
    match given.filter(|given| !given.is_empty()) {
        None if endpoint == FIRST_REGION => Ok(endpoint.to_owned()),
        None => {
            let text = "The unspecified location constraint is incompatible for the region specific endpoint this \
                        request was sent to.";
            Err(Failure::new(400, "IllegalLocationConstraintException", text))
        }
        // The name of a region in the first years.
        Some("EU") => Ok("eu-west-1".to_owned()),
        Some(FIRST_REGION) => Err(location_error(FIRST_REGION)),
        Some(region) if !is_region(region) => Err(location_error(region)),
        Some(region) if region != endpoint && endpoint != FIRST_REGION => {
            let text = format!(
                "The {region} location constraint is incompatible for the region specific endpoint this request was \
                 sent to."
            );
            Err(Failure::new(400, "IllegalLocationConstraintException", text))
        }
        Some(region) => Ok(region.to_owned()),
    }
}

/// `eu-west-1`, `us-gov-east-1`.
fn is_region(region: &str) -> bool {
    let mut parts = region.rsplit('-');
    let number = parts.next().unwrap_or_default();
    region.len() <= 32
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && parts.count() >= 2
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// HeadBucket: whether it is there and may be used.
pub(crate) async fn head(cx: Cx, input: HeadBucketInput) -> Result<HeadBucketOutput, Failure> {
    let bucket = of_caller(&cx, input.bucket, input.expected_bucket_owner).await?;
    Ok(HeadBucketOutput { bucket_region: Some(bucket.region), ..HeadBucketOutput::default() })
}

/// GetBucketLocation: its region; of us-east-1 nothing.
pub(crate) async fn location_of(
    cx: Cx,
    input: GetBucketLocationInput,
) -> Result<GetBucketLocationOutput, Failure> {
    let bucket = of_caller(&cx, input.bucket, input.expected_bucket_owner).await?;
    let region = Some(bucket.region).filter(|region| region != FIRST_REGION);
    Ok(GetBucketLocationOutput { location_constraint: region.map(BucketLocationConstraint::from) })
}

/// A bucket of the account that calls.
pub(crate) async fn of_caller(cx: &Cx, name: String, owner: Option<String>) -> Result<Bucket, Failure> {
    let account = cx.account().to_owned();
    let bucket = read(cx, move |tx| buckets::get(tx, &account, &name)).await?;
    expect_owner(&bucket, owner.as_deref())?;
    Ok(bucket)
}

/// DeleteBucket: removes it when nothing is in it.
pub(crate) async fn delete(cx: Cx, input: DeleteBucketInput) -> Result<DeleteBucketOutput, Failure> {
    let account = cx.account().to_owned();
    write(&cx, move |tx| {
        expect_owner(&buckets::get(tx, &account, &input.bucket)?, input.expected_bucket_owner.as_deref())?;
        buckets::delete(tx, &account, &input.bucket)
    })
    .await?;
    Ok(DeleteBucketOutput {})
}

/// ListBuckets: those of the account, in the order of their names.
pub(crate) async fn list(cx: Cx, input: ListBucketsInput) -> Result<ListBucketsOutput, Failure> {
    let limit = match input.max_buckets {
        None => PAGE,
        Some(limit) => {
            u32::try_from(limit).ok().filter(|limit| (1..=PAGE).contains(limit)).ok_or_else(|| {
                let text = "Argument max-buckets must be an integer between 1 and 10000";
                Failure::argument("max-buckets", &limit.to_string(), text)
            })?
        }
    };
    let (account, prefix) = (cx.account().to_owned(), input.prefix.clone().unwrap_or_default());
    let token = input.continuation_token;
    let mut found =
        read(&cx, move |tx| buckets::page(tx, &account, &prefix, token.as_deref(), limit + 1)).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more).map(|bucket| bucket.name.clone());
    let is_paged = input.max_buckets.is_some() || input.prefix.is_some() || input.bucket_region.is_some();
    let shown = found
        .into_iter()
        .filter(|bucket| input.bucket_region.as_ref().is_none_or(|region| *region == bucket.region));
    let shown = shown.map(|bucket| dto::Bucket {
        bucket_region: Some(bucket.region).filter(|_| is_paged),
        creation_date: Some(time(bucket.created)),
        name: Some(bucket.name),
    });
    Ok(ListBucketsOutput {
        buckets: Some(shown.collect()),
        continuation_token: last,
        owner: Some(owner(cx.account())),
        prefix: input.prefix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lies_where_the_endpoint_and_the_constraint_agree() {
        let check = |given, endpoint: &str, expected: Result<&str, &str>| {
            let found = location(given, endpoint);
            assert_eq!(found.as_deref().map_err(|failure| failure.code), expected, "{given:?} at {endpoint}");
        };
        check(None, "us-east-1", Ok("us-east-1"));
        check(None, "US", Ok("us-east-1"));
        check(Some(""), "us-east-1", Ok("us-east-1"));
        check(Some("eu-west-1"), "us-east-1", Ok("eu-west-1"));
        check(Some("EU"), "eu-west-1", Ok("eu-west-1"));
        check(Some("eu-west-1"), "eu-west-1", Ok("eu-west-1"));
        check(None, "eu-west-1", Err("IllegalLocationConstraintException"));
        check(Some("eu-west-2"), "eu-west-1", Err("IllegalLocationConstraintException"));
        check(Some("us-east-1"), "us-east-1", Err("InvalidLocationConstraint"));
        check(Some("mars"), "us-east-1", Err("InvalidLocationConstraint"));
    }
}
