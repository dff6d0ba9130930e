//! Enum shapes.

use super::naming;
use super::service::Service;

/// Every enum of the model, as `wire_enum!` tables.
pub(crate) fn emit(service: &Service) -> String {
    let shapes = service.model.shapes.iter();
    shapes
        .filter(|(_, shape)| !shape.values.is_empty())
        .map(|(name, shape)| {
            let rows = shape
                .values
                .iter()
                .map(|value| (naming::variant(value), value.as_str()));
            table(&format!("Values of `{name}`."), name, rows)
        })
        .collect()
}

/// One `wire_enum!` table.
pub(crate) fn table<'v>(
    about: &str,
    name: &str,
    rows: impl Iterator<Item = (String, &'v str)>,
) -> String {
    let mut text = format!("wire_enum! {{\n    /// {about}\n    {name} {{\n");
    for (variant, value) in rows {
        text.push_str(&format!("        {variant} = {value:?},\n"));
    }
    text.push_str("    }\n}\n\n");
    text
}
