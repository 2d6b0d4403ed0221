use hearth_aws::FromDocument;
use hearth_worker::{LogFormat, LogLevel};
use proptest::prelude::*;

use super::*;

type Members = Vec<(&'static str, Document)>;

fn text(text: impl Into<String>) -> Document {
    Document::String(text.into())
}

fn structure(members: impl Into<Members>) -> Document {
    Document::Structure(members.into())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Document {
    Document::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), text(value))).collect())
}

/// A good request, with these members instead of its own.
fn request(changes: impl Into<Members>) -> CreateInput {
    let mut members: Members = changes.into();
    members.extend([
        ("FunctionName", text("thumbnail")),
        ("Runtime", text("python3.12")),
        ("Role", text("arn:aws:iam::123456789012:role/exec")),
        ("Handler", text("app.handler")),
        ("Code", structure([("ZipFile", Document::Blob(Bytes::from_static(b"PK")))])),
    ]);
    CreateInput::from_document(Document::Structure(members)).expect("the model lets it pass")
}

fn call() -> Call {
    crate::tests::call("123456789012", "CreateFunction")
}

/// What a request with these members is refused with.
fn refusal(changes: impl Into<Members>) -> String {
    request(changes).check(&call()).expect_err("it breaks a rule").to_string()
}

#[test]
fn what_is_not_given_is_as_aws_has_it() {
    let wanted = request([]).check(&call()).expect("a good request");
    assert_eq!((wanted.memory_mb, wanted.timeout_seconds, wanted.ephemeral_mb), (128, 3, 512));
    assert_eq!((wanted.architecture.as_str(), wanted.description.as_str()), ("x86_64", ""));
    assert_eq!((wanted.environment, wanted.logging), (None, Logging::default()));
}

#[test]
fn what_asks_for_nothing_is_accepted() {
    let empty = || Document::List(vec![]);
    request([
        ("Layers", empty()),
        ("FileSystemConfigs", empty()),
        ("VpcConfig", structure([("SubnetIds", empty()), ("SecurityGroupIds", empty())])),
        ("SnapStart", structure([("ApplyOn", text("None"))])),
        ("TracingConfig", structure([("Mode", text("PassThrough"))])),
        ("Publish", Document::Bool(false)),
        ("PackageType", text("Zip")),
        ("DeadLetterConfig", structure([("TargetArn", text(""))])),
        ("KMSKeyArn", text("")),
        ("ImageConfig", structure([])),
        ("LoggingConfig", structure([("LogFormat", text("Text"))])),
    ])
    .check(&call())
    .expect("all of it is AWS's default");
}

#[test]
fn what_hearth_does_not_do_is_refused_by_name() {
    let cases: Vec<(&str, Members)> = vec![
        ("Publish", vec![("Publish", Document::Bool(true))]),
        ("PublishTo", vec![("PublishTo", text("LATEST_PUBLISHED"))]),
        ("PackageType Image", vec![("PackageType", text("Image"))]),
        ("VpcConfig", vec![("VpcConfig", structure([("SubnetIds", Document::List(vec![text("s")]))]))]),
        (
            "FileSystemConfigs",
            vec![("FileSystemConfigs", Document::List(vec![structure([("Arn", text("a"))])]))],
        ),
        ("Code.S3ObjectStorageMode", vec![("Code", structure([("S3ObjectStorageMode", text("REFERENCE"))]))]),
        ("Code.ImageUri", vec![("Code", structure([("ImageUri", text("uri"))]))]),
        (
            "SnapStart.ApplyOn PublishedVersions",
            vec![("SnapStart", structure([("ApplyOn", text("PublishedVersions"))]))],
        ),
        ("KMSKeyArn", vec![("KMSKeyArn", text("arn"))]),
        ("DeadLetterConfig", vec![("DeadLetterConfig", structure([("TargetArn", text("arn"))]))]),
        ("DurableConfig", vec![("DurableConfig", structure([]))]),
        ("TracingConfig.Mode Active", vec![("TracingConfig", structure([("Mode", text("Active"))]))]),
        (
            "CapacityProviderConfig",
            vec![("CapacityProviderConfig", structure([("X", Document::Integer(1))]))],
        ),
        ("TenancyConfig", vec![("TenancyConfig", structure([("TenantIsolationMode", text("PER_TENANT"))]))]),
        ("CodeSigningConfigArn", vec![("CodeSigningConfigArn", text("arn"))]),
    ];
    for (member, changes) in cases {
        assert_eq!(refusal(changes), format!("{member} is not supported by Hearth yet."));
    }
}

#[test]
fn levels_of_logs_need_the_json_format_and_are_info_without_a_word() {
    let logging = |members: &[(&'static str, &str)]| {
        let members = members.iter().map(|(name, value)| (*name, text(*value))).collect();
        request(vec![("LoggingConfig", Document::Structure(members))])
            .check(&call())
            .map(|wanted| wanted.logging.format)
    };
    let json = |application, system| LogFormat::Json { application, system };
    assert_eq!(logging(&[("LogFormat", "JSON")]).unwrap(), json(LogLevel::Info, LogLevel::Info));
    let both = [("LogFormat", "JSON"), ("ApplicationLogLevel", "FATAL"), ("SystemLogLevel", "DEBUG")];
    assert_eq!(logging(&both).unwrap(), json(LogLevel::Fatal, LogLevel::Debug));
    assert_eq!(logging(&[("LogGroup", "/mine")]).unwrap(), LogFormat::Text);
    for refused in [
        &[("SystemLogLevel", "WARN")][..],
        &[("LogFormat", "Text"), ("ApplicationLogLevel", "WARN")],
        &[("LogGroup", "AWS/mine")],
    ] {
        assert!(matches!(logging(refused), Err(FunctionError::Parameter(_))), "{refused:?}");
    }
}

#[test]
fn every_rule_answers_in_the_words_of_aws() {
    let zip = |bytes: Vec<u8>| structure([("ZipFile", Document::Blob(bytes.into()))]);
    let long = "x".repeat(65);
    let cases: Vec<(&str, Document, String)> = vec![
        ("Runtime", Document::Null, "Runtime is mandatory for functions created with deployment packages.".into()),
        ("Handler", Document::Null, "Handler is mandatory for functions created with deployment packages.".into()),
        ("Code", structure([]), "Please provide a source for function code.".into()),
        ("Code", zip(vec![]), "Uploaded file must be a non-empty zip".into()),
        ("Code", zip(b"PK\x05\x06\0\0".to_vec()), "Uploaded file must be a non-empty zip".into()),
        ("Code", zip(vec![0; 52_428_801]), "Zipped size must be smaller than 52428800 bytes".into()),
        (
            "MemorySize",
            Document::Integer(10_241),
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240"
                .into(),
        ),
        (
            "Timeout",
            Document::Integer(901),
            "'Timeout' value failed to satisfy constraint: Member must have value less than or equal to 900".into(),
        ),
        (
            "EphemeralStorage",
            structure([("Size", Document::Integer(10_241))]),
            "'EphemeralStorage.Size' value failed to satisfy constraint: Member must have value less than or equal \
             to 10240"
                .into(),
        ),
        (
            "FunctionName",
            text(long.clone()),
            format!(
                "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy constraint: Member \
                 must have length less than or equal to 64"
            ),
        ),
        (
            "Environment",
            structure([("Variables", map([("AWS_REGION", "x"), ("MINE", "y"), ("_HANDLER", "z")]))]),
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used \
             in this request: AWS_REGION, _HANDLER"
                .into(),
        ),
        (
            "Role",
            text("arn:aws:iam::123456789012:role/x/"),
            "The role defined for the function cannot be assumed by Lambda.".into(),
        ),
    ];
    for (member, value, message) in cases {
        assert_eq!(refusal([(member, value)]), message);
    }
}

#[test]
fn the_environment_is_measured_as_compact_json() {
    // {"K1":"…"} is 9 bytes beside the value.
    let with = |bytes: usize| {
        let value = "v".repeat(bytes);
        request([("Environment", structure([("Variables", map([("K1", value.as_str())]))]))]).check(&call())
    };
    with(4_096 - 9).expect("exactly 4 KB");
    let error = with(4_096 - 8).expect_err("one byte more").to_string();
    assert!(error.contains("exceeded the 4KB limit. String measured: {\"K1\":\"vvv"), "{error}");
}

#[test]
fn fifty_tags_are_the_most() {
    let tags = |count: usize| {
        let entries = (0..count).map(|number| (number.to_string(), text("v"))).collect();
        request([("Tags", Document::Map(entries))]).check(&call())
    };
    assert_eq!(tags(50).expect("fifty").tags.len(), 50);
    assert_eq!(tags(51).expect_err("too many").to_string(), "Number of tags exceeds resource tag limit.");
}

proptest! {
    #[test]
    fn no_number_passes_above_its_limit(memory in 0_i64..100_000, timeout in 0_i64..10_000) {
        let input = request([("MemorySize", Document::Integer(memory)), ("Timeout", Document::Integer(timeout))]);
        let good = memory <= MEMORY_MB_MAX && timeout <= TIMEOUT_SECONDS_MAX;
        prop_assert_eq!(input.check(&call()).is_ok(), good);
    }
}
