//! The one thread that writes: takes all lines that wait, and makes them durable together.
//!
//! ```text
//! lines ─▶ sealed ─▶ appended ─▶ synced ─▶ told
//!                       └ failed: cut back      └ failed: the file is left as it is, and the next one begun,
//!                                                 since nobody knows what of it is on disk
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
    text: Vec<u8>,
}

/// The file that is written, as far as it is durable.
struct Open {
    segment: Box<dyn Segment>,
    sequence: u64,
    place: Place,
}

impl Writer {
    /// Goes on after `previous`.
    pub(crate) fn new(
        disk: Box<dyn Disk>,
        (directory, node): (PathBuf, String),
        clock: Arc<dyn Clock>,
        max_file_bytes: u64,
        previous: Option<Previous>,
    ) -> Self {
        Self {
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
        while let Some(next) = queue.next_lines(lines) {
            lines = next;
            let mut tries = 0;
            while let Err(error) = self.write(&lines) {
                queue.fail(&error.to_string());
                if queue.pause(RETRY) {
                    tries += 1;
                }
                if tries > LAST_TRIES {
                    let count = lines.count();
                    tracing::error!(count, %error, "the process ends with audit lines that could not be written");
                    return;
                }
            }
            if let Some(head) = self.head() {
                queue.settle(head);
            }
        }
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

    /// Makes lines durable, in a new file if the one before is full.
    pub(crate) fn write(&mut self, lines: &Lines) -> io::Result<()> {
        let limit = self.max_file_bytes;
        if let Some(full) = self.open.take_if(|open| open.place.bytes >= limit) {
            self.previous = Some(Previous::new(full.sequence, &full.place, End::Closed));
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let mut place = open.place;
        self.text.clear();
        self.text.shrink_to(KEPT_TEXT);
        for line in lines.iter() {
            chain::seal(&mut self.text, line, &mut place);
        }
        if let Err(error) = open.segment.append(&self.text) {
            if open.segment.cut(open.place.bytes).is_ok() {
                self.open = Some(open);
            } else {
                self.previous = Some(Previous::new(open.sequence, &open.place, End::Cut));
            }
            return Err(error);
        }
        if let Err(error) = open.segment.sync() {
            self.previous = Some(Previous::new(open.sequence, &open.place, End::Unsynced));
            return Err(error);
        }
        self.open = Some(Open { place, ..open });
        Ok(())
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
        })
    }
}
