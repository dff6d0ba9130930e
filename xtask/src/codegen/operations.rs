//! The operation table.

use std::fmt::Write as _;

use super::enums;
use super::service::{Service, exception_variant};
use crate::model::{Operation, Paginator};

/// Enum, specification table and the questions that a gateway asks.
pub(crate) fn emit(service: &Service) -> String {
    let operations: Vec<&Operation> = service
        .model
        .operations
        .iter()
        .map(|(_, operation)| operation)
        .collect();
    let names = operations
        .iter()
        .map(|operation| (operation.name.clone(), operation.name.as_str()));
    let mut text = enums::table("The operations of the service.", "Operation", names);
    let parts: Vec<Part> = parts(&operations);
    text.push_str("/// What the model says of one operation.\nstruct Specification {\n    iam_action: &'static str,\n");
    for part in &parts {
        text.push_str(part.field);
    }
    text.push_str("}\n\n/// In the order of [`Operation::ALL`].\n");
    text.push_str(&format!(
        "static SPECIFICATIONS: [Specification; {}] = [\n",
        operations.len()
    ));
    for operation in &operations {
        let own_action = service.subset.iam_actions.get(&operation.name);
        let action = own_action
            .cloned()
            .unwrap_or_else(|| format!("{}:{}", service.signing_name(), operation.name));
        text.push_str(&format!("Specification {{ iam_action: {action:?},\n"));
        for part in &parts {
            text.push_str(&(part.value)(operation));
        }
        text.push_str("},\n");
    }
    text.push_str("];\n\nimpl Operation {\n");
    text.push_str(COMMON);
    for part in &parts {
        text.push_str(part.method);
    }
    text.push_str("}\n");
    text
}

/// What some services have and others have not.
struct Part {
    field: &'static str,
    value: fn(&Operation) -> String,
    method: &'static str,
}

fn parts(operations: &[&Operation]) -> Vec<Part> {
    let mut parts = Vec::new();
    if operations
        .iter()
        .any(|operation| !operation.errors.is_empty())
    {
        parts.push(Part {
            field: "exceptions: &'static [ExceptionKind],\n",
            value: exceptions,
            method: EXCEPTIONS,
        });
    }
    if operations
        .iter()
        .any(|operation| operation.pagination.is_some())
    {
        parts.push(Part {
            field: "pagination: Option<Pagination>,\n",
            value: pagination,
            method: PAGINATION,
        });
    }
    if operations
        .iter()
        .any(|operation| operation.output.result_wrapper.is_some())
    {
        parts.push(Part {
            field: "result_wrapper: &'static str,\n",
            value: result_wrapper,
            method: RESULT_WRAPPER,
        });
    }
    parts
}

fn exceptions(operation: &Operation) -> String {
    let kinds = operation
        .errors
        .iter()
        .map(|error| format!("ExceptionKind::{}, ", exception_variant(&error.shape)));
    format!("exceptions: &[{}],\n", kinds.collect::<String>())
}

fn pagination(operation: &Operation) -> String {
    let value = operation
        .pagination
        .as_ref()
        .map_or_else(|| "None".to_owned(), paginator);
    format!("pagination: {value},\n")
}

fn paginator(paginator: &Paginator) -> String {
    let mut text = String::from("Some(Pagination { ");
    let results = paginator.result_key.as_slice();
    let written = write!(
        text,
        "input_token: {:?}, output_token: {:?}, limit_key: {:?}, result_keys: &{results:?} }})",
        paginator.input_token, paginator.output_token, paginator.limit_key
    );
    debug_assert!(written.is_ok(), "writing to a String does not fail");
    text
}

fn result_wrapper(operation: &Operation) -> String {
    format!(
        "result_wrapper: {:?},\n",
        operation
            .output
            .result_wrapper
            .as_deref()
            .unwrap_or_default()
    )
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

    /// The exception that reports a broken constraint of the input.
    pub fn constraint_exception(self) -> ExceptionKind {
        let usual = ExceptionKind::InvalidParameter;
        if self.allowed_exceptions().contains(&usual) {
            usual
        } else {
            ExceptionKind::Validation
        }
    }
";

const PAGINATION: &str = "
    /// How the operation pages, if the model has a paginator for it.
    pub fn pagination(self) -> Option<&'static Pagination> {
        self.specification().pagination.as_ref()
    }
";

const RESULT_WRAPPER: &str = "
    /// The element inside the response element that holds the output's members.
    pub fn result_wrapper(self) -> &'static str {
        self.specification().result_wrapper
    }
";
