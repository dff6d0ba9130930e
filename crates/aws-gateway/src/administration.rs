//! The administration API: `POST /` with `X-Amz-Target: EcruAdmin.<Operation>`, signed for the service `ecru`.
//!
//! | operation | input | output |
//! |---|---|---|
//! | `Verify` | `repair`: boolean, default false; `from`: the `next` of the answer before | `objects`, `bytes`, `manifests`, `problemCount`: numbers; `problems`: list of `what`, `object`, `repository`, `digest`, `quarantined`; `next`, unless all was verified |
//! | `Explain` | `principal`, `resource`: ARNs; `action`; `context`: condition keys with a value or a list | `decision`: `outcome`, `layer`, `statement`; `reason`; `layers`: list of `layer`, `allows`, `denies`, `statements`, each with what kept it from matching |
//! | `VerifyAudit` | none | `files`, `lines`, `problemCount`: numbers; `problems`, `notes`: lists of texts; of the node that answers |
//! | `RevokeTokens` | none | none |
//! | `PutOidcProviderKeys` | `provider`: an ARN; `keys`: a JSON Web Key Set as text, or none to ask the provider again | none |
//! | `PutRegistrySetting` | `name`: `latest`; `value`: `newest`, `explicit` or `follow` | the same |
//!
//! Each asks for the IAM action `ecru:<Operation>`; what concerns the whole server, of the management account alone:
//! `Verify`, `Explain`, `VerifyAudit`, `RevokeTokens`. Errors are those of the JSON dialect.

mod explain;

use ecru_domain::Error;
use ecru_domain::latest::LatestMode;
use ecru_services::verification::{Position, Problem, VerifyPage, VerifyRequest};
use http::Response;
use serde::{Deserialize, Serialize};

use crate::body_budget::BufferedBody;
use crate::call::{Call, refuse};
use crate::errors::Failure;
use crate::json_protocol;
use crate::response::{self, ResponseBody};
use crate::routing::RoutingError;

/// The one registry setting that ECR does not have.
const LATEST: &str = "latest";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerifyInput {
    #[serde(default)]
    repair: bool,
    from: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyOutput {
    objects: u64,
    bytes: u64,
    manifests: u64,
    problem_count: u64,
    problems: Vec<ProblemOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemOutput {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    quarantined: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyAuditOutput {
    files: u64,
    lines: u64,
    problem_count: u64,
    problems: Vec<String>,
    notes: Vec<String>,
}

/// Also the output: the setting as it is now.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct RegistrySetting {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct OidcProviderKeys {
    provider: String,
    keys: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Nothing {}

/// Answers an operation of the administration API.
pub(crate) async fn answer(
    call: &Call<'_>,
    operation: &str,
    body: &BufferedBody,
) -> Result<Response<ResponseBody>, Failure> {
    let (body, id) = (body.as_slice(), call.context.request_id.as_str());
    let response = match operation {
        "Verify" => {
            let input = json_protocol::decode_object(body)?;
            json_protocol::success(&verify(call, &input).await?, id)
        }
        "Explain" => {
            let input = json_protocol::decode_object(body)?;
            json_protocol::success(&explain::explain(call, input).await?, id)
        }
        "VerifyAudit" => {
            let Nothing {} = json_protocol::decode_object(body)?;
            json_protocol::success(&verify_audit(call).await?, id)
        }
        "RevokeTokens" => {
            let input = json_protocol::decode_object(body)?;
            json_protocol::success(&revoke_tokens(call, input).await?, id)
        }
        "PutOidcProviderKeys" => {
            let input = json_protocol::decode_object(body)?;
            json_protocol::success(&put_oidc_provider_keys(call, input).await?, id)
        }
        "PutRegistrySetting" => {
            let input = json_protocol::decode_object(body)?;
            json_protocol::success(&put_registry_setting(call, input).await?, id)
        }
        _ => return Err(RoutingError::UnknownOperation.to_exception().into()),
    };
    Ok(response::whole(response))
}

/// What metrics call an operation.
pub(crate) fn route_name(operation: &str) -> &'static str {
    match operation {
        "Verify" => "ecru:Verify",
        "Explain" => "ecru:Explain",
        "VerifyAudit" => "ecru:VerifyAudit",
        "RevokeTokens" => "ecru:RevokeTokens",
        "PutOidcProviderKeys" => "ecru:PutOidcProviderKeys",
        "PutRegistrySetting" => "ecru:PutRegistrySetting",
        _ => "ecru:unknown",
    }
}

async fn verify(call: &Call<'_>, input: &VerifyInput) -> Result<VerifyOutput, Error> {
    let request = VerifyRequest {
        repair: input.repair,
    };
    let from = match &input.from {
        Some(text) => {
            Position::parse(text).map_err(|_| refuse("from", "must be the 'next' of an answer"))?
        }
        None => Position::START,
    };
    let verification = &call.services.verification;
    let page = verification
        .verify(&call.context, &call.config.home, request, from)
        .await?;
    Ok(page.into())
}

async fn verify_audit(call: &Call<'_>) -> Result<VerifyAuditOutput, Error> {
    let audit = &call.services.audit;
    let report = audit.verify(&call.context, &call.config.home).await?;
    Ok(VerifyAuditOutput {
        files: report.files,
        lines: report.lines,
        problem_count: report.problem_count,
        problems: report.problems,
        notes: report.notes,
    })
}

async fn revoke_tokens(call: &Call<'_>, input: Nothing) -> Result<Nothing, Error> {
    let (services, home) = (call.services, &call.config.home);
    services
        .identity
        .revoke_tokens(&services.access, &call.context, home)
        .await?;
    Ok(input)
}

async fn put_oidc_provider_keys(
    call: &Call<'_>,
    input: OidcProviderKeys,
) -> Result<Nothing, Error> {
    let sts = &call.services.sts;
    sts.put_provider_keys(&call.context, &input.provider, input.keys)
        .await?;
    Ok(Nothing {})
}

async fn put_registry_setting(
    call: &Call<'_>,
    input: RegistrySetting,
) -> Result<RegistrySetting, Error> {
    if input.name != LATEST {
        return Err(refuse("name", "must be 'latest'"));
    }
    let mode = LatestMode::parse(&input.value)
        .ok_or_else(|| refuse("value", "must be 'newest', 'explicit' or 'follow'"))?;
    let settings = &call.services.settings;
    settings.put_latest_mode(&call.context, mode).await?;
    Ok(input)
}

impl From<VerifyPage> for VerifyOutput {
    fn from(VerifyPage { report, next }: VerifyPage) -> Self {
        Self {
            next: next.map(|position| position.to_string()),
            objects: report.objects,
            bytes: report.bytes,
            manifests: report.manifests,
            problem_count: report.problem_count,
            problems: report.problems.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Problem> for ProblemOutput {
    fn from(problem: Problem) -> Self {
        Self {
            what: problem.what,
            object: problem.object,
            repository: problem.repository,
            digest: problem.digest,
            quarantined: problem.quarantined,
        }
    }
}
