//! The botocore model as far as this project keeps it. Reading refuses keys that are not named here, so that a new
//! model version cannot lose a trait silently; writing leaves documentation out. `import` and `codegen` share it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JSON object in the order of the file, which is the order of the generated code.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The value under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Names and values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OrderedVisitor(PhantomData))
    }
}

struct OrderedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrderedVisitor<T> {
    type Value = Ordered<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Ordered(entries))
    }
}

/// A service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) version: String,
    pub(crate) metadata: Ordered<serde_json::Value>,
    pub(crate) operations: Ordered<Operation>,
    pub(crate) shapes: Ordered<Shape>,
    #[serde(default, skip_serializing, rename = "documentation")]
    _documentation: IgnoredAny,
}

impl Model {
    /// A text of the metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key)?.as_str()
    }

    /// Whether answers are XML (awsQuery) and inputs are forms.
    pub(crate) fn is_query(&self) -> bool {
        self.metadata("protocol") == Some("query")
    }
}

/// An operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) http: Http,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<ShapeReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<ShapeReference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<ShapeReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pagination: Option<Paginator>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) auth: Vec<String>,
    /// `none` where requests are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authtype: Option<String>,
    #[serde(default, skip_serializing, rename = "documentation")]
    _documentation: IgnoredAny,
}

/// Where an operation is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) method: String,
    #[serde(rename = "requestUri")]
    pub(crate) request_uri: String,
}

/// A use of a shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ShapeReference {
    pub(crate) shape: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result_wrapper: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deprecated: Option<bool>,
    #[serde(default, skip_serializing, rename = "deprecatedMessage")]
    _deprecated_message: IgnoredAny,
    #[serde(default, skip_serializing, rename = "deprecatedSince")]
    _deprecated_since: IgnoredAny,
    #[serde(default, skip_serializing, rename = "documentation")]
    _documentation: IgnoredAny,
}

impl ShapeReference {
    /// A use of a shape that carries nothing else.
    pub(crate) fn to(shape: &str) -> Self {
        Self {
            shape: shape.to_owned(),
            result_wrapper: None,
            deprecated: None,
            _deprecated_message: IgnoredAny,
            _deprecated_since: IgnoredAny,
            _documentation: IgnoredAny,
        }
    }
}

/// A paginator, merged into its operation by `import`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paginator {
    pub(crate) input_token: String,
    pub(crate) output_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit_key: Option<String>,
    pub(crate) result_key: OneOrMany,
    #[serde(default, skip_serializing, rename = "more_results")]
    _more_results: IgnoredAny,
    #[serde(default, skip_serializing, rename = "non_aggregate_keys")]
    _non_aggregate_keys: IgnoredAny,
}

/// One text or a list of texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The texts.
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// What a shape is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

/// A shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the model's traits, each of which is there or not"
)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Ordered<ShapeReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<ShapeReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<ShapeReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<ShapeReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorTrait>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) exception: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) fault: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) sensitive: bool,
    /// Whether exactly one member is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) union: bool,
    #[serde(default, skip_serializing, rename = "box")]
    _boxed: IgnoredAny,
    #[serde(default, skip_serializing, rename = "documentation")]
    _documentation: IgnoredAny,
}

impl Shape {
    /// A structure without members: what an operation takes or answers for which the model has no shape.
    pub(crate) fn empty_structure() -> Self {
        Self {
            kind: Kind::Structure,
            required: Vec::new(),
            members: Some(Ordered::default()),
            member: None,
            key: None,
            value: None,
            min: None,
            max: None,
            pattern: None,
            values: Vec::new(),
            error: None,
            exception: false,
            fault: false,
            sensitive: false,
            union: false,
            _boxed: IgnoredAny,
            _documentation: IgnoredAny,
        }
    }

    /// Every use of another shape.
    pub(crate) fn references(&self) -> impl Iterator<Item = &ShapeReference> {
        let members = self.members.iter().flat_map(Ordered::iter);
        members
            .map(|(_, reference)| reference)
            .chain(&self.member)
            .chain(&self.key)
            .chain(&self.value)
    }
}

/// Code and status of an exception.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ErrorTrait {
    pub(crate) code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) sender_fault: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}
