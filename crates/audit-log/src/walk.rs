//! Reading the lines of a file again, and comparing each with its place.

use std::io::{self, BufRead, BufReader, Read};

use ecru_ports::audit::MAX_LINE;

use crate::chain::{self, Place};

/// The longest line that is read: one that may be written, and its place.
const LONGEST: u64 = MAX_LINE as u64 + 1_024;

/// What the next line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A line in its place.
    Line,
    /// A line that is not what was written there, and why that is known.
    Broken(String),
    /// No line: so many bytes without an end, none if the file ends with a line.
    End(u64),
}

/// A walk over lines.
pub(crate) struct Walk<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    place: Place,
    /// Whether the hash of the place is what the line before says of itself.
    is_hash_known: bool,
}

impl<R: Read> Walk<R> {
    /// Over what follows `place`.
    pub(crate) fn new(source: R, place: Place) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1_024, source),
            line: Vec::new(),
            place,
            is_hash_known: true,
        }
    }

    /// After the last line.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The last line, with its place.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Goes on by a line. After one that is broken, what it says of itself is believed, so that only what else is
    /// broken is told of those that follow.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(LONGEST);
        let length = bounded.read_until(b'\n', &mut self.line)? as u64;
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            let rest = io::copy(&mut self.reader, &mut io::sink())?;
            return Ok(Step::End(length + rest));
        }
        self.place.bytes += length;
        Ok(self.compare())
    }

    fn compare(&mut self) -> Step {
        let number = self.place.lines + 1;
        let Some(sealed) = chain::open(&self.line) else {
            self.place.lines = number;
            self.is_hash_known = false;
            return Step::Broken(format!("line {number} is not one of a chain"));
        };
        let expected = chain::hash(&self.place.hash, sealed.content);
        let fits = !self.is_hash_known || expected == sealed.hash;
        self.is_hash_known = true;
        self.place.lines = sealed.number;
        self.place.hash = sealed.hash;
        if sealed.number != number {
            let found = sealed.number;
            return Step::Broken(format!(
                "line {number} is missing: line {found} stands there"
            ));
        }
        if fits {
            return Step::Line;
        }
        Step::Broken(format!(
            "line {number} is not what was written there: its hash does not fit"
        ))
    }
}
