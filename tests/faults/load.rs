//! Mixed writes and calls without pause, from several connections at once, until they are told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_tests::{Chance, Function, Hearth, Request};
use serde_json::json;

use crate::expected::{Expected, Role, Thing, iam_request, package};

/// Connections that create and delete functions, and those that write roles.
const FUNCTION_WRITERS: u64 = 3;
const ROLE_WRITERS: u64 = 2;
/// Names that each of them uses over and over.
const SLOTS: u64 = 4;
/// Packages that many functions share; others are new.
const SHARED_PACKAGES: u64 = 3;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#;
const POLICIES: [&str; 2] = [
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
];

/// What the writers know, and the test.
pub(crate) type Known = Arc<Mutex<Expected>>;

/// Running writers and callers.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// One connection's writer.
struct Writer {
    address: String,
    template: Request,
    known: Known,
    chance: Chance,
    number: u64,
}

/// A call that failed in a way that no kill explains.
enum Sent {
    Acknowledged,
    /// No answer, or one that says that something broke.
    InDoubt,
    /// Nobody answers any more.
    Gone,
}

pub(crate) fn lock(known: &Known) -> MutexGuard<'_, Expected> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    /// Begins. `worker`, if there is such a function, is called without pause too.
    pub(crate) fn start(hearth: &Hearth, known: &Known, chance: &mut Chance, worker: Option<&str>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for number in 0..FUNCTION_WRITERS + ROLE_WRITERS {
            let mut writer = Writer {
                address: hearth.address().to_owned(),
                template: hearth.function("NAME").package(b"PACKAGE").request(),
                known: known.clone(),
                chance: Chance::seeded(chance.number()),
                number,
            };
            let stop = stop.clone();
            threads.push(std::thread::spawn(
                move || {
                    while !stop.load(Ordering::Relaxed) && writer.write() {}
                },
            ));
        }
        for seconds in worker.iter().flat_map(|_| ["0", "0.2"]) {
            let request = Function::existing(hearth, worker.unwrap_or_default()).request(seconds);
            let (address, stop) = (hearth.address().to_owned(), stop.clone());
            threads.push(std::thread::spawn(move || {
                while request.send(&address).is_ok() && !stop.load(Ordering::Relaxed) {}
            }));
        }
        Self { stop, threads }
    }

    /// Ends; a call that is on its way is waited for.
    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a caller does not panic");
        }
    }
}

impl Writer {
    /// One call; false when nobody answers any more.
    fn write(&mut self) -> bool {
        let slot = self.chance.below(SLOTS);
        let is_function = self.number < FUNCTION_WRITERS;
        let name = format!("{}-{}-{slot}", if is_function { "function" } else { "role" }, self.number);
        let Some(before) = lock(&self.known).certain(&name) else { return true };
        let (request, after) = match before {
            Some(Thing::Role(role)) => self.change_role(&name, role),
            Some(Thing::Function(_)) => {
                let path = format!("/2015-03-31/functions/{name}");
                (Request::new("DELETE", &path).signed("lambda"), None)
            }
            None if is_function => self.create_function(&name),
            None => {
                let members = [("RoleName", name.as_str()), ("AssumeRolePolicyDocument", TRUST)];
                (iam_request("CreateRole", &members), Some(Thing::Role(Role::default())))
            }
        };
        lock(&self.known).begin(&name, after);
        match send(&request, &self.address) {
            Sent::Acknowledged => lock(&self.known).acknowledge(&name),
            Sent::InDoubt => {}
            Sent::Gone => return false,
        }
        true
    }

    fn create_function(&mut self, name: &str) -> (Request, Option<Thing>) {
        let number = if self.chance.percent(50) {
            self.chance.below(SHARED_PACKAGES)
        } else {
            SHARED_PACKAGES + self.chance.below(1 << 40)
        };
        let code = json!({ "ZipFile": STANDARD.encode(package(number)) }).to_string();
        let placeholder = json!({ "ZipFile": STANDARD.encode(b"PACKAGE") }).to_string();
        let request = self.template.clone().replaced(&placeholder, &code).replaced("NAME", name);
        (request, Some(Thing::Function(number)))
    }

    fn change_role(&mut self, name: &str, mut role: Role) -> (Request, Option<Thing>) {
        let (key, value) = (format!("key-{}", self.chance.below(3)), self.chance.below(1000).to_string());
        let policy = *self.chance.one_of(&POLICIES);
        let request = match self.chance.below(7) {
            0 if role.inline.is_empty() && role.attached.is_empty() => {
                return (iam_request("DeleteRole", &[("RoleName", name)]), None);
            }
            1 => {
                role.inline.insert(key.clone());
                let members = [("RoleName", name), ("PolicyName", &key), ("PolicyDocument", POLICY)];
                iam_request("PutRolePolicy", &members)
            }
            2 if role.inline.remove(&key) => {
                iam_request("DeleteRolePolicy", &[("RoleName", name), ("PolicyName", &key)])
            }
            3 => {
                role.attached.insert(policy.to_owned());
                iam_request("AttachRolePolicy", &[("RoleName", name), ("PolicyArn", policy)])
            }
            4 if role.attached.remove(policy) => {
                iam_request("DetachRolePolicy", &[("RoleName", name), ("PolicyArn", policy)])
            }
            5 if role.tags.remove(&key).is_some() => {
                iam_request("UntagRole", &[("RoleName", name), ("TagKeys.member.1", &key)])
            }
            _ => {
                role.tags.insert(key.clone(), value.clone());
                let members =
                    [("RoleName", name), ("Tags.member.1.Key", &key), ("Tags.member.1.Value", &value)];
                iam_request("TagRole", &members)
            }
        };
        (request, Some(Thing::Role(role)))
    }
}

fn send(request: &Request, address: &str) -> Sent {
    match request.send(address) {
        Ok(answer) if answer.status < 300 => Sent::Acknowledged,
        Ok(answer) if answer.status >= 500 => Sent::InDoubt,
        Ok(answer) => panic!("an unexpected answer: {} {}", answer.status, answer.text()),
        Err(_) => Sent::Gone,
    }
}
