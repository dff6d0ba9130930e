//! `cargo xtask import`: a botocore model, trimmed to what is kept (`model.rs`) and to the subset's operations, with
//! its paginators merged in.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::codegen::subset::{self, Subset};
use crate::model::{Model, Ordered, Paginator};
use crate::workspace;

/// `paginators-1.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paginators {
    pagination: Ordered<Paginator>,
}

/// Reads the two files of botocore and writes `models/<service>.json`.
pub(crate) fn run(service: &str, model: &Path, paginators: &Path) -> Result<()> {
    let subset = subset::load()?
        .remove(service)
        .with_context(|| format!("models/subset.toml has no section {service}"))?;
    let paginators: Paginators = read(paginators)?;
    let trimmed = trim(read(model)?, &subset, paginators.pagination)?;
    let mut text = serde_json::to_string_pretty(&trimmed)?;
    text.push('\n');
    let path = workspace::root().join(format!("models/{service}.json"));
    std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not understood", path.display()))
}

/// Keeps the subset's operations and the shapes that they reach.
fn trim(mut model: Model, subset: &Subset, paginators: Ordered<Paginator>) -> Result<Model> {
    for wanted in &subset.operations {
        ensure!(
            model.operations.get(wanted).is_some(),
            "the model has no operation {wanted}"
        );
    }
    if !subset.operations.is_empty() {
        model
            .operations
            .0
            .retain(|(name, _)| subset.operations.contains(name));
    }
    for (name, paginator) in paginators.0 {
        if let Some((_, operation)) = model
            .operations
            .0
            .iter_mut()
            .find(|(known, _)| *known == name)
        {
            operation.pagination = Some(paginator);
        }
    }
    let reached = reached_shapes(&model)?;
    model.shapes.0.retain(|(name, _)| reached.contains(name));
    Ok(model)
}

/// The shapes that the operations use, directly or not.
fn reached_shapes(model: &Model) -> Result<BTreeSet<String>> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    for (_, operation) in model.operations.iter() {
        let uses = operation.input.iter().chain(&operation.output);
        let uses = uses.chain(&operation.errors);
        open.extend(uses.map(|reference| reference.shape.as_str()));
    }
    while let Some(name) = open.pop() {
        if !reached.insert(name.to_owned()) {
            continue;
        }
        let shape = model
            .shapes
            .get(name)
            .with_context(|| format!("the model lacks the shape {name}"))?;
        open.extend(shape.references().map(|reference| reference.shape.as_str()));
    }
    Ok(reached)
}
