//! Which stored bytes hold a range of plaintext: pure arithmetic over the object's row.

use std::ops::Range;

use ecru_ports::blobs::{BlobError, FRAME, Segment, StoredObject};

use crate::buffers::BATCH;
use crate::progress;

/// The next bytes to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Consecutive whole frames of one segment.
    Frames(Run),
    /// The final frame, of which this part is wanted.
    Tail(Range<usize>),
}

/// Up to [`BATCH`] consecutive frames of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) segment: Segment,
    /// Index of the first frame within the segment.
    pub(crate) within: u64,
    /// Index of the first frame within the object.
    pub(crate) index: u64,
    /// Frames to fetch.
    pub(crate) count: usize,
    /// The part of their plaintext that is wanted.
    pub(crate) wanted: Range<usize>,
}

/// The rest of a range.
pub(crate) struct Plan {
    segments: Vec<Segment>,
    /// Which segment `next` lies in, and the index of that segment's first frame.
    at: usize,
    begins: u64,
    next: u64,
    end: u64,
}

impl Plan {
    /// A plan for `range`; `Corrupt` if the row contradicts itself.
    pub(crate) fn new(
        object: &StoredObject,
        range: Range<u64>,
        overhead: usize,
    ) -> Result<Self, BlobError> {
        let whole = progress::whole_bytes(&object.segments).ok_or(BlobError::Corrupt)?;
        let tail = object.size.checked_sub(whole).ok_or(BlobError::Corrupt)?;
        if tail > FRAME as u64 || object.tail.len() as u64 != tail + overhead as u64 {
            return Err(BlobError::Corrupt);
        }
        let segments = object.segments.clone();
        Ok(Self {
            segments,
            at: 0,
            begins: 0,
            next: range.start,
            end: range.end,
        })
    }

    /// The next step, unless the range is done.
    pub(crate) fn step(&mut self) -> Option<Step> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next / FRAME as u64;
        while let Some(&segment) = self.segments.get(self.at) {
            let within = index - self.begins;
            if within < segment.frames {
                return Some(Step::Frames(self.run(segment, index, within)));
            }
            self.begins += segment.frames;
            self.at += 1;
        }
        let tail_begins = self.begins * FRAME as u64;
        let wanted = bounded(self.next - tail_begins)..bounded(self.end - tail_begins);
        self.next = self.end;
        Some(Step::Tail(wanted))
    }

    fn run(&mut self, segment: Segment, index: u64, within: u64) -> Run {
        let begins = index * FRAME as u64;
        let needed = (self.end - begins).div_ceil(FRAME as u64);
        let count = needed.min(segment.frames - within).min(BATCH as u64);
        let ends = self.end.min(begins + count * FRAME as u64);
        let wanted = bounded(self.next - begins)..bounded(ends - begins);
        self.next = ends;
        Run {
            segment,
            within,
            index,
            count: bounded(count),
            wanted,
        }
    }
}

/// Lengths within a batch of frames, which fit any `usize`.
fn bounded(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecru_ports::blobs::ObjectId;

    const F: u64 = FRAME as u64;

    fn object(segments: &[(u64, u64)], tail: u64) -> StoredObject {
        let segments: Vec<_> = segments
            .iter()
            .map(|&(number, frames)| Segment { number, frames })
            .collect();
        let size = progress::whole_bytes(&segments).unwrap() + tail;
        let tail = vec![0; usize::try_from(tail).unwrap() + 28];
        StoredObject {
            id: ObjectId::from_bytes([0; 16]),
            size,
            segments,
            tail,
        }
    }

    fn steps(object: &StoredObject, range: Range<u64>) -> Vec<Step> {
        let mut plan = Plan::new(object, range, 28).unwrap();
        std::iter::from_fn(|| plan.step()).collect()
    }

    fn run(
        number: u64,
        frames: u64,
        within: u64,
        index: u64,
        count: usize,
        wanted: Range<usize>,
    ) -> Step {
        Step::Frames(Run {
            segment: Segment { number, frames },
            within,
            index,
            count,
            wanted,
        })
    }

    #[test]
    fn a_range_touches_only_the_frames_it_lies_in() {
        let object = object(&[(1, 6), (4, 1)], 10);
        let cases = [
            (0..0, vec![]),
            (5..6, vec![run(1, 6, 0, 0, 1, 5..6)]),
            (F - 1..F + 1, vec![run(1, 6, 0, 0, 2, FRAME - 1..FRAME + 1)]),
            (F..2 * F, vec![run(1, 6, 1, 1, 1, 0..FRAME)]),
            (
                3 * F..7 * F + 4,
                vec![
                    run(1, 6, 3, 3, 3, 0..3 * FRAME),
                    run(4, 1, 0, 6, 1, 0..FRAME),
                    Step::Tail(0..4),
                ],
            ),
            (7 * F + 3..7 * F + 10, vec![Step::Tail(3..10)]),
        ];
        for (range, wanted) in cases {
            assert_eq!(steps(&object, range.clone()), wanted, "{range:?}");
        }
    }

    #[test]
    fn a_row_that_contradicts_itself_is_corrupt() {
        let sound = object(&[(1, 2)], 10);
        let cases = [
            StoredObject {
                size: sound.size + 1,
                ..sound.clone()
            },
            StoredObject {
                size: 2 * F - 1,
                ..sound.clone()
            },
            StoredObject {
                segments: vec![],
                ..sound.clone()
            },
            StoredObject {
                segments: vec![
                    Segment {
                        number: 1,
                        frames: u64::MAX
                    };
                    2
                ],
                ..sound.clone()
            },
            StoredObject {
                tail: vec![],
                ..sound.clone()
            },
        ];
        for bad in cases {
            assert!(
                matches!(Plan::new(&bad, 0..1, 28), Err(BlobError::Corrupt)),
                "{bad:?}"
            );
        }
        assert!(Plan::new(&sound, 0..sound.size, 28).is_ok());
    }
}
