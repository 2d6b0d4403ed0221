use proptest::prelude::*;

use super::*;

const METRICS: &str = "PutMetricDataInput";

/// A shape of CloudWatch's model by name.
fn shape(name: &str) -> (&'static Model, ShapeId) {
    let model = Model::of("cloudwatch").expect("in models/");
    let at = model.facts().shapes.iter().position(|shape| shape.name == name).expect(name);
    (model, ShapeId(u16::try_from(at).expect("few shapes")))
}

fn read_metrics(body: &[u8]) -> Result<Document, ApiError> {
    let (model, shape) = shape(METRICS);
    read(model, shape, &Bytes::copy_from_slice(body))
}

/// `{"Namespace": …}`, the value still to come.
const NAMESPACE: &[u8] = b"\xa1\x69Namespace";

fn namespace(value: &[u8]) -> Result<Document, ApiError> {
    read_metrics(&[NAMESPACE, value].concat())
}

#[test]
fn a_text_may_come_in_chunks() {
    let expected = Document::Structure(vec![("Namespace", Document::String("ab".to_owned()))]);
    assert_eq!(namespace(b"\x7f\x61a\x61b\xff").expect("readable"), expected);
    assert_eq!(namespace(b"\x62ab").expect("readable"), expected);
}

#[test]
fn what_is_no_cbor_of_the_model_s_is_refused_with_its_place() {
    let check = |body: &[u8], why: &str| {
        let error = read_metrics(body).expect_err(why);
        assert!(error.message.contains(why), "{}", error.message);
    };
    check(b"", "the body ends too early at byte 0");
    check(&[NAMESPACE, b"\x63ab"].concat(), "the body ends too early at byte 12");
    check(&[NAMESPACE, b"\x7b\xff\xff\xff\xff\xff\xff\xff\xffab"].concat(), "the body ends too early");
    check(&[NAMESPACE, b"\x62\xff\xfe"].concat(), "a text is not UTF-8");
    check(&[NAMESPACE, b"\x01"].concat(), "a value of another kind than the model's");
    check(&[NAMESPACE, b"\x62ab\x00"].concat(), "bytes after the value");
    check(&[NAMESPACE, b"\x7f\x01\xff"].concat(), "a chunk of another kind");
    check(b"\xa1\x01\x01", "a key that is no text");
    check(b"\xa1\x61?\x1c", "a reserved length");
    check(b"\xff", "an end or an indefinite length where none may be");
}

#[test]
fn depth_and_number_of_values_have_a_limit_even_in_what_is_skipped() {
    let deep = [&b"\xa1\x61?"[..], &[0x81; 200], b"\x01"].concat();
    assert!(read_metrics(&deep).expect_err("deep").message.contains("nested too deeply"));
    let tags = [NAMESPACE, &[0xc0; 200], b"\x61a"].concat();
    assert!(read_metrics(&tags).expect_err("deep").message.contains("nested too deeply"));
    let many = [&b"\xa1\x61?\x9f"[..], &[0x01; 500_001], b"\xff"].concat();
    assert!(read_metrics(&many).expect_err("many").message.contains("too many values"));
    let announced = b"\xa1\x61?\x9b\xff\xff\xff\xff\xff\xff\xff\xff";
    assert!(read_metrics(announced).expect_err("announced").message.contains("ends too early"));
}

#[test]
fn a_float_may_have_16_bits() {
    let check = |bits: u16, expected: f64| assert_eq!(half(bits), expected, "{bits:04x}");
    check(0x3c00, 1.0);
    check(0xc000, -2.0);
    check(0x0001, 5.960_464_477_539_063e-8);
    check(0x7bff, 65_504.0);
    check(0xfc00, f64::NEG_INFINITY);
    assert!(half(0x7e00).is_nan());
}

fn metrics() -> impl Strategy<Value = Document> {
    let datum = (any::<f64>(), any::<i32>(), 0..4_000_000_000_000_000_i64, ".*").prop_map(
        |(value, resolution, time, name)| {
            Document::Structure(vec![
                ("MetricName", Document::String(name)),
                ("Value", Document::Float(value)),
                ("StorageResolution", Document::Integer(resolution.into())),
                ("Timestamp", Document::Timestamp(time)),
            ])
        },
    );
    (".*", prop::collection::vec(datum, 0..4)).prop_map(|(namespace, data)| {
        Document::Structure(vec![
            ("Namespace", Document::String(namespace)),
            ("MetricData", Document::List(data)),
        ])
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(metrics in metrics()) {
        let (model, shape) = shape(METRICS);
        let mut body = Vec::new();
        write(model, shape, &metrics, &mut body).expect("of the model");
        prop_assert_eq!(read(model, shape, &body.into()).expect("readable"), metrics);
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_metrics(&body);
        let _ = namespace(&body);
    }

    #[test]
    fn a_body_that_ends_too_early_is_refused(metrics in metrics(), cut in any::<prop::sample::Index>()) {
        let (model, shape) = shape(METRICS);
        let mut body = Vec::new();
        write(model, shape, &metrics, &mut body).expect("of the model");
        body.truncate(cut.index(body.len()));
        prop_assert!(read(model, shape, &body.into()).is_err());
    }
}
