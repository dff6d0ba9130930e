//! Exceptions: their names, statuses and the members that a few of them carry beside the message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};

use super::service::{Service, exception_variant};
use super::{enums, naming};
use crate::model::{Ordered, Shape};

/// The exceptions of the model, or nothing where its operations name none.
pub(crate) fn emit(service: &Service) -> Result<String> {
    let exceptions: Vec<(&str, &Shape)> = service
        .model
        .shapes
        .iter()
        .filter(|(_, shape)| shape.exception)
        .collect();
    if exceptions.is_empty() {
        return Ok(String::new());
    }
    let rows = exceptions.iter().map(|(name, shape)| {
        let code = shape
            .error
            .as_ref()
            .map_or(*name, |error| error.code.as_str());
        (exception_variant(name), code)
    });
    let mut text = enums::table(
        "The modelled exceptions, by the name that clients see.",
        "ExceptionKind",
        rows,
    )?;
    text.push_str(&statuses(&exceptions)?);
    if !service.model.is_query() {
        let message = message_member(&exceptions)?;
        text.push_str(&members(service, &exceptions)?);
        text.push_str(&BODY.replace("{MESSAGE}", message));
    }
    Ok(text)
}

/// How the service spells the member that holds the message: in one way.
fn message_member<'s>(exceptions: &[(&str, &'s Shape)]) -> Result<&'s str> {
    let all = exceptions
        .iter()
        .flat_map(|(_, shape)| shape.members.iter().flat_map(Ordered::iter));
    let spellings: BTreeSet<&str> = all.map(|(name, _)| name).filter(is_message).collect();
    let mut spellings = spellings.into_iter();
    match (spellings.next(), spellings.next()) {
        (Some(spelling), None) => Ok(spelling),
        other => bail!("the message is not called one name: {other:?}"),
    }
}

fn is_message(member: &&str) -> bool {
    member.eq_ignore_ascii_case("message")
}

/// The structure that becomes an error's body; the same for every service whose answers are JSON.
const BODY: &str = r#"
/// An exception as it leaves: `__type`, `{MESSAGE}` and the members of its kind.
#[derive(Debug, Serialize)]
pub struct Exception {
    /// Which one.
    #[serde(rename = "__type")]
    pub kind: ExceptionKind,
    /// What the client is told.
    #[serde(rename = "{MESSAGE}")]
    pub message: String,
    /// Members beside the message, for the kinds that have them.
    #[serde(flatten)]
    pub members: Option<ExceptionMembers>,
}

impl Exception {
    /// An exception without further members.
    pub fn new(kind: ExceptionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), members: None }
    }
}
"#;

fn statuses(exceptions: &[(&str, &Shape)]) -> Result<String> {
    let mut text = String::from(
        "impl ExceptionKind {\n    /// The exception's code: `__type` or `<Code>` of the answer.\n    \
         pub const fn name(self) -> &'static str {\n        self.as_str()\n    }\n\n    \
         /// The HTTP status: the model's, else 500 for a fault of the server and 400 otherwise.\n    \
         pub const fn http_status(self) -> u16 {\n        match self {\n",
    );
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for (name, shape) in exceptions {
        let stated = shape
            .error
            .as_ref()
            .and_then(|error| error.http_status_code);
        let status = stated.unwrap_or(if shape.fault { 500 } else { 400 });
        let variant = format!("Self::{}", exception_variant(name));
        by_status.entry(status).or_default().push(variant);
    }
    by_status.remove(&400);
    for (status, variants) in by_status {
        writeln!(text, "{} => {status},", variants.join(" | "))?;
    }
    text.push_str("            _ => 400,\n        }\n    }\n}\n");
    Ok(text)
}

fn members(service: &Service, exceptions: &[(&str, &Shape)]) -> Result<String> {
    let mut text = String::from(
        "\n/// Members that an exception carries beside its message.\n#[derive(Debug, Serialize)]\n\
         #[serde(untagged)]\npub enum ExceptionMembers {\n",
    );
    for (name, shape) in exceptions {
        let further = shape.members.iter().flat_map(Ordered::iter);
        let further: Vec<_> = further.filter(|(member, _)| !is_message(member)).collect();
        let Some((first, _)) = further.first() else {
            continue;
        };
        let is_capital = first.starts_with(|letter: char| letter.is_ascii_uppercase());
        let case = if is_capital {
            "PascalCase"
        } else {
            "camelCase"
        };
        writeln!(text, "/// Of `{name}`.\n#[serde(rename_all = {case:?})]")?;
        writeln!(text, "{} {{", exception_variant(name))?;
        for (member, reference) in further {
            let field = naming::field(member);
            ensure!(
                naming::serde_case(&naming::snake(member), is_capital) == member,
                "{name}.{member} needs a rename"
            );
            let rust_type = service.rust_type(&reference.shape, "exceptions")?;
            writeln!(
                text,
                "/// `{member}`.\n#[serde(skip_serializing_if = \"Option::is_none\")]"
            )?;
            writeln!(text, "{field}: Option<{rust_type}>,")?;
        }
        text.push_str("},\n");
    }
    text.push_str("}\n");
    Ok(text)
}
