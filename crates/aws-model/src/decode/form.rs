//! Forms as trees (Smithy "AWS query" protocol): `Tags.member.1.Key=a` is the member `Key` of the first item of the
//! member `Tags`. A place in the tree is a slice of the sorted parameters, so nothing is built and nothing copied.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What stands between a list's name and the number of an item.
const ITEMS: &str = "member";

/// The largest number of an item. No list of the models is longer, and gaps cost nothing.
const LAST_ITEM: usize = 9_999;

/// Most items of a list that a message repeats.
const SHOWN_ITEMS: usize = 8;

/// A place in a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    /// What the parameter with exactly this name says.
    value: Option<&'a str>,
    /// The parameters whose names go on with a dot, in order.
    below: &'a [(&'a str, &'a str)],
    /// How many bytes of those names lead here, with the dot.
    depth: usize,
}

impl<'a> Branch<'a> {
    /// The whole form. The parameters must be sorted by name.
    pub(super) fn root(sorted: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            value: None,
            below: sorted,
            depth: 0,
        }
    }

    /// The value here.
    pub(super) fn value(self) -> Option<&'a str> {
        self.value
    }

    /// The place under a name without dots, if the form says anything of it.
    pub(super) fn child(self, name: &str) -> Option<Self> {
        let position = self
            .below
            .binary_search_by(|(other, _)| self.rest(other).cmp(name));
        let value = position.ok().map(|index| self.below[index].1);
        let prefix = format!("{name}.");
        let start = self
            .below
            .partition_point(|(other, _)| self.rest(other) < prefix.as_str());
        let from_there = &self.below[start..];
        let count = from_there.partition_point(|(other, _)| self.rest(other).starts_with(&prefix));
        let child = Self {
            value,
            below: &from_there[..count],
            depth: self.depth + prefix.len(),
        };
        (value.is_some() || count > 0).then_some(child)
    }

    /// What follows this place in the name of a parameter below it.
    fn rest(self, name: &'a str) -> &'a str {
        name.get(self.depth..).unwrap_or_default()
    }

    /// The first `limit` items of the list that stands here, in the order of their numbers; `None` if it is no list.
    /// The empty list is written as an empty value.
    pub(super) fn items(self, limit: usize) -> Option<Vec<Self>> {
        let Some(items) = self.child(ITEMS) else {
            let is_empty = self.below.is_empty() && self.value == Some("");
            return is_empty.then(Vec::new);
        };
        if items.value.is_some() {
            return None;
        }
        let mut found = BTreeMap::new();
        for (name, _) in items.below {
            let rest = items.rest(name);
            let number = rest.split_once('.').map_or(rest, |(number, _)| number);
            let position = item_position(number)?;
            if let Entry::Vacant(free) = found.entry(position) {
                free.insert(items.child(number)?);
            }
        }
        Some(found.into_values().take(limit).collect())
    }

    /// The value, or the first values below, as a message may repeat them.
    pub(super) fn shown(self) -> Cow<'a, str> {
        if let Some(value) = self.value {
            return Cow::Borrowed(value);
        }
        let values = self.below.iter().map(|(_, value)| *value);
        let mut shown: Vec<&str> = values.take(SHOWN_ITEMS).collect();
        if self.below.len() > SHOWN_ITEMS {
            shown.push("…");
        }
        Cow::Owned(format!("[{}]", shown.join(", ")))
    }
}

/// The number of an item: from 1, without zeros before it, so that each item has one name.
fn item_position(text: &str) -> Option<usize> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let position = text.parse().ok().filter(|_| is_number)?;
    (1..=LAST_ITEM).contains(&position).then_some(position)
}

/// A boolean as query clients write it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items_of(pairs: &[(&str, &str)]) -> Option<Vec<String>> {
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable();
        let list = Branch::root(&pairs).child("L")?.items(3)?;
        Some(list.into_iter().map(|item| item.shown().into()).collect())
    }

    #[test]
    fn items_are_ordered_by_number() {
        let pairs = [
            ("L.member.10", "c"),
            ("L.member.2", "b"),
            ("L.member.1", "a"),
            ("L-x", "other"),
            ("Lx.member.1", "other"),
        ];
        assert_eq!(items_of(&pairs).unwrap(), ["a", "b", "c"]);
        assert_eq!(items_of(&[("L", "")]).unwrap(), [""; 0]);
        let five: Vec<String> = (1..=5).map(|n| format!("L.member.{n}")).collect();
        let five: Vec<_> = five.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(items_of(&five).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_list_is_none() {
        for name in [
            "L",
            "L.1",
            "L.entry.1",
            "L.member",
            "L.member.",
            "L.member.0",
            "L.member.01",
            "L.member.+1",
            "L.member.-1",
            "L.member.1x",
            "L.member.10000",
            "L.member.99999999999999999999",
            "L.member.\u{661}",
        ] {
            assert_eq!(items_of(&[(name, "a")]), None, "{name}");
        }
    }

    #[test]
    fn places_are_found_by_their_whole_name() {
        let mut pairs = [
            ("A", "1"),
            ("A.B", "2"),
            ("A.B.C", "3"),
            ("A-B", "4"),
            ("AB", "5"),
        ];
        pairs.sort_unstable();
        let root = Branch::root(&pairs);
        let (a, b) = (
            root.child("A").unwrap(),
            root.child("A").unwrap().child("B"),
        );
        assert_eq!((a.value(), b.unwrap().value()), (Some("1"), Some("2")));
        assert_eq!(b.unwrap().child("C").unwrap().value(), Some("3"));
        assert!(root.child("B").is_none() && root.child("").is_none());
    }
}
