//! JSON values as slices of the body: an object or list is cut into the texts of its members or items, which are
//! decoded only when somebody asks for them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Value;

/// The members of an object by their place in `names`; null is absent, and the last of twins wins.
pub(super) fn members<'a>(
    text: &'a str,
    names: &'static [&'static str],
) -> Result<Vec<Option<Value<'a>>>, serde_json::Error> {
    let mut slots = vec![None; names.len()];
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let visitor = MembersVisitor {
        names,
        slots: &mut slots,
    };
    deserializer.deserialize_map(visitor)?;
    deserializer.end()?;
    Ok(slots)
}

/// The first `limit` items of a list.
pub(super) fn items(text: &str, limit: usize) -> Result<Vec<Value<'_>>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_seq(ItemsVisitor { limit })
}

/// The text of a JSON string, if it is one.
pub(super) fn string(text: &str) -> Option<Cow<'_, str>> {
    if let Ok(text) = serde_json::from_str::<&str>(text) {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str(text).map(Cow::Owned).ok()
}

/// What a value is, in the words of AWS; `None` if it is not JSON.
pub(super) fn found(text: &str) -> Option<&'static str> {
    Some(match text.as_bytes().first()? {
        b'{' => "Start of structure or map found where not expected.",
        b'[' => "Start of list found where not expected.",
        b'"' => "STRING_VALUE",
        b't' => "TRUE_VALUE",
        b'f' => "FALSE_VALUE",
        b'-' | b'0'..=b'9' => "NUMBER_VALUE",
        _ => return None,
    })
}

/// Fills the slots of the known members.
struct MembersVisitor<'s, 'de> {
    names: &'static [&'static str],
    slots: &'s mut [Option<Value<'de>>],
}

impl<'de> Visitor<'de> for MembersVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(index) = map.next_key_seed(MemberName(self.names))? {
            let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'de RawValue = map.next_value()?;
            let text = Some(raw.get()).filter(|text| *text != "null");
            *slot = text.map(Value::Json);
        }
        Ok(())
    }
}

/// Reads a key as its index among the known names, without keeping unknown ones.
struct MemberName(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

/// Collects the first items of a list and skips the rest.
struct ItemsVisitor {
    limit: usize,
}

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            let Some(raw) = list.next_element::<&'de RawValue>()? else {
                return Ok(items);
            };
            items.push(Value::Json(raw.get()));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}
