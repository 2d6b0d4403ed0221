use super::*;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

#[tokio::test]
async fn what_a_plain_function_does_not_have_is_empty_or_missing_as_on_aws() {
    let server = Server::start();
    server.function("thumbnail").await;
    for operation in ["GetFunctionCodeSigningConfig", "GetFunctionConcurrency"] {
        let answer = server.call(operation, named("thumbnail")).await.expect("an empty answer");
        assert_eq!(present(&answer), Vec::<&str>::new());
    }
    let lists = [
        ("ListAliases", "Aliases"),
        ("ListFunctionUrlConfigs", "FunctionUrlConfigs"),
        ("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs"),
        ("ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs"),
    ];
    for (operation, list) in lists {
        let answer = server.call(operation, named("thumbnail")).await.expect("an empty list");
        assert_eq!(member(&answer, list), Document::List(vec![]), "{operation}");
    }
    let nothing = "The resource you requested does not exist.";
    for operation in ["GetPolicy", "GetFunctionUrlConfig"] {
        is_error(server.call(operation, named("thumbnail")).await, Code::ResourceNotFound, nothing);
        is_error(server.call(operation, named("nobody")).await, Code::ResourceNotFound, nothing);
    }
    let alias = server.call("GetAlias", with(named("thumbnail"), "Name", text("live"))).await;
    is_error(alias, Code::ResourceNotFound, &format!("Cannot find alias arn: {FN}:live"));
    let config = server.call("GetFunctionEventInvokeConfig", named("thumbnail")).await;
    let message = format!("The function {FN}:$LATEST doesn't have an EventInvokeConfig");
    is_error(config, Code::ResourceNotFound, &message);
}

#[tokio::test]
async fn a_missing_function_is_told_in_the_words_of_each_operation() {
    let server = Server::start();
    let not_found = format!("Function not found: {FN}");
    let cases = [
        ("GetFunctionCodeSigningConfig", not_found.as_str()),
        ("GetFunctionConcurrency", &not_found),
        ("ListAliases", &not_found),
        ("ListProvisionedConcurrencyConfigs", &not_found),
        ("ListVersionsByFunction", &not_found),
        ("ListFunctionUrlConfigs", "Function does not exist"),
        ("ListFunctionEventInvokeConfigs", "The function doesn't exist."),
    ];
    for (operation, message) in cases {
        is_error(server.call(operation, named("thumbnail")).await, Code::ResourceNotFound, message);
    }
}

#[tokio::test]
async fn the_only_version_is_latest_and_its_arn_says_so() {
    let server = Server::start();
    server.function("thumbnail").await;
    let answer = server.call("ListVersionsByFunction", named("thumbnail")).await.expect("a list");
    let Document::List(versions) = member(&answer, "Versions") else { panic!("a list") };
    assert_eq!(versions.len(), 1);
    assert_eq!(string(&versions[0], "FunctionArn"), format!("{FN}:$LATEST"));
    assert_eq!(string(&versions[0], "Version"), "$LATEST");
    assert_eq!(member(&versions[0], "State"), Document::Null);
}

#[tokio::test]
async fn account_settings_count_what_is_there() {
    let server = Server::start();
    server.function("one").await;
    server.function("two").await;
    let content = Document::Structure(vec![("ZipFile", Document::Blob(Bytes::from_static(b"a layer")))]);
    let layer: Members = vec![("LayerName", text("numbers")), ("Content", content)];
    server.call("PublishLayerVersion", layer).await.expect("published");
    let settings = server.call("GetAccountSettings", []).await.expect("settings");
    let number = |part: &str, name: &str| member(&member(&settings, part), name);
    assert_eq!(number("AccountUsage", "FunctionCount"), Document::Integer(2));
    assert_eq!(number("AccountUsage", "TotalCodeSize"), Document::Integer(5 + 5 + 7));
    assert_eq!(number("AccountLimit", "TotalCodeSize"), Document::Integer(80_530_636_800));
    assert_eq!(number("AccountLimit", "ConcurrentExecutions"), Document::Integer(1_000));
    assert_eq!(number("AccountLimit", "UnreservedConcurrentExecutions"), Document::Integer(1_000));
}
