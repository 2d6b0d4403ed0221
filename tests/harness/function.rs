//! Functions of a test: created, invoked, deleted through the API.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};
use crate::package::Package;
use crate::patience::patience;
use crate::server::{Hearth, newest_python};

/// Longer than a small function may stay Pending.
const ACTIVE_SECONDS: u64 = 60;

/// Timeout of a function whose test is not about that: AWS's 3 s are short on a machine that does much else.
const TIMEOUT_SECONDS: u32 = 60;

/// A function to be created. What a test does not name, it is not about.
#[derive(Debug)]
pub struct FunctionBuilder<'a> {
    hearth: &'a Hearth,
    body: Map<String, Value>,
}

/// A function that was acknowledged.
#[derive(Clone, Debug)]
pub struct Function<'a> {
    hearth: &'a Hearth,
    name: String,
}

/// What an invocation answered.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The whole answer.
    pub answer: Answer,
    /// The invocation's id.
    pub request_id: String,
    /// `X-Amz-Function-Error`, empty when the function did not fail.
    pub error: String,
    /// The last 4 KB of its log.
    pub log: String,
}

impl<'a> FunctionBuilder<'a> {
    pub(crate) fn new(hearth: &'a Hearth, name: &str) -> Self {
        let body = json!({
            "FunctionName": name,
            "Runtime": newest_python(),
            "Role": "arn:aws:iam::000000000000:role/any",
            "Handler": "app.handler",
            "Timeout": TIMEOUT_SECONDS,
        });
        let Value::Object(body) = body else { unreachable!("the literal is an object") };
        Self { hearth, body }
    }

    /// The code of `app.py`.
    #[must_use]
    pub fn code(self, text: &str) -> Self {
        self.package(&Package::of("app.py", text).bytes())
    }

    /// The deployment package.
    #[must_use]
    pub fn package(self, bytes: &[u8]) -> Self {
        self.with("Code", json!({ "ZipFile": STANDARD.encode(bytes) }))
    }

    /// Any member of CreateFunction.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.body.insert(member.to_owned(), value);
        self
    }

    /// Sends CreateFunction and gives what came back.
    #[track_caller]
    pub fn try_create(&self) -> Answer {
        self.hearth.send(&self.request())
    }

    /// CreateFunction, not yet sent.
    pub fn request(&self) -> Request {
        let body = Value::Object(self.body.clone()).to_string();
        let request = Request::new("POST", "/2015-03-31/functions").signed("lambda");
        request.header("Content-Type", "application/json").body(body)
    }

    /// Creates the function and waits until it is Active.
    #[track_caller]
    pub fn create(&self) -> Function<'a> {
        let answer = self.try_create();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let name = self.body["FunctionName"].as_str().expect("a name").to_owned();
        let function = Function { hearth: self.hearth, name };
        function.wait_until_active();
        function
    }
}

impl<'a> Function<'a> {
    /// A function that exists already.
    pub fn existing(hearth: &'a Hearth, name: &str) -> Self {
        Self { hearth, name: name.to_owned() }
    }

    /// GetFunctionConfiguration.
    #[track_caller]
    pub fn configuration(&self) -> Answer {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        self.hearth.send(&Request::new("GET", &path).signed("lambda"))
    }

    /// Waits for `State` Active.
    #[track_caller]
    pub fn wait_until_active(&self) {
        let started = Instant::now();
        loop {
            let configuration = self.configuration();
            let json = configuration.json();
            match json["State"].as_str() {
                Some("Active") => return,
                Some("Pending") if started.elapsed() < patience(ACTIVE_SECONDS) => {}
                _ => panic!("{} does not become active: {}", self.name, configuration.text()),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Invoke with a log tail, not yet sent.
    pub fn request(&self, event: &str) -> Request {
        let path = format!("/2015-03-31/functions/{}/invocations", self.name);
        Request::new("POST", &path).signed("lambda").header("X-Amz-Log-Type", "Tail").body(event)
    }

    /// Invokes with an event; the call itself must succeed.
    #[track_caller]
    pub fn invoke(&self, event: &str) -> Invocation {
        let answer = self.hearth.send(&self.request(event));
        assert_eq!(answer.status, 200, "{}", answer.text());
        Invocation {
            request_id: answer.header("x-amzn-requestid").to_owned(),
            error: answer.header("x-amz-function-error").to_owned(),
            log: String::from_utf8(STANDARD.decode(answer.header("x-amz-log-result")).expect("base64"))
                .expect("text"),
            answer,
        }
    }

    /// DeleteFunction.
    #[track_caller]
    pub fn delete(&self) -> Answer {
        let path = format!("/2015-03-31/functions/{}", self.name);
        self.hearth.send(&Request::new("DELETE", &path).signed("lambda"))
    }
}

impl Invocation {
    /// What the function answered.
    pub fn json(&self) -> Value {
        self.answer.json()
    }

    /// Asserts that the function failed with exactly this payload, `ID` standing for the request's id.
    #[track_caller]
    pub fn failed_with(&self, payload: &str) {
        assert_eq!(self.error, "Unhandled", "{}", self.answer.text());
        assert_eq!(self.answer.text(), payload.replace("ID", &self.request_id));
    }

    /// The log with what differs from run to run written as `ID` and `N`.
    pub fn log_shape(&self) -> String {
        let mut shape = String::new();
        for line in self.log.replace(&self.request_id, "ID").split_inclusive('\n') {
            let figures = line.starts_with("REPORT") || line.starts_with("INIT_REPORT");
            shape.push_str(&if figures { without_figures(line) } else { line.to_owned() });
        }
        shape
    }
}

impl Hearth {
    /// Publishes a version of a layer and gives what was answered.
    #[track_caller]
    pub fn publish_layer(&self, name: &str, package: &[u8]) -> Value {
        let body = json!({ "Content": { "ZipFile": STANDARD.encode(package) } });
        let path = format!("/2018-10-31/layers/{name}/versions");
        let answer = self.send(&Request::new("POST", &path).signed("lambda").body(body.to_string()));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }
}

/// Every run of digits and points that follows a space becomes `N`, but for the memory size.
fn without_figures(line: &str) -> String {
    let fields = line.split('\t').map(|field| match field.split_once(": ") {
        Some((name, value)) if name != "Memory Size" && value.starts_with(|c: char| c.is_ascii_digit()) => {
            let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{name}: N{unit}")
        }
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("\t")
}
