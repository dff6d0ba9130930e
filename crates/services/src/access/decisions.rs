//! What was decided on the way of one request, for its audit record.

use std::sync::Arc;

use ecru_domain::{AccountId, Action};
use ecru_policy::Decision;
use parking_lot::Mutex;

use super::demand::Demand;

/// Decisions of one request that are kept: an index over many images asks often.
const MAX_NOTES: usize = 64;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionNote {
    /// What was asked for.
    pub action: Action,
    /// On what: an ARN or `*`.
    pub resource: String,
    /// The account that owns it.
    pub resource_account: AccountId,
    /// How it was decided, and by which layer and statement.
    pub decision: Decision,
}

/// The decisions of one request so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    notes: Arc<Mutex<Vec<DecisionNote>>>,
}

impl Decisions {
    /// Notes a decision.
    pub(crate) fn note(&self, demand: &Demand, decision: &Decision) {
        let mut notes = self.notes.lock();
        if notes.len() < MAX_NOTES {
            notes.push(DecisionNote {
                action: demand.action,
                resource: demand.resource.arn(),
                resource_account: demand.resource.registry().account.clone(),
                decision: decision.clone(),
            });
        }
    }

    /// Takes what was noted, in order.
    pub fn take(&self) -> Vec<DecisionNote> {
        std::mem::take(&mut self.notes.lock())
    }
}
