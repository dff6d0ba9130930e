//! Unique ids: a prefix that says of what, and letters that are never drawn twice (IAM User Guide, "IAM identifiers").

use ecru_ports::Ids;
use ecru_ports::metadata::EntityKind;

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Letters behind the prefix of an entity.
const ENTITY_LETTERS: u32 = 17;
/// Letters behind the prefix of an access key.
const KEY_LETTERS: u32 = 16;

/// A fresh id of an entity.
pub(crate) fn of_entity(kind: EntityKind, ids: &dyn Ids) -> String {
    from_bits(
        prefix(kind),
        u128::from_be_bytes(ids.random()),
        ENTITY_LETTERS,
    )
}

/// A fresh id of a long-term access key.
pub(crate) fn of_access_key(ids: &dyn Ids) -> String {
    from_bits("AKIA", u128::from_be_bytes(ids.random()), KEY_LETTERS)
}

/// The id of what has its name for ever.
pub(crate) fn of_name(kind: EntityKind, name: &str) -> String {
    let digest = ecru_domain::Digest::sha256(name.as_bytes());
    let hex = digest.hex();
    let bits = u128::from_str_radix(hex.get(..32).unwrap_or_default(), 16).unwrap_or_default();
    from_bits(prefix(kind), bits, ENTITY_LETTERS)
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

fn from_bits(prefix: &str, bits: u128, letters: u32) -> String {
    let letter = |place: u32| {
        let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
        char::from(LETTERS[index])
    };
    let mut id = String::from(prefix);
    id.extend((0..letters).rev().map(letter));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_21_letters_and_differ_where_bits_do() {
        let id = from_bits("AIDA", 31, ENTITY_LETTERS);
        assert_eq!(id, "AIDAAAAAAAAAAAAAAAAA7");
        assert_eq!(id.len(), 21);
        assert_eq!(from_bits("AKIA", 0, KEY_LETTERS).len(), 20);
        assert_ne!(
            of_name(EntityKind::Policy, "a"),
            of_name(EntityKind::Policy, "b")
        );
    }
}
