//! Hostile deployment packages, through the API: refused with AWS's error, and nothing of them reaches the host.

use std::path::Path;

use hearth_tests::{Answer, Hearth, Package, bomb};

const UNUSABLE: &str = "Could not unzip uploaded file. Please check your file, then try to upload again.";
const CODE: &str = "def handler(event, context):\n    return 1\n";

/// The package must be refused, now or when it is unpacked, and the function must not be there as a usable one.
#[track_caller]
fn is_refused(package: &[u8], message: &str) {
    let hearth = Hearth::start();
    let answer = hearth.function("hostile").package(package).try_create();
    answer.is_error(400, "InvalidParameterValueException");
    assert_eq!(answer.message(), message);
    let found =
        hearth.send(&hearth_tests::Request::new("GET", "/2015-03-31/functions/hostile").signed("lambda"));
    found.is_error(404, "ResourceNotFoundException");
}

#[test]
fn a_path_that_climbs_out_is_refused() {
    is_refused(&Package::of("app.py", CODE).file("../escaped", "x").bytes(), UNUSABLE);
    is_refused(&Package::of("app.py", CODE).file("a/../../escaped", "x").bytes(), UNUSABLE);
}

#[test]
fn an_absolute_path_is_refused_and_not_written() {
    let mark = std::env::temp_dir().join(format!("hearth-escaped-{}", std::process::id()));
    let name = mark.to_str().expect("a text");
    is_refused(&Package::of("app.py", CODE).file(name, "x").bytes(), UNUSABLE);
    assert!(!Path::new(&mark).exists());
}

#[test]
fn links_that_lead_outside_are_refused() {
    is_refused(&Package::of("app.py", CODE).link("out", "/etc").bytes(), UNUSABLE);
    is_refused(&Package::of("app.py", CODE).link("out", "../../etc").bytes(), UNUSABLE);
}

#[test]
fn a_file_written_through_a_link_of_the_same_archive_is_refused() {
    is_refused(&Package::of("app.py", CODE).link("out", "/tmp").file("out/escaped", "x").bytes(), UNUSABLE);
}

#[test]
fn devices_and_sockets_are_refused() {
    for mode in [0o020_666, 0o060_666, 0o010_666, 0o140_666] {
        is_refused(&Package::of("app.py", CODE).entry("special", mode, b"").bytes(), UNUSABLE);
    }
}

#[test]
fn an_archive_that_unpacks_beyond_250_mb_is_refused_whatever_it_declares() {
    let text = "Unzipped size must be smaller than 262144000 bytes";
    is_refused(&bomb(300_000_000, 300_000_000).bytes(), text);
    // One that lies about its size is refused too; which of the two texts it gets is not a promise.
    let hearth = Hearth::start();
    let answer = hearth.function("liar").package(&bomb(300_000_000, 10).bytes()).try_create();
    answer.is_error(400, "InvalidParameterValueException");
}

#[test]
fn what_is_no_archive_is_refused() {
    is_refused(b"no archive", UNUSABLE);
    is_refused(b"", "Uploaded file must be a non-empty zip");
    let whole = Package::of("app.py", CODE).bytes();
    is_refused(&whole[..whole.len() / 2], UNUSABLE);
}

#[test]
fn a_package_over_50_mb_is_too_large() {
    let hearth = Hearth::start();
    let large = vec![0; 52_428_801];
    let answer: Answer = hearth.function("large").package(&large).try_create();
    answer.is_error(413, "RequestEntityTooLargeException");
    assert_eq!(answer.message(), "Zipped size must be smaller than 52428800 bytes");
}
