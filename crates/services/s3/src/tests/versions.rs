use super::Served;

async fn versioned(status: &str) -> Served {
    let s3 = Served::start();
    s3.bucket("abc").await;
    versioning(&s3, status).await;
    s3
}

async fn versioning(s3: &Served, status: &str) {
    let document = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
    s3.ask("PUT /abc?versioning", &[], document).await.is(200);
    assert_eq!(s3.get("/abc?versioning").await.element("Status"), status);
}

#[tokio::test]
async fn every_version_stays_until_it_is_deleted_by_its_id() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    assert_eq!(s3.get("/abc?versioning").await.element("Status"), "");
    s3.put("/abc/k", "zero").await;
    versioning(&s3, "Enabled").await;
    let one = s3.put("/abc/k", "one").await.header("x-amz-version-id").to_owned();
    let two = s3.put("/abc/k", "two").await.header("x-amz-version-id").to_owned();
    for (id, text) in [("null", "zero"), (&one, "one"), (&two, "two")] {
        let found = s3.get(&format!("/abc/k?versionId={id}")).await;
        assert_eq!((found.text(), found.header("x-amz-version-id")), (text.to_owned(), id));
    }
    let deleted = s3.ask("DELETE /abc/k", &[], "").await;
    deleted.is(204);
    assert_eq!(deleted.header("x-amz-delete-marker"), "true");
    let marker = deleted.header("x-amz-version-id").to_owned();
    let gone = s3.get("/abc/k").await;
    gone.is_error(404, "NoSuchKey");
    assert_eq!(gone.header("x-amz-delete-marker"), "true");
    let asked = s3.get(&format!("/abc/k?versionId={marker}")).await;
    asked.is_error(405, "MethodNotAllowed");
    assert!(s3.get("/abc").await.elements("Key").is_empty());
    let listed = s3.get("/abc?versions").await;
    assert_eq!(listed.elements("VersionId").len(), 4, "{}", listed.text());
    s3.ask(&format!("DELETE /abc/k?versionId={marker}"), &[], "").await.is(204);
    assert_eq!(s3.get("/abc/k").await.text(), "two");
    s3.ask(&format!("DELETE /abc/k?versionId={two}"), &[], "").await.is(204);
    assert_eq!(s3.get("/abc/k").await.text(), "one");
    s3.ask("DELETE /abc", &[], "").await.is_error(409, "BucketNotEmpty");
    s3.get(&format!("/abc/k?versionId={two}")).await.is_error(404, "NoSuchVersion");
    s3.get("/abc/k?versionId=none").await.is_error(400, "InvalidArgument");
}

#[tokio::test]
async fn while_suspended_one_version_is_replaced() {
    let s3 = versioned("Enabled").await;
    let kept = s3.put("/abc/k", "kept").await.header("x-amz-version-id").to_owned();
    versioning(&s3, "Suspended").await;
    for text in ["one", "two"] {
        assert_eq!(s3.put("/abc/k", text).await.header("x-amz-version-id"), "");
        assert_eq!(s3.get("/abc/k").await.header("x-amz-version-id"), "null");
    }
    assert_eq!(s3.get("/abc?versions").await.elements("VersionId").len(), 2);
    assert_eq!(s3.get(&format!("/abc/k?versionId={kept}")).await.text(), "kept");
    let deleted = s3.ask("DELETE /abc/k", &[], "").await;
    assert_eq!(deleted.header("x-amz-version-id"), "null");
    assert_eq!(s3.get("/abc?versions").await.elements("VersionId").len(), 2);
    s3.get("/abc/k").await.is_error(404, "NoSuchKey");
}

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let s3 = versioned("Enabled").await;
    for key in ["a", "b", "c/1", "c/2"] {
        for text in ["1", "2", "3"] {
            s3.put(&format!("/abc/{key}"), text).await;
        }
    }
    let (mut seen, mut latest, mut target) = (Vec::new(), 0, "/abc?versions&max-keys=2".to_owned());
    for _ in 0..20 {
        let page = s3.get(&target).await;
        page.is(200);
        seen.extend(page.elements("VersionId"));
        latest += page.elements("IsLatest").iter().filter(|is| *is == "true").count();
        if page.element("IsTruncated") == "false" {
            break;
        }
        let (key, id) = (page.element("NextKeyMarker"), page.element("NextVersionIdMarker"));
        target = format!("/abc?versions&max-keys=2&key-marker={key}&version-id-marker={id}");
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len(), latest), (12, 12, 4));
    let grouped = s3.get("/abc?versions&delimiter=/").await;
    assert!(grouped.text().contains("<Prefix>c/</Prefix>"), "{}", grouped.text());
}

#[tokio::test]
async fn a_listing_goes_on_when_the_version_null_at_which_it_stopped_is_gone() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    versioning(&s3, "Enabled").await;
    let old = s3.put("/abc/k", "old").await.header("x-amz-version-id").to_owned();
    versioning(&s3, "Suspended").await;
    s3.put("/abc/k", "null").await;
    versioning(&s3, "Enabled").await;
    let new = s3.put("/abc/k", "new").await.header("x-amz-version-id").to_owned();
    let page = s3.get("/abc?versions&max-keys=2").await;
    assert_eq!(page.elements("VersionId"), [new.as_str(), "null"]);
    assert_eq!(page.element("NextVersionIdMarker"), "null");
    s3.ask("DELETE /abc/k?versionId=null", &[], "").await.is(204);
    let rest = s3.get("/abc?versions&key-marker=k&version-id-marker=null").await;
    assert!(rest.elements("VersionId").contains(&old), "{}", rest.text());
    let latest: Vec<String> = rest.elements("IsLatest").into_iter().filter(|is| is == "true").collect();
    let shown = rest.elements("VersionId").contains(&new);
    assert_eq!(latest.len(), usize::from(shown), "{}", rest.text());
}
