//! Good inputs, from which mutation starts.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKID/20251125/eu-west-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
const LINK: &str = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20251125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20251125T022654Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";

/// Good inputs of a target; at least one.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    let texts: &[&str] = match target {
        "sigv4_claim" => &[AUTHORIZATION, LINK],
        "sigv4_canonical" => &["/a/../b%20c//d\nb=2&a=1&a=%20+x&c\n  a   b ", "/%E1%88%B4/$x\n?&&=&%zz"],
        "sigv4_round_trip" => &[
            "POST\n/2015-03-31/functions/f/invocations?Qualifier=%24LATEST&a=b\nx-amz-a: b  c\naccept:*/*\n\n{}",
            "PUT\n/bucket//key\ncontent-type:text/plain\nx-a:1\nx-a:2\n\nbody",
        ],
        "aws_chunked" => &[
            "\u{2}5\n5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            "\u{0}5\n5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n",
            "\u{1}5\n5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:0\r\n\r\n",
        ],
        "json" => return json(),
        "cbor" => return cbor(),
        "query_form" => &[
            "\u{0}\u{5}Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=a&Tags.member.1.Value=b",
            "\u{3}\u{3}QueueUrl=a&Attribute.1.Name=b&Attribute.1.Value=c&MessageAttribute.1.Value.DataType=String",
            "\u{1}\u{1}a.entry.1.key=b&a.entry.1.value=c&Filters.member.2=x",
        ],
        "rest" => &[
            "GET\n/2015-03-31/functions/f?Qualifier=1\naccept:*/*\n\n",
            "POST\n/2015-03-31/functions\ncontent-type:application/json\n\n{\"FunctionName\":\"f\",\"Code\":{\"ZipFile\":\"UEs=\"}}",
            "DELETE\n/2017-03-31/tags/arn%3Aaws?tagKeys=a&tagKeys=b%20c\nx-amz-a:\"b, c\", d\n\n",
            "POST\n/2015-03-31/functions/f/invocations\nx-amz-invocation-type:Event\n\n{}",
        ],
        "xml" => &["a < b & c > d \" ' \u{1} \t \n \u{85}", "<![CDATA[x]]><a/>&#0;&lt;"],
        "event_stream" => &["payload", ""],
        "timestamp" => &[
            "2025-11-25T02:26:54.123Z",
            "2025-11-25T02:26:54+01:00",
            "1764037614.123",
            "1.5e9",
            "Tue, 25 Nov 2025 02:26:54 GMT",
        ],
        "header_list" => {
            &["a, \"b, c\", d\\e, \"f\\\"g\"", "Tue, 25 Nov 2025 02:26:54 GMT, Wed, 26 Nov 2025 02:26:54 GMT"]
        }
        "gzip" => return vec![GZIP.to_vec(), [GZIP, GZIP].concat()],
        "defence" => &[
            "/\nhost:localhost:4566\norigin:http://localhost:4566\nsec-fetch-site:same-origin",
            "/\nhost:[::1]:4566",
            "http://lambda.eu-west-1.amazonaws.com./x\nsec-fetch-site:none",
        ],
        "names" => &[
            "arn:aws:lambda:eu-west-1:123456789012:function:f:1",
            "arn:aws:iam::123456789012:role/path/r",
            "123456789012:function:f:$LATEST",
            "f:alias",
        ],
        "channel_frames" => return channel(),
        "runtime_api_path" => {
            &["/2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response"]
        }
        "store_key" => &["\u{4}lambda/function\0\u{1}000000000000\0\u{1}12345678", "\u{0}a\0\u{ff}b\0\u{1}"],
        "unpack" => return archives(),
        _ => &["\u{1}\u{2}\u{3}text"],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// `{"a":1}`.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0x05, 0, 0x13, 0x4c, 0x4d,
    0x5f, 7, 0, 0, 0,
];

/// Bodies for many operations: which one is in the first two bytes.
fn json() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"UEsDBA=="},"MemorySize":128,"Tags":{"a":"b"},"Layers":["x"],"Environment":{"Variables":{"a":"b"}}}"#,
        r#"{"QueueUrl":"u","MessageBody":"b","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AA=="}}}"#,
        r#"{"TableName":"t","Item":{"a":{"M":{"b":{"L":[{"S":"x"},{"N":"1"},{"B":"AA=="},{"NULL":true}]}}}}}"#,
        r#"{"StartTime":1764037614.5,"EndTime":"2025-11-25T02:26:54Z","Limit":1e3,"Name":"a\u00e9\n"}"#,
    ];
    let numbers = (0..=255_u8).step_by(5).flat_map(|one| [0, 7, 31, 60].map(|other| [one, other]));
    let numbered = numbers.zip(bodies.iter().cycle());
    numbered.map(|(number, body)| [&number[..], body.as_bytes()].concat()).collect()
}

/// The same in CBOR, of definite and indefinite length.
fn cbor() -> Vec<Vec<u8>> {
    let bodies: [&[u8]; 4] = [
        b"\xa2\x6dDashboardName\x61d\x61?\x81\xf6",
        b"\xbf\x69Namespace\x61n\x6aMetricData\x9f\xbf\x6aMetricName\x61m\x65Value\xfb\x3f\xf0\0\0\0\0\0\0\xff\xff\xff",
        b"\xa1\x69StartTime\xc1\xfb\x41\xda\x49\x50\xab\x80\0\0\0",
        b"\xa1\x64Data\x5f\x41a\x42bc\xff",
    ];
    let numbers = (0..=255_u8).step_by(5).flat_map(|one| [0, 7, 31, 60].map(|other| [one, other]));
    let numbered = numbers.zip(bodies.iter().cycle());
    numbered.map(|(number, body)| [&number[..], body].concat()).collect()
}

fn channel() -> Vec<Vec<u8>> {
    let frame = |head: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("a small frame");
        [&head.to_le_bytes()[..], &length.to_le_bytes(), payload].concat()
    };
    let frames =
        [frame(1, b""), frame(2 | 7 << 8, b"{}"), frame(3 | 8 << 8, b"e"), frame(4, b"i"), frame(5, b"")];
    let mut all = vec![[vec![3], frames.concat()].concat()];
    all.extend(frames.map(|frame| [vec![0], frame].concat()));
    all
}

/// A path of so many bytes, in names of 240.
fn path_of(bytes: usize) -> String {
    let mut path = ["x".repeat(240), "/".to_owned()].concat().repeat(bytes / 241 + 1);
    path.truncate(bytes);
    path
}

fn archives() -> Vec<Vec<u8>> {
    let archive = |write: fn(&mut zip::ZipWriter<Cursor<Vec<u8>>>) -> zip::result::ZipResult<()>| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        write(&mut writer).expect("in memory");
        writer.finish().expect("in memory").into_inner()
    };
    vec![
        archive(|writer| {
            let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            writer.start_file("app.py", options.unix_permissions(0o644))?;
            writer.write_all(b"def handler(event, context): return event\n")?;
            writer.add_directory("lib/", options)?;
            writer.add_symlink("lib/link", "../app.py", options)
        }),
        archive(|writer| {
            let options = SimpleFileOptions::default();
            writer.start_file("a/b/c/d.txt", options)?;
            writer.write_all(&[0; 10_000])?;
            writer.start_file("a/b/e", options.unix_permissions(0o4755))?;
            Ok(writer.write_all(b"x")?)
        }),
        // As long as a path may be, and a byte longer.
        archive(|writer| writer.add_directory(path_of(4_095), SimpleFileOptions::default())),
        archive(|writer| writer.add_directory(path_of(4_096), SimpleFileOptions::default())),
        archive(|writer| writer.start_file(path_of(4_096), SimpleFileOptions::default())),
        archive(|writer| writer.add_symlink("link", path_of(4_095), SimpleFileOptions::default())),
        archive(|writer| writer.add_symlink("link", path_of(4_096), SimpleFileOptions::default())),
    ]
}
