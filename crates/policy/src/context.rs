//! What a request carries besides principal, action and resource (IAM User Guide, "AWS global condition context
//! keys"). It is complete as given: a key that is not in it is missing.

use std::net::IpAddr;

/// The value of a context key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A key that has one value.
    One(String),
    /// A key that may have several, such as `aws:TagKeys`: it stays such a key with one value, or with none.
    Many(Vec<String>),
}

impl Value {
    /// All values.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::One(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::One(value.to_string())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::One(value.to_string())
    }
}

impl From<Vec<String>> for Value {
    fn from(values: Vec<String>) -> Self {
        Self::Many(values)
    }
}

/// The name of a context key, without regard to case, in a form that is quick to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    hash: u32,
    /// In lower case.
    name: Box<str>,
}

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            hash: hash(name),
            name: name.to_ascii_lowercase().into(),
        }
    }
}

/// FNV-1a of the name in lower case, folded. It only saves comparisons: names are compared when hashes agree.
fn hash(name: &str) -> u32 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    let [high, low] = [hash >> u32::BITS, hash].map(|half| half & u64::from(u32::MAX));
    u32::try_from(high ^ low).unwrap_or_default()
}

/// Hashes compared at once.
const GROUP: usize = 8;

/// The context keys of a request with their values. Names are compared without regard to case, the part behind
/// the slash of a tag key included. Two are equal if the same was set in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The hashes of the keys of `entries`, which are looked through first.
    hashes: Vec<u32>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key in lower case.
    name: Box<str>,
    pub(crate) value: Value,
    /// The value as an address, read once rather than by each condition.
    pub(crate) address: Option<IpAddr>,
}

impl Context {
    /// A context without keys.
    pub const fn new() -> Self {
        Self {
            hashes: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Gives a key its value, in place of the one that it had.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let key = Key::new(key);
        let value = value.into();
        let place = self.place(&key);
        let address = match &value {
            Value::One(text) => text.parse().ok(),
            Value::Many(_) => None,
        };
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            entry.value = value;
            entry.address = address;
        } else {
            self.hashes.push(key.hash);
            self.entries.push(Entry {
                name: key.name,
                value,
                address,
            });
        }
        self
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) {
        if let Some(place) = self.place(&Key::new(key)) {
            self.hashes.remove(place);
            self.entries.remove(place);
        }
    }

    /// The value of a key; `None` if it is missing.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value(&Key::new(key))
    }

    pub(crate) fn value(&self, key: &Key) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What is known of a key.
    #[inline]
    pub(crate) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(self.place(key)?)
    }

    #[inline]
    fn place(&self, key: &Key) -> Option<usize> {
        let (groups, rest) = self.hashes.as_chunks::<GROUP>();
        let mut start = 0;
        for group in groups.iter().map(<[u32; GROUP]>::as_slice).chain([rest]) {
            // without an early end, so that the processor compares a group in one step or two
            let is_same = |hash: &u32| u32::from(*hash == key.hash);
            let same = group.iter().map(is_same).fold(0, |one, other| one | other);
            if same > 0 {
                let entries = self.entries.get(start..).unwrap_or_default();
                let mut pairs = group.iter().zip(entries);
                let own =
                    pairs.position(|(hash, entry)| *hash == key.hash && entry.name == key.name);
                if let Some(place) = own {
                    return Some(start + place);
                }
            }
            start += group.len();
        }
        None
    }

    /// The keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.entries.iter();
        entries.map(|entry| (&*entry.name, &entry.value))
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Context {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut context = Self::new();
        for (key, value) in entries {
            context.set(key.as_ref(), value);
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_without_regard_to_case() {
        let mut context = Context::new();
        context
            .set("aws:PrincipalTag/Team", "a")
            .set("AWS:principaltag/TEAM", "b");
        assert_eq!(context.iter().count(), 1);
        assert_eq!(context.get("aws:principalTag/team"), Some(&"b".into()));
        assert_eq!(
            context.value(&Key::new("aws:PrincipalTag/team")),
            Some(&"b".into())
        );
        context.remove("AWS:PrincipalTag/team");
        assert_eq!(context.get("aws:PrincipalTag/Team"), None);
    }
}
