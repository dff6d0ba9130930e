//! What is shown, by families: each family gets a fresh server, its flows run in order and build on one another.

/// Flows that docker goes through with each of its image stores.
macro_rules! with_each_store {
    ($($name:literal => $flow:ident),+ $(,)?) => {
        &[$(
            Flow::new(Docker::Classic.client(), $name, |scene| $flow(scene, Docker::Classic)),
            Flow::new(Docker::Containerd.client(), $name, |scene| $flow(scene, Docker::Containerd)),
        )+]
    };
}

mod accounts;
mod addresses;
mod authorization;
mod aws;
mod aws_images;
mod bad_api;
mod bad_content;
mod bad_images;
mod bad_registry;
mod boto3;
mod buildah;
mod collection;
mod conformance;
mod control_policies;
mod crane;
mod crowd;
mod docker;
mod durability;
mod expiry;
mod helm;
mod image_tags;
mod image_tags_docker;
mod latest;
mod latest_setting;
mod operating;
mod oras;
mod plaintext;
mod pressure;
mod revocation;
mod secrets;
mod skopeo;
mod syncing;
mod tampering;
mod tls;
mod web_identity;

use anyhow::{Result, bail};

use crate::scene::Scene;

/// One thing shown with one client.
pub(crate) struct Flow {
    /// Client, as in the table.
    pub(crate) client: &'static str,
    /// What is shown, as in the table.
    pub(crate) name: &'static str,
    /// Shows it.
    pub(crate) run: fn(&mut Scene) -> Result<()>,
}

impl Flow {
    /// A flow of the table.
    pub(crate) const fn new(
        client: &'static str,
        name: &'static str,
        run: fn(&mut Scene) -> Result<()>,
    ) -> Self {
        Self { client, name, run }
    }

    /// The line that stands for it in the minimum.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.client, self.name)
    }
}

/// Flows that share a server.
pub(crate) struct Family {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// Flows in order, file by file.
    parts: &'static [&'static [Flow]],
}

impl Family {
    /// Flows in order.
    pub(crate) fn flows(&self) -> impl Iterator<Item = &'static Flow> {
        self.parts.iter().copied().flatten()
    }
}

const FAMILIES: &[Family] = &[
    Family {
        name: "docker",
        parts: &[docker::FLOWS],
    },
    Family {
        name: "skopeo",
        parts: &[skopeo::FLOWS],
    },
    Family {
        name: "buildah",
        parts: &[buildah::FLOWS],
    },
    Family {
        name: "crane",
        parts: &[crane::FLOWS],
    },
    Family {
        name: "helm",
        parts: &[helm::FLOWS],
    },
    Family {
        name: "oras",
        parts: &[oras::FLOWS],
    },
    Family {
        name: "aws",
        parts: &[aws::FLOWS, aws_images::FLOWS],
    },
    Family {
        name: "boto3",
        parts: &[boto3::FLOWS],
    },
    Family {
        name: "addresses",
        parts: &[addresses::FLOWS],
    },
    Family {
        name: "latest",
        parts: &[latest::FLOWS],
    },
    Family {
        name: "latest-setting",
        parts: &[latest_setting::FLOWS],
    },
    Family {
        name: "authorization",
        parts: &[authorization::FLOWS],
    },
    Family {
        name: "accounts",
        parts: &[accounts::FLOWS, control_policies::FLOWS, revocation::FLOWS],
    },
    Family {
        name: "image-tags",
        parts: &[
            image_tags::FOUND,
            image_tags_docker::FLOWS,
            image_tags::FLOWS,
        ],
    },
    Family {
        name: "web-identity",
        parts: &[web_identity::FLOWS],
    },
    Family {
        name: "secrets",
        parts: &[secrets::FLOWS],
    },
    Family {
        name: "expiry",
        parts: &[expiry::FLOWS],
    },
    Family {
        name: "plaintext",
        parts: &[plaintext::FLOWS],
    },
    Family {
        name: "bad-api",
        parts: &[bad_api::FLOWS, bad_images::FLOWS, bad_api::AFTERWARDS],
    },
    Family {
        name: "bad-registry",
        parts: &[
            bad_registry::FLOWS,
            bad_content::FLOWS,
            bad_registry::AFTERWARDS,
        ],
    },
    Family {
        name: "pressure",
        parts: &[pressure::FLOWS],
    },
    Family {
        name: "crowd",
        parts: &[crowd::FLOWS],
    },
    Family {
        name: "tampering",
        parts: &[tampering::FLOWS],
    },
    Family {
        name: "durability",
        parts: &[durability::FLOWS],
    },
    Family {
        name: "syncing",
        parts: &[syncing::FLOWS],
    },
    Family {
        name: "collection",
        parts: &[collection::FLOWS],
    },
    Family {
        name: "operating",
        parts: &[operating::FLOWS],
    },
    Family {
        name: "tls",
        parts: &[tls::FLOWS],
    },
    Family {
        name: "conformance",
        parts: &[conformance::FLOWS],
    },
];

/// Names of all families.
pub(crate) fn names() -> Vec<String> {
    FAMILIES
        .iter()
        .map(|family| family.name.to_owned())
        .collect()
}

/// A family by name.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn find(name: &str) -> Result<&'static Family> {
    match FAMILIES.iter().find(|family| family.name == name) {
        Some(family) => Ok(family),
        None => bail!("no family {name}; there are: {}", names().join(", ")),
    }
}

/// Prints families and flows.
pub(crate) fn print() {
    for family in FAMILIES {
        println!("{}", family.name);
        for flow in family.flows() {
            println!("  {}", flow.line());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_line_stands_for_one_flow() {
        let lines: Vec<String> = FAMILIES
            .iter()
            .flat_map(Family::flows)
            .map(Flow::line)
            .collect();
        let distinct: BTreeSet<&String> = lines.iter().collect();
        assert_eq!(lines.len(), distinct.len());
        assert!(
            FAMILIES
                .iter()
                .flat_map(Family::flows)
                .all(|flow| !flow.client.contains(' '))
        );
    }
}
