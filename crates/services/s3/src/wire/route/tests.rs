use hearth_aws::Model;
use http::Request;

use super::*;

fn found(method: &str, target: &str, is_copy: bool) -> Result<&'static str, &'static str> {
    let mut request = Request::builder().method(method).uri(target);
    if is_copy {
        request = request.header("x-amz-copy-source", "a/b");
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let scope = Scope::of(parts.uri.path()).map_err(|failure| failure.code)?;
    find(&parts, &scope).map(|(operation, _)| operation).map_err(|failure| failure.code)
}

#[test]
fn every_route_is_an_operation_of_the_model() {
    let model = Model::of("s3").expect("a model");
    // RenameObject is one of directory buckets.
    for route in SERVICE.iter().chain(BUCKET).chain(OBJECT) {
        assert!(model.operation(route.operation).is_some(), "{}", route.operation);
    }
}

#[test]
fn a_request_means_what_its_method_path_and_query_say() {
    let check = |method: &str, target: &str, expected| {
        assert_eq!(found(method, target, false), expected, "{method} {target}");
    };
    check("GET", "/", Ok("ListBuckets"));
    check("GET", "/bucket", Ok("ListObjects"));
    check("GET", "/bucket/?list-type=2&prefix=a", Ok("ListObjectsV2"));
    check("GET", "/bucket?versions", Ok("ListObjectVersions"));
    check("GET", "/bucket?uploads=", Ok("ListMultipartUploads"));
    check("GET", "/bucket?%75ploads", Ok("ListMultipartUploads"));
    check("GET", "/bucket?list%2Dtype=%32", Ok("ListObjectsV2"));
    check("DELETE", "/bucket?c%6Frs", Ok("DeleteBucketCors"));
    check("DELETE", "/bucket?metadata%54able", Err("NotImplemented"));
    check("GET", "/bucket?acl&%61cl", Err("InvalidArgument"));
    check("GET", "/bucket?analytics&id=1", Ok("GetBucketAnalyticsConfiguration"));
    check("GET", "/bucket?analytics", Ok("ListBucketAnalyticsConfigurations"));
    check("PUT", "/bucket", Ok("CreateBucket"));
    check("DELETE", "/bucket?cors", Ok("DeleteBucketCors"));
    check("POST", "/bucket?delete", Ok("DeleteObjects"));
    check("GET", "/bucket/key?x-id=GetObject", Ok("GetObject"));
    check("GET", "/bucket//", Ok("GetObject"));
    check("GET", "/bucket/key?uploadId=1", Ok("ListParts"));
    check("PUT", "/bucket/key?partNumber=1&uploadId=1", Ok("UploadPart"));
    check("POST", "/bucket/key?uploadId=1", Ok("CompleteMultipartUpload"));
    check("POST", "/bucket/key?uploads", Ok("CreateMultipartUpload"));
    assert_eq!(found("PUT", "/bucket/key", true), Ok("CopyObject"));
    assert_eq!(found("PUT", "/bucket/key?partNumber=1&uploadId=1", true), Ok("UploadPartCopy"));
}

#[test]
fn what_is_not_built_is_never_taken_for_what_it_stands_under() {
    for sub in SUBRESOURCES {
        for method in ["PUT", "DELETE", "POST", "HEAD"] {
            for path in ["/bucket", "/bucket/key"] {
                let found = found(method, &format!("{path}?{sub}"), false);
                let is_whole = matches!(
                    found,
                    Ok("CreateBucket"
                        | "DeleteBucket"
                        | "PutObject"
                        | "DeleteObject"
                        | "HeadBucket"
                        | "HeadObject")
                );
                assert!(!is_whole, "{method} {path}?{sub} is {found:?}");
            }
        }
    }
    assert_eq!(found("PATCH", "/bucket/key", false), Err("MethodNotAllowed"));
    assert_eq!(found("POST", "/bucket", false), Err("MethodNotAllowed"));
    assert_eq!(found("GET", "/b%ff/key", false), Err("InvalidURI"));
    assert_eq!(found("GET", "/b%20b/key", false), Err("InvalidBucketName"));
    assert_eq!(found("GET", &format!("/bucket/{}", "k".repeat(1_025)), false), Err("KeyTooLongError"));
}
