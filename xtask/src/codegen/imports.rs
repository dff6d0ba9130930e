//! The imports of a generated module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;

/// Path and name of an import, and the words that show a module uses it.
const CANDIDATES: [(&str, &str, &str); 27] = [
    ("std::collections", "BTreeMap", "BTreeMap<"),
    ("serde", "Serialize", "Serialize"),
    ("crate::decode", "decodes", "decodes!"),
    ("crate::operation", "Pagination", "Pagination"),
    ("crate::operation", "Request", "Request for"),
    ("crate::rule", "Bytes", "= Bytes"),
    ("crate::rule", "Flag", "= Flag"),
    ("crate::rule", "List", "= List"),
    ("crate::rule", "Number", "= Number"),
    ("crate::rule", "OneOf", "= OneOf"),
    ("crate::rule", "Pattern", "Pattern::"),
    ("crate::rule", "SensitiveText", "SensitiveText("),
    ("crate::rule", "Structure", "= Structure"),
    ("crate::rule", "Text", "Text::"),
    ("crate::scalar", "Blob", "Blob"),
    ("crate::scalar", "Sensitive", "<Sensitive>"),
    ("crate::scalar", "Sensitive", ": Sensitive,"),
    ("crate::scalar", "Timestamp", "<Timestamp>"),
    ("crate::scalar", "Timestamp", ": Timestamp,"),
    ("crate::wire_enum", "wire_enum", "wire_enum!"),
    ("crate::xml", "WriteXml", "WriteXml for"),
    ("crate::xml", "XmlWriter", "WriteXml for"),
    ("super", "enums", "enums::"),
    ("super", "inputs", "inputs::"),
    ("super", "outputs", "outputs::"),
    ("super", "rules", "rules::"),
    ("super", "shared", "shared::"),
];

/// The `use` lines that a body needs, by the words that show what it uses.
pub(crate) fn emit(module: &str, body: &str) -> Result<String> {
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, name, word) in CANDIDATES {
        if body.contains(word) {
            used.entry(path).or_default().insert(name);
        }
    }
    if module == "inputs" {
        used.entry("super::operations")
            .or_default()
            .insert("Operation");
    }
    if module == "operations" && body.contains("ExceptionKind") {
        used.entry("super::exceptions")
            .or_default()
            .insert("ExceptionKind");
    }
    let mut text = String::new();
    for (path, names) in used {
        let names: Vec<&str> = names.into_iter().collect();
        writeln!(text, "use {path}::{{{}}};", names.join(", "))?;
    }
    Ok(text + "\n")
}
