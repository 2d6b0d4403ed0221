//! Clients that break off, dawdle, or send bodies made to be expensive.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use hearth_tests::{Request, authorization};
use serde_json::json;

use super::{Street, answer};

const FUNCTIONS: &str = "/2015-03-31/functions";

fn connect(street: &Street) -> TcpStream {
    let stream = TcpStream::connect(street.hearth.address()).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    stream
}

fn head(street: &Street, method: &str, path: &str, rest: &str) -> String {
    let (host, signed) = (street.hearth.address(), authorization("test", "lambda"));
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {signed}\r\n{rest}\r\n")
}

#[test]
fn clients_that_leave_in_the_middle_of_a_body_or_a_call_stop_nothing() {
    let street = Street::new();
    let code = "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return 1\n";
    let slow = street.hostile("slow", code).create();
    let path = format!("{FUNCTIONS}/slow/invocations");
    for index in 0..60 {
        let mut stream = connect(&street);
        let announced = if index % 2 == 0 { 2 } else { 5000 };
        let request = head(&street, "POST", &path, &format!("Content-Length: {announced}\r\n"));
        stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(b"{}")).expect("sent");
        if index % 3 == 0 {
            stream.shutdown(Shutdown::Write).expect("half-closed");
        }
    }
    street.is_well();
    assert_eq!(answer(&slow.invoke("{}")), json!(1));
    street.ends();
}

#[test]
fn a_thousand_idle_and_dawdling_connections_keep_nobody_out() {
    let street = Street::new();
    let mut crowd = Vec::new();
    for index in 0..1000 {
        let mut stream = connect(&street);
        let dawdles: &[u8] = match index % 4 {
            0 => b"",
            1 => b"POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nX-A: ",
            2 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            _ => b"POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
        };
        // One that was answered already is no worse a guest.
        let _ = stream.write_all(dawdles);
        crowd.push(stream);
    }
    street.is_well();
    drop(crowd);
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", street.hearth.process())).map_or(0, Iterator::count);
    super::wait_until("the end of the crowd", || descriptors() < 200);
    street.ends();
}

#[test]
fn nested_and_crowded_documents_are_answered_without_a_fall() {
    let street = Street::new();
    let send = |path: &str, body: Vec<u8>| {
        let answer = street.hearth.send(&Request::new("POST", path).signed("lambda").body(body));
        street.is_well();
        answer
    };
    let victim = format!("{FUNCTIONS}/victim/invocations");
    assert_eq!(send(&victim, b"[".repeat(6_000_000)).status, 400);
    assert_eq!(send(&victim, b"{\"a\":".repeat(1_000_000)).status, 400);
    let nested = [b"[".repeat(2_000_000), b"]".repeat(2_000_000)].concat();
    // Valid JSON: Python's own parser says no, inside.
    assert_eq!(send(&victim, nested).header("x-amz-function-error"), "Unhandled");
    let create = |start: &str, piece: &str, times: usize, end: &str| {
        send(
            FUNCTIONS,
            [start.as_bytes().to_vec(), piece.as_bytes().repeat(times), end.as_bytes().to_vec()].concat(),
        )
    };
    let known = r#"{"FunctionName":"x","Role":"r","Code":{},"#;
    create(&format!("{known}\"unknown\":"), "[", 10_000_000, "").is_refused();
    create(&format!("{known}\"unknown\":["), "0,", 10_000_000, "0]}").is_refused();
    create(&format!("{known}\"Layers\":["), "\"\",", 5_000_000, "\"\"]}").is_refused();
    create(r#"{"Environment":{"Variables":"#, r#"{"a":"#, 1_000_000, "").is_refused();
    street.ends();
}

#[test]
fn forms_with_endless_members_or_absurd_numbers_are_refused() {
    let street = Street::new();
    let role = "Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument=x&";
    let members: String =
        (1..60_000).map(|n| format!("Tags.member.{n}.Key=a&Tags.member.{n}.Value=b&")).collect();
    let absurd = "Tags.member.4000000000.Key=a&Tags.member.99999999999999999999.Key=a&Tags.member.-1.Key=a";
    for rest in [
        members.as_str(),
        absurd,
        &"&".repeat(5_000_000),
        &"a=%zz%ff&".repeat(200_000),
        &"a.".repeat(1_000_000),
    ] {
        let request = Request::new("POST", "/").signed("iam").body(format!("{role}{rest}"));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        street.hearth.send(&request).is_refused();
        street.is_well();
    }
}

#[test]
fn lengths_that_contradict_each_other_are_not_two_requests() {
    let street = Street::new();
    let smuggled = head(&street, "DELETE", &format!("{FUNCTIONS}/victim"), "Content-Length: 0\r\n");
    let path = format!("{FUNCTIONS}/victim/invocations");
    for lengths in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len() + 5),
        "Content-Length: 2\r\nContent-Length: 200\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
    ] {
        let mut stream = connect(&street);
        let request = format!("{}0\r\n\r\n", head(&street, "POST", &path, &lengths));
        stream.write_all(request.as_bytes()).expect("sent");
        // Nothing more comes from an honest proxy here: what a dishonest one would hide stays unsent.
        stream.shutdown(Shutdown::Write).expect("half-closed");
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        let text = String::from_utf8_lossy(&answers);
        assert!(text.matches("HTTP/1.1 ").count() <= 1, "{lengths:?} was {text}");
        street.is_well();
    }
}
