//! One check for each shape that an input uses.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};

use super::naming;
use super::service::{Service, shown_pattern};
use crate::model::{Kind, Ordered, Shape};

/// The checks of a service.
pub(crate) fn emit(service: &Service) -> Result<String> {
    let mut text = String::new();
    let operations = service.model.operations.iter();
    let inputs = operations.filter_map(|(_, operation)| operation.input.as_ref());
    let roots: Vec<&str> = inputs.map(|input| input.shape.as_str()).collect();
    for (name, shape) in service.model.shapes.iter() {
        if service.is_input(name) && !roots.contains(&name) {
            let (rule_type, value) =
                rule(service, name, shape).with_context(|| format!("shape {name}"))?;
            writeln!(
                text,
                "pub(super) static {}: {rule_type} = {value};",
                naming::constant(name)
            )?;
        }
    }
    Ok(text)
}

/// Type and value of one check.
fn rule(service: &Service, name: &str, shape: &Shape) -> Result<(String, String)> {
    Ok(match shape.kind {
        Kind::String if !shape.values.is_empty() => {
            let values = service.rust_type(name, "rules")?;
            (format!("OneOf<{values}>"), "OneOf::new()".to_owned())
        }
        Kind::String if is_sensitive(service, name, shape)? => (
            "SensitiveText".to_owned(),
            format!("SensitiveText({})", text_rule(service, name, shape)),
        ),
        Kind::String => ("Text".to_owned(), text_rule(service, name, shape)),
        Kind::Integer => number_rule("i32", i64::from(i32::MIN), i64::from(i32::MAX), shape),
        Kind::Long => number_rule("i64", i64::MIN, i64::MAX, shape),
        Kind::Boolean => ("Flag".to_owned(), "Flag".to_owned()),
        Kind::Blob => (
            "Bytes".to_owned(),
            format!("Bytes::bounded({})", bounds(shape)),
        ),
        Kind::List => list_rule(service, name, shape)?,
        Kind::Structure => {
            let structure = service.rust_type(name, "rules")?;
            (
                format!("Structure<{structure}>"),
                "Structure::new()".to_owned(),
            )
        }
        Kind::Map | Kind::Double | Kind::Timestamp => {
            bail!("inputs of this kind are not supported yet")
        }
    })
}

fn text_rule(service: &Service, name: &str, shape: &Shape) -> String {
    match &shape.pattern {
        Some(pattern) => format!(
            "Text::matching({}, {})",
            bounds(shape),
            pattern_rule(service, name, &shown_pattern(pattern))
        ),
        None if shape.min.is_none() && shape.max.is_none() => "Text::any()".to_owned(),
        None => format!("Text::bounded({})", bounds(shape)),
    }
}

/// What is matched, and what is told of it.
fn pattern_rule(service: &Service, name: &str, pattern: &str) -> String {
    let expression = service.subset.expressions.get(name);
    match service.subset.sentences.get(name) {
        Some(sentence) => {
            let expression = expression.map_or(pattern, String::as_str);
            format!("Pattern::worded(r\"{expression}\", {sentence:?})")
        }
        None => match expression {
            Some(expression) => format!("Pattern::shown_as(r\"{expression}\", r\"{pattern}\")"),
            None => format!("Pattern::new(r\"{pattern}\")"),
        },
    }
}

fn number_rule(rust_type: &str, least: i64, most: i64, shape: &Shape) -> (String, String) {
    let bound = |value: i64| match value {
        i64::MIN => "i64::MIN".to_owned(),
        i64::MAX => "i64::MAX".to_owned(),
        value => grouped(value),
    };
    let (min, max) = (shape.min.unwrap_or(least), shape.max.unwrap_or(most));
    (
        format!("Number<{rust_type}>"),
        format!("Number::bounded({}, {})", bound(min), bound(max)),
    )
}

fn list_rule(service: &Service, name: &str, shape: &Shape) -> Result<(String, String)> {
    let item = &shape.member.as_ref().context("a list of nothing")?.shape;
    let (item_type, _) =
        rule(service, item, service.shape(item)?).with_context(|| format!("items of {name}"))?;
    Ok((
        format!("List<{item_type}>"),
        format!(
            "List::bounded({}, &{})",
            bounds(shape),
            naming::constant(item)
        ),
    ))
}

/// The two bounds of a length.
fn bounds(shape: &Shape) -> String {
    let max = shape.max.map_or_else(|| "usize::MAX".to_owned(), grouped);
    format!("{}, {max}", grouped(shape.min.unwrap_or(0)))
}

/// A number with `_` between thousands, as clippy asks of long ones.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 {
        "-".to_owned()
    } else {
        String::new()
    };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len() > 4 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Whether inputs hold this shape only in sensitive members; a mixture is refused.
fn is_sensitive(service: &Service, name: &str, shape: &Shape) -> Result<bool> {
    let mut uses = Vec::new();
    for (structure, holder) in service.model.shapes.iter() {
        let members = holder.members.iter().flat_map(Ordered::iter);
        let of_shape =
            members.filter(|(_, reference)| reference.shape == name && service.is_input(structure));
        uses.extend(of_shape.map(|(member, _)| service.is_sensitive(structure, member, shape)));
    }
    let sensitive = uses.contains(&true);
    ensure!(
        !sensitive || !uses.contains(&false),
        "{name} is sensitive in some inputs only"
    );
    Ok(sensitive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (1000, "1000"),
            (30720, "30_720"),
            (-4_194_304, "-4_194_304"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
