//! Whether the stores and the audit log answer, for load balancers: asked at most once a second, however often they ask.

use std::sync::Arc;
use std::time::Duration;

use ecru_ports::{AuditTrail, BlobStore, Metadata};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

const FRESH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// Probes the stores.
pub struct Readiness {
    metadata: Metadata,
    blobs: Arc<dyn BlobStore>,
    audit: Arc<dyn AuditTrail>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// Over these stores.
    pub fn new(metadata: Metadata, blobs: Arc<dyn BlobStore>, audit: Arc<dyn AuditTrail>) -> Self {
        Self {
            metadata,
            blobs,
            audit,
            last: Mutex::new(None),
        }
    }

    /// Whether both stores took a write within the last second, and the audit log takes lines. The reason for a no is logged.
    pub async fn is_ready(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < FRESH
        {
            return answer;
        }
        let answer = self.probe().await;
        *last = Some((Instant::now(), answer));
        answer
    }

    async fn probe(&self) -> bool {
        let both = async {
            self.audit
                .ready()
                .await
                .map_err(|error| error.to_string())?;
            self.metadata
                .probe()
                .await
                .map_err(|error| error.to_string())?;
            self.blobs.probe().await.map_err(|error| error.to_string())
        };
        let outcome = timeout(PATIENCE, both)
            .await
            .unwrap_or_else(|_| Err("a store does not answer".to_owned()));
        if let Err(error) = &outcome {
            tracing::warn!(error, "not ready");
        }
        outcome.is_ok()
    }
}
