//! The elements of one statement.

use super::kind::{Dialect, DocumentKind, Presence, Rules};
use super::{Finding, LEGACY, principals};
use crate::condition::is_readable;
use crate::condition::operator::Operator;
use crate::policy::Effect;
use crate::syntax::{ConditionSyntax, Listed, PrincipalType, StatementSyntax};

/// What an IAM resource may begin with.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// What resource control policies can bind, by vendor.
const CONTROLLED: [&str; 6] = ["ecr", "kms", "s3", "secretsmanager", "sqs", "sts"];

/// Checks one statement.
pub(super) fn check(statement: &StatementSyntax, rules: &Rules) -> Result<(), Finding> {
    if rules.unique_sids {
        sid(statement.sid.as_deref().unwrap_or_default())?;
    }
    principals::check(statement, rules)?;
    actions(statement, rules)?;
    resources(statement, rules)?;
    for condition in &statement.conditions {
        check_condition(condition)?;
    }
    if rules.dialect == Dialect::ResourceControl {
        resource_control(statement)?;
    }
    Ok(())
}

fn sid(sid: &str) -> Result<(), Finding> {
    if sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = "Statement IDs (SID) must be alpha-numeric. \
                   Check that your input satisfies the regular expression [0-9A-Za-z]*";
    Err(Finding::new(message, "its Sid is not alphanumeric"))
}

fn actions(statement: &StatementSyntax, rules: &Rules) -> Result<(), Finding> {
    let values = match &statement.actions {
        Some(listed) if !listed.values.is_empty() => &listed.values,
        _ => {
            let message = "Policy statement must contain actions.";
            return Err(Finding::new(message, "it has no action"));
        }
    };
    for value in values {
        action(value)?;
        if rules.dialect == Dialect::Iam(DocumentKind::RoleTrust) && !has_vendor(value, "sts") {
            let message = "AssumeRole policy may only specify STS AssumeRole actions.";
            return Err(Finding::new(message, "an action is not one of sts"));
        }
        if rules.dialect == Dialect::Ecr("repository")
            && value.eq_ignore_ascii_case("ecr:GetAuthorizationToken")
        {
            let detail = "ecr:GetAuthorizationToken has no repository";
            return Err(Finding::syntax(detail));
        }
    }
    Ok(())
}

fn has_vendor(action: &str, vendor: &str) -> bool {
    let own = action.split_once(':').map(|(own, _)| own);
    own.is_some_and(|own| own.eq_ignore_ascii_case(vendor))
}

fn action(value: &str) -> Result<(), Finding> {
    if value == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = value.split_once(':') else {
        return Err(no_vendor());
    };
    if name.contains(':') {
        let message = "Actions/Condition can contain only one colon.";
        return Err(Finding::new(message, "an action has several colons"));
    }
    let is_vendor = vendor
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if vendor.is_empty() || !is_vendor && vendor != "*" {
        let message = format!("Vendor {vendor} is not valid");
        return Err(Finding::new(message, "an action has an odd vendor"));
    }
    Ok(())
}

fn no_vendor() -> Finding {
    let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    Finding::new(message, "an action or a condition key has no vendor")
}

fn resources(statement: &StatementSyntax, rules: &Rules) -> Result<(), Finding> {
    match (&statement.resources, rules.resource) {
        (None, Presence::Prohibited) => Ok(()),
        (Some(listed), Presence::Prohibited) => {
            let field = if listed.is_not {
                "NotResource"
            } else {
                "Resource"
            };
            let message = format!("Has prohibited field {field}.");
            Err(Finding::new(
                message,
                "its resource is the one that has the policy",
            ))
        }
        (Some(Listed { values, .. }), Presence::Required) if !values.is_empty() => {
            values.iter().try_for_each(|value| resource(value))
        }
        (_, Presence::Required) => {
            let message = "Policy statement must contain resources.";
            Err(Finding::new(message, "it has no resource"))
        }
    }
}

fn resource(value: &str) -> Result<(), Finding> {
    if value == "*" {
        return Ok(());
    }
    if !value.contains(':') {
        let message = format!("Resource {value} must be in ARN format or \"*\".");
        return Err(Finding::new(message, "a resource is not an ARN"));
    }
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let part = |place: usize| parts.get(place).copied();
    let partition = part(1).unwrap_or_default();
    let is_partition = partition == "aws" || partition == "*" || partition.starts_with("aws-");
    if part(0) != Some("arn") || !is_partition {
        let rest: Vec<&str> = (2..6).map(|place| part(place).unwrap_or("*")).collect();
        let message = format!(
            "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{}\".",
            rest.join(":")
        );
        return Err(Finding::new(message, "a resource has an odd partition"));
    }
    let service = part(2).unwrap_or_default();
    if service.is_empty() || service.contains(['*', '?']) {
        let message = "Resource vendor must be fully qualified and cannot contain regexes.";
        return Err(Finding::new(message, "a resource names no service"));
    }
    if service == "iam" {
        return iam_resource(value, part(3), part(5));
    }
    Ok(())
}

fn iam_resource(value: &str, region: Option<&str>, path: Option<&str>) -> Result<(), Finding> {
    if region.is_some_and(|region| !region.is_empty()) {
        let message = format!("IAM resource {value} cannot contain region information.");
        return Err(Finding::new(message, "IAM has no regions"));
    }
    let is_known = |path: &str| path == "*" || IAM_PATHS.iter().any(|one| path.starts_with(one));
    if path.is_none_or(is_known) {
        return Ok(());
    }
    let message = format!(
        "IAM resource path must either be \"*\" or start with {}.",
        IAM_PATHS.join(", ")
    );
    Err(Finding::new(message, "IAM has no such resources"))
}

fn check_condition(condition: &ConditionSyntax) -> Result<(), Finding> {
    let Some(operator) = Operator::parse(&condition.operator) else {
        return Err(Finding::syntax("a condition operator does not exist"));
    };
    if !condition.key.contains(':') {
        return Err(no_vendor());
    }
    let reads = |value: &String| is_readable(operator, value);
    if condition.values.iter().all(reads) {
        return Ok(());
    }
    let detail = "a value of a condition cannot be read by its operator";
    Err(Finding::new(LEGACY, detail))
}

/// Resource control policies only take away, from everyone, and at services that know them.
fn resource_control(statement: &StatementSyntax) -> Result<(), Finding> {
    if statement.effect != Effect::Deny {
        return Err(Finding::syntax("resource control policies only deny"));
    }
    let everyone = [(PrincipalType::Aws, "*".to_owned())];
    let principals = statement.principals.as_ref();
    if principals.is_none_or(|listed| listed.is_not || listed.values != everyone) {
        return Err(Finding::syntax(
            "resource control policies are for everyone",
        ));
    }
    let actions = statement.actions.as_ref();
    let are_controlled = |listed: &Listed<String>| {
        let is_known = |action: &String| CONTROLLED.iter().any(|one| has_vendor(action, one));
        !listed.is_not && listed.values.iter().all(is_known)
    };
    if actions.is_some_and(are_controlled) {
        return Ok(());
    }
    Err(Finding::syntax(
        "an action is one that resource control policies do not bind",
    ))
}
