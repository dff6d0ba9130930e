//! Why a piece of outside text was refused.

use std::fmt;

/// Text that is not what it should be. It keeps a bounded, printable excerpt only, so that it may be
/// echoed to the client that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    what: &'static str,
    excerpt: String,
}

/// How many characters of refused text are echoed.
const EXCERPT: usize = 128;

impl Invalid {
    /// `text` is not a valid `what`.
    pub fn new(what: &'static str, text: &str) -> Self {
        let excerpt = text
            .chars()
            .take(EXCERPT)
            .flat_map(char::escape_default)
            .collect();
        Self { what, excerpt }
    }

    /// The kind of thing that was expected: `digest`, `repository name`, …
    pub fn what(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: '{}'", self.what, self.excerpt)
    }
}

impl std::error::Error for Invalid {}
