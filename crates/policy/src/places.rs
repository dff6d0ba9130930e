//! Where the statements of a document stand in its text, as AWS's policy simulator tells it (IAM API Reference, `Position`;
//! AWS CLI Command Reference, examples of `simulate-custom-policy` and `simulate-principal-policy`).
//!
//! ```text
//! "Statement": [{…}, {…}]      "Statement": {…}
//!               ^  ^^   ^                    ^ ^
//! ```
//!
//! A statement begins where a reader stands before it: behind the bracket, or the brace of the only one, or else behind
//! the statement before. It ends behind its brace.

use serde_json::value::RawValue;

use crate::json;

/// A place between two characters of a text. Lines and columns count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// Where something stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// The places of `statements`, which are all of `value`, which is a part of `text`. One pass, however many there are.
pub(crate) fn of_statements(text: &str, value: &RawValue, statements: &[&RawValue]) -> Vec<Place> {
    let mut reader = Reader::new(text);
    let mut start = reader.advance(json::offset(text, value) + 1);
    let places = statements.iter().map(|statement| {
        let end = reader.advance(json::offset(text, statement) + statement.get().len());
        let place = Place { start, end };
        start = end;
        place
    });
    places.collect()
}

/// Counts lines and columns.
struct Reader<'a> {
    text: &'a str,
    offset: usize,
    position: Position,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            position: Position { line: 1, column: 1 },
        }
    }

    /// Reads on to an offset.
    fn advance(&mut self, offset: usize) -> Position {
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        for character in passed.chars() {
            if character == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.offset = offset;
        self.position
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    fn places(text: &str) -> Vec<[u32; 4]> {
        let policy = Policy::parse(text).unwrap();
        let places = policy.statements().iter().map(crate::Statement::place);
        let numbers = places.map(|place| {
            let (start, end) = (place.start, place.end);
            [start.line, start.column, end.line, end.column]
        });
        numbers.collect()
    }

    /// What AWS answers about such documents.
    #[test]
    fn statements_stand_where_aws_says() {
        let only = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
        assert_eq!(places(only), [[1, 38, 1, 167]]);
        let administrator = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \
                             \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}";
        assert_eq!(places(administrator), [[3, 17, 8, 6]]);
    }

    #[test]
    fn each_statement_begins_where_the_one_before_ends() {
        let text = r#"  {"Id": "é", "Statement": [ {"Effect": "Deny", "Action": "a:é"} ,
 {"Effect": "Deny", "Action": "b:c"}]}"#;
        assert_eq!(places(text), [[1, 29, 1, 65], [1, 65, 2, 37]]);
        assert_eq!(places(r#"{"Statement": []}"#), [[0; 4]; 0]);
    }
}
