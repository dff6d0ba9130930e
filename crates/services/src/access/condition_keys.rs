//! What a request answers to the condition keys that policies ask for (IAM User Guide, "AWS global condition context
//! keys"; Service Authorization Reference, "Condition keys for Amazon ECR").
//!
//! A key without a value here is missing in the request, and the operators say what that means.

use ecru_domain::SessionKind;
use ecru_policy::Value;

use super::demand::Resource;
use super::question::Question;

/// The value of a key, written in lower case; `None` if the request does not have it.
pub(crate) fn value(question: &Question<'_>, key: &str) -> Option<Value> {
    if let Some((_, value)) = question
        .demand
        .keys
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
    {
        return Some(value.clone());
    }
    match key.split_once('/') {
        Some((family, tag)) => tag_value(question, family, tag).map(Value::One),
        None => principal_value(question, key)
            .or_else(|| session_value(question, key))
            .or_else(|| request_value(question, key))
            .or_else(|| resource_value(question, key)),
    }
}

/// Tag keys are compared without regard to case.
fn tag_value(question: &Question<'_>, family: &str, tag: &str) -> Option<String> {
    let find = |tags: &[(String, String)]| {
        let mut tags = tags.iter();
        tags.find(|(key, _)| key.eq_ignore_ascii_case(tag))
            .map(|(_, value)| value.clone())
    };
    match family {
        "aws:principaltag" => {
            let session = question.context.principal.session.as_ref();
            let of_session = session.and_then(|session| find(&session.tags));
            of_session.or_else(|| find(&question.standing.tags))
        }
        "aws:resourcetag" => find(question.resource_tags()),
        "ecr:resourcetag" => match &question.demand.resource {
            Resource::Named(_) => None,
            Resource::Any(_) | Resource::EveryRepository(_) | Resource::Repository(..) => {
                find(question.resource_tags())
            }
        },
        _ => None,
    }
}

fn principal_value(question: &Question<'_>, key: &str) -> Option<Value> {
    let (principal, standing) = (&question.context.principal, question.standing);
    if !standing.principal.has_policies() {
        // a provider of identities, who vouches for somebody that is nobody here yet
        return None;
    }
    let text = match key {
        "aws:principalarn" => standing.arn.clone(),
        "aws:principalaccount" => principal.account.to_string(),
        "aws:principaltype" => principal_type(question).to_owned(),
        "aws:userid" => principal.user_id(),
        "aws:username" => standing.user_name.clone()?,
        "aws:principalisawsservice" => "false".to_owned(),
        "aws:principalorgid" => standing.place.organization.clone()?,
        "aws:principalorgpaths" => {
            let path = standing.place.path.clone()?;
            return Some(Value::Many(vec![path]));
        }
        _ => return None,
    };
    Some(Value::One(text))
}

fn principal_type(question: &Question<'_>) -> &'static str {
    let principal = &question.context.principal;
    match principal.session_kind() {
        Some(SessionKind::AssumedRole) => "AssumedRole",
        Some(SessionKind::FederatedUser) => "FederatedUser",
        Some(SessionKind::OwnUser) | None if principal.is_root() => "Account",
        Some(SessionKind::OwnUser) | None => "User",
    }
}

/// Keys that only temporary credentials have.
fn session_value(question: &Question<'_>, key: &str) -> Option<Value> {
    let session = question.context.principal.session.as_ref()?;
    let text = match key {
        "aws:tokenissuetime" => session.issued_at.to_iso8601(),
        "aws:sourceidentity" => session.source_identity.clone()?,
        "aws:federatedprovider" => session.provider.clone()?,
        "aws:multifactorauthpresent" => "false".to_owned(),
        _ => return None,
    };
    Some(Value::One(text))
}

fn request_value(question: &Question<'_>, key: &str) -> Option<Value> {
    let context = question.context;
    let text = match key {
        "aws:sourceip" => context.peer?.to_canonical().to_string(),
        "aws:securetransport" => context.is_tls.to_string(),
        "aws:useragent" => context.user_agent.clone()?,
        "aws:currenttime" => context.time.to_iso8601(),
        "aws:epochtime" => context.time.seconds().to_string(),
        "aws:requestedregion" => context.region.to_string(),
        "aws:viaawsservice" => "false".to_owned(),
        _ => return None,
    };
    Some(Value::One(text))
}

fn resource_value(question: &Question<'_>, key: &str) -> Option<Value> {
    let place = &question.holding.place;
    let text = match key {
        "aws:resourceaccount" => question.demand.resource.registry().account.to_string(),
        "aws:resourceorgid" => place.organization.clone()?,
        "aws:resourceorgpaths" => {
            let path = place.path.clone()?;
            return Some(Value::Many(vec![path]));
        }
        _ => return None,
    };
    Some(Value::One(text))
}

impl Question<'_> {
    fn resource_tags(&self) -> &[(String, String)] {
        match &self.demand.resource {
            Resource::Named(named) => &named.tags,
            Resource::Any(_) | Resource::EveryRepository(_) | Resource::Repository(..) => {
                &self.holding.tags
            }
        }
    }
}
