//! The dependency arrows: what a crate may use of our own, and what the whole tree must not hold.
//!
//! ```text
//! hearth ──▶ services/* ───────────────────┬──▶ hearth-aws ─────┐
//!    │           │ (lambda alone)          └──▶ hearth-store ───┼──▶ hearth-world
//!    │           ▼                                              │
//!    └────▶ hearth-worker ──▶ hearth-sandbox                    │
//!                 └─────────────────────────────────────────────┘
//!
//! hearth, services/*, hearth-aws, hearth-store ──▶ hearth-outbound ──▶ hearth-world
//! ```

use crate::metadata::Package;

const ANY_SERVICE: &[&str] = &["hearth-aws", "hearth-outbound", "hearth-store", "hearth-world"];

/// What each crate may use. A crate that is not named here is a decision nobody has written down.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    let lower = match name {
        "hearth-world" | "hearth-sandbox" => vec![],
        "hearth-outbound" => vec!["hearth-world"],
        "hearth-aws" | "hearth-store" => vec!["hearth-outbound", "hearth-world"],
        "hearth-worker" => vec!["hearth-sandbox", "hearth-world"],
        "hearth-service-lambda" => [ANY_SERVICE, &["hearth-worker"]].concat(),
        // It drives the readers of foreign bytes of all of them, and nothing uses it.
        "hearth-fuzz" => [ANY_SERVICE, &["hearth-sandbox", "hearth-worker"]].concat(),
        "xtask" | "hearth-tests" => vec![],
        _ if name.starts_with("hearth-service-") => ANY_SERVICE.to_vec(),
        _ => return None,
    };
    Some(lower)
}

/// Arrows that point the wrong way, in the product and in its tests alike.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(findings).collect()
}

fn findings(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let mut found = Vec::new();
    if name != "hearth" {
        let Some(allowed) = allowed(name) else {
            return vec![format!("{name}: no arrow is drawn for this crate in xtask/src/arrows.rs")];
        };
        let ours = package.dependencies.iter().map(|d| d.name.as_str()).filter(|d| d.starts_with("hearth"));
        found.extend(ours.filter(|d| !allowed.contains(d)).map(|d| format!("{name} must not use {d}")));
    }
    let product = package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
    let untyped =
        product.filter(|d| d.name == "anyhow" && !matches!(name, "hearth" | "xtask" | "hearth-tests"));
    found.extend(
        untyped.map(|_| format!("{name}: anyhow belongs into the program; a library's errors have types")),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    fn package(name: &str, uses: &str) -> Package {
        let dependencies = vec![Dependency { name: uses.to_owned(), kind: None }];
        Package { name: name.to_owned(), version: String::new(), license: None, dependencies }
    }

    #[test]
    fn no_service_uses_another_and_nothing_points_back() {
        let check = |name, uses| findings(&package(name, uses)).len();
        assert_eq!(check("hearth-service-lambda", "hearth-worker"), 0);
        assert_eq!(check("hearth-service-sts", "hearth-worker"), 1);
        assert_eq!(check("hearth-service-lambda", "hearth-service-sts"), 1);
        assert_eq!(check("hearth-store", "hearth-aws"), 1);
        assert_eq!(check("hearth-sandbox", "hearth-world"), 1);
        assert_eq!(check("hearth-store", "anyhow"), 1);
        assert_eq!(check("hearth-novelty", "bytes"), 1);
        assert_eq!(check("hearth", "hearth-sandbox"), 0);
    }
}
