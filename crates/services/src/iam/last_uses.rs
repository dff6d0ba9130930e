//! When access keys and roles were last used: noted in memory, written down by a job. A use that is lost with the process
//! is one that nobody is told of.
//!
//! ```text
//! signed request ──▶ noted ──job──▶ written: a key's next time, a role's at most once an hour
//! ```
//!
//! Sessions of one role come from everywhere and all the time, and nobody asks for more than whether a role is still
//! needed: in AWS, too, it takes hours until a use is told.

use std::collections::HashMap;
use std::time::Duration;

use ecru_domain::{Error, Principal, SessionKind, Timestamp};
use ecru_ports::metadata::{Lane, LastUse};
use parking_lot::Mutex;

use super::Iam;
use crate::store::Warrant;

/// Keys and roles whose use is remembered until it is written down.
const MAX_NOTED: usize = 10_000;
/// Uses written down in one transaction.
const BATCH: usize = 250;
/// Between two uses of a role that are written down.
const ROLE_PERIOD: Duration = Duration::from_secs(3_600);

/// The last use of a key or a role.
#[derive(Debug)]
struct Noted {
    last: LastUse,
    is_role: bool,
    /// When a use of the role was written down last.
    written_at: Option<Timestamp>,
}

impl Noted {
    /// Whether it may be written down again.
    fn is_free(&self, now: Timestamp) -> bool {
        let written_at = self.written_at;
        written_at.is_none_or(|at| at.plus(ROLE_PERIOD) <= now)
    }

    /// Whether it is not written down yet.
    fn is_new(&self) -> bool {
        self.written_at.is_none_or(|at| self.last.at > at)
    }
}

/// Uses that are not written down yet, and roles whose use was within the hour.
#[derive(Debug, Default)]
pub(super) struct LastUses {
    noted: Mutex<HashMap<String, Noted>>,
}

impl LastUses {
    /// What is to be written down now.
    fn due(&self, now: Timestamp) -> Vec<(String, LastUse)> {
        let mut noted = self.noted.lock();
        noted.retain(|_, one| one.is_new() || !one.is_free(now));
        let due = noted.iter_mut().filter(|(_, one)| one.is_free(now));
        let due = due.map(|(id, one)| {
            one.written_at = Some(now);
            (id.clone(), one.last.clone())
        });
        let due = due.collect();
        noted.retain(|_, one| one.is_role);
        due
    }
}

impl Iam {
    /// Remembers that a key, or a session of a role, signed a request; [`Iam::record_uses`] writes it down. `service`
    /// and `region` are those of the signature.
    pub fn note_use(&self, principal: &Principal, service: &str, region: &str, at: Timestamp) {
        let (id, is_role) = match principal.session_kind() {
            None => (&principal.access_key_id, false),
            Some(SessionKind::AssumedRole) => (&principal.unique_id, true),
            Some(SessionKind::FederatedUser | SessionKind::OwnUser) => return,
        };
        let mut noted = self.last_uses.noted.lock();
        let is_full = noted.len() >= MAX_NOTED;
        let Some(known) = noted.get_mut(id) else {
            if !is_full {
                let last = LastUse {
                    at,
                    service: service.to_owned(),
                    region: region.to_owned(),
                };
                let new = Noted {
                    last,
                    is_role,
                    written_at: None,
                };
                noted.insert(id.clone(), new);
            }
            return;
        };
        known.last.at = at.max(known.last.at);
        if known.last.service != service || known.last.region != region {
            service.clone_into(&mut known.last.service);
            region.clone_into(&mut known.last.region);
        }
    }

    /// Writes down when keys and roles were used.
    pub async fn record_uses(&self) -> Result<(), Error> {
        let uses = self.last_uses.due(self.clock.now());
        for batch in uses.chunks(BATCH) {
            let batch = batch.to_vec();
            self.store
                .write(Warrant::server(), Lane::Any, move |rows| {
                    for (id, last) in &batch {
                        rows.record_last_use(id, last)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }
}
