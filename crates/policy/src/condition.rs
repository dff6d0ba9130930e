//! Conditions (IAM User Guide, "IAM JSON policy elements: Condition", and "Multivalued context keys").
//!
//! A condition holds if one of its values fits the value of its key; a negated one, if none does. What a missing
//! key means depends on the operator:
//!
//! | operator | without the key |
//! |---|---|
//! | `…IfExists`, `ForAllValues:…` | holds |
//! | `ForAnyValue:…` | does not hold |
//! | negated | holds |
//! | any other | does not hold |

pub(crate) mod decimal;
pub(crate) mod instant;
pub(crate) mod network;
pub(crate) mod operator;

use std::net::IpAddr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use self::decimal::Decimal;
use self::instant::Instant;
pub use self::network::Network;
use self::operator::{Family, Operator, Order, Quantifier};
use crate::context::{Context, Key, Value};
use crate::pattern::{Pattern, Syntax};
use crate::policy::Malformed;
use crate::resource::ArnPattern;
use crate::syntax::ConditionSyntax;

/// Base64 as lenient as writers of it are, since only what it stands for is compared.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One key of one operator, in compiled form.
#[derive(Debug)]
pub(crate) struct Condition {
    operator: Operator,
    key: Key,
    test: Test,
    /// The operator, the key and the values as written.
    written: ConditionSyntax,
}

/// The values to which those of a request are compared. One that cannot be read is left out: it fits nothing.
#[derive(Debug)]
enum Test {
    Text(Box<[Pattern]>),
    TextIgnoringCase(Box<[Pattern]>),
    Number(Order, Box<[Decimal]>),
    Time(Order, Box<[Instant]>),
    Bool(Box<[bool]>),
    Bytes(Box<[Vec<u8>]>),
    Address(Box<[Network]>),
    Arn(Box<[ArnPattern]>),
    /// Whether the key is to be missing.
    Missing(Box<[bool]>),
}

impl Condition {
    /// Compiles a condition.
    pub(crate) fn compile(
        written: ConditionSyntax,
        has_variables: bool,
    ) -> Result<Self, Malformed> {
        let operator = Operator::parse(&written.operator)
            .ok_or_else(|| Malformed::new("a condition operator does not exist"))?;
        let test = Test::compile(operator.family, &written.values, has_variables);
        Ok(Self {
            operator,
            key: Key::new(&written.key),
            test,
            written,
        })
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let operator = self.operator;
        let entry = context.entry(&self.key);
        if let Test::Missing(wanted) = &self.test {
            return wanted.contains(&entry.is_none());
        }
        let Some(entry) = entry else {
            return operator.if_exists
                || match operator.quantifier {
                    Quantifier::All => true,
                    Quantifier::Any => false,
                    Quantifier::Single => operator.is_negated,
                };
        };
        let fits = |value: &String| self.test.fits(value, context) != operator.is_negated;
        match (operator.quantifier, &entry.value) {
            // whoever asks a key that may have several values for its one value gets no answer
            (Quantifier::Single, Value::Many(_)) => false,
            (Quantifier::Single, Value::One(value)) => match &self.test {
                Test::Address(wanted) => is_in(entry.address, wanted) != operator.is_negated,
                _ => fits(value),
            },
            (Quantifier::All, value) => {
                let values = value.all();
                values.iter().all(String::is_empty) || values.iter().all(fits)
            }
            (Quantifier::Any, value) => value.all().iter().any(fits),
        }
    }

    /// The operator, the key and the values as written.
    pub(crate) fn written(&self) -> &ConditionSyntax {
        &self.written
    }

    /// The names of the variables in its values, as written.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match &self.test {
            Test::Text(patterns) | Test::TextIgnoringCase(patterns) => {
                patterns.iter().flat_map(Pattern::variables).collect()
            }
            Test::Arn(patterns) => patterns.iter().flat_map(ArnPattern::variables).collect(),
            _ => Vec::new(),
        }
    }
}

impl Test {
    fn compile(family: Family, values: &[String], has_variables: bool) -> Self {
        let texts = |wildcards| {
            let syntax = Syntax {
                wildcards,
                variables: has_variables,
            };
            let patterns = values.iter().map(|value| Pattern::parse(value, syntax));
            patterns.collect()
        };
        match family {
            Family::String => Self::Text(texts(false)),
            Family::StringLike => Self::Text(texts(true)),
            Family::StringIgnoreCase => Self::TextIgnoringCase(texts(false)),
            Family::Numeric(order) => Self::Number(order, readable(values, Decimal::parse)),
            Family::Date(order) => Self::Time(order, readable(values, Instant::parse)),
            Family::Bool => Self::Bool(readable(values, boolean)),
            Family::Null => Self::Missing(readable(values, boolean)),
            Family::Binary => Self::Bytes(readable(values, bytes)),
            Family::IpAddress => Self::Address(readable(values, Network::parse)),
            Family::Arn => {
                let patterns = values
                    .iter()
                    .map(|value| ArnPattern::parse(value, has_variables));
                Self::Arn(patterns.collect())
            }
        }
    }

    /// Whether one of its values fits one of a request.
    fn fits(&self, given: &str, context: &Context) -> bool {
        match self {
            Self::Text(wanted) => wanted.iter().any(|one| one.matches(given, context)),
            Self::TextIgnoringCase(wanted) => wanted.iter().any(|one| {
                let wanted = one.resolve(context);
                wanted.is_some_and(|wanted| equal_ignoring_case(&wanted, given))
            }),
            Self::Number(order, wanted) => Decimal::parse(given)
                .is_some_and(|given| wanted.iter().any(|one| order.fits(given.cmp(one)))),
            Self::Time(order, wanted) => Instant::parse(given)
                .is_some_and(|given| wanted.iter().any(|one| order.fits(given.cmp(one)))),
            Self::Bool(wanted) => boolean(given).is_some_and(|given| wanted.contains(&given)),
            Self::Bytes(wanted) => bytes(given).is_some_and(|given| wanted.contains(&given)),
            Self::Address(wanted) => is_in(given.parse().ok(), wanted),
            Self::Arn(wanted) => wanted.iter().any(|one| one.matches(given, context)),
            Self::Missing(_) => false,
        }
    }
}

fn is_in(address: Option<IpAddr>, wanted: &[Network]) -> bool {
    address.is_some_and(|address| wanted.iter().any(|one| one.contains(address)))
}

/// Whether a value of a condition can be read by its operator.
pub(crate) fn is_readable(operator: Operator, value: &str) -> bool {
    match operator.family {
        Family::String | Family::StringLike | Family::StringIgnoreCase => true,
        Family::Numeric(_) => Decimal::parse(value).is_some(),
        Family::Date(_) => Instant::parse(value).is_some(),
        Family::Bool | Family::Null => boolean(value).is_some(),
        Family::Binary => bytes(value).is_some(),
        Family::IpAddress => Network::parse(value).is_some(),
        Family::Arn => ArnPattern::parse(value, true).is_arn(),
    }
}

fn readable<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Box<[T]> {
    values.iter().filter_map(|value| read(value)).collect()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

fn equal_ignoring_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
        let mut context = Context::new();
        context
            .set("one", "b")
            .set("empty", "")
            .set("number", "300")
            .set("time", "2026-01-01T00:00:00Z")
            .set("flag", "TRUE")
            .set("bytes", "YQ==")
            .set("address", "10.0.0.1")
            .set("odd", "?")
            .set("umlaut", "Ä")
            .set("many", vec!["a".to_owned(), "b".to_owned()])
            .set("single", vec!["a".to_owned()])
            .set("none", Vec::new())
            .set("blank", vec![String::new()])
            .set("part-blank", vec![String::new(), "a".to_owned()]);
        let written = ConditionSyntax {
            operator: operator.to_owned(),
            key: key.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        Condition::compile(written, true).unwrap().holds(&context)
    }

    #[test]
    fn a_missing_key_means_what_the_table_says() {
        for (operator, held) in [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringEqualsIfExists", true),
            ("StringNotEqualsIfExists", true),
            ("NumericLessThan", false),
            ("NotIpAddress", true),
            ("ForAllValues:StringEquals", true),
            ("ForAllValues:StringNotEquals", true),
            ("ForAllValues:StringEqualsIfExists", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
            ("ForAnyValue:StringEqualsIfExists", true),
        ] {
            assert_eq!(holds(operator, "missing", &["1"]), held, "{operator}");
        }
    }

    #[test]
    fn null_asks_whether_a_key_is_missing() {
        for (operator, key, value, held) in [
            ("Null", "missing", "true", true),
            ("Null", "missing", "FALSE", false),
            ("Null", "one", "true", false),
            ("Null", "one", "false", true),
            ("Null", "empty", "true", false),
            ("Null", "none", "true", false),
            ("ForAllValues:Null", "missing", "false", false),
            ("Null", "one", "x", false),
            ("Null", "missing", "x", false),
        ] {
            assert_eq!(
                holds(operator, key, &[value]),
                held,
                "{operator} {key} {value}"
            );
        }
    }

    #[test]
    fn sets_are_taken_together() {
        for (operator, key, values, held) in [
            (
                "ForAllValues:StringEquals",
                "many",
                &["a", "b", "c"][..],
                true,
            ),
            ("ForAllValues:StringEquals", "many", &["a"], false),
            ("ForAllValues:StringNotEquals", "many", &["c", "d"], true),
            ("ForAllValues:StringNotEquals", "many", &["a", "d"], false),
            ("ForAllValues:StringEquals", "none", &["a"], true),
            ("ForAllValues:StringEquals", "blank", &["a"], true),
            ("ForAllValues:StringEquals", "empty", &["a"], true),
            ("ForAllValues:StringEquals", "part-blank", &["a"], false),
            ("ForAllValues:StringEquals", "one", &["b"], true),
            ("ForAnyValue:StringEquals", "many", &["b", "c"], true),
            ("ForAnyValue:StringEquals", "many", &["c"], false),
            ("ForAnyValue:StringNotEquals", "many", &["a"], true),
            ("ForAnyValue:StringNotEquals", "many", &["a", "b"], false),
            ("ForAnyValue:StringEquals", "none", &["a"], false),
            ("ForAnyValue:StringNotEquals", "none", &["a"], false),
            ("ForAnyValue:StringEqualsIfExists", "none", &["a"], false),
            ("ForAnyValue:StringEquals", "one", &["b"], true),
            ("StringEquals", "single", &["a"], false),
            ("StringNotEquals", "single", &["b"], false),
            ("StringEqualsIfExists", "single", &["a"], false),
            ("StringEquals", "none", &["a"], false),
            ("StringEquals", "empty", &[""], true),
        ] {
            assert_eq!(
                holds(operator, key, values),
                held,
                "{operator} {key} {values:?}"
            );
        }
    }

    #[test]
    fn values_are_alternatives_and_under_negation_all_are_excluded() {
        for (operator, key, values, held) in [
            ("StringEquals", "one", &["a", "b"][..], true),
            ("StringNotEquals", "one", &["a", "b"], false),
            ("StringNotEquals", "one", &["a", "c"], true),
            ("StringNotEquals", "one", &["a", "${missing}"], true),
            ("StringNotEquals", "one", &["b", "${missing}"], false),
            ("StringEquals", "one", &["${missing}"], false),
            ("StringEquals", "one", &[], false),
            ("StringNotEquals", "one", &[], true),
            ("StringEquals", "one", &["*"], false),
            ("StringLike", "one", &["*"], true),
            ("StringEqualsIgnoreCase", "one", &["B"], true),
            ("StringEqualsIgnoreCase", "umlaut", &["ä"], true),
            ("StringEqualsIgnoreCase", "one", &["${ONE}"], true),
            ("StringNotEqualsIgnoreCase", "one", &["B"], false),
            ("NumericNotEquals", "number", &["300.0"], false),
            ("NumericNotEquals", "number", &["301"], true),
            ("NumericGreaterThan", "number", &["400", "299.5"], true),
            ("NumericEquals", "odd", &["300"], false),
            ("NumericNotEquals", "odd", &["300"], true),
            ("NumericEquals", "number", &["x"], false),
            ("DateEquals", "time", &["1767225600"], true),
            ("DateNotEquals", "time", &["2026-01-01"], false),
            (
                "DateLessThanEquals",
                "time",
                &["2026-01-01T01:00:00+01:00"],
                true,
            ),
            ("Bool", "flag", &["true"], true),
            ("Bool", "flag", &["false"], false),
            ("Bool", "flag", &["false", "true"], true),
            ("Bool", "odd", &["false"], false),
            ("BinaryEquals", "bytes", &["YQ"], true),
            ("BinaryEquals", "bytes", &["Yg=="], false),
            ("IpAddress", "address", &["10.0.0.0/8"], true),
            ("NotIpAddress", "address", &["2001:db8::/32"], true),
            (
                "NotIpAddress",
                "address",
                &["10.0.0.0/8", "2001:db8::/32"],
                false,
            ),
            ("IpAddress", "odd", &["0.0.0.0/0"], false),
        ] {
            assert_eq!(
                holds(operator, key, values),
                held,
                "{operator} {key} {values:?}"
            );
        }
    }
}
