//! The protocol test cases that AWS ships in botocore's source package, turned round: what a client there must
//! write is what we must read, and what a client must read is what we must write.
//!
//! restXml's are held in S3's crate, which alone speaks it; the protocol of EC2 will not be spoken. The package is
//! taken from the registry and kept in the build folder, never in the repository.

mod bodies;
mod client;
mod input;
mod output;
#[allow(dead_code, reason = "shared with the tests of S3's crate")]
pub(crate) mod package;
mod suite;
mod values;

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with the build script")]
#[path = "../../../build/file.rs"]
mod file;

#[allow(dead_code, reason = "shared with the build script")]
#[path = "../../../build/intern.rs"]
mod intern;

use crate::model as facts;

use suite::{Case, Suite};

/// Why it is right that these cases do not pass.
type Exception = (&'static str, &'static [&'static str]);

/// Runs every case of these suites. The list of exceptions may only shrink.
fn check(suites: &[&str], exceptions: &[Exception], run: fn(&Suite, &Case) -> Result<(), String>) {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for name in suites {
        let suites = suite::suites(name);
        assert!(!suites.is_empty(), "{name} has no suites");
        for (suite, case) in suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)))
        {
            let exception = exceptions.iter().find(|(_, ids)| ids.contains(&case.id.as_str()));
            seen.push(case.id.clone());
            match (run(suite, case), exception) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Err(why), None) => wrong.push(format!("{name} {}: {why}", case.id)),
                (Ok(()), Some(_)) => wrong.push(format!("{name} {}: passes, so it is no exception", case.id)),
            }
        }
    }
    for id in exceptions.iter().flat_map(|(_, ids)| *ids) {
        if !seen.iter().any(|seen| seen == id) {
            wrong.push(format!("{id}: no case has this name"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
}
