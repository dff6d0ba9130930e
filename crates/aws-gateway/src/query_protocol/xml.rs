//! Writes XML: elements, text, and nothing else.

/// An XML document in the making. Names come from the program, text from anywhere.
#[derive(Default)]
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

    pub(super) fn root(&mut self, name: &str, namespace: &str, content: impl FnOnce(&mut Self)) {
        self.out.extend(["<", name, " xmlns=\""]);
        self.escaped(namespace);
        self.out.push_str("\">");
        content(self);
        self.out.extend(["</", name, ">"]);
    }

    pub(super) fn into_string(self) -> String {
        self.out
    }

    fn escaped(&mut self, text: &str) {
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
}

/// XML 1.0 §2.2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
