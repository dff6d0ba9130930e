//! Which rooms may use which libraries directly: HTTP stays in the gateways and the room that asks others, SQL in one
//! adapter, ciphers in the adapters that need them, and the ground floor stays free of input and output.

use crate::workspace::Package;

/// A library and the only packages that may depend on it.
const HOMES: [(&[&str], &[&str]); 4] = [
    (
        &["hyper", "hyper-util"],
        &[
            "ecru-aws-gateway",
            "ecru-oci-gateway",
            "ecru-outbound",
            "ecru-server",
            "ecru-e2e",
            "ecru-bench",
            "xtask",
        ],
    ),
    (
        &["rusqlite", "tokio-postgres", "deadpool-postgres"],
        &["ecru-metadata-sql"],
    ),
    (&["jsonwebtoken"], &["ecru-key-store"]),
    (
        &["aws-lc-rs"],
        &[
            "ecru-key-store",
            "ecru-blob-store",
            "ecru-server",
            "ecru-bench",
        ],
    ),
];

/// Libraries that do I/O, or are of no use without it.
const NOT_ON_THE_GROUND: [&str; 5] = ["tokio", "tokio-util", "http", "http-body", "async-trait"];

/// Dependencies that stand in the wrong room. Tests may use what they like.
pub(crate) fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        for dependency in package.built_dependencies() {
            if is_banned(package, &dependency.name) {
                problems.push(format!(
                    "{}: it may not depend on {} directly",
                    package.name, dependency.name
                ));
            }
        }
    }
    problems
}

fn is_banned(package: &Package, library: &str) -> bool {
    if package.floor() == Some(0) && NOT_ON_THE_GROUND.contains(&library) {
        return true;
    }
    HOMES.iter().any(|(libraries, homes)| {
        libraries.contains(&library) && !homes.contains(&package.name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::package;

    #[test]
    fn libraries_stay_in_their_rooms() {
        for (room, floor, library, banned) in [
            ("ecru-services", 3, "hyper", true),
            ("ecru-oci-gateway", 4, "hyper", false),
            ("ecru-blob-store", 2, "rusqlite", true),
            ("ecru-metadata-sql", 2, "rusqlite", false),
            ("ecru-domain", 0, "aws-lc-rs", true),
            ("ecru-domain", 0, "sha2", false),
            ("ecru-domain", 0, "tokio", true),
            ("ecru-ports", 1, "async-trait", false),
        ] {
            assert_eq!(
                is_banned(&package(room, Some(floor)), library),
                banned,
                "{room} {library}"
            );
        }
    }
}
