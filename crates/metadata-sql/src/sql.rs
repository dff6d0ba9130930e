//! The seam between statements and engines.
//!
//! Statements use `$1`, `$2` … in the order of their first appearance, since SQLite numbers them so.

use std::borrow::Cow;

use ecru_domain::{Algorithm, Digest, RepositoryId, Timestamp, UploadId};
use ecru_ports::blobs::ObjectId;
use ecru_ports::metadata::StoreError;

use crate::row::Row;

/// A value on its way into a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parameter<'a> {
    /// No value.
    Null,
    /// For `BIGINT` columns.
    Integer(i64),
    /// For `TEXT` columns.
    Text(Cow<'a, str>),
    /// For columns of bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Parameter<'_> {
    /// The same value, on its own.
    pub(crate) fn to_static(&self) -> Parameter<'static> {
        match self {
            Self::Null => Parameter::Null,
            Self::Integer(number) => Parameter::Integer(*number),
            Self::Text(text) => Parameter::Text(Cow::Owned(text.as_ref().to_owned())),
            Self::Bytes(bytes) => Parameter::Bytes(Cow::Owned(bytes.as_ref().to_owned())),
        }
    }
}

/// A value out of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// No value.
    Null,
    /// From a `BIGINT` column.
    Integer(i64),
    /// From a `TEXT` column.
    Text(String),
    /// From a column of bytes.
    Bytes(Vec<u8>),
}

/// One connection that runs statements. After an error the transaction around them is not to be used further.
///
/// [`StoreError::Conflict`] stands for a serialization conflict: the transaction may succeed when run again.
pub(crate) trait Sql {
    /// Runs a statement that returns no rows. Returns how many rows it changed.
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<u64, StoreError>;

    /// Runs a statement whose count nobody needs. An engine far away may put it off; its failure then comes with a
    /// later statement, or with the end of the transaction.
    fn submit(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<(), StoreError> {
        self.execute(statement, values).map(drop)
    }

    /// Runs a statement and returns its rows.
    fn query(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError>;

    /// Runs statements in order and returns the rows of each.
    fn query_each(
        &mut self,
        statements: &[(&'static str, Vec<Parameter<'_>>)],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        statements
            .iter()
            .map(|(statement, values)| self.query(statement, values))
            .collect()
    }

    /// Runs several statements without parameters, separated by semicolons.
    fn run_script(&mut self, script: &str) -> Result<(), StoreError>;

    /// Takes note that the transaction changes structure: an engine may want to know it before COMMIT.
    fn restructure(&mut self) {}
}

/// The first row of a statement that returns at most one.
pub(crate) fn query_one(
    sql: &mut dyn Sql,
    statement: &'static str,
    values: &[Parameter<'_>],
) -> Result<Option<Row>, StoreError> {
    Ok(sql.query(statement, values)?.into_iter().next())
}

/// A count or size as a parameter; refused if it does not fit a `BIGINT`.
pub(crate) fn unsigned(number: u64) -> Result<Parameter<'static>, StoreError> {
    i64::try_from(number)
        .map(Parameter::Integer)
        .map_err(|_| StoreError::Failed("a number is too large for its column".to_owned()))
}

/// A count that may be absent.
pub(crate) fn optional_unsigned(number: Option<u64>) -> Result<Parameter<'static>, StoreError> {
    number.map_or(Ok(Parameter::Null), unsigned)
}

/// The stored form of a digest: a byte for the algorithm, then the hash. Sorts as the text does, in half the space.
pub(crate) fn digest_bytes(digest: &Digest) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + digest.hex().len() / 2);
    bytes.push(match digest.algorithm() {
        Algorithm::Sha256 => 1,
        Algorithm::Sha512 => 2,
    });
    // a Digest holds nothing but hexadecimal digits
    bytes.extend(hex::decode(digest.hex()).unwrap_or_default());
    bytes
}

/// The stored form of the digest after which a list begins: `None` is before all of them.
pub(crate) fn after_digest(after: Option<&str>) -> Result<Parameter<'static>, StoreError> {
    let Some(text) = after else {
        return Ok(Parameter::Bytes(Cow::Borrowed(&[])));
    };
    Digest::parse(text)
        .map(|digest| Parameter::from(&digest))
        .map_err(|_| StoreError::Failed("a list was to begin after what is no digest".to_owned()))
}

impl<'a> From<&'a str> for Parameter<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Parameter<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a RepositoryId> for Parameter<'a> {
    fn from(id: &'a RepositoryId) -> Self {
        Self::Text(Cow::Borrowed(id.as_str()))
    }
}

impl<'a> From<&'a ObjectId> for Parameter<'a> {
    fn from(id: &'a ObjectId) -> Self {
        Self::Text(Cow::Borrowed(id.as_str()))
    }
}

impl<'a> From<&'a UploadId> for Parameter<'a> {
    fn from(id: &'a UploadId) -> Self {
        Self::Text(Cow::Borrowed(id.as_str()))
    }
}

impl<'a> From<&'a [u8]> for Parameter<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<&Digest> for Parameter<'_> {
    fn from(digest: &Digest) -> Self {
        Self::Bytes(Cow::Owned(digest_bytes(digest)))
    }
}

impl From<i64> for Parameter<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Parameter<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<bool> for Parameter<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

impl From<Timestamp> for Parameter<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.micros())
    }
}

impl<'a, T: Into<Parameter<'a>>> From<Option<T>> for Parameter<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_digests_sort_as_their_text() {
        let mut digests = Vec::new();
        for text in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            digests.push(Digest::sha256(text.as_bytes()));
            digests.push(Digest::of(Algorithm::Sha512, text.as_bytes()));
        }
        digests.sort_by_key(|digest| digest.as_str().to_owned());
        let bytes: Vec<_> = digests.iter().map(digest_bytes).collect();
        assert!(bytes.is_sorted());
    }

    #[test]
    fn numbers_beyond_a_column_are_refused() {
        assert_eq!(unsigned(7).unwrap(), Parameter::Integer(7));
        assert!(unsigned(u64::MAX).is_err());
    }
}
