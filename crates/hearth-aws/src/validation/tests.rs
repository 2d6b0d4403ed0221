//! Texts as the real service sent them (`spec/lambda-api.md` sections 1 and 4).

use bytes::Bytes;

use crate::model::Model;
use crate::protocols::{Received, query, rest_json};

/// The message for a request of Lambda: path parameters and query as raw text, body as JSON.
fn lambda(operation: &str, parameters: &[&str], query: &str, body: &str) -> String {
    let model = Model::of("lambda").expect("in models/");
    let operation = model.operation(operation).expect(operation);
    let headers = http::HeaderMap::new();
    let received =
        Received { parameters, query, headers: &headers, body: Bytes::copy_from_slice(body.as_bytes()) };
    let input = rest_json::read(model, operation, &received).expect("readable");
    super::check(model, operation, &input).map_or_else(|error| error.message, |()| "fine".to_owned())
}

fn form(service: &str, operation: &str, form: &str) -> String {
    let model = Model::of(service).expect("in models/");
    let operation = model.operation(operation).expect(operation);
    let form = query::Form::parse(form).expect("a form");
    let input = query::read(model, operation, &form).expect("readable");
    super::check(model, operation, &input).map_or_else(|error| error.message, |()| "fine".to_owned())
}

/// A CreateFunction request with these members more.
fn create(members: &str) -> String {
    let role = r#""Role":"arn:aws:iam::123456789012:role/r""#;
    lambda("CreateFunction", &[], "", &format!(r#"{{"FunctionName":"f",{role},"Code":{{}}{members}}}"#))
}

fn one(value: &str, place: &str, constraint: &str) -> String {
    format!(
        "1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"
    )
}

#[test]
fn a_good_request_is_fine() {
    assert_eq!(create(""), "fine");
    assert_eq!(create(r#","Timeout":900,"MemorySize":10240,"Environment":{"Variables":{"A1":""}}"#), "fine");
    assert_eq!(lambda("Invoke", &["f"], "", "not json"), "fine");
    assert_eq!(lambda("ListFunctions", &[], "MaxItems=10000", ""), "fine");
}

#[test]
fn row_12_a_role_that_is_none() {
    let pattern = r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
    let found = lambda("CreateFunction", &[], "", r#"{"FunctionName":"f","Role":"r1","Code":{}}"#);
    assert_eq!(found, one("r1", "role", pattern));
}

#[test]
fn row_14_the_runtime_of_a_function_is_the_operation_s_to_check() {
    assert_eq!(create(r#","Runtime":"cobol""#), "fine");
    assert_eq!(lambda("UpdateFunctionConfiguration", &["f"], "", r#"{"Runtime":"cobol"}"#), "fine");
    let layers = lambda("ListLayers", &[], "CompatibleRuntime=cobol", "");
    assert!(
        layers.starts_with("1 validation error detected: Value 'cobol' at 'compatibleRuntime' failed"),
        "{layers}"
    );
}

#[test]
fn row_20_memory_below_the_least() {
    let found = create(r#","MemorySize":127"#);
    assert_eq!(found, one("127", "memorySize", "Member must have value greater than or equal to 128"));
}

#[test]
fn row_51_the_weights_and_keys_of_an_alias() {
    let alias = |weights: &str| {
        let body = format!(
            r#"{{"Name":"a","FunctionVersion":"1","RoutingConfig":{{"AdditionalVersionWeights":{weights}}}}}"#
        );
        lambda("CreateAlias", &["f"], "", &body)
    };
    let place = "routingConfig.additionalVersionWeights";
    let weights = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, \
                   Member must have value greater than or equal to 0.0, Member must not be null]";
    assert_eq!(alias(r#"{"2":1.5}"#), one("{2=1.5}", place, weights));
    let keys = "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must \
                have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, \
                Member must not be null]";
    assert_eq!(alias(r#"{"$LATEST":0.5}"#), one("{$LATEST=0.5}", place, keys));
    assert_eq!(alias(r#"{"2":1}"#), "fine");
}

#[test]
fn row_60_the_qualifier_of_a_url() {
    let found = lambda("CreateFunctionUrlConfig", &["f"], "Qualifier=1", r#"{"AuthType":"NONE"}"#);
    let pattern = r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)";
    assert_eq!(found, one("1", "qualifier", pattern));
}

#[test]
fn row_61_the_mode_of_a_url() {
    let found = lambda("CreateFunctionUrlConfig", &["f"], "", r#"{"AuthType":"NONE","InvokeMode":"FAST"}"#);
    assert_eq!(
        found,
        one("FAST", "invokeMode", "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]")
    );
}

#[test]
fn row_98_the_recursion_of_a_function() {
    let found = lambda("PutFunctionRecursionConfig", &["f"], "", r#"{"RecursiveLoop":"Maybe"}"#);
    assert_eq!(
        found,
        one("Maybe", "recursiveLoop", "Member must satisfy enum value set: [Allow, Terminate]")
    );
}

#[test]
fn what_is_required_and_missing_is_null() {
    let found = lambda("CreateFunction", &[], "", "{}");
    let expected = "3 validation errors detected: \
        Value null at 'functionName' failed to satisfy constraint: Member must not be null; \
        Value null at 'role' failed to satisfy constraint: Member must not be null; \
        Value null at 'code' failed to satisfy constraint: Member must not be null";
    assert_eq!(found, expected);
}

#[test]
fn one_value_can_violate_two_constraints() {
    let found = lambda("GetAlias", &["f", &"a!".repeat(65)], "", "");
    let (pattern, length) = found.split_once("; ").expect("two");
    assert!(pattern.starts_with("2 validation errors detected: Value 'a!a!"), "{pattern}");
    assert!(
        pattern.contains("' at 'name' failed to satisfy constraint: Member must satisfy regular expression"),
        "{pattern}"
    );
    assert!(length.ends_with(
        "' at 'name' failed to satisfy constraint: Member must have length less than or equal to 128"
    ));
}

#[test]
fn entries_of_a_list_are_reported_with_all_that_holds_for_them() {
    let found = create(r#","Architectures":["x86"]"#);
    let values = "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]";
    assert_eq!(found, one("[x86]", "architectures", values));
    // Recorded for a function URL's CORS setting.
    let body = r#"{"AuthType":"NONE","Cors":{"AllowMethods":["GET","OPTIONS"]}}"#;
    let found = lambda("CreateFunctionUrlConfig", &["f"], "", body);
    let methods = "Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have \
                   length greater than or equal to 0, Member must satisfy regular expression pattern: .*, Member must \
                   not be null]";
    assert_eq!(found, one("[GET, OPTIONS]", "cors.allowMethods", methods));
}

#[test]
fn a_list_has_a_length_of_its_own() {
    let subnets: Vec<String> = (0..17).map(|number| format!("\"subnet-{number}\"")).collect();
    let found = create(&format!(r#","VpcConfig":{{"SubnetIds":[{}]}}"#, subnets.join(",")));
    assert!(found.starts_with("1 validation error detected: Value '[subnet-0, subnet-1, "), "{found}");
    assert!(found.ends_with("at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must have length less than or equal to 16"));
}

#[test]
fn members_of_entries_are_named_by_their_place_counted_from_one() {
    let found = create(r#","FileSystemConfigs":[{"Arn":"a","LocalMountPath":"/mnt/a"}]"#);
    assert!(
        found
            .starts_with("1 validation error detected: Value 'a' at 'fileSystemConfigs.1.member.arn' failed"),
        "{found}"
    );
}

#[test]
fn values_that_are_nobody_s_business_are_left_out() {
    let found = create(r#","Environment":{"Variables":{"1A":"secret"}}"#);
    let expected = "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys \
                    must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, \
                    Member must not be null]";
    assert_eq!(found, expected);
}

#[test]
fn names_begin_with_one_small_letter() {
    let found = create(r#","KMSKeyArn":"key""#);
    assert!(found.starts_with("1 validation error detected: Value 'key' at 'kMSKeyArn' failed"), "{found}");
}

#[test]
fn java_counts_utf_16_units() {
    let text = |count: usize| format!(r#","Description":"{}""#, "🦀".repeat(count));
    assert_eq!(create(&text(128)), "fine");
    assert!(create(&text(129)).ends_with("Member must have length less than or equal to 256"));
}

#[test]
fn iam_says_what_a_name_is_made_of() {
    let found = form("iam", "GetRole", "RoleName=a+b");
    let expected = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
    assert_eq!(found, expected);
    let found = form("iam", "GetRole", &format!("RoleName={}", "r".repeat(65)));
    assert!(found.ends_with(
        "at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"
    ));
}

#[test]
fn entries_of_forms_are_checked_without_the_words_of_lambda() {
    let found = form(
        "iam",
        "CreateRole",
        "RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=%23&Tags.member.1.Value=v",
    );
    let pattern = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+";
    assert_eq!(found, one("#", "tags.1.member.key", pattern));
}
