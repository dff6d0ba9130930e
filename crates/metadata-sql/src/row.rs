//! Columns back into domain values. A column that does not hold what this version writes is corrupt, never guessed.

use std::vec::IntoIter;

use ecru_domain::{
    AccountId, Algorithm, Digest, Region, Registry, RepositoryId, Tag, Timestamp, UploadId,
};
use ecru_ports::blobs::{ObjectId, Segment};
use ecru_ports::metadata::StoreError;

use crate::sql::Value;

/// The columns of one row, taken from left to right.
#[derive(Debug)]
pub(crate) struct Row {
    columns: IntoIter<Value>,
}

impl Row {
    /// A row of these values.
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self {
            columns: values.into_iter(),
        }
    }

    fn next(&mut self) -> Result<Value, StoreError> {
        self.columns.next().ok_or_else(|| corrupt("a column"))
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Integer(_) | Value::Bytes(_) => Err(corrupt("a text")),
        }
    }

    /// A text.
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| corrupt("a text"))
    }

    /// A text of a certain form.
    pub(crate) fn parsed<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(&self.text()?).ok_or_else(|| corrupt(what))
    }

    /// A number that may be absent.
    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            Value::Text(_) | Value::Bytes(_) => Err(corrupt("a number")),
        }
    }

    /// A number.
    pub(crate) fn integer(&mut self) -> Result<i64, StoreError> {
        self.optional_integer()?.ok_or_else(|| corrupt("a number"))
    }

    /// A count or size.
    pub(crate) fn unsigned<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.integer()?).map_err(|_| corrupt("a count"))
    }

    /// A count that may be absent.
    pub(crate) fn optional_unsigned(&mut self) -> Result<Option<u64>, StoreError> {
        self.optional_integer()?
            .map(|number| u64::try_from(number).map_err(|_| corrupt("a count")))
            .transpose()
    }

    /// A yes or no.
    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.integer()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(corrupt("a flag")),
        }
    }

    /// A time that may be absent.
    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_integer()?.map(Timestamp::from_micros))
    }

    /// A time.
    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.integer().map(Timestamp::from_micros)
    }

    /// Bytes that may be absent.
    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Text(_) | Value::Integer(_) => Err(corrupt("bytes")),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.optional_bytes()?.ok_or_else(|| corrupt("bytes"))
    }

    /// A digest that may be absent.
    pub(crate) fn optional_digest(&mut self) -> Result<Option<Digest>, StoreError> {
        self.optional_bytes()?
            .map(|bytes| read_digest(&bytes))
            .transpose()
    }

    /// A digest.
    pub(crate) fn digest(&mut self) -> Result<Digest, StoreError> {
        read_digest(&self.bytes()?)
    }

    /// An account and a region.
    pub(crate) fn registry(&mut self) -> Result<Registry, StoreError> {
        Ok(Registry {
            account: self.account()?,
            region: self.parsed("a region", |text| Region::parse(text).ok())?,
        })
    }

    /// An account.
    pub(crate) fn account(&mut self) -> Result<AccountId, StoreError> {
        self.parsed("an account", |text| AccountId::parse(text).ok())
    }

    /// A repository's id.
    pub(crate) fn repository_id(&mut self) -> Result<RepositoryId, StoreError> {
        self.text().map(RepositoryId::new)
    }

    /// An object's id.
    pub(crate) fn object_id(&mut self) -> Result<ObjectId, StoreError> {
        self.parsed("an object id", ObjectId::parse)
    }

    /// An upload's id.
    pub(crate) fn upload_id(&mut self) -> Result<UploadId, StoreError> {
        self.parsed("an upload id", |text| UploadId::parse(text).ok())
    }

    /// A tag.
    pub(crate) fn tag(&mut self) -> Result<Tag, StoreError> {
        self.parsed("a tag", |text| Tag::parse(text).ok())
    }
}

/// The error for a column that is not what it should be. Names the form, never the content.
pub(crate) fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt(format!("a column does not hold {what}"))
}

fn read_digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    match bytes.split_first() {
        Some((1, hash)) if hash.len() == 32 => Ok(Digest::from_hash(Algorithm::Sha256, hash)),
        Some((2, hash)) if hash.len() == 64 => Ok(Digest::from_hash(Algorithm::Sha512, hash)),
        _ => Err(corrupt("a digest")),
    }
}

/// The stored form of segments: `number:frames`, joined by commas.
pub(crate) fn segments_text(segments: &[Segment]) -> String {
    let runs: Vec<String> = segments
        .iter()
        .map(|segment| format!("{}:{}", segment.number, segment.frames))
        .collect();
    runs.join(",")
}

/// Reads [`segments_text`] back.
pub(crate) fn read_segments(text: &str) -> Result<Vec<Segment>, StoreError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|run| {
            let (number, frames) = run.split_once(':')?;
            Some(Segment {
                number: number.parse().ok()?,
                frames: frames.parse().ok()?,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| corrupt("segments"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::digest_bytes;

    #[test]
    fn segments_come_back() {
        let segment = |number, frames| Segment { number, frames };
        for segments in [
            vec![],
            vec![segment(1, 16)],
            vec![segment(1, 16), segment(4, u64::MAX)],
        ] {
            let text = segments_text(&segments);
            assert_eq!(read_segments(&text).unwrap(), segments, "{text}");
        }
        for bad in ["1", "1:", ":1", "1:2,", "a:b", "1:-2"] {
            assert!(read_segments(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_come_back() {
        for digest in [Digest::sha256(b"x"), Digest::of(Algorithm::Sha512, b"x")] {
            assert_eq!(read_digest(&digest_bytes(&digest)).unwrap(), digest);
        }
        for bad in [&[][..], &[1], &[3; 33], &[1; 65], &[2; 33]] {
            assert!(read_digest(bad).is_err());
        }
    }

    #[test]
    fn columns_of_another_kind_are_corrupt() {
        let row = || Row::new(vec![Value::Integer(2)]);
        assert!(row().text().is_err());
        assert!(row().bytes().is_err());
        assert!(row().flag().is_err());
        assert_eq!(row().integer().unwrap(), 2);
        let mut negative = Row::new(vec![Value::Integer(-1)]);
        assert!(negative.unsigned::<u64>().is_err());
        assert!(Row::new(vec![]).optional_text().is_err());
    }
}
