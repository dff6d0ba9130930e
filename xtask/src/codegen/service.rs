//! One service's model with the questions that every part of the generator asks.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::naming;
use super::subset::Subset;
use crate::model::{Kind, Model, Shape, ShapeReference};
use crate::workspace;

/// A service to generate.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) model: Model,
    pub(crate) subset: Subset,
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

impl Service {
    /// Reads `models/<name>.json`.
    pub(crate) fn load(name: &str, subset: Subset) -> Result<Self> {
        let path = workspace::root().join(format!("models/{name}.json"));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        let mut model: Model = serde_json::from_str(&text)
            .with_context(|| format!("{} is not understood", path.display()))?;
        complete(&mut model);
        let operations = || model.operations.iter().map(|(_, operation)| operation);
        let inputs = reached(&model, operations().filter_map(|o| o.input.as_ref()))?;
        let outputs = reached(&model, operations().filter_map(|o| o.output.as_ref()))?;
        Ok(Self {
            name: name.to_owned(),
            model,
            subset,
            inputs,
            outputs,
        })
    }

    /// The name in a credential scope.
    pub(crate) fn signing_name(&self) -> &str {
        self.model
            .metadata("signingName")
            .or_else(|| self.model.metadata("endpointPrefix"))
            .unwrap_or(&self.name)
    }

    /// A shape that the model must have.
    pub(crate) fn shape(&self, name: &str) -> Result<&Shape> {
        self.model
            .shapes
            .get(name)
            .with_context(|| format!("the model lacks the shape {name}"))
    }

    /// Whether an input uses the shape.
    pub(crate) fn is_input(&self, name: &str) -> bool {
        self.inputs.contains(name)
    }

    /// The module of a structure, or nothing for exceptions.
    pub(crate) fn module_of(&self, name: &str) -> Option<&'static str> {
        match (self.inputs.contains(name), self.outputs.contains(name)) {
            (true, true) => Some("shared"),
            (true, false) => Some("inputs"),
            (false, true) => Some("outputs"),
            (false, false) => None,
        }
    }

    /// Whether `Debug` must not show a member. That of blobs never does.
    pub(crate) fn is_sensitive(&self, structure: &str, member: &str, target: &Shape) -> bool {
        let named = format!("{structure}.{member}");
        target.kind == Kind::String && (target.sensitive || self.subset.sensitive.contains(&named))
    }

    /// The Rust type of a shape, as written in `module`.
    pub(crate) fn rust_type(&self, name: &str, module: &str) -> Result<String> {
        let shape = self.shape(name)?;
        let inner = |reference: &Option<ShapeReference>| -> Result<String> {
            let reference = reference
                .as_ref()
                .with_context(|| format!("{name} lacks what it holds"))?;
            self.rust_type(&reference.shape, module)
        };
        Ok(match shape.kind {
            Kind::Structure => match self.module_of(name) {
                Some(home) if home != module => format!("{home}::{}", naming::type_name(name)),
                _ => naming::type_name(name),
            },
            Kind::List => format!("Vec<{}>", inner(&shape.member)?),
            Kind::Map => format!("BTreeMap<{}, {}>", inner(&shape.key)?, inner(&shape.value)?),
            Kind::String if shape.values.is_empty() => "String".to_owned(),
            Kind::String => format!("enums::{}", naming::type_name(name)),
            Kind::Integer => "i32".to_owned(),
            Kind::Long => "i64".to_owned(),
            Kind::Double => "f64".to_owned(),
            Kind::Boolean => "bool".to_owned(),
            Kind::Timestamp => "Timestamp".to_owned(),
            Kind::Blob => "Blob".to_owned(),
        })
    }
}

/// Gives every operation an input and an output: empty ones where the model has none.
fn complete(model: &mut Model) {
    for (name, operation) in &mut model.operations.0 {
        for (slot, suffix) in [
            (&mut operation.input, "Request"),
            (&mut operation.output, "Response"),
        ] {
            slot.get_or_insert_with(|| {
                let shape = format!("{name}{suffix}");
                let reference = ShapeReference::to(&shape);
                model.shapes.0.push((shape, Shape::empty_structure()));
                reference
            });
        }
    }
}

/// The constraints of a shape in words for a doc comment, or nothing.
pub(crate) fn constraint_words(shape: &Shape) -> String {
    let unit = match shape.kind {
        Kind::String => " characters",
        Kind::List => " items",
        Kind::Blob => " bytes",
        _ => "",
    };
    let length = match (shape.min, shape.max) {
        (Some(min), Some(max)) => format!("{min} to {max}{unit}"),
        (Some(min), None) => format!("at least {min}{unit}"),
        (None, Some(max)) => format!("at most {max}{unit}"),
        (None, None) => String::new(),
    };
    let pattern = shape.pattern.as_ref();
    let pattern = pattern.map(|pattern| format!("matching `{}`", shown_pattern(pattern)));
    let words = [Some(length), pattern].into_iter().flatten();
    let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
    if words.is_empty() {
        return String::new();
    }
    format!(": {}", words.join(", "))
}

/// A pattern as the registry's messages show it: slashes need no escape.
pub(crate) fn shown_pattern(pattern: &str) -> String {
    pattern.replace(r"\/", "/")
}

/// The shapes that these uses reach.
fn reached<'m>(
    model: &'m Model,
    roots: impl Iterator<Item = &'m ShapeReference>,
) -> Result<BTreeSet<String>> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = roots.map(|root| root.shape.as_str()).collect();
    while let Some(name) = open.pop() {
        if reached.insert(name.to_owned()) {
            let shape = model
                .shapes
                .get(name)
                .with_context(|| format!("the model lacks the shape {name}"))?;
            open.extend(shape.references().map(|reference| reference.shape.as_str()));
        }
    }
    Ok(reached)
}

/// The enum name of an exception: without the suffix that all of them carry.
pub(crate) fn exception_variant(shape: &str) -> String {
    naming::variant(shape.strip_suffix("Exception").unwrap_or(shape))
}
