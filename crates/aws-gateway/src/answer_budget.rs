//! Memory of answers that are made faster than their clients read them.
//!
//! What is large takes a share of one budget, and keeps it until its last byte has left. Where there is no room, the
//! piece is let go and made again when there is: nobody waits with it in hand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const KIB: usize = 1_024;
/// Pieces up to this size need no room: a connection holds as much anyway.
pub(crate) const FREE: usize = 64 * KIB;
/// The largest piece: a manifest of 4 MiB in which every character is escaped, and what stands around it.
const LARGEST: usize = 9 * KIB * KIB;
/// The longest wait for room.
const WAIT: Duration = Duration::from_secs(10);

/// The budget.
#[derive(Clone)]
pub(crate) struct AnswerBudget {
    permits: Arc<Semaphore>,
}

/// A share of it, given back when dropped.
pub(crate) struct AnswerShare(Option<OwnedSemaphorePermit>);

/// There was no room for as long as a request waits.
#[derive(Debug, thiserror::Error)]
#[error("too many large answers at once")]
pub(crate) struct Crowded;

/// Bytes that hold a share.
struct Kept {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AnswerBudget {
    /// A budget of so many bytes; never less than one piece needs.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(bytes.max(LARGEST).div_ceil(KIB))),
        }
    }

    /// A share for a piece that is at hand, if there is room now.
    pub(crate) fn try_share(&self, length: usize) -> Option<AnswerShare> {
        if length <= FREE {
            return Some(AnswerShare(None));
        }
        let asked = Arc::clone(&self.permits).try_acquire_many_owned(units(length));
        asked.ok().map(|share| AnswerShare(Some(share)))
    }

    /// Waits for a share that any piece fits into.
    pub(crate) async fn share(&self) -> Result<AnswerShare, Crowded> {
        let asked = Arc::clone(&self.permits).acquire_many_owned(units(LARGEST));
        match timeout(WAIT, asked).await {
            Ok(Ok(share)) => Ok(AnswerShare(Some(share))),
            // the semaphore is never closed, so only the wait can have ended
            Ok(Err(_)) | Err(_) => Err(Crowded),
        }
    }
}

impl AnswerShare {
    /// These bytes, which keep the share until the last of them has left.
    pub(crate) fn keep(self, bytes: Vec<u8>) -> Bytes {
        match self.0 {
            None => bytes.into(),
            Some(share) => Bytes::from_owner(Kept {
                bytes,
                _share: share,
            }),
        }
    }
}

fn units(length: usize) -> u32 {
    u32::try_from(length.div_ceil(KIB)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_piece_keeps_its_share_until_the_last_byte_has_left() {
        let budget = AnswerBudget::new(0);
        let share = budget.try_share(LARGEST).unwrap();
        let mut piece = share.keep(vec![b'x'; LARGEST]);
        let last = piece.split_off(LARGEST - 1);
        drop(piece);
        assert!(budget.try_share(FREE + 1).is_none());
        assert!(
            budget.try_share(FREE).is_some(),
            "small pieces need no room"
        );
        assert!(budget.share().await.is_err());
        drop(last);
        assert!(budget.share().await.is_ok());
    }
}
