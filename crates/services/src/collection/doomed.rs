//! Removing bytes that rows doomed.
//!
//! An upload that completes may leave segments of requests that could not commit. Then its object is doomed and
//! lives: only the segments that it does not use go.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use ecru_domain::{Error, Timestamp};
use ecru_ports::ObjectId;
use ecru_ports::blobs::{Removal, Segment};
use ecru_ports::metadata::{DoomedObject, Lane, ReadTransaction, WriteTransaction};
use parking_lot::Mutex;

use super::{Collection, CollectionReport};
use crate::store::Warrant;

/// Objects whose bytes are removed in one round.
const OBJECTS_PER_ROUND: usize = 200;
/// Doomed objects known at once: while some are removed, the next wait out their delay.
const OBJECTS_KNOWN: u32 = 2_000;

/// What this process knows of doomed objects.
pub(super) type Since = Mutex<HashMap<ObjectId, Wait>>;

/// A doomed object that waits for its removal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// When it was found as it is.
    since: Timestamp,
    /// Whether a row still says how to read the object.
    lives: bool,
}

/// What is to be removed of an object.
struct Remains {
    object: ObjectId,
    lives: bool,
    runs: Vec<RangeInclusive<u64>>,
}

/// Remembers that the segments of an object up to `last_segment` are to be removed, if there can be any.
pub(crate) fn doom_segments(
    rows: &mut dyn WriteTransaction,
    object: &ObjectId,
    last_segment: u64,
) -> Result<(), Error> {
    if last_segment > 0 {
        let object = object.clone();
        rows.insert_doomed(&DoomedObject {
            object,
            last_segment,
        })?;
    }
    Ok(())
}

impl Collection {
    pub(super) async fn remove_doomed(
        &self,
        now: Timestamp,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        let ripe = self.ripe(now).await?;
        let is_full = ripe.len() == OBJECTS_PER_ROUND;
        let mut gone = Vec::with_capacity(ripe.len());
        for remains in ripe {
            if self.remove_runs(&remains).await {
                gone.push((remains.object, remains.lives));
            }
        }
        report.objects += gone.len() as u64;
        // where nothing could be removed, the next try is for later
        report.more |= is_full && !gone.is_empty();
        if gone.is_empty() {
            return Ok(());
        }
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                for (object, lives) in &gone {
                    // one that lived has died meanwhile: then all of it is doomed now
                    if !lives || rows.find_object(object)?.is_some() {
                        rows.delete_doomed(object)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Whether nothing of it is left.
    async fn remove_runs(&self, remains: &Remains) -> bool {
        for run in &remains.runs {
            match self.blobs.remove(&remains.object, run.clone()).await {
                Ok(Removal::Done) => {}
                Ok(Removal::InUse) => return false,
                Err(error) => {
                    tracing::error!(%error, "bytes were not removed and will be tried again");
                    return false;
                }
            }
        }
        true
    }

    /// Those that have been doomed, or dead, for a while: a request that read the rows just before may only now
    /// begin to read the bytes.
    async fn ripe(&self, now: Timestamp) -> Result<Vec<Remains>, Error> {
        let known = self.doomed_since.lock().clone();
        let ripe_before = now.minus(self.removal_delay);
        let look = self.store.read(Warrant::server(), move |rows| {
            look_at_doomed(rows, &known, now, ripe_before)
        });
        let (waiting, ripe) = look.await?;
        *self.doomed_since.lock() = waiting;
        Ok(ripe)
    }
}

/// Everything that waits, and what of it has waited long enough.
fn look_at_doomed(
    rows: &mut dyn ReadTransaction,
    known: &HashMap<ObjectId, Wait>,
    now: Timestamp,
    ripe_before: Timestamp,
) -> Result<(HashMap<ObjectId, Wait>, Vec<Remains>), Error> {
    let (mut waiting, mut ripe) = (HashMap::new(), Vec::new());
    for doomed in rows.list_doomed(OBJECTS_KNOWN)? {
        let before = known.get(&doomed.object).copied();
        let waits = before.is_some_and(|wait| wait.since > ripe_before);
        let wait = match before {
            Some(wait) if waits || ripe.len() == OBJECTS_PER_ROUND => wait,
            _ => {
                let remains = remains_of(rows, &doomed)?;
                let as_before = before.filter(|wait| wait.lives == remains.lives);
                let wait = as_before.unwrap_or(Wait {
                    since: now,
                    lives: remains.lives,
                });
                if wait.since <= ripe_before && ripe.len() < OBJECTS_PER_ROUND {
                    ripe.push(remains);
                }
                wait
            }
        };
        waiting.insert(doomed.object, wait);
    }
    Ok((waiting, ripe))
}

fn remains_of(rows: &mut dyn ReadTransaction, doomed: &DoomedObject) -> Result<Remains, Error> {
    let living = rows.find_object(&doomed.object)?;
    let used = living
        .as_ref()
        .map_or(&[][..], |living| living.stored.segments.as_slice());
    Ok(Remains {
        object: doomed.object.clone(),
        lives: living.is_some(),
        runs: unused_segments(used, doomed.last_segment),
    })
}

/// The runs of segment numbers from 1 to `last` that are not used.
pub(crate) fn unused_segments(used: &[Segment], last: u64) -> Vec<RangeInclusive<u64>> {
    let mut runs = Vec::new();
    let mut next = 1;
    for segment in used {
        if next < segment.number {
            runs.push(next..=segment.number - 1);
        }
        next = segment.number + 1;
    }
    if next <= last {
        runs.push(next..=last);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_stays() {
        let used = |numbers: &[u64]| -> Vec<Segment> {
            let segment = |&number| Segment { number, frames: 1 };
            numbers.iter().map(segment).collect()
        };
        assert_eq!(unused_segments(&used(&[]), 0), []);
        assert_eq!(unused_segments(&used(&[]), 2), [1..=2]);
        assert_eq!(unused_segments(&used(&[1, 2]), 2), []);
        assert_eq!(unused_segments(&used(&[3, 4, 7]), 9), [1..=2, 5..=6, 8..=9]);
    }
}
