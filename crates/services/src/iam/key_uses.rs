//! When access keys were last used: noted in memory, written down by a job. A use that is lost with the process is one
//! that nobody is told of.

use std::collections::HashMap;

use ecru_domain::{Error, Principal, Timestamp};
use ecru_ports::metadata::{AccessKeyUse, Lane};
use parking_lot::Mutex;

use super::Iam;
use crate::store::Warrant;

/// Keys whose use is remembered until it is written down.
const MAX_NOTED: usize = 10_000;
/// Uses written down in one transaction.
const BATCH: usize = 250;

/// Uses that are not written down yet.
#[derive(Debug, Default)]
pub(super) struct KeyUses {
    noted: Mutex<HashMap<String, AccessKeyUse>>,
}

impl Iam {
    /// Remembers that a key signed a request; [`Iam::record_key_uses`] writes it down. `service` and `region` are those
    /// of the signature.
    pub fn note_key_use(&self, principal: &Principal, service: &str, region: &str, at: Timestamp) {
        if principal.session.is_some() {
            return;
        }
        let mut noted = self.key_uses.noted.lock();
        if let Some(known) = noted.get_mut(&principal.access_key_id) {
            if known.service == service && known.region == region {
                known.at = at.max(known.at);
                return;
            }
        } else if noted.len() >= MAX_NOTED {
            return;
        }
        let last = AccessKeyUse {
            at,
            service: service.to_owned(),
            region: region.to_owned(),
        };
        noted.insert(principal.access_key_id.clone(), last);
    }

    /// Writes down when keys were used.
    pub async fn record_key_uses(&self) -> Result<(), Error> {
        let noted = std::mem::take(&mut *self.key_uses.noted.lock());
        let uses: Vec<(String, AccessKeyUse)> = noted.into_iter().collect();
        for batch in uses.chunks(BATCH) {
            let batch = batch.to_vec();
            self.store
                .write(Warrant::server(), Lane::Any, move |rows| {
                    for (id, last) in &batch {
                        rows.record_access_key_use(id, last)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }
}
