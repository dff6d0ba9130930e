//! Where the workspace is and what is in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::process;

/// The folder of the workspace's manifest.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The packages of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(crate) metadata: Option<Extra>,
}

impl Package {
    /// The floor of the room, if its manifest states one.
    pub(crate) fn floor(&self) -> Option<u8> {
        Some(self.metadata.as_ref()?.room.as_ref()?.floor)
    }
}

/// `[package.metadata]`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Extra {
    pub(crate) room: Option<Room>,
}

/// `[package.metadata.room]`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Room {
    pub(crate) floor: u8,
}

/// A direct dependency.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for a normal one.
    pub(crate) kind: Option<String>,
}

/// Asks cargo what is in the workspace.
pub(crate) fn metadata() -> Result<Metadata> {
    let mut command = process::cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    serde_json::from_str(&process::output(&mut command)?)
        .context("cargo metadata is not understood")
}

/// Every Rust source file of the packages, by its path from the workspace's root, in order.
pub(crate) fn sources(metadata: &Metadata) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap_or(root());
        for part in ["src", "tests", "benches", "examples"] {
            collect(&folder.join(part), &mut found)?;
        }
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path.strip_prefix(root()).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}
