//! Removing bytes that rows doomed.
//!
//! An upload that completes may leave segments of requests that could not commit. Then its object is doomed and
//! lives: only the segments that it does not use go.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use ecru_domain::{Error, Timestamp};
use ecru_ports::ObjectId;
use ecru_ports::blobs::{Removal, Segment};
use ecru_ports::metadata::{Lane, ReadTransaction};
use parking_lot::Mutex;

use super::{Collection, CollectionReport};
use crate::store::Warrant;

/// Objects whose bytes are removed in one round.
const OBJECTS_PER_ROUND: u32 = 200;

/// Since when this process has known what is doomed.
pub(super) type Since = Mutex<HashMap<Doom, Timestamp>>;

/// Which bytes of an object are doomed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Doom {
    object: ObjectId,
    /// Whether a row still says how to read the object.
    lives: bool,
    runs: Vec<RangeInclusive<u64>>,
}

impl Collection {
    pub(super) async fn remove_doomed(
        &self,
        now: Timestamp,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        let doomed = self.store.read(Warrant::server(), list_doomed).await?;
        let mut gone = Vec::with_capacity(doomed.len());
        for doom in self.ripe(doomed, now) {
            if self.remove_runs(&doom).await {
                gone.push(doom);
            }
        }
        report.objects += gone.len() as u64;
        report.more |= gone.len() == OBJECTS_PER_ROUND as usize;
        if gone.is_empty() {
            return Ok(());
        }
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                for Doom { object, lives, .. } in &gone {
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
    async fn remove_runs(&self, doom: &Doom) -> bool {
        for run in &doom.runs {
            match self.blobs.remove(&doom.object, run.clone()).await {
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

    /// Those that have been doomed for a while: a request that read the rows just before may only now begin to
    /// read the bytes.
    fn ripe(&self, doomed: Vec<Doom>, now: Timestamp) -> Vec<Doom> {
        let mut seen = self.doomed_since.lock();
        let ripe_before = now.minus(self.removal_delay);
        let known: HashMap<Doom, Timestamp> = doomed
            .iter()
            .map(|doom| (doom.clone(), *seen.get(doom).unwrap_or(&now)))
            .collect();
        *seen = known;
        let is_ripe = |doom: &Doom| seen.get(doom).is_some_and(|since| *since <= ripe_before);
        doomed.into_iter().filter(is_ripe).collect()
    }
}

fn list_doomed(rows: &mut dyn ReadTransaction) -> Result<Vec<Doom>, Error> {
    let mut doomed = Vec::new();
    for known in rows.list_doomed(OBJECTS_PER_ROUND)? {
        let living = rows.find_object(&known.object)?;
        let used = living
            .as_ref()
            .map_or(&[][..], |living| living.stored.segments.as_slice());
        doomed.push(Doom {
            runs: unused_segments(used, known.last_segment),
            lives: living.is_some(),
            object: known.object,
        });
    }
    Ok(doomed)
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
