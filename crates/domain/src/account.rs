//! Accounts and regions. One registry is one account in one region.

use crate::invalid::Invalid;

/// Twelve decimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// Reads twelve digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("account id", text))
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a region: any AWS-shaped one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// Reads 2 to 25 lower-case letters, digits and hyphens, starting with a letter (ECR model, `Region`).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shaped = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if (2..=25).contains(&text.len()) && shaped && begins {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("region", text))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! print_as_text {
    ($type:ty) => {
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use print_as_text;

print_as_text!(AccountId);
print_as_text!(Region);

/// What ECR calls a registry: everything of one account in one region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry {
    /// The owner; also the `registryId`.
    pub account: AccountId,
    /// Where.
    pub region: Region,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_twelve_digits_and_regions_an_aws_shape() {
        assert!(AccountId::parse("000000000000").is_ok());
        for bad in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901x",
            "１２３４５６７８９０１２",
        ] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
        assert!(Region::parse("eu-west-1").is_ok());
        for bad in [
            "",
            "e",
            "EU-west-1",
            "eu_west",
            "1-eu",
            "a23456789012345678901234567",
        ] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }
}
