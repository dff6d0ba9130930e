//! Structures: inputs are read only, outputs are written only, shared ones both; deriving no more than that halves
//! what the crate costs to build.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::naming;
use super::service::{Service, constraint_words};
use crate::model::{Kind, Operation, Ordered, Shape, ShapeReference};

/// The structures that belong to a module.
pub(crate) fn emit(service: &Service, module: &'static str) -> Result<String> {
    let mut text = String::new();
    for (name, shape) in service.model.shapes.iter() {
        if shape.kind != Kind::Structure || service.module_of(name) != Some(module) {
            continue;
        }
        let structure = Structure {
            service,
            module,
            name,
            members: members_of(shape),
            shape,
        };
        structure.declare(&mut text)?;
        if module != "outputs" {
            structure.decode(&mut text)?;
        } else if service.model.is_query() {
            structure.elements(&mut text)?;
        }
        if let Some(operation) = operation_with_input(service, name) {
            request(service, name, operation, &mut text)?;
        }
    }
    Ok(text)
}

/// A member by name and use.
type Member<'s> = (&'s str, &'s ShapeReference);

/// One structure on its way into a module.
struct Structure<'s> {
    service: &'s Service,
    module: &'static str,
    name: &'s str,
    members: Vec<Member<'s>>,
    shape: &'s Shape,
}

impl Structure<'_> {
    /// Attributes and fields.
    fn declare(&self, text: &mut String) -> Result<()> {
        let derives = match self.module {
            "inputs" => "Debug",
            "outputs" if self.has_default()? => "Debug, Default, Serialize",
            "outputs" => "Debug, Serialize",
            _ => "Debug, Clone, PartialEq, Eq, Serialize",
        };
        writeln!(text, "/// {}", self.about())?;
        writeln!(text, "#[derive({derives})]")?;
        let case = self.serde_case();
        if self.is_written()
            && let Some(case) = case
        {
            writeln!(text, "#[serde(rename_all = \"{case}\")]")?;
        }
        writeln!(text, "pub struct {} {{", self.name)?;
        for (member, reference) in &self.members {
            self.field(member, reference, case.is_none(), text)?;
        }
        text.push_str("}\n\n");
        Ok(())
    }

    fn field(
        &self,
        member: &str,
        reference: &ShapeReference,
        rename: bool,
        text: &mut String,
    ) -> Result<()> {
        let target = self.service.shape(&reference.shape)?;
        let is_required = self.is_required(member);
        let rust_type = if self.service.is_sensitive(self.name, member, target) {
            "Sensitive".to_owned()
        } else {
            self.service.rust_type(&reference.shape, self.module)?
        };
        writeln!(text, "/// `{member}`{}.", constraint_words(target))?;
        if self.is_written() && rename {
            writeln!(text, "#[serde(rename = \"{member}\")]")?;
        }
        if self.is_written() && !is_required {
            text.push_str("#[serde(skip_serializing_if = \"Option::is_none\")]\n");
        }
        let field = naming::field(member);
        if is_required {
            writeln!(text, "pub {field}: {rust_type},")?;
        } else {
            writeln!(text, "pub {field}: Option<{rust_type}>,")?;
        }
        Ok(())
    }

    /// How JSON becomes the structure. Forms (awsQuery) are not read from JSON.
    fn decode(&self, text: &mut String) -> Result<()> {
        if self.service.model.is_query() {
            ensure!(
                self.members.is_empty(),
                "{}: inputs from forms are not supported yet",
                self.name
            );
            return Ok(());
        }
        let names: Vec<String> = self
            .members
            .iter()
            .map(|(member, _)| format!("{member:?}"))
            .collect();
        let binding = if names.is_empty() {
            ""
        } else {
            "let members = "
        };
        writeln!(
            text,
            "impl Decode for {} {{\n    fn decode(node: Node<'_>) -> Result<Self, DecodeError> {{\n        \
             {binding}node.members(&[{}])?;\n        Ok(Self {{",
            self.name,
            names.join(", ")
        )?;
        for (member, reference) in &self.members {
            let way = if self.is_required(member) {
                "required"
            } else {
                "optional"
            };
            let field = naming::field(member);
            let rule = naming::constant(&reference.shape);
            writeln!(text, "{field}: members.{way}({member:?}, &rules::{rule})?,")?;
        }
        text.push_str("        })\n    }\n}\n\n");
        Ok(())
    }

    /// Names and texts of a query answer, which its gateway writes as XML.
    fn elements(&self, text: &mut String) -> Result<()> {
        for (member, reference) in &self.members {
            let is_text = self.service.rust_type(&reference.shape, self.module)? == "String";
            ensure!(
                is_text && !self.is_required(member),
                "{}.{member} is not optional text",
                self.name
            );
        }
        writeln!(
            text,
            "impl {} {{\n    /// Elements of the answer in the model's order; an absent one is left out.\n    \
             pub fn elements(&self) -> [(&'static str, Option<&str>); {}] {{\n        [",
            self.name,
            self.members.len()
        )?;
        for (member, _) in &self.members {
            writeln!(
                text,
                "({member:?}, self.{}.as_deref()),",
                naming::field(member)
            )?;
        }
        text.push_str("        ]\n    }\n}\n\n");
        Ok(())
    }

    fn about(&self) -> String {
        for (operation, description) in self.service.model.operations.iter() {
            if description.input.shape == self.name {
                return format!("Input of `{operation}`.");
            }
            if description.output.shape == self.name {
                return format!("Output of `{operation}`.");
            }
        }
        format!("The structure `{}`.", self.name)
    }

    fn is_written(&self) -> bool {
        self.module != "inputs"
    }

    fn is_required(&self, member: &str) -> bool {
        self.shape
            .required
            .iter()
            .any(|required| required == member)
    }

    /// Whether every required member has an empty value.
    fn has_default(&self) -> Result<bool> {
        for (member, reference) in self
            .members
            .iter()
            .filter(|(member, _)| self.is_required(member))
        {
            let target = self.service.shape(&reference.shape)?;
            let has_empty = matches!(
                target.kind,
                Kind::String | Kind::List | Kind::Map | Kind::Integer | Kind::Long
            );
            if !has_empty
                || !target.values.is_empty()
                || self.service.is_sensitive(self.name, member, target)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The serde case that spells every member right, if there is one.
    fn serde_case(&self) -> Option<&'static str> {
        let spells = |capital_first: bool| {
            self.members.iter().all(|(member, _)| {
                naming::serde_case(&naming::snake(member), capital_first) == *member
            })
        };
        match () {
            () if spells(false) => Some("camelCase"),
            () if spells(true) => Some("PascalCase"),
            () => None,
        }
    }
}

fn members_of(shape: &Shape) -> Vec<Member<'_>> {
    shape.members.iter().flat_map(Ordered::iter).collect()
}

fn operation_with_input<'s>(service: &'s Service, name: &str) -> Option<&'s Operation> {
    let mut operations = service
        .model
        .operations
        .iter()
        .map(|(_, operation)| operation);
    operations.find(|operation| operation.input.shape == name)
}

/// Ties an input to its operation.
fn request(service: &Service, name: &str, operation: &Operation, text: &mut String) -> Result<()> {
    let response = service.rust_type(&operation.output.shape, "inputs")?;
    writeln!(
        text,
        "impl Request for {name} {{\n    type Operation = Operation;\n    type Response = {response};\n    \
         const OPERATION: Operation = Operation::{};\n}}\n",
        operation.name
    )?;
    Ok(())
}
