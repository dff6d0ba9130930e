//! `models/subset.toml`: what to generate, and what the models do not say.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::workspace;

/// One service's section.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Subset {
    /// Operations to keep; empty keeps all.
    pub(crate) operations: Vec<String>,
    /// IAM actions that are not named after their operation.
    pub(crate) iam_actions: BTreeMap<String, String>,
    /// Members (`Shape.member`) that `Debug` must not show.
    pub(crate) sensitive: Vec<String>,
    /// Exceptions that report a broken constraint: the first that an operation may answer. None where all services
    /// that speak the dialect share one.
    pub(crate) constraint_exceptions: Vec<String>,
    /// Expressions, by shape, for patterns that need an engine with look-around.
    pub(crate) expressions: BTreeMap<String, String>,
    /// Sentences that tell of a broken pattern, by shape.
    pub(crate) sentences: BTreeMap<String, String>,
    /// Text shapes that answers carry encoded as in a URL.
    pub(crate) url_encoded: Vec<String>,
}

/// Every section, by service.
pub(crate) fn load() -> Result<BTreeMap<String, Subset>> {
    let path = workspace::root().join("models/subset.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))
}
