//! The identifiers that CreateFunction knows (`Runtime`), whether this host can run them or not.

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

#[cfg(test)]
mod tests {
    use super::*;

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
