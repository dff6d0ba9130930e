//! XML as awsQuery answers have it: elements and text, and nothing else. Lists are `<member>` elements, maps `<entry>`
//! elements, times ISO 8601 in seconds (Smithy "AWS query" protocol).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::scalar::{Blob, Sensitive, Timestamp};

/// What RFC 3986 lets stand unencoded is left alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An XML document in the making. Names come from the program, text from anywhere.
#[derive(Debug, Default)]
pub struct XmlWriter {
    out: String,
}

impl XmlWriter {
    /// Writes an element with text in it.
    pub fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.escaped(text));
    }

    /// Writes an element with whatever `content` writes in it.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.out.extend(["<", name, ">"]);
        content(self);
        self.out.extend(["</", name, ">"]);
    }

    /// Writes the outermost element.
    pub fn root(&mut self, name: &str, namespace: &str, content: impl FnOnce(&mut Self)) {
        self.out.extend(["<", name, " xmlns=\""]);
        self.escaped(namespace);
        self.out.push_str("\">");
        content(self);
        self.out.extend(["</", name, ">"]);
    }

    /// The document.
    pub fn into_string(self) -> String {
        self.out
    }

    /// Writes text.
    pub fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // A parser would turn it into a line feed.
                '\r' => self.out.push_str("&#xD;"),
                c if is_xml_char(c) => self.out.push(c),
                // XML 1.0 has no way to write the others.
                _ => self.out.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    /// Writes a member of a structure.
    pub(crate) fn member(&mut self, name: &str, value: &impl WriteXml) {
        self.element(name, |xml| value.write(xml));
    }

    /// Writes a member of a structure, unless it is absent.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&impl WriteXml>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// Writes text that the service encodes as in a URL.
    pub(crate) fn url_encoded(&mut self, name: &str, text: Option<&String>) {
        if let Some(text) = text {
            let encoded = utf8_percent_encode(text, RESERVED);
            // nothing of it is special in XML
            self.element(name, |xml| xml.out.extend(encoded));
        }
    }
}

/// XML 1.0 §2.2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A value that can stand in an element.
pub trait WriteXml {
    /// Writes what stands between the tags.
    fn write(&self, xml: &mut XmlWriter);
}

impl WriteXml for String {
    fn write(&self, xml: &mut XmlWriter) {
        xml.escaped(self);
    }
}

impl WriteXml for Sensitive {
    fn write(&self, xml: &mut XmlWriter) {
        xml.escaped(self.as_str());
    }
}

impl WriteXml for bool {
    fn write(&self, xml: &mut XmlWriter) {
        xml.out.push_str(if *self { "true" } else { "false" });
    }
}

impl WriteXml for i32 {
    fn write(&self, xml: &mut XmlWriter) {
        xml.out.push_str(&self.to_string());
    }
}

impl WriteXml for Timestamp {
    fn write(&self, xml: &mut XmlWriter) {
        let seconds = self.millis().div_euclid(1_000);
        let moment = jiff::Timestamp::from_second(seconds);
        xml.out.push_str(&moment.unwrap_or_default().to_string());
    }
}

impl WriteXml for Blob {
    fn write(&self, xml: &mut XmlWriter) {
        xml.out.push_str(&STANDARD.encode(self.as_bytes()));
    }
}

impl<T: WriteXml> WriteXml for Vec<T> {
    fn write(&self, xml: &mut XmlWriter) {
        for item in self {
            xml.member("member", item);
        }
    }
}

impl<K: WriteXml, V: WriteXml> WriteXml for BTreeMap<K, V> {
    fn write(&self, xml: &mut XmlWriter) {
        for (key, value) in self {
            xml.element("entry", |xml| {
                xml.member("key", key);
                xml.member("value", value);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl WriteXml) -> String {
        let mut xml = XmlWriter::default();
        value.write(&mut xml);
        xml.into_string()
    }

    #[test]
    fn values_have_the_forms_of_the_query_protocol() {
        for (millis, text) in [
            (1_448_875_853_999, "2015-11-30T09:30:53Z"),
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(written(&Timestamp::from_millis(millis)), text);
        }
        assert_eq!(written(&Blob::new(b"hello".to_vec())), "aGVsbG8=");
        assert_eq!(written(&true) + &written(&-7), "true-7");
        let list = vec!["a<b".to_owned(), String::new()];
        assert_eq!(written(&list), "<member>a&lt;b</member><member></member>");
        let map = BTreeMap::from([("k".to_owned(), vec![1])]);
        assert_eq!(
            written(&map),
            "<entry><key>k</key><value><member>1</member></value></entry>"
        );
    }

    #[test]
    fn url_encoding_leaves_only_what_is_unreserved() {
        let mut xml = XmlWriter::default();
        let text = "{\"a b\": +/é~-._}".to_owned();
        xml.url_encoded("D", Some(&text));
        xml.url_encoded("E", None);
        assert_eq!(
            xml.into_string(),
            "<D>%7B%22a%20b%22%3A%20%2B%2F%C3%A9~-._%7D</D>"
        );
    }
}
