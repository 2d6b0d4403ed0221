//! The identifiers that CreateFunction knows (`Runtime`), whether this host can run them or not.

use hearth_world::Timestamp;

/// Accepted. Some are past AWS's own date for new functions; those dates have moved several times, and code that
/// needs such a runtime is what people bring here.
const SUPPORTED: [&str; 31] = [
    "nodejs26.x",
    "nodejs24.x",
    "nodejs22.x",
    "nodejs20.x",
    "nodejs18.x",
    "nodejs16.x",
    "python3.15",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
    "java25",
    "java21",
    "java17",
    "java17.al2023",
    "java11",
    "java11.al2023",
    "java8.al2",
    "java8.al2023",
    "dotnet10",
    "dotnet8",
    "dotnet6",
    "ruby4.0",
    "ruby3.4",
    "ruby3.3",
    "ruby3.2",
    "provided.al2023",
    "provided.al2",
];

/// Known, and refused for new functions since 2024 or before.
const RETIRED: [&str; 20] = [
    "nodejs14.x",
    "nodejs12.x",
    "nodejs10.x",
    "nodejs8.10",
    "nodejs6.10",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs",
    "python3.7",
    "python3.6",
    "python2.7",
    "java8",
    "dotnetcore3.1",
    "dotnetcore2.1",
    "dotnetcore2.0",
    "dotnetcore1.0",
    "go1.x",
    "ruby2.7",
    "ruby2.5",
    "provided",
];

/// From when on AWS says that it creates no more functions of these, and from when on it changes none that are there
/// (`spec/lambda-api.md` section 9): the first days, in UTC. It has moved such dates several times, so they count only
/// when asked for ([`Deprecated::Refuse`]).
const BLOCKED_FROM: [(&str, &str, &str); 25] = [
    ("nodejs24.x", "2028-06-01", "2028-07-01"),
    ("nodejs22.x", "2027-06-01", "2027-07-01"),
    ("nodejs20.x", "2026-08-31", "2026-09-30"),
    ("nodejs18.x", "2026-08-31", "2026-09-30"),
    ("nodejs16.x", "2026-08-31", "2026-09-30"),
    ("python3.14", "2029-07-31", "2029-08-31"),
    ("python3.13", "2029-07-31", "2029-08-31"),
    ("python3.12", "2028-11-30", "2029-01-10"),
    ("python3.11", "2027-07-31", "2027-08-31"),
    ("python3.10", "2026-11-30", "2027-01-15"),
    ("python3.9", "2026-08-31", "2026-09-30"),
    ("python3.8", "2026-08-31", "2026-09-30"),
    ("java25", "2029-07-31", "2029-08-31"),
    ("java21", "2029-07-31", "2029-08-31"),
    ("java17", "2027-07-31", "2027-08-31"),
    ("java11", "2027-07-31", "2027-08-31"),
    ("java8.al2", "2027-07-31", "2027-08-31"),
    ("dotnet10", "2028-12-14", "2029-01-15"),
    ("dotnet8", "2026-12-10", "2027-01-11"),
    ("dotnet6", "2026-08-31", "2026-09-30"),
    ("ruby3.4", "2028-04-30", "2028-05-31"),
    ("ruby3.3", "2027-04-30", "2027-05-31"),
    ("ruby3.2", "2026-08-31", "2026-09-30"),
    ("provided.al2023", "2029-07-31", "2029-08-31"),
    ("provided.al2", "2026-08-31", "2026-09-30"),
];

/// What becomes of functions whose runtime is past its date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deprecated {
    /// They are created and changed.
    #[default]
    Allow,
    /// They are refused with AWS's text.
    Refuse,
}

/// Why CreateFunction refuses a runtime; the texts are AWS's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuntimeError {
    #[error(
        "Value {0} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{list}] or be \
         a valid ARN",
        list = SUPPORTED.join(", ")
    )]
    Unknown(String),
    #[error(
        "The runtime parameter of {0} is no longer supported for creating or updating AWS Lambda functions. We \
         recommend you use a supported runtime while creating or updating functions."
    )]
    Retired(String),
}

/// Whether a new function may have this runtime.
pub(crate) fn check(runtime: &str) -> Result<(), RuntimeError> {
    if SUPPORTED.contains(&runtime) {
        Ok(())
    } else if RETIRED.contains(&runtime) {
        Err(RuntimeError::Retired(runtime.to_owned()))
    } else {
        Err(RuntimeError::Unknown(runtime.to_owned()))
    }
}

/// Whether a new function may have this runtime on this day.
pub(crate) fn check_create_date(
    runtime: &str,
    deprecated: Deprecated,
    now: Timestamp,
) -> Result<(), RuntimeError> {
    check_date(runtime, deprecated, now, |(_, create, _)| create)
}

/// Whether a function of this runtime may be changed on this day, or changed to have it.
pub(crate) fn check_update_date(
    runtime: &str,
    deprecated: Deprecated,
    now: Timestamp,
) -> Result<(), RuntimeError> {
    check_date(runtime, deprecated, now, |(_, _, update)| update)
}

fn check_date(
    runtime: &str,
    deprecated: Deprecated,
    now: Timestamp,
    from: impl Fn(&(&str, &'static str, &'static str)) -> &'static str,
) -> Result<(), RuntimeError> {
    let today = now.rfc3339_millis();
    match BLOCKED_FROM.iter().find(|dates| dates.0 == runtime) {
        Some(dates) if deprecated == Deprecated::Refuse && from(dates) <= today.as_str() => {
            Err(RuntimeError::Retired(runtime.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_past_its_date_is_refused_from_that_day_on_when_asked_for() {
        let at = |day: i64| Timestamp::from_micros(day * 86_400 * 1_000_000);
        let (eve, day) = (at(20_695), at(20_696)); // 2026-08-30 and 2026-08-31
        let refused = Err(RuntimeError::Retired("nodejs20.x".to_owned()));
        assert_eq!(check_create_date("nodejs20.x", Deprecated::Refuse, eve), Ok(()));
        assert_eq!(check_create_date("nodejs20.x", Deprecated::Refuse, day), refused);
        assert_eq!(check_create_date("nodejs20.x", Deprecated::Allow, day), Ok(()));
        assert_eq!(check_create_date("python3.12", Deprecated::Refuse, day), Ok(()));
        let (eve, day) = (at(20_725), at(20_726)); // 2026-09-29 and 2026-09-30
        assert_eq!(check_update_date("nodejs20.x", Deprecated::Refuse, eve), Ok(()));
        assert_eq!(check_update_date("nodejs20.x", Deprecated::Refuse, day), refused);
        assert_eq!(check_update_date("nodejs20.x", Deprecated::Allow, day), Ok(()));
        assert!(
            BLOCKED_FROM.iter().all(|(name, create, update)| SUPPORTED.contains(name) && create < update)
        );
    }

    #[test]
    fn a_runtime_is_accepted_retired_or_unknown_and_its_case_counts() {
        assert_eq!(check("python3.12"), Ok(()));
        assert_eq!(check("provided.al2023"), Ok(()));
        let retired = check("nodejs12.x").expect_err("retired").to_string();
        assert!(
            retired.starts_with("The runtime parameter of nodejs12.x is no longer supported"),
            "{retired}"
        );
        let unknown = check("Python3.12").expect_err("wrong case").to_string();
        assert!(unknown.starts_with("Value Python3.12 at 'runtime' failed"), "{unknown}");
        assert!(unknown.ends_with("provided.al2] or be a valid ARN"), "{unknown}");
    }
}
