//! What a request carries besides principal, action and resource (IAM User Guide, "AWS global condition context
//! keys"). It is complete as given: a key that is not in it is missing.

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
    hash: u64,
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

/// FNV-1a of the name in lower case. It only saves comparisons: names are compared when hashes agree.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The context keys of a request with their values. Names are compared without regard to case, the part behind
/// the slash of a tag key included. Two are equal if the same was set in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The hashes of the keys of `entries`, which are looked through first.
    hashes: Vec<u64>,
    entries: Vec<(Box<str>, Value)>,
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
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            entry.1 = value;
        } else {
            self.hashes.push(key.hash);
            self.entries.push((key.name, value));
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
        let place = self.place(key)?;
        self.entries.get(place).map(|(_, value)| value)
    }

    fn place(&self, key: &Key) -> Option<usize> {
        let mut pairs = self.hashes.iter().zip(&self.entries);
        pairs.position(|(hash, (name, _))| *hash == key.hash && *name == key.name)
    }

    /// The keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
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
