//! The timed loop: so many connections, each sending its next request when the last is answered.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Connection, Endpoint};
use crate::latency::Latencies;
use crate::options::RunOptions;
use crate::outcome::{Measured, Outcome};
use crate::process::{Usage, memory_peak_mib, own_cpu_seconds, reset_memory_peak};
use crate::workload::{Plan, perform, prepare};

/// Failures after which a run gives up.
const MOST_ERRORS: u64 = 1000;

/// What the workers share while the clock runs.
struct Tally {
    next: AtomicU64,
    requests: u64,
    deadline: Option<Instant>,
    bytes: AtomicU64,
    errors: AtomicU64,
    first_error: OnceLock<String>,
}

impl Tally {
    fn new(options: &RunOptions, begun: Instant) -> Self {
        Self {
            next: AtomicU64::new(0),
            requests: options.requests(),
            deadline: options.secs.map(|secs| begun + Duration::from_secs(secs)),
            bytes: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            first_error: OnceLock::new(),
        }
    }

    /// Number of the next request, until count, clock or failures end the run.
    fn next(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let late = self.deadline.is_some_and(|end| Instant::now() >= end);
        let hopeless = self.errors.load(Ordering::Relaxed) >= MOST_ERRORS;
        (number < self.requests && !late && !hopeless).then_some(number)
    }

    fn fail(&self, error: &anyhow::Error) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.first_error.get_or_init(|| format!("{error:#}"));
    }
}

/// Prepares a run, performs it and measures it.
///
/// # Errors
/// Failures of the preparation and of reading /proc. Failed requests are counted instead.
pub(crate) async fn run(endpoint: Arc<Endpoint>, options: RunOptions) -> anyhow::Result<Outcome> {
    let plan = prepare(endpoint, options).await?;
    measure(Arc::new(plan)).await
}

/// Performs a prepared run and measures it. Dropping the future ends its connections.
///
/// # Errors
/// Failures of reading /proc.
pub(crate) async fn measure(plan: Arc<Plan>) -> anyhow::Result<Outcome> {
    let pids = &plan.options.pid;
    reset_memory_peak(pids)?;
    let server_before = Usage::of(pids)?;
    let client_before = own_cpu_seconds()?;
    let begun = Instant::now();
    let tally = Arc::new(Tally::new(&plan.options, begun));
    let micros = work_in_parallel(&plan, &tally).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let measured = Measured {
        seconds,
        bytes: tally.bytes.load(Ordering::Relaxed),
        latencies: Latencies::from_micros(micros),
        errors: tally.errors.load(Ordering::Relaxed),
        first_error: tally.first_error.get().cloned().unwrap_or_default(),
        server: Usage::of(pids)?.since(server_before),
        memory_peak_mib: memory_peak_mib(pids)?,
        client_cpu_seconds: own_cpu_seconds()? - client_before,
    };
    Ok(Outcome::new(&plan.options, measured))
}

async fn work_in_parallel(plan: &Arc<Plan>, tally: &Arc<Tally>) -> anyhow::Result<Vec<u32>> {
    let mut workers = JoinSet::new();
    for _ in 0..plan.options.conc {
        workers.spawn(work(Arc::clone(plan), Arc::clone(tally)));
    }
    let mut micros = Vec::new();
    while let Some(finished) = workers.join_next().await {
        micros.append(&mut finished.context("a worker of the driver ended early")?);
    }
    Ok(micros)
}

async fn work(plan: Arc<Plan>, tally: Arc<Tally>) -> Vec<u32> {
    let mut connection = Connection::new(Arc::clone(&plan.endpoint));
    let mut micros = Vec::new();
    while let Some(number) = tally.next() {
        let begun = Instant::now();
        let deed = perform(&plan, &mut connection, number);
        let result = match timeout(plan.options.patience(), deed).await {
            Ok(result) => result,
            Err(_) => Err(anyhow::anyhow!("no answer within the timeout")),
        };
        match result {
            Ok(bytes) => {
                tally.bytes.fetch_add(bytes, Ordering::Relaxed);
                micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Err(error) => {
                tally.fail(&error);
                connection.close();
            }
        }
    }
    micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Workload;

    fn tally(count: u64, secs: Option<u64>, begun: Instant) -> Tally {
        let options = RunOptions {
            count: Some(count),
            secs,
            ..RunOptions::of(Workload::Ping)
        };
        Tally::new(&options, begun)
    }

    #[test]
    fn numbers_are_given_once_until_the_count() {
        let tally = tally(3, None, Instant::now());
        let numbers: Vec<u64> = std::iter::from_fn(|| tally.next()).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn no_request_begins_after_the_deadline() {
        let begun = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        assert_eq!(tally(3, Some(1), begun).next(), None);
        assert_eq!(tally(3, Some(60), begun).next(), Some(0));
    }

    #[test]
    fn run_gives_up_after_a_thousand_failures_and_keeps_the_first() {
        let tally = tally(u64::MAX, None, Instant::now());
        for number in 0..MOST_ERRORS {
            assert!(tally.next().is_some());
            tally.fail(&anyhow::anyhow!("failure {number}"));
        }
        assert_eq!(tally.next(), None);
        assert_eq!(tally.first_error.get().unwrap(), "failure 0");
    }
}
