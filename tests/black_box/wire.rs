//! What only a socket can show: heads, bodies, connections and frames that no client of AWS sends.
//!
//! Each is written to a server of the test's own, beside which other clients must be answered as if nothing were.
//!
//! Never: attacks anything but a server of its own on loopback; loops without an end.

mod bodies;
mod connections;
mod frames;
mod heads;
mod http2;
mod requests;
mod smuggling;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hearth_tests::{Hearth, Request, authorization};

/// A call of a neighbour takes milliseconds. More than this is felt, whatever else this machine does: it was seen to take
/// three seconds behind ten thousand requests where thirty others wanted each CPU.
const FELT: Duration = Duration::from_secs(10);

/// What the server may hold in memory beside what is sent to it, in bytes. Idle it takes 20 MB.
const RESIDENT_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Longer than any answer takes that a test waits for, on a machine that does much else.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Longer than a server that goes on reading needs for what is written.
const TAKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// More than any answer here has.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

const FUNCTIONS: &str = "/2015-03-31/functions";

/// A connection on which anything can be written.
struct Line(TcpStream);

impl Line {
    fn to(hearth: &Hearth) -> Self {
        let stream = TcpStream::connect(hearth.address()).expect("connected");
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).expect("set");
        stream.set_write_timeout(Some(TAKEN_TIMEOUT)).expect("set");
        stream.set_nodelay(true).expect("set");
        Self(stream)
    }

    /// Writes; `false` when the server takes no more.
    fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Everything that comes until the server closes, or says nothing for [`ANSWER_TIMEOUT`].
    fn rest(&mut self) -> String {
        self.until(|_| false)
    }

    /// What comes until it is enough, the server closes, or says nothing for [`ANSWER_TIMEOUT`].
    fn until(&mut self, is_enough: impl Fn(&str) -> bool) -> String {
        let (mut all, mut piece) = (Vec::new(), vec![0; 65_536]);
        while all.len() < ANSWER_BYTES_MAX && !is_enough(&String::from_utf8_lossy(&all)) {
            match self.0.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => all.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Whether the server has closed, seen within [`ANSWER_TIMEOUT`]; what it says before is thrown away.
    fn is_closed(&mut self) -> bool {
        let mut piece = [0; 4_096];
        loop {
            match self.0.read(&mut piece) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }
}

/// The head of a signed request to Lambda, with more headers, each ended by CR LF.
fn head(hearth: &Hearth, method: &str, path: &str, rest: &str) -> String {
    let (host, signed) = (hearth.address(), authorization("test", "lambda"));
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {signed}\r\n{rest}\r\n")
}

/// The statuses of all answers in what a server said.
fn statuses(said: &str) -> Vec<u16> {
    said.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}

/// A neighbour is answered at once, by the process of the beginning, whose memory is bounded.
#[track_caller]
fn is_well(hearth: &Hearth) {
    is_well_within(hearth, RESIDENT_BYTES_MAX);
}

#[track_caller]
fn is_well_within(hearth: &Hearth, bytes_max: u64) {
    let began = Instant::now();
    let answer = hearth.send(&Request::new("GET", FUNCTIONS).signed("lambda"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let took = began.elapsed();
    assert!(took < FELT, "a neighbour's call took {took:?}");
    let bytes = resident_bytes(hearth.process());
    assert!(bytes < bytes_max, "the server holds {bytes} bytes");
}

fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).expect("a living process")
        * 1024
}
