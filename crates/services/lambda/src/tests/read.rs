use super::*;
use crate::PackageError;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

#[tokio::test]
async fn a_missing_function_is_named_with_the_qualifier_that_was_asked() {
    let server = Server::start();
    for operation in ["GetFunction", "GetFunctionConfiguration"] {
        let unqualified = server.call(operation, named("thumbnail")).await;
        is_error(unqualified, Code::ResourceNotFound, &format!("Function not found: {FN}"));
        let latest = server.call(operation, named("thumbnail:$LATEST")).await;
        is_error(latest, Code::ResourceNotFound, &format!("Function not found: {FN}:$LATEST"));
    }
    server.function("thumbnail").await;
    for qualifier in ["1", "prod"] {
        let answer = server.call("GetFunction", qualified("thumbnail", qualifier)).await;
        is_error(answer, Code::ResourceNotFound, &format!("Function not found: {FN}:{qualifier}"));
    }
}

#[tokio::test]
async fn the_arn_of_an_answer_ends_as_the_function_was_asked_for() {
    let server = Server::start();
    server.function("thumbnail").await;
    let full = format!("{FN}:$LATEST");
    for (name, arn) in [("thumbnail", FN), ("function:thumbnail:$LATEST", &full), (FN, FN), (&full, &full)] {
        let answer = server.call("GetFunctionConfiguration", named(name)).await.expect("it exists");
        assert_eq!(string(&answer, "FunctionArn"), arn);
        assert_eq!(string(&answer, "Version"), "$LATEST");
    }
    let both = server.call("GetFunctionConfiguration", qualified("thumbnail:$LATEST", "$LATEST")).await;
    both.expect("equal qualifiers are fine");
    let differing = server.call("GetFunctionConfiguration", qualified("thumbnail:1", "2")).await;
    let message = "The derived qualifier from the function name does not match the specified qualifier.";
    is_error(differing, Code::InvalidParameterValue, message);
}

#[tokio::test]
async fn functions_of_other_regions_and_accounts_are_out_of_reach() {
    let server = Server::start();
    let elsewhere =
        server.call("GetFunction", named("arn:aws:lambda:us-east-1:123456789012:function:f")).await;
    let message = "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')";
    is_error(elsewhere, Code::ResourceNotFound, message);
    let message = "User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:InvokeFunction on \
                   resource: arn:aws:lambda:eu-west-1:000000000000:function:f because no resource-based policy \
                   allows the lambda:InvokeFunction action";
    is_error(server.call("Invoke", named("000000000000:function:f")).await, Code::AccessDenied, message);
}

#[tokio::test]
async fn tags_are_shown_by_get_function_without_a_qualifier_when_there_are_any() {
    let server = Server::start();
    server.function("plain").await;
    let answer = server.call("GetFunction", named("plain")).await.expect("it exists");
    assert_eq!(present(&answer), ["Configuration", "Code"]);
    let tags = Document::Map(vec![("empty".into(), text("")), ("team".into(), text("pictures"))]);
    server
        .call("CreateFunction", with(create_request("tagged"), "Tags", tags.clone()))
        .await
        .expect("created");
    let answer = server.call("GetFunction", named("tagged")).await.expect("it exists");
    assert_eq!(member(&answer, "Tags"), tags);
    let answer = server.call("GetFunction", qualified("tagged", "$LATEST")).await.expect("it exists");
    assert_eq!(member(&answer, "Tags"), Document::Null);
}

#[tokio::test]
async fn the_largest_tags_of_all_fit() {
    let server = Server::start();
    let tags = (0..50).map(|number| {
        let key = format!("{number:02}{}", "字".repeat(126));
        (key, text(&"字".repeat(256)))
    });
    let tags = Document::Map(tags.collect());
    server
        .call("CreateFunction", with(create_request("tagged"), "Tags", tags.clone()))
        .await
        .expect("created");
    let answer = server.call("GetFunction", named("tagged")).await.expect("it exists");
    assert_eq!(member(&answer, "Tags"), tags);
}

#[tokio::test]
async fn the_location_of_the_code_leads_to_the_bytes_that_were_uploaded() {
    let server = Server::start();
    server.function("thumbnail").await;
    let answer = server.call("GetFunction", named("thumbnail")).await.expect("it exists");
    let code = member(&answer, "Code");
    assert_eq!(string(&code, "RepositoryType"), "S3");
    let location = string(&code, "Location");
    let path = location.strip_prefix("http://127.0.0.1:4566").expect("the host that was asked");
    assert!(Lambda::is_package_path(path) && !Lambda::is_package_path("/2015-03-31/functions"));
    assert_eq!(server.lambda.package(path).await.expect("our own link"), "a zip");

    let forged = path.replace("eu-west-1", "eu-west-2");
    assert!(matches!(server.lambda.package(&forged).await, Err(PackageError::Denied)));
    let unsigned = path.split_once("&X-Amz-Signature").expect("signed").0;
    assert!(matches!(server.lambda.package(unsigned).await, Err(PackageError::Denied)));
}

#[tokio::test]
async fn a_listing_comes_in_pages_and_leaves_the_states_out() {
    let server = Server::start();
    for number in 0..52 {
        server.call("CreateFunction", create_request(&format!("f{number:02}"))).await.expect("created");
    }
    server.call_as("000000000000", "CreateFunction", create_request("other")).await.expect("created");
    let (mut names, mut marker, mut pages) = (Vec::new(), Document::Null, Vec::new());
    loop {
        let request = vec![("Marker", marker), ("MaxItems", Document::Integer(10_000))];
        let page = server.call("ListFunctions", request).await.expect("a page");
        let Document::List(functions) = member(&page, "Functions") else { panic!("a list") };
        pages.push(functions.len());
        names.extend(functions.iter().map(|function| string(function, "FunctionName")));
        let absent = ["State", "StateReason", "LastUpdateStatus", "RuntimeVersionConfig"];
        assert!(absent.iter().all(|name| member(&functions[0], name) == Document::Null));
        marker = member(&page, "NextMarker");
        if marker == Document::Null {
            break;
        }
    }
    assert_eq!(pages, [50, 2]);
    assert_eq!(names, (0..52).map(|number| format!("f{number:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listing_of_all_versions_names_latest() {
    let server = Server::start();
    server.function("thumbnail").await;
    let arns = async |members: Members| {
        let page = server.call("ListFunctions", members).await.expect("a page");
        let Document::List(functions) = member(&page, "Functions") else { panic!("a list") };
        functions.iter().map(|function| string(function, "FunctionArn")).collect::<Vec<_>>()
    };
    assert_eq!(arns(vec![]).await, [FN]);
    assert_eq!(arns(vec![("FunctionVersion", text("ALL"))]).await, [format!("{FN}:$LATEST")]);
    let elsewhere = vec![("FunctionVersion", text("ALL")), ("MasterRegion", text("us-east-1"))];
    assert_eq!(arns(elsewhere).await, [""; 0]);
    assert!(server.call("ListFunctions", [("MasterRegion", text("ALL"))]).await.is_err());
    assert!(server.call("ListFunctions", [("Marker", text("not ours"))]).await.is_err());
}
