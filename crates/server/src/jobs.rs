//! Work in the background: collection, and writing down when images were pulled and access keys used, and where the
//! audit log ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use ecru_domain::Error;
use ecru_services::Services;
use ecru_services::audit::HEAD_PERIOD;
use ecru_services::collection::CollectionReport;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::unhurried_clock::UnhurriedClock;

/// Between two looks for work.
const PERIOD: Duration = Duration::from_secs(2);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(15);
/// How long a pull, or the use of a key, may go unrecorded.
const USES_PERIOD: Duration = Duration::from_secs(30);

/// Collects until `ending` is cancelled; a round that has begun ends first.
pub async fn collect(
    services: Services,
    mut clock: UnhurriedClock,
    metrics: Arc<Metrics>,
    ending: CancellationToken,
) {
    loop {
        let round = services.collection.run_once(clock.now());
        let pause = match outlive(round).await {
            Ok(report) => {
                count(&report, &metrics);
                if report.more { Duration::ZERO } else { PERIOD }
            }
            Err(error) => {
                metrics.collection.failures.inc();
                tracing::warn!(%error, "collection failed and will be tried again");
                PAUSE
            }
        };
        tokio::select! {
            () = ending.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Writes down where the audit log ends until `ending` is cancelled.
pub async fn keep_audit_head(services: Services, ending: CancellationToken) {
    while !ending.is_cancelled() {
        if let Err(error) = outlive(services.audit.keep_head()).await {
            tracing::warn!(%error, "where the audit log ends was not written down");
        }
        tokio::select! {
            () = ending.cancelled() => return,
            () = tokio::time::sleep(HEAD_PERIOD) => {}
        }
    }
}

/// Writes down pulls and uses of access keys and roles until `ending` is cancelled, and once more then.
pub async fn record_uses(services: Services, ending: CancellationToken) {
    loop {
        tokio::select! {
            () = ending.cancelled() => {}
            () = tokio::time::sleep(USES_PERIOD) => {}
        }
        if let Err(error) = outlive(services.images.record_pulls()).await {
            tracing::warn!(%error, "pulls were not recorded");
        }
        if let Err(error) = outlive(services.iam.record_uses()).await {
            tracing::warn!(%error, "uses of access keys and roles were not recorded");
        }
        if ending.is_cancelled() {
            return;
        }
    }
}

/// Runs a task without which the server is not whole: if it panics, the server ends, for whoever started it to start
/// it again.
pub async fn or_end(task: impl Future<Output = ()>, ending: CancellationToken) {
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        tracing::error!("a task panicked that the server needs: it ends");
        ending.cancel();
    }
}

/// A panic fails this round, not all that come: it is no reason never to collect again.
async fn outlive<T>(round: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let ended = AssertUnwindSafe(round).catch_unwind().await;
    ended.unwrap_or_else(|_| Err(Error::internal("it panicked")))
}

fn count(report: &CollectionReport, metrics: &Metrics) {
    let CollectionReport {
        jobs,
        layers,
        objects,
        uploads,
        ..
    } = *report;
    if jobs + layers + objects + uploads == 0 {
        return;
    }
    let counters = &metrics.collection;
    counters.runs.inc();
    counters.jobs.inc_by(jobs);
    counters.layers.inc_by(layers);
    counters.objects.inc_by(objects);
    counters.uploads.inc_by(uploads);
    tracing::debug!(jobs, layers, objects, uploads, "collected");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_without_a_task_that_it_needs_ends() {
        let ending = CancellationToken::new();
        or_end(async {}, ending.clone()).await;
        assert!(!ending.is_cancelled());
        or_end(async { panic!("on purpose") }, ending.clone()).await;
        assert!(ending.is_cancelled());
    }

    #[tokio::test]
    async fn a_round_that_panics_is_a_round_that_failed() {
        let panics = async { panic!("on purpose") };
        assert!(outlive::<()>(panics).await.is_err());
        assert_eq!(outlive(async { Ok(7) }).await.unwrap(), 7);
    }
}
