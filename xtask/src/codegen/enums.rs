//! Enum shapes.

use std::fmt::Write as _;

use anyhow::Result;

use super::naming;
use super::service::Service;

/// Every enum of the model, as `wire_enum!` tables.
pub(crate) fn emit(service: &Service) -> Result<String> {
    let mut text = String::new();
    for (name, shape) in service.model.shapes.iter() {
        if shape.values.is_empty() {
            continue;
        }
        let rows = shape.values.iter();
        let rows = rows.map(|value| (naming::variant(value), value.as_str()));
        text += &table(
            &format!("Values of `{name}`."),
            &naming::type_name(name),
            rows,
        )?;
    }
    Ok(text)
}

/// One `wire_enum!` table.
pub(crate) fn table<'v>(
    about: &str,
    name: &str,
    rows: impl Iterator<Item = (String, &'v str)>,
) -> Result<String> {
    let mut text = format!("wire_enum! {{\n    /// {about}\n    {name} {{\n");
    for (variant, value) in rows {
        writeln!(text, "        {variant} = {value:?},")?;
    }
    text.push_str("    }\n}\n\n");
    Ok(text)
}
