//! Time and randomness from the system: the only place where they are drawn.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use ecru_domain::Timestamp;
use ecru_ports::{Clock, Ids};
use parking_lot::Mutex;
use zeroize::Zeroizing;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
        let now = SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Random bytes drawn at once. Drawn by sixteen, twice for each request, they were 3.7 % of a manifest GET.
const DRAWN: usize = 1_024;

/// Identifiers from the system's random source.
#[derive(Default)]
pub struct RandomIds(Mutex<Drawn>);

/// Bytes of which none is given away twice: each is wiped as it goes.
struct Drawn {
    source: SystemRandom,
    bytes: Zeroizing<[u8; DRAWN]>,
    left: usize,
}

impl Default for Drawn {
    fn default() -> Self {
        Self {
            source: SystemRandom::new(),
            bytes: Zeroizing::new([0; DRAWN]),
            left: 0,
        }
    }
}

impl Ids for RandomIds {
    fn random(&self) -> [u8; 16] {
        let mut drawn = self.0.lock();
        let Drawn {
            source,
            bytes,
            left,
        } = &mut *drawn;
        let mut id = [0; 16];
        if *left < id.len() {
            // no identifier is better than one that may come twice: the request ends, the server goes on
            assert!(
                source.fill(&mut **bytes).is_ok(),
                "the system's random source failed"
            );
            *left = bytes.len();
        }
        let begin = *left - id.len();
        id.swap_with_slice(&mut bytes[begin..*left]);
        *left = begin;
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_and_none_stays_behind() {
        let ids = RandomIds::default();
        let count = 3 * DRAWN / 16 + 1;
        let drawn: HashSet<[u8; 16]> = (0..count).map(|_| ids.random()).collect();
        assert_eq!(drawn.len(), count);
        let left = ids.0.lock();
        assert!(left.bytes[left.left..].iter().all(|byte| *byte == 0));
        assert!(left.bytes[..left.left].iter().any(|byte| *byte != 0));
    }
}
