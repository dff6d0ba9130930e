//! The collector's time: the wall clock, unless that leaps.
//!
//! A grace and a lifetime are promises about time that passes. When the clock is set forward by days, none has passed,
//! and what was promised must not go. So a leap is held back until every promise made before it has been kept, by the
//! time that really passed. A clock set back only makes the collector wait.

use std::sync::Arc;
use std::time::Duration;

use ecru_domain::Timestamp;
use ecru_ports::Clock;
use tokio::time::Instant;

/// A smaller difference to the time that passed is no leap: clocks are slewed, and threads wait.
const SMALLEST_LEAP: Duration = Duration::from_secs(2);

/// A clock that does not follow leaps forward at once.
pub struct UnhurriedClock {
    wall: Arc<dyn Clock>,
    /// The longest promise.
    longest: Duration,
    last: Option<(Timestamp, Instant)>,
    /// By how much it is behind the wall clock, and until when.
    behind: Duration,
    until: Instant,
}

impl UnhurriedClock {
    /// Over the wall clock, in a store whose longest promise is `longest`.
    pub fn new(wall: Arc<dyn Clock>, longest: Duration) -> Self {
        Self {
            wall,
            longest,
            last: None,
            behind: Duration::ZERO,
            until: Instant::now(),
        }
    }

    /// The time to collect by.
    pub fn now(&mut self) -> Timestamp {
        let (wall, steady) = (self.wall.now(), Instant::now());
        if let Some((last_wall, last_steady)) = self.last {
            let expected = last_wall.plus(steady - last_steady);
            self.follow(expected, wall, steady);
        }
        self.last = Some((wall, steady));
        if steady >= self.until {
            self.behind = Duration::ZERO;
        }
        wall.minus(self.behind)
    }

    fn follow(&mut self, expected: Timestamp, wall: Timestamp, steady: Instant) {
        let leap = Duration::from_micros(expected.micros().abs_diff(wall.micros()));
        if leap < SMALLEST_LEAP {
            return;
        }
        let is_forward = wall > expected;
        tracing::warn!(?leap, is_forward, "the clock was set");
        if is_forward {
            self.behind += leap;
            self.until = steady + self.longest;
        } else {
            self.behind = self.behind.saturating_sub(leap);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const GRACE: Duration = Duration::from_hours(24);
    const HOUR: Duration = Duration::from_hours(1);
    const WEEK: i64 = 7 * 24 * 3_600;

    /// A wall clock that is set by seconds.
    struct SetClock(Instant, AtomicI64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.1.load(Ordering::SeqCst)).plus(self.0.elapsed())
        }
    }

    fn clocks() -> (Arc<SetClock>, UnhurriedClock) {
        let wall = Arc::new(SetClock(Instant::now(), AtomicI64::new(1_000_000_000)));
        (wall.clone(), UnhurriedClock::new(wall, GRACE))
    }

    /// Seconds by which the collector is behind the wall, as it looks again and again for a while.
    async fn behind_after(time: Duration, wall: &SetClock, clock: &mut UnhurriedClock) -> i64 {
        for _ in 0..10 {
            clock.now();
            tokio::time::sleep(time / 10).await;
        }
        wall.now().seconds() - clock.now().seconds()
    }

    #[tokio::test(start_paused = true)]
    async fn a_leap_forward_ends_no_promise_before_its_time_has_passed() {
        let (wall, mut clock) = clocks();
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
        wall.1.fetch_add(WEEK, Ordering::SeqCst);
        assert_eq!(
            behind_after(GRACE.saturating_sub(HOUR), &wall, &mut clock).await,
            WEEK
        );
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leap_forward_that_is_taken_back_leaves_nothing() {
        let (wall, mut clock) = clocks();
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
        wall.1.fetch_add(WEEK, Ordering::SeqCst);
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, WEEK);
        wall.1.fetch_sub(WEEK, Ordering::SeqCst);
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leap_back_is_followed() {
        let (wall, mut clock) = clocks();
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
        wall.1.fetch_sub(WEEK, Ordering::SeqCst);
        assert_eq!(behind_after(HOUR, &wall, &mut clock).await, 0);
    }
}
