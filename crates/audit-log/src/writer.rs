//! The one thread that writes: takes all lines that wait, and makes them durable together.
//!
//! ```text
//! lines ─▶ sealed ─▶ appended ─▶ kept in the journal (somebody waits) ─▶ told
//!                       │           └ full, failed, nobody waits: synced ─▶ told
//!                       └ failed: cut back            └ failed: the file is left as it is, and the next one begun,
//!                                                       since nobody knows what of it is on disk
//! ```
//!
//! What could not be written is tried again until it can be: no line is dropped.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecru_ports::{AuditHead, Clock};

use crate::chain::{self, GENESIS, Place};
use crate::directory;
use crate::disk::{Disk, Segment};
use crate::first_line::{End, FirstLine, Previous};
use crate::journal::Journal;
use crate::lines::Lines;
use crate::queue::Queue;

/// Between two tries.
const RETRY: Duration = Duration::from_millis(250);

/// Tries while the process is about to end.
const LAST_TRIES: u32 = 8;

/// Memory for text that is kept between batches, in bytes.
const KEPT_TEXT: usize = 1_024 * 1_024;

/// The files of one node.
pub(crate) struct Writer {
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) node: String,
    pub(crate) clock: Arc<dyn Clock>,
    /// From how many bytes on a file is followed by another.
    pub(crate) max_file_bytes: u64,
    /// The file before the one that is written.
    previous: Option<Previous>,
    open: Option<Open>,
    /// A file that was made and has no first line yet.
    fresh: Option<Box<dyn Segment>>,
    journal: Journal,
    /// Lines that were told to be durable, and whose file then could not be synced: they come first in the next.
    owed: Lines,
    text: Vec<u8>,
}

/// The file that is written.
struct Open {
    segment: Box<dyn Segment>,
    sequence: u64,
    /// As far as its lines are durable, here or in the journal.
    place: Place,
    /// As far as it was synced itself.
    synced: Place,
    /// The lines between the two.
    unsynced: Lines,
}

impl Open {
    fn ended(&self, place: &Place, end: End) -> Previous {
        Previous::new(self.sequence, place, end)
    }
}

impl Writer {
    /// Goes on after `previous`.
    pub(crate) fn new(
        mut disk: Box<dyn Disk>,
        (directory, node): (PathBuf, String),
        clock: Arc<dyn Clock>,
        max_file_bytes: u64,
        previous: Option<Previous>,
    ) -> Self {
        let journal = Journal::open(&mut *disk, &directory, &node);
        Self {
            journal,
            owed: Lines::default(),
            disk,
            directory,
            node,
            clock,
            max_file_bytes,
            previous,
            open: None,
            fresh: None,
            text: Vec::new(),
        }
    }

    /// Writes what waits until the queue is closed and empty.
    pub(crate) fn serve(mut self, queue: &Queue) {
        let mut lines = Lines::default();
        while let Some((next, is_awaited)) = queue.next_lines(lines) {
            lines = next;
            if !self.insist(queue, |writer| writer.write(&lines, is_awaited)) {
                let count = lines.count();
                tracing::error!(
                    count,
                    "the process ends with audit lines that could not be written"
                );
                return;
            }
            if let Some(head) = self.head() {
                queue.settle(head);
            }
        }
        if self.insist(queue, Self::finish) {
            self.journal.empty();
        }
    }

    /// Tries until it succeeds, or until the process has waited for it long enough. Returns whether it did.
    fn insist(
        &mut self,
        queue: &Queue,
        mut attempt: impl FnMut(&mut Self) -> io::Result<()>,
    ) -> bool {
        let mut tries = 0;
        while let Err(error) = attempt(self) {
            queue.fail(&error.to_string());
            if queue.pause(RETRY) {
                tries += 1;
            }
            if tries > LAST_TRIES {
                return false;
            }
        }
        true
    }

    /// The end of what is durable.
    pub(crate) fn head(&self) -> Option<AuditHead> {
        let open = self.open.as_ref()?;
        Some(AuditHead {
            node: self.node.clone(),
            sequence: open.sequence,
            lines: open.place.lines,
            bytes: open.place.bytes,
            hash: hex::encode(open.place.hash),
        })
    }

    /// Makes lines durable, in a new file if the one before is full. Those for which nobody waits are not worth their
    /// place in the journal.
    pub(crate) fn write(&mut self, lines: &Lines, is_awaited: bool) -> io::Result<()> {
        let limit = self.max_file_bytes;
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.place.bytes >= limit)
        {
            self.sync()?;
            let full = self.open.take();
            self.previous = full.map(|full| full.ended(&full.place, End::Closed));
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let mut place = open.place;
        self.text.clear();
        self.text.shrink_to(KEPT_TEXT);
        for line in self.owed.iter().chain(lines.iter()) {
            chain::seal(&mut self.text, line, &mut place);
        }
        if let Err(error) = open.segment.append(&self.text) {
            self.cut_back(open);
            return Err(error);
        }
        if is_awaited && self.journal.keep(open.sequence, &open.place, &self.text) {
            for line in self.owed.iter().chain(lines.iter()) {
                open.unsynced.push(line);
            }
            self.owed = std::mem::take(&mut self.owed).emptied();
            self.open = Some(Open { place, ..open });
            return Ok(());
        }
        self.synced(open, place)
    }

    /// Makes the file itself durable, if it is not.
    fn sync(&mut self) -> io::Result<()> {
        match self.open.take_if(|open| !open.unsynced.is_empty()) {
            Some(open) => {
                let place = open.place;
                self.synced(open, place)
            }
            None => Ok(()),
        }
    }

    /// Brings to the file all that only the journal has, at the end.
    fn finish(&mut self) -> io::Result<()> {
        if self.owed.is_empty() {
            return self.sync();
        }
        self.write(&Lines::default(), false)
    }

    /// Syncs a file that was written as far as `place`. If that fails it has ended where it was synced before, and owes
    /// the next one what only the journal has.
    fn synced(&mut self, mut open: Open, place: Place) -> io::Result<()> {
        if let Err(error) = open.segment.sync() {
            self.previous = Some(open.ended(&open.synced, End::Unsynced));
            for line in open.unsynced.iter() {
                self.owed.push(line);
            }
            return Err(error);
        }
        self.journal.clear();
        self.owed = std::mem::take(&mut self.owed).emptied();
        self.open = Some(Open {
            place,
            synced: place,
            unsynced: open.unsynced.emptied(),
            ..open
        });
        Ok(())
    }

    /// Takes away what was appended in part. A file from which it cannot be taken away has ended before it.
    fn cut_back(&mut self, mut open: Open) {
        let place = open.place;
        if open.segment.cut(place.bytes).is_ok() {
            self.open = Some(open);
        } else if open.unsynced.is_empty() {
            self.previous = Some(open.ended(&place, End::Cut));
        } else if self.synced(open, place).is_ok() {
            let cut = self.open.take();
            self.previous = cut.map(|cut| cut.ended(&place, End::Cut));
        }
    }

    /// Makes sure that a file is open, so that a log which cannot be written shows at the start.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Open> {
        let before = self.previous.as_ref();
        let sequence = before.map_or(1, |before| before.sequence + 1);
        let hash = before.and_then(Previous::hash).unwrap_or(GENESIS);
        let mut segment = if let Some(fresh) = self.fresh.take() {
            fresh
        } else {
            let path = directory::path(&self.directory, &self.node, sequence);
            self.disk.create(&path)?
        };
        let first = FirstLine::new(
            &self.node,
            sequence,
            self.previous.clone(),
            self.clock.now(),
        );
        let mut place = Place::after(hash);
        self.text.clear();
        chain::seal(&mut self.text, &first.to_json(), &mut place);
        let written = segment
            .cut(0)
            .and_then(|()| segment.append(&self.text))
            .and_then(|()| segment.sync())
            .and_then(|()| self.disk.sync_directory(&self.directory));
        if let Err(error) = written {
            self.fresh = Some(segment);
            return Err(error);
        }
        Ok(Open {
            segment,
            sequence,
            place,
            synced: place,
            unsynced: Lines::default(),
        })
    }
}
