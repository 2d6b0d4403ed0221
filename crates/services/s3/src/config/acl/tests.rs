//! Lists as headers and documents give them.

use super::*;
use crate::config::document::{decode, encode};

fn owner() -> String {
    "0a".repeat(32)
}

fn writer() -> String {
    "1b".repeat(32)
}

fn show(grants: &[Grant]) -> String {
    let one = |grant: &Grant| {
        let grantee = grant.grantee.as_ref().unwrap();
        let whom = grantee.id.as_ref().map(|id| id[..2].to_owned());
        let group = || grantee.uri.as_ref().unwrap().rsplit('/').next().unwrap().to_owned();
        format!("{}:{}", whom.unwrap_or_else(group), grant.permission.as_ref().unwrap().as_str())
    };
    grants.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn outcome(of: Of, headers: &Headers<'_>) -> String {
    let (bucket, object) = (owner(), writer());
    let resource = if of == Of::Bucket { &bucket } else { &object };
    match headers.read_all(of, Owners { bucket: &bucket, resource }) {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(grants)) => show(&grants),
        Err(error) => format!("{}: {error} {:?}", error.code(), error.details()),
    }
}

#[test]
fn canned_lists_are_what_s3s_reference_lists() {
    let table = [
        (Of::Bucket, "private", "0a:FULL_CONTROL"),
        (Of::Bucket, "public-read", "0a:FULL_CONTROL AllUsers:READ"),
        (Of::Bucket, "public-read-write", "0a:FULL_CONTROL AllUsers:READ AllUsers:WRITE"),
        (Of::Object, "authenticated-read", "1b:FULL_CONTROL AuthenticatedUsers:READ"),
        (Of::Bucket, "log-delivery-write", "0a:FULL_CONTROL LogDelivery:WRITE LogDelivery:READ_ACP"),
        (Of::Object, "bucket-owner-read", "1b:FULL_CONTROL 0a:READ"),
        (Of::Object, "bucket-owner-full-control", "1b:FULL_CONTROL 0a:FULL_CONTROL"),
        (
            Of::Bucket,
            "fake-acl",
            r#"InvalidArgument:  [("ArgumentName", "x-amz-acl"), ("ArgumentValue", "fake-acl")]"#,
        ),
    ];
    for (of, name, expected) in table {
        assert_eq!(outcome(of, &Headers { canned: Some(name), ..Headers::default() }), expected, "{name}");
    }
    assert_eq!(outcome(Of::Bucket, &Headers::default()), "nothing");
}

#[test]
fn grants_in_headers_are_read_and_refused_in_s3s_words() {
    let id = format!("id=\"{}\", uri=\"{ALL_USERS}\"", writer());
    let headers = Headers {
        full_control: Some(&id),
        read: Some("uri=http://acs.amazonaws.com/groups/s3/LogDelivery"),
        ..Headers::default()
    };
    let expected = "1b:FULL_CONTROL AllUsers:FULL_CONTROL LogDelivery:READ";
    assert_eq!(outcome(Of::Bucket, &headers), expected);
    let refused = |write: &str| outcome(Of::Bucket, &Headers { write: Some(write), ..Headers::default() });
    assert_eq!(
        refused("uri=\"http://acs.amazonaws.com/groups/s3/FakeGroup\""),
        r#"InvalidArgument: Invalid group uri [("ArgumentName", "uri"), ("ArgumentValue", "http://acs.amazonaws.com/groups/s3/FakeGroup")]"#
    );
    assert_eq!(
        refused("fakekey=\"1234\""),
        r#"InvalidArgument: Argument format not recognized [("ArgumentName", "x-amz-grant-write"), ("ArgumentValue", "fakekey=\"1234\"")]"#
    );
    assert_eq!(
        refused("id=\"wrong-id\""),
        r#"InvalidArgument: Invalid id [("ArgumentName", "id"), ("ArgumentValue", "wrong-id")]"#
    );
    assert!(refused("emailAddress=\"a@b.c\"").starts_with("NotImplemented"));
    let both = Headers { canned: Some("private"), read: Some(&id), ..Headers::default() };
    assert_eq!(
        outcome(Of::Bucket, &both),
        "InvalidRequest: Specifying both Canned ACLs and Header Grants is not allowed []"
    );
}

#[test]
fn a_document_names_its_owner_and_comes_back() {
    let id = owner();
    let owners = Owners { bucket: &id, resource: &id };
    let mut grants = private(&id);
    grants.push(group_grant(LOG_DELIVERY, Permission::WRITE));
    let sent: AccessControlPolicy = decode(&encode(&document(&id, grants.clone()))).unwrap();
    assert_eq!(show(&read_document(&sent, owners).unwrap()), show(&grants));
    let foreign = document(&writer(), grants.clone());
    assert_eq!(read_document(&foreign, owners).unwrap_err().code(), "InvalidArgument");
    let ownerless = AccessControlPolicy { owner: None, ..sent.clone() };
    assert_eq!(read_document(&ownerless, owners), Err(ConfigError::MalformedAcl));
    let permissions = AccessControlPolicy {
        grants: Some(vec![Grant { permission: Some(Permission::from_static("ALL")), ..grants[0].clone() }]),
        ..sent
    };
    assert_eq!(read_document(&permissions, owners), Err(ConfigError::MalformedAcl));
}

#[test]
fn public_is_what_everybody_or_every_account_has() {
    let id = owner();
    let owners = Owners { bucket: &id, resource: &id };
    let canned = |name| canned(name, Of::Bucket, owners).unwrap();
    let public = |name| is_public(&canned(name));
    assert_eq!(
        ["public-read", "authenticated-read", "private", "log-delivery-write"].map(public),
        [true, true, false, false]
    );
    assert!(everybody_reads(&canned("public-read")) && !everybody_reads(&canned("authenticated-read")));
    assert!(is_owners_alone(&canned("private"), &id) && !is_owners_alone(&canned("public-read"), &id));
    assert!(!is_owners_alone(&canned("private"), &writer()));
}
