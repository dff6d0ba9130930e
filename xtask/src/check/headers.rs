//! Every file begins with why it exists.

use crate::workspace::Source;

/// The lack of a module doc, if the file lacks one.
pub(crate) fn problem(source: &Source) -> Option<String> {
    let first = source
        .text
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with("#!["));
    let has_doc = first.is_some_and(|line| line.starts_with("//! "));
    (!has_doc).then(|| {
        format!(
            "{}: it does not begin with a `//!` doc",
            source.path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_its_doc() {
        for (text, refused) in [
            ("//! Why.\n", false),
            ("#![expect(x)]\n\n//! Why.\n", false),
            ("use x;\n//! Why.\n", true),
            ("//!\n", true),
            ("", true),
        ] {
            assert_eq!(
                problem(&Source::new("a.rs", text)).is_some(),
                refused,
                "{text}"
            );
        }
    }
}
