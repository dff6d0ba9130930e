//! Unique ids: a prefix that says of what, and letters that are never drawn twice (IAM User Guide, "IAM identifiers").

use ecru_ports::Ids;
use ecru_ports::metadata::EntityKind;

use super::records;

/// Characters of the id of an access key.
const KEY_LENGTH: usize = 20;

/// A fresh id of an entity.
pub(crate) fn of_entity(kind: EntityKind, ids: &dyn Ids) -> String {
    records::unique_id(prefix(kind), ids.random())
}

/// A fresh id of a long-term access key.
pub(crate) fn of_access_key(ids: &dyn Ids) -> String {
    let mut id = records::unique_id("AKIA", ids.random());
    id.truncate(KEY_LENGTH);
    id
}

/// The id of what has its name for ever.
pub(crate) fn of_name(kind: EntityKind, name: &str) -> String {
    let digest = ecru_domain::Digest::sha256(name.as_bytes());
    let bits = digest.hex().get(..32).unwrap_or_default();
    let bits = u128::from_str_radix(bits, 16).unwrap_or_default();
    records::unique_id(prefix(kind), bits.to_be_bytes())
}

fn prefix(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::User => "AIDA",
        EntityKind::Role => "AROA",
        EntityKind::Group => "AGPA",
        EntityKind::Policy => "ANPA",
        EntityKind::InstanceProfile => "AIPA",
        _ => "AXXA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_names_are_as_long_as_any_and_differ() {
        let id = of_name(EntityKind::Policy, "a");
        assert!(id.starts_with("ANPA") && id.len() == 21);
        assert_ne!(id, of_name(EntityKind::Policy, "b"));
    }
}
