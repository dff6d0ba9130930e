//! A line and its place in the chain: `{…,"chain":{"line":7,"hash":"…"}}`.
//!
//! The hash is SHA-256 over the hash of the line before and everything in front of `,"chain"`. The number is the
//! line's place in its file, which whoever reads it counts for himself.

use std::io::Write as _;

use sha2::{Digest as _, Sha256};

/// The hash of a line.
pub(crate) type Hash = [u8; 32];

/// What comes before the first line of a node.
pub(crate) const GENESIS: Hash = [0; 32];

const OPENING: &[u8] = br#","chain":{"line":"#;
const MIDDLE: &[u8] = br#","hash":""#;
const CLOSING: &[u8] = br#""}}"#;
const HEX: usize = 64;

/// How far a file was written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Lines so far.
    pub(crate) lines: u64,
    /// Bytes so far.
    pub(crate) bytes: u64,
    /// The hash of the last line.
    pub(crate) hash: Hash,
}

impl Place {
    /// The beginning of a file that follows a line of that hash.
    pub(crate) fn after(hash: Hash) -> Self {
        Self {
            lines: 0,
            bytes: 0,
            hash,
        }
    }
}

/// Appends the JSON object `line` to `text` with its place, which follows `place`.
pub(crate) fn seal(text: &mut Vec<u8>, line: &[u8], place: &mut Place) {
    let before = text.len();
    let content = line.strip_suffix(b"}").unwrap_or(line);
    place.lines += 1;
    place.hash = hash(&place.hash, content);
    let mut printed = [0; HEX];
    // the buffer is as long as the text
    hex::encode_to_slice(place.hash, &mut printed).ok();
    text.extend_from_slice(content);
    text.extend_from_slice(OPENING);
    // writing to memory cannot fail
    write!(text, "{}", place.lines).ok();
    for part in [MIDDLE, &printed, CLOSING, b"\n"] {
        text.extend_from_slice(part);
    }
    place.bytes += (text.len() - before) as u64;
}

/// The hash of a line with that content after a line with that hash.
pub(crate) fn hash(before: &Hash, content: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(before)
        .chain_update(content)
        .finalize()
        .into()
}

/// What a line says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    /// The object without its last brace.
    pub(crate) content: &'a [u8],
    /// Its number.
    pub(crate) number: u64,
    /// Its hash.
    pub(crate) hash: Hash,
}

/// Reads a line, without its line feed. `None` if it is none of a chain.
pub(crate) fn open(line: &[u8]) -> Option<Sealed<'_>> {
    let line = line.strip_suffix(CLOSING)?;
    let (line, printed) = line.split_at_checked(line.len().checked_sub(HEX)?)?;
    let mut hash = GENESIS;
    hex::decode_to_slice(printed, &mut hash).ok()?;
    let line = line.strip_suffix(MIDDLE)?;
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (line, number) = line.split_at_checked(line.len() - digits)?;
    Some(Sealed {
        content: line.strip_suffix(OPENING)?,
        number: std::str::from_utf8(number).ok()?.parse().ok()?,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_sealed_and_is_still_json() {
        let (mut text, mut place) = (Vec::new(), Place::after(GENESIS));
        seal(&mut text, br#"{"a":1}"#, &mut place);
        seal(&mut text, br#"{"b":"\n"}"#, &mut place);
        assert_eq!((place.lines, place.bytes), (2, text.len() as u64));
        let mut lines = text.split(|b| *b == b'\n');
        let first = open(lines.next().unwrap()).unwrap();
        assert_eq!((first.content, first.number), (&br#"{"a":1"#[..], 1));
        assert_eq!(first.hash, hash(&GENESIS, br#"{"a":1"#));
        let second = lines.next().unwrap();
        assert_eq!(
            open(second).unwrap().hash,
            hash(&first.hash, br#"{"b":"\n""#)
        );
        let value: serde_json::Value = serde_json::from_slice(second).unwrap();
        assert_eq!(value["chain"]["line"], 2);
    }

    #[test]
    fn what_is_no_line_of_a_chain_is_not_read() {
        let (mut text, mut place) = (Vec::new(), Place::after(GENESIS));
        seal(&mut text, br#"{"a":1}"#, &mut place);
        let line = text.strip_suffix(b"\n").unwrap();
        for length in 0..line.len() {
            assert_eq!(open(&line[..length]), None, "{length}");
        }
        assert_eq!(open(br#"{"chain":{"line":,"hash":""}}"#), None);
    }
}
