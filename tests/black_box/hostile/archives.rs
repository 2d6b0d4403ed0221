//! Packages that are small to send and expensive to unpack.

use hearth_tests::Package;

use super::Street;

#[test]
fn a_package_of_endless_directories_is_refused_soon() {
    let street = Street::new();
    let path = "a/".repeat(2000);
    let package =
        (0..30).fold(Package::of("app.py", ""), |package, n| package.file(&format!("{n}/{path}f"), ""));
    let answer = street.hostile("deep", "").package(&package.bytes()).try_create();
    answer.is_error(400, "InvalidParameterValueException");
    street.is_well();
    street.ends();
}

#[test]
fn many_hostile_packages_at_once_keep_nobody_from_starting() {
    let street = Street::new();
    let bomb = hearth_tests::bomb(300_000_000, 10).bytes();
    std::thread::scope(|scope| {
        let creators: Vec<_> = (0..6)
            .map(|index| {
                let (street, bomb) = (&street, &bomb);
                scope.spawn(move || street.hostile(&format!("bomb-{index}"), "").package(bomb).try_create())
            })
            .collect();
        while creators.iter().any(|creator| !creator.is_finished()) {
            street.is_well();
        }
        for creator in creators {
            creator.join().expect("no panic").is_error(400, "InvalidParameterValueException");
        }
    });
    street.ends();
}
