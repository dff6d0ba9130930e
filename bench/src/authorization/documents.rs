//! The policies: one statement that allows everything, a hundred of which one allows the pull, and
//! the policy of the repository.

use serde_json::{Value, json};

/// Repository that everybody pulls from.
pub(super) const REPOSITORY: &str = "platform/base/runtime";
/// Repository that the policies allow nobody to pull from.
pub(super) const OTHER_REPOSITORY: &str = "finance/ledger";
/// Managed policies of the user with many: as many as IAM attaches to one.
pub(super) const POLICIES: usize = 10;
/// Statements of each.
const STATEMENTS: usize = 10;

/// A managed policy. The first also allows to log in; the last statement of the last is the only
/// one that allows the pull.
pub(super) fn managed(account: &str, number: usize) -> String {
    let mut statements: Vec<Value> = (0..STATEMENTS)
        .map(|place| statement(account, number * STATEMENTS + place))
        .collect();
    if number == 0
        && let Some(first) = statements.first_mut()
    {
        *first = json!({
            "Sid": "Login", "Effect": "Allow",
            "Action": "ecr:GetAuthorizationToken", "Resource": "*",
        });
    }
    if number + 1 == POLICIES
        && let Some(last) = statements.last_mut()
    {
        *last = json!({
            "Sid": "PullBase", "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGet*", "ecr:GetDownloadUrlForLayer"],
            "Resource": format!("arn:aws:ecr:*:{account}:repository/platform/base/*"),
        });
    }
    document(statements)
}

/// What one of many teams may do; some of it under a condition.
fn statement(account: &str, number: usize) -> Value {
    let team = format!("arn:aws:ecr:*:{account}:repository/team-{number}/*");
    let shared = format!("arn:aws:ecr:us-east-1:{account}:repository/shared/*/team-{number}");
    match number % 5 {
        0 => json!({
            "Sid": "Pull", "Effect": "Allow", "Resource": [team, shared],
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:Describe*"],
        }),
        1 => json!({
            "Sid": "Push", "Effect": "Allow", "Resource": [team, shared],
            "Action": ["ecr:BatchGet*", "ecr:PutImage", "ecr:*LayerUpload", "ecr:UploadLayerPart"],
            "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8"]}},
        }),
        2 => json!({
            "Sid": "KeepReleases", "Effect": "Deny",
            "Action": ["ecr:BatchDeleteImage", "ecr:Delete*", "ecr:PutImageTagMutability"],
            "Resource": format!("arn:aws:ecr:*:{account}:repository/*/team-{number}/release-*"),
            "Condition": {"StringNotEquals": {"aws:PrincipalTag/duty": "release"}},
        }),
        3 => json!({
            "Sid": "Look", "Effect": "Allow", "Action": ["ecr:List*", "ecr:Get*", "ecr:BatchGet*"],
            "Resource": [shared, format!("arn:aws:ecr:*:{account}:repository/team-{number}")],
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        }),
        _ => json!({
            "Sid": "Own", "Effect": "Allow", "Action": "ecr:*",
            "Resource": format!("arn:aws:ecr:*:{account}:repository/${{aws:username}}/{number}/*"),
        }),
    }
}

/// The policy of the repository: it binds everybody, and allows nobody here the pull.
pub(super) fn of_repository(account: &str) -> String {
    let root = format!("arn:aws:iam::{account}:root");
    document(vec![
        json!({
            "Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": root},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"StringLike": {"aws:PrincipalTag/team": ["platform-*", "build"]}},
        }),
        json!({
            "Sid": "Builders", "Effect": "Allow", "Principal": "*",
            "Action": ["ecr:PutImage", "ecr:*LayerUpload", "ecr:UploadLayerPart"],
            "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        }),
        json!({
            "Sid": "NoDeletes", "Effect": "Deny", "Principal": "*",
            "Action": ["ecr:BatchDeleteImage", "ecr:DeleteRepository"],
            "Condition": {"StringNotEquals": {"aws:PrincipalTag/duty": "release"}},
        }),
        json!({
            "Sid": "NotBefore", "Effect": "Deny", "Principal": "*", "Action": "ecr:*",
            "Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        }),
    ])
}

/// Who may take a role of the crowd.
pub(super) fn trust(account: &str) -> String {
    document(vec![json!({
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
    })])
}

fn document(mut statements: Vec<Value>) -> String {
    // names of statements are unique within a policy
    for (place, statement) in statements.iter_mut().enumerate() {
        let sid = statement["Sid"].as_str().unwrap_or("Statement");
        statement["Sid"] = json!(format!("{sid}{place}"));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";
    /// Characters of a managed policy (IAM User Guide, "IAM and AWS STS quotas").
    const MOST: usize = 6144;

    #[test]
    fn one_statement_of_a_hundred_is_about_the_repository() {
        let policies: Vec<String> = (0..POLICIES)
            .map(|number| managed(ACCOUNT, number))
            .collect();
        assert!(policies.iter().all(|policy| policy.len() <= MOST));
        let text = policies.join("\n");
        assert_eq!(text.matches("\"Sid\"").count(), POLICIES * STATEMENTS);
        assert_eq!(text.matches("platform/base").count(), 1);
        assert_eq!(text.matches("GetAuthorizationToken").count(), 1);
    }
}
