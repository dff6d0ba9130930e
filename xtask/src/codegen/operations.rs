//! The operation table.

use std::fmt::Write as _;

use anyhow::Result;

use super::enums;
use super::service::{Service, exception_variant};
use crate::model::{Operation, Paginator};

/// Enum, specification table and the questions that a gateway asks.
pub(crate) fn emit(service: &Service) -> Result<String> {
    let operations = service.model.operations.iter();
    let operations: Vec<&Operation> = operations.map(|(_, operation)| operation).collect();
    let names = operations.iter();
    let names = names.map(|operation| (operation.name.clone(), operation.name.as_str()));
    let mut text = enums::table("The operations of the service.", "Operation", names)?;
    let parts = parts(&operations);
    text += &specifications(service, &operations, &parts)?;
    text += "impl Operation {\n";
    text += COMMON;
    for part in &parts {
        text += part.method;
    }
    text += &constraint_exception(service);
    text += "}\n";
    Ok(text)
}

/// Which exception reports a broken constraint, where that depends on the operation.
fn constraint_exception(service: &Service) -> String {
    let shapes = service.subset.constraint_exceptions.iter();
    let mut kinds: Vec<String> = shapes
        .map(|shape| format!("ExceptionKind::{}", exception_variant(shape)))
        .collect();
    let Some(last) = kinds.pop() else {
        return String::new();
    };
    let choices = kinds.into_iter();
    let choices = choices.map(|kind| {
        format!("if self.allowed_exceptions().contains(&{kind}) {{ return {kind}; }}\n")
    });
    let choice: Vec<String> = choices.collect();
    let choice = choice.concat();
    format!(
        "\n/// The exception that reports a broken constraint of the input.\n\
         pub fn constraint_exception(self) -> ExceptionKind {{ {choice} {last} }}\n"
    )
}

/// The table behind the enum.
fn specifications(service: &Service, operations: &[&Operation], parts: &[Part]) -> Result<String> {
    let mut text = String::from(
        "/// What the model says of one operation.\nstruct Specification {\n    iam_action: &'static str,\n",
    );
    for part in parts {
        text += part.field;
    }
    text += "}\n\n/// In the order of [`Operation::ALL`].\n";
    let count = operations.len();
    writeln!(text, "static SPECIFICATIONS: [Specification; {count}] = [")?;
    for operation in operations {
        let action = iam_action(service, operation);
        writeln!(text, "Specification {{ iam_action: {action:?},")?;
        for part in parts {
            text += &(part.value)(operation);
        }
        text += "},\n";
    }
    text += "];\n\n";
    Ok(text)
}

fn iam_action(service: &Service, operation: &Operation) -> String {
    let own = service.subset.iam_actions.get(&operation.name).cloned();
    own.unwrap_or_else(|| format!("{}:{}", service.signing_name(), operation.name))
}

/// What some services have and others have not.
struct Part {
    field: &'static str,
    value: fn(&Operation) -> String,
    method: &'static str,
}

fn parts(operations: &[&Operation]) -> Vec<Part> {
    let any = |has: fn(&Operation) -> bool| operations.iter().any(|operation| has(operation));
    let mut parts = Vec::new();
    if any(|operation| !operation.errors.is_empty()) {
        parts.push(Part {
            field: "exceptions: &'static [ExceptionKind],\n",
            value: exceptions,
            method: EXCEPTIONS,
        });
    }
    if any(|operation| operation.pagination.is_some()) {
        parts.push(Part {
            field: "pagination: Option<Pagination>,\n",
            value: pagination,
            method: PAGINATION,
        });
    }
    if any(|operation| operation.authtype.is_some()) {
        parts.push(Part {
            field: "is_signed: bool,\n",
            value: is_signed,
            method: IS_SIGNED,
        });
    }
    if any(|operation| wrapper_of(operation).is_some()) {
        parts.push(Part {
            field: "result_wrapper: Option<&'static str>,\n",
            value: result_wrapper,
            method: RESULT_WRAPPER,
        });
    }
    parts
}

fn exceptions(operation: &Operation) -> String {
    let mut kinds = String::new();
    for error in &operation.errors {
        kinds += "ExceptionKind::";
        kinds += &exception_variant(&error.shape);
        kinds += ", ";
    }
    format!("exceptions: &[{kinds}],\n")
}

fn pagination(operation: &Operation) -> String {
    let paginator = operation.pagination.as_ref().map(paginator);
    format!("pagination: {},\n", paginator.as_deref().unwrap_or("None"))
}

fn paginator(paginator: &Paginator) -> String {
    let results = paginator.result_key.as_slice();
    format!(
        "Some(Pagination {{ input_token: {:?}, output_token: {:?}, limit_key: {:?}, result_keys: &{results:?} }})",
        paginator.input_token, paginator.output_token, paginator.limit_key
    )
}

fn is_signed(operation: &Operation) -> String {
    let is_signed = operation.authtype.as_deref() != Some("none");
    format!("is_signed: {is_signed},\n")
}

fn wrapper_of(operation: &Operation) -> Option<&str> {
    operation.output.as_ref()?.result_wrapper.as_deref()
}

fn result_wrapper(operation: &Operation) -> String {
    format!("result_wrapper: {:?},\n", wrapper_of(operation))
}

const COMMON: &str = "
    fn specification(self) -> &'static Specification {
        &SPECIFICATIONS[self as usize]
    }

    /// The operation's name, as in `X-Amz-Target` or `Action`.
    pub const fn name(self) -> &'static str {
        self.as_str()
    }

    /// The operation of a name, if the model has it. Case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::parse(name)
    }

    /// The IAM action that allows the operation.
    pub fn iam_action(self) -> &'static str {
        self.specification().iam_action
    }
";

const EXCEPTIONS: &str = "
    /// The exceptions that the model lets the operation answer.
    pub fn allowed_exceptions(self) -> &'static [ExceptionKind] {
        self.specification().exceptions
    }
";

const PAGINATION: &str = "
    /// How the operation pages, if the model has a paginator for it.
    pub fn pagination(self) -> Option<&'static Pagination> {
        self.specification().pagination.as_ref()
    }
";

const IS_SIGNED: &str = "
    /// Whether requests must be signed.
    pub fn is_signed(self) -> bool {
        self.specification().is_signed
    }
";

const RESULT_WRAPPER: &str = "
    /// The element inside the response element that holds the output's members, if the operation has an output.
    pub fn result_wrapper(self) -> Option<&'static str> {
        self.specification().result_wrapper
    }
";
