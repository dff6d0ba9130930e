//! One demand with all facts: the layers that bind it and the context it is decided in.

use ecru_policy::{Context, Decision, Document, Explanation, Layers, Outcome, Request};

use super::RequestContext;
use super::condition_keys;
use super::demand::{Demand, Resource};
use super::holding::Holding;
use super::standing::Standing;

/// A demand and the facts that decide it.
pub(crate) struct Question<'a> {
    pub(crate) context: &'a RequestContext,
    pub(crate) demand: &'a Demand,
    pub(crate) standing: &'a Standing,
    pub(crate) holding: &'a Holding,
}

/// No policy decides this.
const OUT_OF_REACH: Decision = Decision {
    outcome: Outcome::ImplicitlyDenied,
    layer: None,
    statement: None,
};

impl Question<'_> {
    /// The decision.
    pub(crate) fn decide(&self) -> Decision {
        self.decide_in(&self.needed_context())
    }

    /// The decision, with the condition keys that are needed for it.
    pub(super) fn decide_in(&self, context: &Context) -> Decision {
        if self.is_out_of_reach() {
            return OUT_OF_REACH;
        }
        self.ask(context, ecru_policy::decide)
    }

    /// The decision with everything that was looked at.
    pub(crate) fn explain(&self) -> Explanation {
        let mut explanation = self.ask(&self.needed_context(), ecru_policy::explain);
        if self.is_out_of_reach() {
            explanation.decision = OUT_OF_REACH;
        }
        explanation
    }

    /// What a closed account owns is nobody's to use, whatever its policies say.
    fn is_out_of_reach(&self) -> bool {
        self.holding.place.is_closed
    }

    /// A registry as a whole, and tokens for it, are granted by identity policies alone.
    fn policies(&self) -> &[Document] {
        match &self.demand.resource {
            Resource::Any(_) => &[],
            Resource::Named(_) => self.holding.trust.as_slice(),
            Resource::EveryRepository(_) | Resource::Repository(..) => {
                self.holding.policies(self.demand.action)
            }
        }
    }

    fn ask<T>(&self, context: &Context, judge: fn(&Layers<'_>, &Request<'_>) -> T) -> T {
        let standing = self.standing;
        let layers = Layers {
            identity: &standing.identity,
            resource: self.policies(),
            boundary: standing.boundary.as_ref(),
            session: standing.session.as_deref(),
            scps: &standing.place.scps,
            rcps: &self.holding.place.rcps,
        };
        let arn = self.demand.resource.arn();
        judge(
            &layers,
            &Request {
                principal: &standing.principal,
                action: self.demand.action.as_str(),
                resource: &arn,
                resource_account: self.demand.resource.registry().account.as_str(),
                context,
            },
        )
    }

    /// Only what some policy asks for: most ask for nothing.
    pub(super) fn needed_context(&self) -> Context {
        let mut context = Context::new();
        let (own, held) = (&self.standing.asked, &self.holding.asked);
        for key in own
            .iter()
            .chain(held.iter().filter(|key| !own.contain(key)))
        {
            if let Some(value) = condition_keys::value(self, key) {
                context.set(key, value);
            }
        }
        context
    }
}
