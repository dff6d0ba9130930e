//! Time and randomness from the system: the only place where they are drawn.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use ecru_domain::Timestamp;
use ecru_ports::{Clock, Ids};

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

/// Identifiers from the system's random source.
#[derive(Debug, Default)]
pub struct RandomIds(SystemRandom);

impl Ids for RandomIds {
    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // no identifier is better than one that may come twice: the request ends, the server goes on
        assert!(
            self.0.fill(&mut bytes).is_ok(),
            "the system's random source failed"
        );
        bytes
    }
}
