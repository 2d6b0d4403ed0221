use hearth_store::{BlobDigest, garbage};

use super::*;

const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:numbers";

fn layer_request(name: &str, bytes: &'static [u8]) -> Members {
    vec![
        ("LayerName", text(name)),
        ("Content", Document::Structure(vec![("ZipFile", Document::Blob(Bytes::from_static(bytes)))])),
    ]
}

fn texts(items: &[&str]) -> Document {
    Document::List(items.iter().copied().map(text).collect())
}

fn version_of(name: &str, version: i64) -> Members {
    vec![("LayerName", text(name)), ("VersionNumber", Document::Integer(version))]
}

async fn publish(server: &Server, name: &str, bytes: &'static [u8]) -> String {
    let published = server.call("PublishLayerVersion", layer_request(name, bytes)).await.expect("published");
    string(&published, "LayerVersionArn")
}

async fn listed(
    server: &Server,
    operation: &'static str,
    request: Members,
    list: &str,
    name: &str,
) -> Vec<String> {
    let answer = server.call(operation, request).await.expect("a list");
    let Document::List(items) = member(&answer, list) else { panic!("a list") };
    items.iter().map(|item| string(item, name)).collect()
}

async fn is_held(server: &Server, package: &'static [u8]) -> bool {
    let digest = BlobDigest::of(package);
    hearth_store::transact_read(&*server.store, move |tx| garbage::is_held(tx, &digest)).await.expect("read")
}

async fn with_layers(server: &Server, name: &str, layers: &[&str]) -> Answer {
    server.call("CreateFunction", with(create_request(name), "Layers", texts(layers))).await
}

#[tokio::test]
async fn a_layer_version_comes_back_as_it_was_published() {
    let server = Server::start();
    let mut request = layer_request("numbers", b"a layer");
    request.extend([
        ("Description", text("one, two")),
        ("CompatibleRuntimes", texts(&["python3.12"])),
        ("CompatibleArchitectures", texts(&[])),
        ("LicenseInfo", text("MIT")),
    ]);
    let published = server.call("PublishLayerVersion", request).await.expect("published");
    assert_eq!(string(&published, "LayerArn"), LAYER);
    assert_eq!(string(&published, "LayerVersionArn"), format!("{LAYER}:1"));
    assert_eq!(member(&published, "Version"), Document::Integer(1));
    assert_eq!(string(&published, "CreatedDate"), "2026-01-01T00:00:00.000+0000");
    assert_eq!(member(&published, "CompatibleArchitectures"), texts(&[]));
    let content = member(&published, "Content");
    assert_eq!(string(&content, "CodeSha256"), BlobDigest::of(b"a layer").base64());
    assert_eq!(member(&content, "CodeSize"), Document::Integer(7));

    let read = server.call("GetLayerVersion", version_of("numbers", 1)).await.expect("it is there");
    let by_arn = vec![("Arn", text(&format!("{LAYER}:1")))];
    let by_arn = server.call("GetLayerVersionByArn", by_arn).await.expect("it is there");
    for read in [read, by_arn] {
        for name in [
            "LayerArn",
            "LayerVersionArn",
            "Description",
            "CreatedDate",
            "Version",
            "CompatibleRuntimes",
            "CompatibleArchitectures",
            "LicenseInfo",
        ] {
            assert_eq!(member(&read, name), member(&published, name), "{name}");
        }
        let location = string(&member(&read, "Content"), "Location");
        let path = location.strip_prefix("http://127.0.0.1:4566").expect("our host");
        assert!(Lambda::is_package_path(path));
        assert_eq!(&server.lambda.package(path).await.expect("a package")[..], b"a layer");
    }
    let plain = server.call("PublishLayerVersion", layer_request("plain", b"1")).await.expect("published");
    let shown = ["Content", "LayerArn", "LayerVersionArn", "Description", "CreatedDate", "Version"];
    assert_eq!(present(&plain), shown);
}

#[tokio::test]
async fn a_number_never_comes_again() {
    let server = Server::start();
    assert_eq!(publish(&server, "numbers", b"1").await, format!("{LAYER}:1"));
    assert_eq!(publish(&server, "numbers", b"1").await, format!("{LAYER}:2"));
    for version in [1, 2, 7] {
        server
            .call("DeleteLayerVersion", version_of("numbers", version))
            .await
            .expect("also one that never was");
    }
    server.call("DeleteLayerVersion", version_of("nobody", 1)).await.expect("also of an unknown layer");
    assert!(!is_held(&server, b"1").await);
    assert_eq!(listed(&server, "ListLayers", vec![], "Layers", "LayerName").await, Vec::<String>::new());
    assert_eq!(publish(&server, LAYER, b"1").await, format!("{LAYER}:3"));
    let gone = server.call("GetLayerVersion", version_of("numbers", 1)).await;
    is_error(gone, Code::ResourceNotFound, "The resource you requested does not exist.");
    for operation in ["GetLayerVersion", "DeleteLayerVersion"] {
        let zero = server.call(operation, version_of("numbers", 0)).await;
        is_error(zero, Code::InvalidParameterValue, "Layer Version Cannot be less than 1");
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_filtered() {
    let server = Server::start();
    for name in ["b", "a", "c"] {
        publish(&server, name, b"1").await;
        let fitting = with(layer_request(name, b"2"), "CompatibleRuntimes", texts(&["python3.12"]));
        server.call("PublishLayerVersion", fitting).await.expect("published");
        publish(&server, name, b"3").await;
    }
    assert_eq!(listed(&server, "ListLayers", vec![], "Layers", "LayerName").await, ["a", "b", "c"]);
    let two: Members = vec![("MaxItems", Document::Integer(2))];
    let page = server.call("ListLayers", two.clone()).await.expect("a page");
    let next = with(two.clone(), "Marker", text(&string(&page, "NextMarker")));
    let page = server.call("ListLayers", next.clone()).await.expect("a page");
    assert_eq!(member(&page, "NextMarker"), Document::Null);
    assert_eq!(listed(&server, "ListLayers", next, "Layers", "LayerName").await, ["c"]);

    let fitting: Members = vec![("CompatibleRuntime", text("python3.12"))];
    let answer = server.call("ListLayers", fitting.clone()).await.expect("a list");
    let Document::List(layers) = member(&answer, "Layers") else { panic!("a list") };
    let version = |layer: &Document| member(&member(layer, "LatestMatchingVersion"), "Version");
    assert_eq!(layers.iter().map(version).collect::<Vec<_>>(), vec![Document::Integer(2); 3]);

    let of_a = |members: Members| [members, vec![("LayerName", text("a"))]].concat();
    let arns = async |request| {
        let arns = listed(&server, "ListLayerVersions", request, "LayerVersions", "LayerVersionArn").await;
        arns.iter()
            .map(|arn| arn.rsplit(':').next().map(str::to_owned))
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
    };
    assert_eq!(arns(of_a(vec![])).await, ["3", "2", "1"]);
    assert_eq!(arns(of_a(fitting)).await, ["2"]);
    let page = server.call("ListLayerVersions", of_a(two.clone())).await.expect("a page");
    assert_eq!(arns(with(of_a(two), "Marker", text(&string(&page, "NextMarker")))).await, ["1"]);
    assert_eq!(arns(vec![("LayerName", text("nobody"))]).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_function_shows_its_layers_runs_with_them_in_order_and_keeps_them() {
    let server = Server::start();
    let (first, second) =
        (publish(&server, "first", b"one").await, publish(&server, "second", b"two..").await);
    with_layers(&server, "thumbnail", &[&second, &first]).await.expect("created");
    assert_eq!(server.settled("thumbnail").await, "Active");
    let read = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    let shown = |arn: &str, size| {
        Document::Structure(vec![("Arn", text(arn)), ("CodeSize", Document::Integer(size))])
    };
    assert_eq!(member(&read, "Layers"), Document::List(vec![shown(&second, 5), shown(&first, 3)]));

    server.call("DeleteLayerVersion", version_of("first", 1)).await.expect("deleted");
    assert!(is_held(&server, b"one").await);
    server.invoke("thumbnail", "1").await.expect("invoked");
    let layers: Vec<_> = server.worker.seen().started[0].layers.iter().map(|layer| layer.0.clone()).collect();
    assert_eq!(layers, [b"two..".as_slice(), b"one"].map(|bytes| BlobDigest::of(bytes).to_string()));

    let none = with(named("thumbnail"), "Layers", texts(&[]));
    server.call("UpdateFunctionConfiguration", none).await.expect("updated");
    assert_eq!(server.updated("thumbnail").await, "Successful");
    let read = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(member(&read, "Layers"), Document::Null);
    assert_eq!((is_held(&server, b"one").await, is_held(&server, b"two..").await), (false, true));
}

#[tokio::test]
async fn layers_that_cannot_be_used_are_refused_in_the_words_of_aws() {
    let server = Server::start();
    for number in 1..=6 {
        publish(&server, &format!("l{number}"), b"1").await;
    }
    publish(&server, "numbers", b"1").await;
    publish(&server, "numbers", b"2").await;
    let arn = |layer: &str| format!("arn:aws:lambda:eu-west-1:123456789012:layer:{layer}");
    let six: Vec<_> = (1..=6).map(|number| arn(&format!("l{number}:1"))).collect();
    let cases: Vec<(Vec<String>, String)> = vec![
        (six, "Cannot reference more than 5 layers.".into()),
        (vec![arn("nobody:1")], format!("Layer version {} does not exist.", arn("nobody:1"))),
        (vec![arn("numbers:3")], format!("Layer version {} does not exist.", arn("numbers:3"))),
        (
            vec![arn("numbers:1"), arn("numbers:2")],
            format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. {} \
                 and {} are versions of the same layer.",
                arn("numbers:1"),
                arn("numbers:2")
            ),
        ),
        (
            vec!["arn:aws:lambda:us-east-1:123456789012:layer:numbers:1".into()],
            "Layers are not in the same region as the function. Layers are expected to be in region eu-west-1.".into(),
        ),
    ];
    server.function("there").await;
    for (layers, message) in cases {
        let layers: Vec<_> = layers.iter().map(String::as_str).collect();
        let created = with_layers(&server, "thumbnail", &layers).await;
        is_error(created, Code::InvalidParameterValue, &message);
        let change = with(named("there"), "Layers", texts(&layers));
        is_error(
            server.call("UpdateFunctionConfiguration", change).await,
            Code::InvalidParameterValue,
            &message,
        );
    }
    let foreign = "arn:aws:lambda:eu-west-1:999999999999:layer:numbers:1";
    let message = format!(
        "User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:GetLayerVersion on resource: \
         {foreign} because no resource-based policy allows the lambda:GetLayerVersion action"
    );
    is_error(with_layers(&server, "thumbnail", &[foreign]).await, Code::AccessDenied, &message);
    let five: Vec<_> = (1..=5).map(|number| arn(&format!("l{number}:1"))).collect();
    let five: Vec<_> = five.iter().map(String::as_str).collect();
    with_layers(&server, "thumbnail", &five).await.expect("five are allowed");
}

#[tokio::test]
async fn a_package_and_its_layers_share_one_limit() {
    let server = Server::start_with(Options::default(), FakeWorker::new().prepares(Ok(100_000_000)));
    let (first, second) = (publish(&server, "first", b"1").await, publish(&server, "second", b"2").await);
    let message = "Unzipped size must be smaller than 262144000 bytes";
    let created = with_layers(&server, "thumbnail", &[&first, &second]).await;
    is_error(created, Code::InvalidParameterValue, message);
    with_layers(&server, "thumbnail", &[&first]).await.expect("200 MB");
    assert_eq!(server.settled("thumbnail").await, "Active");
    let change = with(named("thumbnail"), "Layers", texts(&[&first, &second]));
    is_error(server.call("UpdateFunctionConfiguration", change).await, Code::InvalidParameterValue, message);
}

#[tokio::test]
async fn a_layer_that_cannot_be_one_is_refused() {
    let server = Server::start();
    let s3 = Document::Structure(vec![("S3ObjectStorageMode", text("REFERENCE"))]);
    let answer = server.call("PublishLayerVersion", with(layer_request("numbers", b""), "Content", s3)).await;
    is_error(
        answer,
        Code::InvalidParameterValue,
        "Content.S3ObjectStorageMode is not supported by Hearth yet.",
    );
    let empty = server.call("PublishLayerVersion", layer_request("numbers", b"")).await;
    is_error(empty, Code::InvalidParameterValue, "Uploaded file must be a non-empty zip");
    let foreign = "arn:aws:lambda:eu-west-1:999999999999:layer:numbers";
    let denied = server.call("PublishLayerVersion", layer_request(foreign, b"1")).await;
    assert_eq!(denied.expect_err("not ours").code, Code::AccessDenied);
    assert_eq!(publish(&server, "numbers", b"1").await, format!("{LAYER}:1"), "no number was lost");
}
