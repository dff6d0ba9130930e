//! The record itself: fields in the order in which `CloudTrail` writes them.

use std::borrow::Cow;
use std::net::IpAddr;

use ecru_domain::{AccountId, Principal, SessionKind, Timestamp};
use serde::Serialize;

use crate::access::DecisionNote;

const EVENT_VERSION: &str = "1.11";
const EVENT_TYPE: &str = "AwsApiCall";
const REPOSITORY_TYPE: &str = "AWS::ECR::Repository";

/// The longest message of an error, and the longest user agent, in characters.
const LONGEST_TEXT: usize = 1_024;

/// Room for a usual record, in bytes.
const USUAL: usize = 1_536;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Who asked; `None` if that could not be found out.
    pub principal: Option<&'a Principal>,
    /// The access key that somebody claims who could not be found out.
    pub claimed_key: Option<&'a str>,
    /// The client's address, if it came over a network.
    pub peer: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<&'a str>,
    /// Names the request.
    pub request_id: &'a str,
    /// When it arrived.
    pub time: Timestamp,
    /// The service: `ecr.amazonaws.com`.
    pub source: &'a str,
    /// The operation: `PutImage`.
    pub name: &'a str,
    /// Whether it changes nothing.
    pub is_read_only: bool,
    /// The region asked.
    pub region: &'a str,
    /// The account asked, if it is known.
    pub account: Option<&'a AccountId>,
    /// Why it was not done, if it was not.
    pub fault: Option<Fault<'a>>,
    /// What was decided on the way.
    pub decisions: &'a [DecisionNote],
    /// Requests of strangers that were not recorded before this one.
    pub passed_over: u64,
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// The code that the client was told.
    pub code: &'a str,
    /// The text.
    pub message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a, P, R> {
    event_version: &'static str,
    user_identity: UserIdentity<'a>,
    event_time: String,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<IpAddr>,
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<&'a P>,
    response_elements: Option<&'a R>,
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ResourceItem<'a>>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_account_id: Option<&'a str>,
    ecru: Own<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity<'a> {
    r#type: &'static str,
    principal_id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_issuer: Option<SessionIssuer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_id_federation_data: Option<WebIdentity<'a>>,
    attributes: SessionAttributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    r#type: &'static str,
    principal_id: &'a str,
    arn: String,
    account_id: &'a str,
    user_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebIdentity<'a> {
    federated_provider: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionAttributes {
    creation_date: String,
    mfa_authenticated: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceItem<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
}

/// What `CloudTrail` has not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Own<'a> {
    decisions: Vec<DecisionItem<'a>>,
    /// Requests of strangers that were not recorded before this one.
    #[serde(skip_serializing_if = "is_zero")]
    strangers_not_recorded: u64,
}

#[derive(Serialize)]
struct DecisionItem<'a> {
    action: &'a str,
    resource: &'a str,
    #[serde(flatten)]
    decision: &'a ecru_policy::Decision,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The record as one line of JSON, without a line feed.
pub(super) fn line<P: Serialize, R: Serialize>(
    event: &Event<'_>,
    event_id: String,
    parameters: Option<&P>,
    elements: Option<&R>,
) -> Vec<u8> {
    let record = Record {
        event_version: EVENT_VERSION,
        user_identity: match event.principal {
            Some(principal) => identity(principal),
            None => anonymous(event.claimed_key),
        },
        event_time: event.time.to_iso8601(),
        event_source: event.source,
        event_name: event.name,
        aws_region: event.region,
        source_ip_address: event.peer.map(|peer| peer.to_canonical()),
        user_agent: event.user_agent.map(shortened),
        error_code: event.fault.map(|fault| fault.code),
        error_message: event.fault.map(|fault| shortened(fault.message)),
        request_parameters: parameters,
        response_elements: elements,
        request_id: event.request_id,
        event_id,
        read_only: event.is_read_only,
        resources: resources(event.decisions),
        event_type: EVENT_TYPE,
        recipient_account_id: event.account.map(AccountId::as_str),
        ecru: Own {
            decisions: event.decisions.iter().map(DecisionItem::of).collect(),
            strangers_not_recorded: event.passed_over,
        },
    };
    let mut text = Vec::with_capacity(USUAL);
    // into memory, without maps of other keys than strings: that cannot fail
    serde_json::to_writer(&mut text, &record).ok();
    text
}

impl<'a> DecisionItem<'a> {
    fn of(note: &'a DecisionNote) -> Self {
        Self {
            action: note.action.as_str(),
            resource: &note.resource,
            decision: &note.decision,
        }
    }
}

fn shortened(text: &str) -> &str {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

/// Each resource once, in the order of the decisions.
fn resources(decisions: &[DecisionNote]) -> Vec<ResourceItem<'_>> {
    let mut items: Vec<ResourceItem<'_>> = Vec::new();
    for note in decisions.iter().filter(|note| note.resource != "*") {
        if items.iter().all(|item| item.arn != note.resource) {
            let is_repository =
                note.resource.starts_with("arn:aws:ecr:") && note.resource.contains(":repository/");
            items.push(ResourceItem {
                arn: &note.resource,
                account_id: note.resource_account.as_str(),
                r#type: is_repository.then_some(REPOSITORY_TYPE),
            });
        }
    }
    items
}

/// Somebody without credentials that hold, whose the claimed key need not be.
fn anonymous(claimed_key: Option<&str>) -> UserIdentity<'_> {
    UserIdentity {
        r#type: "AWSAccount",
        principal_id: Cow::Borrowed(""),
        arn: None,
        account_id: "ANONYMOUS_PRINCIPAL",
        access_key_id: claimed_key,
        user_name: None,
        session_context: None,
    }
}

fn identity(principal: &Principal) -> UserIdentity<'_> {
    let kind = principal.session_kind();
    let name = match kind {
        Some(SessionKind::AssumedRole | SessionKind::FederatedUser) => None,
        Some(SessionKind::OwnUser) | None => user_name(&principal.arn),
    };
    UserIdentity {
        r#type: identity_type(principal),
        principal_id: match kind {
            None => Cow::Borrowed(principal.unique_id.as_str()),
            Some(_) => Cow::Owned(principal.user_id()),
        },
        arn: Some(&principal.arn),
        account_id: principal.account.as_str(),
        access_key_id: Some(&principal.access_key_id),
        user_name: name,
        session_context: session_context(principal),
    }
}

fn identity_type(principal: &Principal) -> &'static str {
    match principal.session_kind() {
        Some(SessionKind::AssumedRole) => "AssumedRole",
        Some(SessionKind::FederatedUser) => "FederatedUser",
        Some(SessionKind::OwnUser) | None if principal.is_root() => "Root",
        Some(SessionKind::OwnUser) | None => "IAMUser",
    }
}

fn session_context(principal: &Principal) -> Option<SessionContext<'_>> {
    let session = principal.session.as_deref()?;
    let provider = session.provider.as_deref();
    Some(SessionContext {
        session_issuer: match session.kind {
            SessionKind::AssumedRole => role_of(principal),
            SessionKind::FederatedUser | SessionKind::OwnUser => None,
        },
        web_id_federation_data: provider
            .map(|federated_provider| WebIdentity { federated_provider }),
        attributes: SessionAttributes {
            creation_date: session.issued_at.to_iso8601(),
            mfa_authenticated: "false",
        },
        source_identity: session.source_identity.as_deref(),
    })
}

/// The role of `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
fn role_of(principal: &Principal) -> Option<SessionIssuer<'_>> {
    let (_, path) = principal.arn.split_once(":assumed-role/")?;
    let (role, _) = path.split_once('/')?;
    let account = principal.account.as_str();
    Some(SessionIssuer {
        r#type: "Role",
        principal_id: &principal.unique_id,
        arn: format!("arn:aws:iam::{account}:role/{role}"),
        account_id: account,
        user_name: role,
    })
}

/// The last part of `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
fn user_name(arn: &str) -> Option<&str> {
    let (_, path) = arn.split_once(":user/")?;
    path.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ecru_domain::{Action, Session};
    use ecru_policy::{Decision, Layer, Outcome};
    use serde_json::{Value, json};

    use super::*;

    fn event<'a>(principal: Option<&'a Principal>, decisions: &'a [DecisionNote]) -> Event<'a> {
        Event {
            principal,
            claimed_key: None,
            peer: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("docker/29"),
            request_id: "request",
            time: Timestamp::from_seconds(1_800_000_000),
            source: "ecr.amazonaws.com",
            name: "BatchGetImage",
            is_read_only: true,
            region: "us-east-1",
            account: principal.map(|principal| &principal.account),
            fault: None,
            decisions,
            passed_over: 0,
        }
    }

    fn read(event: &Event<'_>) -> Value {
        let parameters = json!({"repositoryName": "app"});
        let line = line(event, "event".to_owned(), Some(&parameters), None::<&()>);
        serde_json::from_slice(&line).unwrap()
    }

    fn root() -> Principal {
        let account = AccountId::parse("111122223333").unwrap();
        Principal::root(account, "AKIAEXAMPLE".to_owned())
    }

    fn session(kind: SessionKind, name: &str) -> Arc<Session> {
        Arc::new(Session {
            kind,
            name: name.to_owned(),
            issued_at: Timestamp::from_seconds(1_800_000_000),
            expires_at: Timestamp::default(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: Some("ann".to_owned()),
            policies: Vec::new(),
            provider: None,
            source_key: None,
            fingerprint: String::new(),
        })
    }

    #[test]
    fn a_record_has_the_fields_of_cloudtrail() {
        let principal = root();
        let decisions = [DecisionNote {
            action: Action::BATCH_GET_IMAGE,
            resource: "arn:aws:ecr:us-east-1:111122223333:repository/app".to_owned(),
            resource_account: principal.account.clone(),
            decision: Decision {
                outcome: Outcome::ImplicitlyDenied,
                layer: Some(Layer::Resource),
                statement: None,
            },
        }];
        let mut denied = event(Some(&principal), &decisions);
        denied.fault = Some(Fault {
            code: "AccessDenied",
            message: "no",
        });
        let expected = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
                "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE",
            },
            "eventTime": "2027-01-15T08:00:00Z",
            "eventSource": "ecr.amazonaws.com",
            "eventName": "BatchGetImage",
            "awsRegion": "us-east-1",
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "docker/29",
            "errorCode": "AccessDenied",
            "errorMessage": "no",
            "requestParameters": {"repositoryName": "app"},
            "responseElements": null,
            "requestID": "request",
            "eventID": "event",
            "readOnly": true,
            "resources": [{
                "ARN": "arn:aws:ecr:us-east-1:111122223333:repository/app",
                "accountId": "111122223333", "type": "AWS::ECR::Repository",
            }],
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
            "ecru": {"decisions": [{
                "action": "ecr:BatchGetImage",
                "resource": "arn:aws:ecr:us-east-1:111122223333:repository/app",
                "outcome": "implicitlyDenied", "layer": "resource", "statement": null,
            }]},
        });
        assert_eq!(read(&denied), expected);
    }

    #[test]
    fn identities_are_told_by_their_kind() {
        let user = Principal {
            arn: "arn:aws:iam::111122223333:user/team/ann".to_owned(),
            unique_id: "AIDAEXAMPLE".to_owned(),
            ..root()
        };
        let identity = read(&event(Some(&user), &[]))["userIdentity"].clone();
        assert_eq!(identity["type"], "IAMUser");
        assert_eq!(identity["userName"], "ann");
        let role = Principal {
            arn: "arn:aws:sts::111122223333:assumed-role/puller/ci".to_owned(),
            unique_id: "AROAEXAMPLE".to_owned(),
            session: Some(session(SessionKind::AssumedRole, "ci")),
            ..root()
        };
        let identity = read(&event(Some(&role), &[]))["userIdentity"].clone();
        assert_eq!(identity["type"], "AssumedRole");
        assert_eq!(identity["principalId"], "AROAEXAMPLE:ci");
        let context = &identity["sessionContext"];
        assert_eq!(context["sessionIssuer"]["userName"], "puller");
        assert_eq!(context["sourceIdentity"], "ann");
        let guest = Principal {
            arn: "arn:aws:sts::111122223333:federated-user/guest".to_owned(),
            session: Some(session(SessionKind::FederatedUser, "guest")),
            ..root()
        };
        let identity = read(&event(Some(&guest), &[]))["userIdentity"].clone();
        assert_eq!(identity["type"], "FederatedUser");
        assert_eq!(identity["principalId"], "111122223333:guest");
        let nobody = read(&event(None, &[]));
        assert_eq!(nobody["userIdentity"]["accountId"], "ANONYMOUS_PRINCIPAL");
        assert_eq!(nobody["userIdentity"].get("accessKeyId"), None);
        let mut claiming = event(None, &[]);
        claiming.claimed_key = Some("AKIACLAIMED");
        assert_eq!(
            read(&claiming)["userIdentity"]["accessKeyId"],
            "AKIACLAIMED"
        );
    }

    #[test]
    fn texts_of_others_have_a_bound_and_cannot_break_a_line() {
        let long = "\u{e9}\n\"".repeat(LONGEST_TEXT);
        let mut event = event(None, &[]);
        event.user_agent = Some(&long);
        let line = line(&event, String::new(), None::<&()>, None::<&()>);
        assert!(!line.contains(&b'\n'));
        let value: Value = serde_json::from_slice(&line).unwrap();
        let agent = value["userAgent"].as_str().unwrap();
        assert_eq!(agent.chars().count(), LONGEST_TEXT);
    }
}
