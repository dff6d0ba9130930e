//! The floors of the house: a room may use rooms below it, never beside or above it.

use crate::workspace::Package;

/// Packages that stand outside the house and may use any room.
const OUTSIDE: [&str; 3] = ["xtask", "ecru-e2e", "ecru-bench"];

/// Edges that do not go strictly down, and rooms without a floor. Tests may use what they like.
pub(crate) fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages
        .iter()
        .filter(|package| !OUTSIDE.contains(&package.name.as_str()))
    {
        let Some(floor) = package.floor() else {
            problems.push(format!(
                "{}: the manifest states no [package.metadata.room] floor",
                package.name
            ));
            continue;
        };
        for dependency in package.built_dependencies() {
            let below = packages.iter().find(|other| other.name == dependency.name);
            match below.map(Package::floor) {
                None => {}
                Some(Some(lower))
                    if lower < floor && !OUTSIDE.contains(&dependency.name.as_str()) => {}
                Some(_) => problems.push(format!(
                    "{}: on floor {floor}, it may not depend on {}, which is not below",
                    package.name, dependency.name
                )),
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, package};

    fn edge(from: Package, to: &str, kind: Option<&str>) -> Package {
        let dependency = Dependency {
            name: to.to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package {
            dependencies: vec![dependency],
            ..from
        }
    }

    #[test]
    fn arrows_go_strictly_down() {
        let (below, beside, above) = (
            package("ports", Some(1)),
            package("sql", Some(2)),
            package("services", Some(3)),
        );
        for (to, kind, count) in [
            ("ports", None, 0),
            ("sql", None, 1),
            ("services", None, 1),
            ("services", Some("build"), 1),
            ("services", Some("dev"), 0),
            ("serde", None, 0),
            ("xtask", None, 1),
        ] {
            let room = edge(package("keys", Some(2)), to, kind);
            let house = [
                room,
                below.clone(),
                beside.clone(),
                above.clone(),
                package("xtask", Some(0)),
            ];
            assert_eq!(problems(&house).len(), count, "{to} {kind:?}");
        }
    }

    #[test]
    fn a_room_states_its_floor() {
        assert_eq!(problems(&[package("attic", None)]).len(), 1);
        assert_eq!(problems(&[package("xtask", None)]).len(), 0);
    }
}
