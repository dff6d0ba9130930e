//! Structures: inputs are read only, outputs are written only, shared ones both; deriving no more than that halves
//! what the crate costs to build.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

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
        }
        if module != "inputs" && service.model.is_query() {
            structure.write_xml(&mut text)?;
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
        let mut derives = match self.module {
            "shared" => "Debug, Clone, PartialEq, Eq",
            "outputs" if self.has_default()? => "Debug, Default",
            _ => "Debug",
        }
        .to_owned();
        if self.is_output() {
            derives += ", Serialize";
        }
        writeln!(text, "/// {}", self.about())?;
        writeln!(text, "#[derive({derives})]")?;
        let case = self.serde_case();
        if self.is_output()
            && let Some(case) = case
        {
            writeln!(text, "#[serde(rename_all = \"{case}\")]")?;
        }
        writeln!(text, "pub struct {} {{", naming::type_name(self.name))?;
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
        if self.is_output() && rename {
            writeln!(text, "#[serde(rename = \"{}\")]", self.json_name(member))?;
        }
        if self.is_output() && !is_required {
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

    /// How a request becomes the structure.
    fn decode(&self, text: &mut String) -> Result<()> {
        writeln!(text, "decodes! {{\n    {} {{", naming::type_name(self.name))?;
        for (member, reference) in &self.members {
            let way = if self.is_required(member) {
                "required"
            } else {
                "optional"
            };
            let field = naming::field(member);
            let rule = naming::constant(&reference.shape);
            writeln!(text, "        {field}: {way} {member:?} rules::{rule},")?;
        }
        text.push_str("    }\n}\n\n");
        Ok(())
    }

    /// How the structure becomes XML.
    fn write_xml(&self, text: &mut String) -> Result<()> {
        let xml = if self.members.is_empty() { "_" } else { "xml" };
        writeln!(
            text,
            "impl WriteXml for {} {{\n    fn write(&self, {xml}: &mut XmlWriter) {{",
            naming::type_name(self.name)
        )?;
        for (member, reference) in &self.members {
            let field = naming::field(member);
            let is_encoded = self.service.subset.url_encoded.contains(&reference.shape);
            let (way, value) = match (is_encoded, self.is_required(member)) {
                (true, true) => ("url_encoded", format!("Some(&self.{field})")),
                (true, false) => ("url_encoded", format!("self.{field}.as_ref()")),
                (false, true) => ("member", format!("&self.{field}")),
                (false, false) => ("optional", format!("self.{field}.as_ref()")),
            };
            writeln!(text, "xml.{way}({member:?}, {value});")?;
        }
        text.push_str("    }\n}\n\n");
        Ok(())
    }

    fn about(&self) -> String {
        let is_here = |reference: &ShapeReference| reference.shape == self.name;
        for (operation, description) in self.service.model.operations.iter() {
            if description.input.as_ref().is_some_and(is_here) {
                return format!("Input of `{operation}`.");
            }
            if description.output.as_ref().is_some_and(is_here) {
                return format!("Output of `{operation}`.");
            }
        }
        let only_one = if self.shape.union {
            ", of which one member is set"
        } else {
            ""
        };
        format!("The structure `{}`{only_one}.", self.name)
    }

    /// Whether it is written as JSON: to clients, or to audit records.
    fn is_output(&self) -> bool {
        self.module != "inputs"
    }

    /// What a member is called in JSON: as in the model, or as audit records name those of query services.
    fn json_name(&self, member: &str) -> String {
        if self.service.model.is_query() {
            naming::uncapitalized(member)
        } else {
            member.to_owned()
        }
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
                naming::serde_case(&naming::snake(member), capital_first) == self.json_name(member)
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
    operations.find(|operation| {
        let input = operation.input.as_ref();
        input.is_some_and(|input| input.shape == name)
    })
}

/// Ties an input to its operation.
fn request(service: &Service, name: &str, operation: &Operation, text: &mut String) -> Result<()> {
    let output = operation.output.as_ref();
    let output = output.with_context(|| format!("{} has no output", operation.name))?;
    let response = service.rust_type(&output.shape, "inputs")?;
    let name = naming::type_name(name);
    writeln!(
        text,
        "impl Request for {name} {{\n    type Operation = Operation;\n    type Response = {response};\n    \
         const OPERATION: Operation = Operation::{};\n}}\n",
        operation.name
    )?;
    Ok(())
}
