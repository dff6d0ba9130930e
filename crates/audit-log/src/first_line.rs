//! The first line of a file: whose it is, and what came before.

use std::fmt;

use ecru_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::{Hash, Place};

const EVENT_TYPE: &str = "EcruAuditFile";

/// Reads as a record of its own kind beside those of requests.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirstLine {
    event_type: String,
    event_time: String,
    /// Whose file it is.
    pub(crate) node: String,
    /// Its number.
    pub(crate) sequence: u64,
    /// The file before; none in the first of a node.
    pub(crate) previous: Option<Previous>,
}

/// A file that has ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Previous {
    /// Its number.
    pub(crate) sequence: u64,
    /// Lines that count.
    pub(crate) lines: u64,
    /// Bytes of those.
    pub(crate) bytes: u64,
    /// The hash of the last.
    pub(crate) hash: String,
    /// How it ended.
    pub(crate) end: End,
}

/// How a file ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    /// With its last line.
    Closed,
    /// What follows its last line was never finished.
    Cut,
    /// What follows its last line may not be on disk, and was written again to the next file.
    Unsynced,
    /// Before the end that was known elsewhere: lines were taken away.
    Short,
}

impl Previous {
    /// A file that was written or read as far as that.
    pub(crate) fn new(sequence: u64, place: &Place, end: End) -> Self {
        Self {
            sequence,
            lines: place.lines,
            bytes: place.bytes,
            hash: hex::encode(place.hash),
            end,
        }
    }

    /// The hash, if it is one.
    pub(crate) fn hash(&self) -> Option<Hash> {
        let mut hash = Hash::default();
        hex::decode_to_slice(&self.hash, &mut hash).ok()?;
        Some(hash)
    }
}

impl FirstLine {
    /// For a file that begins at `time`.
    pub(crate) fn new(
        node: &str,
        sequence: u64,
        previous: Option<Previous>,
        time: Timestamp,
    ) -> Self {
        Self {
            event_type: EVENT_TYPE.to_owned(),
            event_time: time.to_iso8601(),
            node: node.to_owned(),
            sequence,
            previous,
        }
    }

    /// As a JSON object.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // texts and numbers alone cannot fail to serialize
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a line, which may have its place in it.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let first: Self = serde_json::from_slice(line).ok()?;
        (first.event_type == EVENT_TYPE).then_some(first)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Cut => "cut off",
            Self::Unsynced => "not synced",
            Self::Short => "short",
        })
    }
}
