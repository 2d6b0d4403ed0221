//! What a server must remember of functions and roles, and how a test sees what it does remember.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hearth_tests::{Answer, Hearth, Package, Request};
use serde_json::Value;

/// One resource as its last call left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A function whose package is the one of this number.
    Function(u64),
    Role(Role),
}

/// A role's own records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) inline: BTreeSet<String>,
    pub(crate) attached: BTreeSet<String>,
}

/// What is known, by name. `None` is a thing that is not there.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    known: BTreeMap<String, Option<Thing>>,
    /// What a call that was not answered may have made of it.
    doubtful: BTreeMap<String, Option<Thing>>,
    pub(crate) acknowledged: u64,
}

impl Expected {
    /// The last acknowledged state; `None` while a call is in doubt.
    pub(crate) fn certain(&self, name: &str) -> Option<Option<Thing>> {
        let is_doubtful = self.doubtful.contains_key(name);
        (!is_doubtful).then(|| self.known.get(name).cloned().flatten())
    }

    pub(crate) fn begin(&mut self, name: &str, next: Option<Thing>) {
        self.doubtful.insert(name.to_owned(), next);
    }

    pub(crate) fn acknowledge(&mut self, name: &str) {
        let next = self.doubtful.remove(name).expect("a call was begun");
        self.known.insert(name.to_owned(), next);
        self.acknowledged += 1;
    }

    /// How many things are there.
    pub(crate) fn count(&self) -> usize {
        self.known.values().flatten().count()
    }

    /// Names of functions that are certainly there, with the numbers of their packages.
    pub(crate) fn functions(&self) -> Vec<(String, u64)> {
        let functions = self.known.iter().filter_map(|(name, thing)| match thing {
            Some(Thing::Function(number)) => Some((name.clone(), *number)),
            _ => None,
        });
        functions.collect()
    }

    /// Holds the server to it; what was in doubt is known from then on. Gives what is lost, wrong, or not of ours.
    pub(crate) fn check(&mut self, hearth: &Hearth) -> Vec<String> {
        let mut wrong = Vec::new();
        let found = found(hearth, &mut wrong);
        let names: BTreeSet<String> =
            self.known.keys().chain(self.doubtful.keys()).chain(found.keys()).cloned().collect();
        for name in names {
            let found = found.get(&name).cloned();
            let known = self.known.get(&name).cloned().flatten();
            let doubtful = self.doubtful.remove(&name);
            if found != known && Some(&found) != doubtful.as_ref() {
                wrong.push(format!("{name}: {known:?} acknowledged, {doubtful:?} in doubt, {found:?} there"));
            }
            self.known.insert(name, found);
        }
        wrong
    }
}

/// The package of a function that waits and writes to `/tmp`: the event says how many seconds.
pub(crate) const WORKER: u64 = 4_242;

/// The package of a number: the same number, the same bytes.
pub(crate) fn package(number: u64) -> Vec<u8> {
    let work = "    __import__('time').sleep(event or 0)\n    open('/tmp/x', 'w').write('x' * 100000)\n";
    let work = if number == WORKER { work } else { "" };
    let code = format!("# {number} #\ndef handler(event, context):\n{work}    return {number}\n");
    Package::of("app.py", &code).bytes()
}

/// Everything that the server shows.
fn found(hearth: &Hearth, wrong: &mut Vec<String>) -> BTreeMap<String, Thing> {
    let mut things = BTreeMap::new();
    for name in listed(hearth) {
        match downloaded(hearth, &name) {
            Ok(number) => drop(things.insert(name, Thing::Function(number))),
            Err(reason) => wrong.push(format!("{name}: {reason}")),
        }
    }
    let roles = iam(hearth, "ListRoles", &[("MaxItems", "1000")]);
    for name in all_between(&roles.text(), "<RoleName>", "</RoleName>") {
        let role = role(hearth, &name);
        things.insert(name, Thing::Role(role));
    }
    things
}

/// The number of a function's package, if its bytes are whole.
fn downloaded(hearth: &Hearth, name: &str) -> Result<u64, String> {
    let answer = hearth.send(&Request::new("GET", &format!("/2015-03-31/functions/{name}")).signed("lambda"));
    let location = answer.json()["Code"]["Location"].as_str().unwrap_or_default().to_owned();
    let path = location.split_once("//").and_then(|(_, rest)| rest.split_once('/'));
    let (_, path) = path.ok_or_else(|| format!("is listed and cannot be read: {}", answer.text()))?;
    let download = hearth.send(&Request::new("GET", &format!("/{path}")));
    let number = all_between(&download.text(), "# ", " #").first().and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| format!("its package is {} {}", download.status, download.text()))?;
    if download.body == package(number) { Ok(number) } else { Err("its package is not whole".to_owned()) }
}

fn role(hearth: &Hearth, name: &str) -> Role {
    let of = |action| iam(hearth, action, &[("RoleName", name)]).text();
    let tags = of("ListRoleTags");
    let pairs =
        all_between(&tags, "<Key>", "</Key>").into_iter().zip(all_between(&tags, "<Value>", "</Value>"));
    let inline = all_between(&of("ListRolePolicies"), "<member>", "</member>");
    for policy in &inline {
        let read = iam(hearth, "GetRolePolicy", &[("RoleName", name), ("PolicyName", policy)]);
        assert_eq!(read.status, 200, "{policy} of {name} is listed: {}", read.text());
    }
    Role {
        tags: pairs.collect(),
        inline: inline.into_iter().collect(),
        attached: all_between(&of("ListAttachedRolePolicies"), "<PolicyArn>", "</PolicyArn>")
            .into_iter()
            .collect(),
    }
}

/// Names of all functions, page by page.
fn listed(hearth: &Hearth) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut marker = String::new();
    loop {
        let page =
            hearth.send(&Request::new("GET", &format!("/2015-03-31/functions/{marker}")).signed("lambda"));
        assert_eq!(page.status, 200, "{}", page.text());
        let json = page.json();
        let functions = json["Functions"].as_array().expect("a list");
        names.extend(functions.iter().filter_map(|entry| entry["FunctionName"].as_str()).map(str::to_owned));
        match &json["NextMarker"] {
            Value::String(next) => marker = format!("?Marker={}", percent(next)),
            _ => return names,
        }
    }
}

fn iam(hearth: &Hearth, action: &str, members: &[(&str, &str)]) -> Answer {
    let answer = hearth.send(&iam_request(action, members));
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    answer
}

/// A call of IAM, not yet sent.
pub(crate) fn iam_request(action: &str, members: &[(&str, &str)]) -> Request {
    let mut body = format!("Action={action}&Version=2010-05-08");
    for (name, value) in members {
        body.push_str(&format!("&{name}={}", percent(value)));
    }
    let request = Request::new("POST", "/").signed("iam");
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

/// Waits until nothing is Pending any more, and runs each function once.
pub(crate) fn run_all(hearth: &Hearth, expected: &Expected) {
    for (name, number) in expected.functions() {
        run(hearth, &name, number);
    }
}

/// Runs a function, which answers with the number of its package.
#[track_caller]
pub(crate) fn run(hearth: &Hearth, name: &str, number: u64) {
    let function = hearth_tests::Function::existing(hearth, name);
    function.wait_until_active();
    let answer = function.invoke("0");
    assert_eq!(answer.json(), Value::from(number), "{name}: {}", answer.answer.text());
}

/// A start may take so long on a machine that does much else; how long it took is shown.
pub(crate) const START_SHOWN_FROM: Duration = Duration::from_secs(2);

fn all_between(text: &str, before: &str, after: &str) -> Vec<String> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|part| Some(part.split_once(after)?.0.to_owned())).collect()
}

fn percent(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}
