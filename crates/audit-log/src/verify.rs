//! Reads a log again: every line in its place, every file after the one before, every end where it is known to be.
//!
//! Files may be moved away, oldest first: reading begins at the oldest that is there.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ecru_ports::{AuditHead, AuditReport};

use crate::chain::{GENESIS, Place};
use crate::directory;
use crate::first_line::{End, FirstLine, Previous};
use crate::recovery::first_line;
use crate::walk::{Step, Walk};

/// Reads everything in `directory` and compares it with heads that were kept elsewhere. `end` is the end of what the
/// process that writes the log has made durable, if there is one: what follows it is not read.
pub fn verify(
    directory: &Path,
    heads: &[AuditHead],
    end: Option<&AuditHead>,
) -> io::Result<AuditReport> {
    let mut report = AuditReport::default();
    let nodes = directory::files(directory)?;
    for head in heads.iter().filter(|head| !nodes.contains_key(&head.node)) {
        let AuditHead { node, sequence, .. } = head;
        report.problem(format!(
            "node {node}: no file is here, but there were at least {sequence}"
        ));
    }
    for (node, sequences) in &nodes {
        let of_node = |head: &&AuditHead| head.node == *node;
        let reading = Reading {
            directory,
            node,
            head: heads.iter().find(of_node),
            end: end.filter(of_node),
        };
        reading.files(sequences, &mut report)?;
    }
    Ok(report)
}

/// The files of one node.
struct Reading<'a> {
    directory: &'a Path,
    node: &'a str,
    head: Option<&'a AuditHead>,
    end: Option<&'a AuditHead>,
}

/// What a file is compared with.
struct Expected<'a> {
    sequence: u64,
    /// The file before, if it is here.
    before: Option<&'a Place>,
    /// What the next file says of this one.
    next: Option<&'a Previous>,
}

impl Reading<'_> {
    fn files(&self, sequences: &[u64], report: &mut AuditReport) -> io::Result<()> {
        let mut before: Option<(u64, Place)> = None;
        for (index, sequence) in sequences.iter().copied().enumerate() {
            let next = sequences.get(index + 1).copied();
            let next = match next.filter(|next| *next == sequence + 1) {
                Some(next) => first_line(&self.path(next))?,
                None => None,
            };
            if let Some((last, _)) = before
                && last + 1 != sequence
            {
                report.problem(format!(
                    "node {}: the files from {} to {} are missing",
                    self.node,
                    last + 1,
                    sequence - 1
                ));
                before = None;
            }
            let expected = Expected {
                sequence,
                before: before.as_ref().map(|(_, place)| place),
                next: next.as_ref().and_then(|next| next.previous.as_ref()),
            };
            let is_first = index == 0;
            let place = self.file(&expected, is_first, report)?;
            before = Some((sequence, place));
        }
        self.newest(sequences.last().copied().unwrap_or_default(), report);
        Ok(())
    }

    fn path(&self, sequence: u64) -> std::path::PathBuf {
        directory::path(self.directory, self.node, sequence)
    }

    fn newest(&self, sequence: u64, report: &mut AuditReport) {
        if let Some(head) = self.head.filter(|head| head.sequence > sequence) {
            report.problem(format!(
                "node {}: the newest file here is {sequence}, but there was a file {}",
                self.node, head.sequence
            ));
        }
    }

    /// Reads one file; returns the place after the last line that counts.
    fn file(
        &self,
        expected: &Expected<'_>,
        is_first: bool,
        report: &mut AuditReport,
    ) -> io::Result<Place> {
        let sequence = expected.sequence;
        let name = format!("{}, file {sequence}", self.node);
        report.files += 1;
        let path = self.path(sequence);
        let first = first_line(&path)?;
        let begin = self.beginning(&name, first.as_ref(), expected, is_first, report);
        let limit = match self.end.filter(|end| end.sequence == sequence) {
            Some(end) => end.bytes,
            None => u64::MAX,
        };
        let mut walk = Walk::new(File::open(&path)?.take(limit), begin);
        let marks = Marks::new(&name, self.head, expected);
        let rest = loop {
            // what follows the end that the next file tells does not count
            if expected
                .next
                .is_some_and(|next| walk.place().lines >= next.lines)
            {
                break std::fs::metadata(&path)?.len() - walk.place().bytes;
            }
            match walk.step()? {
                Step::Line => {}
                Step::Broken(reason) => report.problem(format!("{name}: {reason}")),
                Step::End(rest) => break rest,
            }
            report.lines += 1;
            marks.pass(&walk.place(), report);
        };
        marks.end(&walk.place(), rest, report);
        Ok(walk.place())
    }

    /// Compares the first line with what is known, and returns where the walk begins.
    fn beginning(
        &self,
        name: &str,
        first: Option<&FirstLine>,
        expected: &Expected<'_>,
        is_first: bool,
        report: &mut AuditReport,
    ) -> Place {
        let Some(first) = first else {
            report.problem(format!(
                "{name}: its first line does not say what came before"
            ));
            return expected
                .before
                .copied()
                .map_or(Place::after(GENESIS), |before| Place::after(before.hash));
        };
        if first.node != self.node || first.sequence != expected.sequence {
            report.problem(format!(
                "{name}: it was written as file {} of node {}",
                first.sequence, first.node
            ));
        }
        let previous = first.previous.as_ref();
        match (previous, expected.before) {
            (None, None) if expected.sequence == 1 => {}
            (Some(previous), None) if is_first => report.note(format!(
                "{name}: the chain here begins with this file; it follows file {}",
                previous.sequence
            )),
            (Some(_), _) => {}
            (None, _) => report.problem(format!("{name}: it says that no file came before")),
        }
        let named = previous.and_then(Previous::hash);
        let own = expected.before.map(|before| before.hash);
        Place::after(named.or(own).unwrap_or(GENESIS))
    }
}

/// Places in a file at which its hash is known from elsewhere.
struct Marks<'a> {
    name: &'a str,
    head: Option<&'a AuditHead>,
    next: Option<&'a Previous>,
}

impl<'a> Marks<'a> {
    fn new(name: &'a str, head: Option<&'a AuditHead>, expected: &Expected<'a>) -> Self {
        Self {
            name,
            head: head.filter(|head| head.sequence == expected.sequence),
            next: expected.next,
        }
    }

    /// Looks whether this is one of them.
    fn pass(&self, place: &Place, report: &mut AuditReport) {
        if let Some(head) = self.head.filter(|head| head.lines == place.lines) {
            self.compare(&head.hash, place, "the metadata store", report);
        }
        if let Some(next) = self.next.filter(|next| next.lines == place.lines) {
            self.compare(&next.hash, place, "the next file", report);
        }
    }

    fn compare(&self, hash: &str, place: &Place, whom: &str, report: &mut AuditReport) {
        if hash != hex::encode(place.hash) {
            let (name, line) = (self.name, place.lines);
            report.problem(format!(
                "{name}: up to line {line} it is not what {whom} knows: the hash is another"
            ));
        }
    }

    /// Compares the end with those that are known. `rest` bytes follow the last line.
    fn end(&self, place: &Place, rest: u64, report: &mut AuditReport) {
        let (name, lines) = (self.name, place.lines);
        if let Some(head) = self.head.filter(|head| head.lines > lines) {
            let known = head.lines;
            report.problem(format!(
                "{name}: it ends after line {lines}, but there were at least {known} lines"
            ));
        }
        let Some(next) = self.next else {
            if rest > 0 {
                report.note(format!("{name}: {rest} bytes at its end are no whole line"));
            }
            return;
        };
        if next.lines > lines {
            let known = next.lines;
            report.problem(format!(
                "{name}: it ends after line {lines}, but had {known} lines when the next file began"
            ));
        }
        match next.end {
            End::Short => report.problem(format!(
                "{name}: lines were missing at its end when the next file began"
            )),
            End::Closed if rest > 0 => {
                report.problem(format!("{name}: {rest} bytes were added behind its end"));
            }
            End::Cut | End::Unsynced if rest > 0 => report.note(format!(
                "{name}: {rest} bytes at its end were never acknowledged ({})",
                next.end
            )),
            End::Closed | End::Cut | End::Unsynced => {}
        }
    }
}
