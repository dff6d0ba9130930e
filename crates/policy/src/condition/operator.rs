//! The names of condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators"), without
//! regard to case: `ForAnyValue:`, a comparison, `IfExists`.

use std::cmp::Ordering;

/// How the values of a key are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// The key has one value.
    Single,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// What kind of values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    String,
    StringIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

/// How two values of an ordered kind are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether a value of a request that compares so with one of a statement fits.
    pub(crate) fn fits(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) quantifier: Quantifier,
    pub(crate) family: Family,
    /// Whether it holds where the comparison does not.
    pub(crate) is_negated: bool,
    pub(crate) if_exists: bool,
}

impl Operator {
    /// Reads a name. `None` if there is no such operator.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, name) = match name.split_once(':') {
            None => (Quantifier::Single, name.as_str()),
            Some(("forallvalues", name)) => (Quantifier::All, name),
            Some(("foranyvalue", name)) => (Quantifier::Any, name),
            Some(_) => return None,
        };
        let (if_exists, name) = match name.strip_suffix("ifexists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (family, is_negated) = comparison(name)?;
        let operator = Self {
            quantifier,
            family,
            is_negated,
            if_exists,
        };
        (family != Family::Null || !if_exists).then_some(operator)
    }
}

fn comparison(name: &str) -> Option<(Family, bool)> {
    let comparison = match name {
        "stringequals" => (Family::String, false),
        "stringnotequals" => (Family::String, true),
        "stringequalsignorecase" => (Family::StringIgnoreCase, false),
        "stringnotequalsignorecase" => (Family::StringIgnoreCase, true),
        "stringlike" => (Family::StringLike, false),
        "stringnotlike" => (Family::StringLike, true),
        "bool" => (Family::Bool, false),
        "binaryequals" => (Family::Binary, false),
        "ipaddress" => (Family::IpAddress, false),
        "notipaddress" => (Family::IpAddress, true),
        "arnequals" | "arnlike" => (Family::Arn, false),
        "arnnotequals" | "arnnotlike" => (Family::Arn, true),
        "null" => (Family::Null, false),
        _ => {
            let numeric = name.strip_prefix("numeric").map(order);
            let date = || name.strip_prefix("date").map(order);
            return match numeric {
                Some(order) => order.map(|(order, negated)| (Family::Numeric(order), negated)),
                None => date()?.map(|(order, negated)| (Family::Date(order), negated)),
            };
        }
    };
    Some(comparison)
}

fn order(name: &str) -> Option<(Order, bool)> {
    let order = match name {
        "equals" => (Order::Equal, false),
        "notequals" => (Order::Equal, true),
        "lessthan" => (Order::Less, false),
        "lessthanequals" => (Order::LessOrEqual, false),
        "greaterthan" => (Order::Greater, false),
        "greaterthanequals" => (Order::GreaterOrEqual, false),
        _ => return None,
    };
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_read_without_regard_to_case() {
        for name in [
            "ForAllValues:StringNotEqualsIfExists",
            "FORALLVALUES:stringnotequalsIFEXISTS",
        ] {
            let operator = Operator::parse(name).unwrap();
            assert_eq!(operator.quantifier, Quantifier::All);
            assert_eq!(operator.family, Family::String);
            assert!(operator.is_negated && operator.if_exists);
        }
        let operator = Operator::parse("DateGreaterThanEquals").unwrap();
        assert_eq!(operator.family, Family::Date(Order::GreaterOrEqual));
        assert!(!operator.is_negated && !operator.if_exists);
    }

    #[test]
    fn other_operators_do_not_exist() {
        for name in [
            "",
            "String",
            "StringEqual",
            "NotBool",
            "BinaryNotEquals",
            "NumericLike",
            "DateNotLessThan",
            "NullIfExists",
            "IfExists",
            "ForSomeValues:StringEquals",
            "ForAllValues:ForAnyValue:StringEquals",
            "StringEqualsIfExistsIfExists",
        ] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
