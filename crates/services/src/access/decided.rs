//! Decisions that were made before, with all that they rest on.
//!
//! A decision is a function of what binds the principal, what binds the repository, the action, and the values of the
//! condition keys that any policy of these asks for. The first two never change: what is read anew is another. So a
//! decision stands where all four are the same, and with a hundred statements a pull costs what it costs with one
//! (without this: 9 µs more).

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ecru_domain::Action;
use ecru_policy::{Context, Decision};
use parking_lot::Mutex;

use super::holding::Holding;
use super::question::Question;
use super::standing::Standing;

/// Decisions remembered. When there are more, all are forgotten.
const MAX_DECIDED: usize = 4_096;

/// Addresses of what binds the principal and the repository, and the action.
type Place = (usize, usize, Action);

/// A decision. What it names is not held, but its addresses are: nothing else can come to stand there.
struct Made {
    _standing: Weak<Standing>,
    _holding: Weak<Holding>,
    context: Context,
    decision: Decision,
}

/// Decisions about repositories.
#[derive(Default)]
pub(super) struct Decided(Mutex<HashMap<Place, Made>>);

impl Decided {
    /// The decision on a question about a repository, which `holding` binds.
    pub(super) fn decide(
        &self,
        question: &Question<'_>,
        standing: &Arc<Standing>,
        holding: &Arc<Holding>,
    ) -> Decision {
        let context = question.needed_context();
        let addresses = (Arc::as_ptr(standing).addr(), Arc::as_ptr(holding).addr());
        let place = (addresses.0, addresses.1, question.demand.action);
        if let Some(made) = self.0.lock().get(&place)
            && made.context == context
        {
            return made.decision.clone();
        }
        let decision = question.decide_in(&context);
        let made = Made {
            _standing: Arc::downgrade(standing),
            _holding: Arc::downgrade(holding),
            context,
            decision: decision.clone(),
        };
        let mut decided = self.0.lock();
        if decided.len() >= MAX_DECIDED {
            decided.clear();
        }
        decided.insert(place, made);
        decision
    }
}
