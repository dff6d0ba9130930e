//! Online garbage collection, and the other jobs that the store asks for.
//!
//! ```text
//! image deleted ──job──▶ drain its references ──▶ layers that lost their last one: idle, job after the grace
//! layer job ──▶ still nothing refers to it? ──▶ row deleted ──▶ object unused? ──▶ row deleted, bytes doomed
//! doomed ──▶ bytes removed, once nobody reads them; of an object that lives, those that it does not use
//! contexts of sessions ──▶ row deleted, once every token that names it has ended
//! ```
//!
//! Every step re-checks in its own transaction and never stops a push or a pull. A step touches a bounded number
//! of rows; a crash between steps loses nothing, because what is left to do is itself a row.

mod doomed;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ecru_domain::{Digest, Error, RepositoryId, Timestamp};
use ecru_ports::metadata::{
    JobKind, JobRecord, Lane, LayerRecord, ReferenceKind, WriteTransaction,
};
use ecru_ports::{BlobStore, Ids};

use crate::store::{Store, Warrant};
use crate::uploads::doom_upload;

/// Jobs looked at in one round.
const JOBS_PER_ROUND: u32 = 200;
/// References released in one transaction.
const REFERENCES_PER_STEP: u32 = 100;
/// Rows of a deleted repository removed in one transaction.
const ROWS_PER_STEP: u32 = 400;
/// Layers or uploads of a deleted repository released in one transaction.
const LAYERS_PER_STEP: u32 = 100;
/// When a job that failed is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// Between two looks for contexts of sessions that ended.
const CONTEXTS_PERIOD: Duration = Duration::from_secs(3_600);

pub(crate) use doomed::{doom_segments, unused_segments};

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectionReport {
    /// Jobs ended.
    pub jobs: u64,
    /// Layer rows deleted.
    pub layers: u64,
    /// Objects whose bytes were removed.
    pub objects: u64,
    /// Uploads that expired.
    pub uploads: u64,
    /// Whether there is more to do now.
    pub more: bool,
}

/// The collector.
#[derive(Clone)]
pub struct Collection {
    store: Store,
    blobs: Arc<dyn BlobStore>,
    ids: Arc<dyn Ids>,
    grace: Duration,
    removal_delay: Duration,
    doomed_since: Arc<doomed::Since>,
    /// When contexts of sessions are looked for next, in microseconds.
    contexts_due: Arc<AtomicI64>,
}

/// How far a job came in one transaction.
enum Progress {
    Ended { layers: u64 },
    Goes { layers: u64 },
}

impl Collection {
    /// Over the stores.
    pub fn new(store: Store, outside: &crate::Outside, limits: &crate::Limits) -> Self {
        let (blobs, ids) = (Arc::clone(&outside.blobs), Arc::clone(&outside.ids));
        Self {
            store,
            blobs,
            ids,
            grace: limits.layer_grace,
            removal_delay: limits.removal_delay,
            doomed_since: Arc::default(),
            contexts_due: Arc::default(),
        }
    }

    /// One round: expired uploads, due jobs, doomed bytes.
    pub async fn run_once(&self, now: Timestamp) -> Result<CollectionReport, Error> {
        let mut report = CollectionReport::default();
        self.end_uploads(now, &mut report).await?;
        self.run_jobs(now, &mut report).await?;
        self.remove_doomed(now, &mut report).await?;
        self.forget_contexts(now, &mut report).await?;
        Ok(report)
    }

    /// Contexts of sessions whose registry tokens have all ended.
    async fn forget_contexts(
        &self,
        now: Timestamp,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        if now.micros() < self.contexts_due.load(Ordering::Relaxed) {
            return Ok(());
        }
        let forget = self.store.write(Warrant::server(), Lane::Any, move |rows| {
            Ok(rows.delete_expired_session_contexts(now, ROWS_PER_STEP)?)
        });
        if forget.await? == u64::from(ROWS_PER_STEP) {
            report.more = true;
        } else {
            let next = now.plus(CONTEXTS_PERIOD).micros();
            self.contexts_due.store(next, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn end_uploads(
        &self,
        now: Timestamp,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        let look = self.store.read(Warrant::server(), move |rows| {
            Ok(rows.list_expired_uploads(now, 1)?.is_empty())
        });
        if look.await? {
            return Ok(());
        }
        let ended = self
            .store
            .write(Warrant::server(), Lane::Any, move |rows| {
                let expired = rows.list_expired_uploads(now, LAYERS_PER_STEP)?;
                for upload in &expired {
                    rows.delete_upload(&upload.id)?;
                    doom_upload(rows, upload)?;
                }
                Ok(expired.len())
            })
            .await?;
        report.uploads += ended as u64;
        report.more |= ended == LAYERS_PER_STEP as usize;
        Ok(())
    }

    /// Runs what is due. A job that fails waits, so that it does not keep the others from running.
    async fn run_jobs(&self, now: Timestamp, report: &mut CollectionReport) -> Result<(), Error> {
        let due = self
            .store
            .read(Warrant::server(), move |rows| {
                Ok(rows.list_due_jobs(now, JOBS_PER_ROUND)?)
            })
            .await?;
        report.more |= due.len() == JOBS_PER_ROUND as usize;
        for job in due {
            let (id, kind) = (job.id.clone(), job.kind);
            match self.run_job(job, now).await {
                Ok(layers) => report.layers += layers,
                Err(Error::Unavailable(error)) => return Err(Error::Unavailable(error)),
                Err(error) => {
                    tracing::error!(%error, kind = kind.as_str(), "a job failed and will be tried again");
                    self.postpone(id, now.plus(RETRY)).await?;
                }
            }
            report.jobs += 1;
        }
        Ok(())
    }

    async fn postpone(&self, id: String, run_at: Timestamp) -> Result<(), Error> {
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                Ok(rows.postpone_job(&id, run_at)?)
            })
            .await
    }

    /// Runs a job to its end, one transaction after another.
    async fn run_job(&self, job: JobRecord, now: Timestamp) -> Result<u64, Error> {
        let mut layers = 0;
        loop {
            let (step, grace) = (job.clone(), self.grace);
            let ids: Vec<String> = (0..REFERENCES_PER_STEP)
                .map(|_| self.ids.ordered_uuid(now))
                .collect();
            let lane = Lane::Repository(job.repository.as_str().to_owned());
            let progress = self
                .store
                .write(Warrant::server(), lane, move |rows| {
                    let progress = match step.kind {
                        JobKind::CollectLayer => collect_layer(rows, &step, now.minus(grace))?,
                        JobKind::DrainImage => drain_image(rows, &step, now, grace, &ids)?,
                        JobKind::DrainRepository => drain_repository(rows, &step.repository)?,
                    };
                    if let Progress::Ended { .. } = progress {
                        rows.delete_job(&step.id)?;
                    }
                    Ok(progress)
                })
                .await?;
            match progress {
                Progress::Ended { layers: last } => return Ok(layers + last),
                Progress::Goes { layers: some } => layers += some,
            }
        }
    }
}

/// Deletes a layer that nothing refers to and whose grace is over.
fn collect_layer(
    rows: &mut dyn WriteTransaction,
    job: &JobRecord,
    idle_before: Timestamp,
) -> Result<Progress, Error> {
    let digest = Digest::parse(&job.subject).map_err(Error::internal)?;
    let found = rows.find_layer(&job.repository, &digest)?;
    let Some(found) = found
        .filter(|found| found.referenced_as.is_none() && found.layer.idle_since <= idle_before)
    else {
        // referred to again, or idle anew: the job of that time comes later
        return Ok(Progress::Ended { layers: 0 });
    };
    rows.change_repository(&job.repository)?;
    release_layer(rows, &job.repository, &found.layer)?;
    Ok(Progress::Ended { layers: 1 })
}

/// Deletes a layer row, and dooms its object if it was the last to use it.
pub(crate) fn release_layer(
    rows: &mut dyn WriteTransaction,
    repository: &RepositoryId,
    layer: &LayerRecord,
) -> Result<(), Error> {
    rows.delete_layer(repository, &layer.digest)?;
    if rows.is_object_used(&layer.object)? {
        return Ok(());
    }
    if let Some(object) = rows.find_object(&layer.object)? {
        let last_segment = object
            .stored
            .segments
            .iter()
            .map(|segment| segment.number)
            .max()
            .unwrap_or(0);
        rows.delete_object(&layer.object)?;
        doom_segments(rows, &object.stored.id, last_segment)?;
    }
    Ok(())
}

/// Removes references of an image that is gone; layers that lost their last one become idle.
fn drain_image(
    rows: &mut dyn WriteTransaction,
    job: &JobRecord,
    now: Timestamp,
    grace: Duration,
    ids: &[String],
) -> Result<Progress, Error> {
    if rows.is_image_stored(&job.subject)? {
        return Ok(Progress::Ended { layers: 0 });
    }
    let references = rows.references_of(&job.subject, REFERENCES_PER_STEP)?;
    let targets: Vec<Digest> = references
        .iter()
        .map(|reference| reference.target.clone())
        .collect();
    rows.delete_references(&job.subject, &targets)?;
    let layers = references
        .iter()
        .filter(|reference| reference.kind == ReferenceKind::Layer);
    for (reference, id) in layers.zip(ids) {
        let found = rows.find_layer(&job.repository, &reference.target)?;
        if found.is_none_or(|found| found.referenced_as.is_some()) {
            continue;
        }
        rows.set_layer_idle(&job.repository, &reference.target, now)?;
        rows.insert_job(&JobRecord {
            id: id.clone(),
            kind: JobKind::CollectLayer,
            repository: job.repository.clone(),
            subject: reference.target.to_string(),
            run_at: now.plus(grace),
        })?;
    }
    let is_last = targets.len() < REFERENCES_PER_STEP as usize;
    Ok(if is_last {
        Progress::Ended { layers: 0 }
    } else {
        Progress::Goes { layers: 0 }
    })
}

/// Removes what a deleted repository left.
fn drain_repository(
    rows: &mut dyn WriteTransaction,
    repository: &RepositoryId,
) -> Result<Progress, Error> {
    if rows.drain_repository(repository, ROWS_PER_STEP)? > 0 {
        return Ok(Progress::Goes { layers: 0 });
    }
    let uploads = rows.list_uploads(repository, LAYERS_PER_STEP)?;
    for upload in &uploads {
        rows.delete_upload(&upload.id)?;
        doom_upload(rows, upload)?;
    }
    if !uploads.is_empty() {
        return Ok(Progress::Goes { layers: 0 });
    }
    let layers = rows.list_layers(repository, None, LAYERS_PER_STEP)?;
    for layer in &layers {
        release_layer(rows, repository, layer)?;
    }
    let released = layers.len() as u64;
    Ok(if layers.is_empty() {
        Progress::Ended { layers: 0 }
    } else {
        Progress::Goes { layers: released }
    })
}
