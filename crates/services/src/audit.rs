//! The audit log: one line for every decision, in the form of `CloudTrail` (`CloudTrail` User Guide, "`CloudTrail` record
//! contents"; ECR User Guide, "Logging Amazon ECR actions with AWS `CloudTrail`").
//!
//! ```text
//! gateway: admit ─▶ request ─▶ Event ─▶ line ─▶ written (a change) or noted (a read) ─▶ answer
//! ```
//!
//! What is sensitive never gets here: gateways hand over parameters through [`Shown`] or name them one by one.

mod classify;
mod record;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use ecru_domain::{Action, Error, Registry, Timestamp};
use ecru_ports::metadata::{Lane, ReadTransaction, WriteTransaction};
use ecru_ports::{AuditHead, AuditReport, AuditTrail, Ids, Metadata, StoreError};
use parking_lot::Mutex;
use serde::Serialize;

use crate::access::{Access, RequestContext, Resource};
use crate::wiring::Outside;

pub use classify::is_read_only;
pub use record::{Event, Fault};
pub use shown::{HIDDEN_MEMBERS, Shown};

/// Strangers whose failed authentication is recorded, in any one second. Of the others, only the number is.
const STRANGERS_PER_SECOND: u32 = 100;

/// The fact that lists the nodes which ever wrote a log, separated by spaces.
const NODES_FACT: &str = "audit-nodes";
/// With a node's name behind it: the fact that has the head of its chain.
const HEAD_FACT: &str = "audit-head:";

/// Records what was decided.
#[derive(Clone)]
pub struct Audit {
    trail: Arc<dyn AuditTrail>,
    ids: Arc<dyn Ids>,
    metadata: Metadata,
    access: Access,
    strangers: Arc<Mutex<Strangers>>,
    kept: Arc<Mutex<Option<AuditHead>>>,
}

/// How many strangers came in a second.
#[derive(Debug, Default)]
struct Strangers {
    second: i64,
    recorded: u32,
    passed_over: u64,
}

impl Strangers {
    fn admit(&mut self, now: Timestamp) -> Option<u64> {
        if self.second != now.seconds() {
            self.second = now.seconds();
            self.recorded = 0;
        }
        if self.recorded >= STRANGERS_PER_SECOND {
            self.passed_over += 1;
            return None;
        }
        self.recorded += 1;
        Some(std::mem::take(&mut self.passed_over))
    }
}

impl Audit {
    /// Over the trail.
    pub(crate) fn new(access: Access, outside: &Outside) -> Self {
        Self {
            trail: Arc::clone(&outside.audit),
            ids: Arc::clone(&outside.ids),
            metadata: outside.metadata.clone(),
            access,
            strangers: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// Asked before a request is begun: what could not be recorded is not done. Waits for a bounded time.
    pub async fn admit(&self) -> Result<(), Error> {
        if self.trail.is_ready() {
            return Ok(());
        }
        Ok(self.trail.ready().await?)
    }

    /// The record of a request, as JSON.
    pub fn line<P: Serialize, R: Serialize>(
        &self,
        event: &Event<'_>,
        parameters: Option<&P>,
        elements: Option<&R>,
    ) -> Vec<u8> {
        record::line(event, self.ids.uuid(), parameters, elements)
    }

    /// Keeps a line: on disk when this returns if the request changed something, within a second otherwise.
    pub async fn keep(&self, line: Vec<u8>, is_read_only: bool) -> Result<(), Error> {
        let kept = if is_read_only {
            self.trail.note(line).await
        } else {
            self.trail.write(line).await
        };
        Ok(kept?)
    }

    /// Keeps the line of a request whose client has gone.
    pub fn leave(&self, line: Vec<u8>) {
        self.trail.leave(line);
    }

    /// Whether a request of somebody who could not be authenticated is recorded, and how many were not before it:
    /// strangers must not fill the disk.
    pub fn admit_stranger(&self, now: Timestamp) -> Option<u64> {
        self.strangers.lock().admit(now)
    }

    /// Writes down where the chain ends, unless it ends there since the last time.
    pub async fn keep_head(&self) -> Result<(), Error> {
        let head = self.trail.head();
        if self.kept.lock().as_ref() == Some(&head) {
            return Ok(());
        }
        let (node, text) = (head.node.clone(), head.to_text());
        let write = move |rows: &mut dyn WriteTransaction| {
            let nodes = rows.store_fact(NODES_FACT)?.unwrap_or_default();
            if !nodes.split(' ').any(|known| known == node) {
                let nodes = format!("{nodes} {node}");
                rows.put_store_fact(NODES_FACT, nodes.trim_start())?;
            }
            rows.put_store_fact(&format!("{HEAD_FACT}{node}"), &text)
        };
        self.metadata.write(Lane::Any, write).await?;
        *self.kept.lock() = Some(head);
        Ok(())
    }

    /// At the end: everything on disk, and where the chain ends written down.
    pub async fn finish(&self) -> Result<(), Error> {
        self.trail.flush().await?;
        self.keep_head().await
    }

    /// Whether lines can be taken now.
    pub fn is_ready(&self) -> bool {
        self.trail.is_ready()
    }

    /// `ecru:VerifyAudit`: reads the log of this node again, which is about all accounts. `home` is the registry whose
    /// administrators may.
    pub async fn verify(
        &self,
        context: &RequestContext,
        home: &Registry,
    ) -> Result<AuditReport, Error> {
        let any = Resource::Any(home.clone());
        self.access
            .authorize(context, Action::VERIFY_AUDIT, any)
            .await?;
        let own = self.trail.head().node;
        let mut heads = heads(&self.metadata).await?;
        // the files of other nodes are elsewhere
        heads.retain(|head| head.node == own);
        Ok(self.trail.verify(heads).await?)
    }
}

/// The heads that the store knows.
pub async fn heads(metadata: &Metadata) -> Result<Vec<AuditHead>, StoreError> {
    let read = |rows: &mut dyn ReadTransaction| {
        let nodes = rows.store_fact(NODES_FACT)?.unwrap_or_default();
        let mut heads = Vec::new();
        for node in nodes.split_whitespace() {
            let text = rows.store_fact(&format!("{HEAD_FACT}{node}"))?;
            heads.extend(text.and_then(|text| AuditHead::parse(node, &text)));
        }
        Ok::<_, StoreError>(heads)
    };
    metadata.read(read).await
}

/// How often the head is written down while lines are.
pub const HEAD_PERIOD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_beyond_the_bound_are_counted() {
        let mut admitted = Vec::new();
        let strangers = Mutex::new(Strangers::default());
        let admit = |second| {
            let mut strangers = strangers.lock();
            strangers.admit(Timestamp::from_seconds(second))
        };
        for _ in 0..STRANGERS_PER_SECOND + 5 {
            admitted.extend(admit(7));
        }
        assert_eq!(admitted, vec![0; STRANGERS_PER_SECOND as usize]);
        assert_eq!(admit(8), Some(5));
        assert_eq!(admit(8), Some(0));
    }
}
