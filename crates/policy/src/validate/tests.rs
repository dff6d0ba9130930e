//! Tables of documents that may be saved, and of those that may not.

use super::*;
use DocumentKind::{
    GroupInline, Key, Managed, Registry, Repository, ResourceControl, RoleInline, RoleTrust,
    ServiceControl, Session, UserInline,
};

const OF_PRINCIPALS: [DocumentKind; 5] = [Managed, UserInline, RoleInline, GroupInline, Session];

/// A document with one statement.
fn document(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{{{statement}}}]}}"#)
}

fn refusal(text: &str, kind: DocumentKind) -> Finding {
    match validate(text, kind) {
        Err(finding) => finding,
        Ok(_) => panic!("taken as {kind:?}: {text}"),
    }
}

#[test]
fn each_kind_takes_its_documents() {
    let of_principal = document(r#""Effect": "Allow", "Action": "ecr:*", "Resource": "*""#);
    for kind in OF_PRINCIPALS.into_iter().chain([ServiceControl]) {
        validate(&of_principal, kind).unwrap();
    }
    for (kind, statement) in [
        (
            RoleTrust,
            r#""Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole""#,
        ),
        (
            RoleTrust,
            r#""Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:*",
                "Condition": {"StringEquals": {"accounts.google.com:aud": "x"}}"#,
        ),
        (
            RoleTrust,
            r#""Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:TagSession""#,
        ),
        (
            Repository,
            r#""Sid": "two words", "Effect": "Allow", "Principal": "*", "Action": "ecr:PutImage""#,
        ),
        (
            Repository,
            r#""Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/ci"}, "Action": "ecr:*""#,
        ),
        (
            Registry,
            r#""Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "ecr:*",
                "Resource": "arn:aws:ecr:us-east-1:111122223333:repository/*""#,
        ),
        (
            Key,
            r#""Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*""#,
        ),
        (
            ResourceControl,
            r#""Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*""#,
        ),
        (
            ServiceControl,
            r#""Effect": "Allow", "NotAction": "iam:*", "Resource": "*""#,
        ),
    ] {
        validate(&document(statement), kind).unwrap_or_else(|why| panic!("{kind:?}: {why:?}"));
    }
}

/// Statements of principals' policies, and what IAM says of each.
const REFUSED: &[(&str, &str)] = &[
    (
        r#""Effect": "Allow", "Action": "a:b""#,
        "Policy statement must contain resources.",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": []"#,
        "Policy statement must contain resources.",
    ),
    (
        r#""Effect": "Allow", "Resource": "*""#,
        "Policy statement must contain actions.",
    ),
    (
        r#""Effect": "Allow", "Action": [], "Resource": "*""#,
        "Policy statement must contain actions.",
    ),
    (
        r#""Effect": "Allow", "Principal": "*", "Action": "a:b", "Resource": "*""#,
        "Policy document should not specify a principal.",
    ),
    (
        r#""Effect": "Allow", "Action": "Put", "Resource": "*""#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b:c", "Resource": "*""#,
        "Actions/Condition can contain only one colon.",
    ),
    (
        r#""Effect": "Allow", "Action": "a*:b", "Resource": "*""#,
        "Vendor a* is not valid",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "x""#,
        "Resource x must be in ARN format or \"*\".",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "arn:azure:x""#,
        "Partition \"azure\" is not valid for resource \"arn:azure:x:*:*:*\".",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:*:::x""#,
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:iam:us-east-1:111122223333:user/a""#,
        "IAM resource arn:aws:iam:us-east-1:111122223333:user/a cannot contain region information.",
    ),
    (
        r#""Sid": "a b", "Effect": "Allow", "Action": "a:b", "Resource": "*""#,
        "Statement IDs (SID) must be alpha-numeric. \
             Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Bool": {"key": "true"}}"#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#""Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Fits": {"a:b": "c"}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#""Effect": "allow", "Action": "a:b", "Resource": "*""#,
        "Syntax errors in policy.",
    ),
    (
        r#""Action": "a:b", "Resource": "*""#,
        "Syntax errors in policy.",
    ),
];

#[test]
fn iam_says_what_is_wrong_with_policies_of_principals() {
    for (statement, message) in REFUSED {
        for kind in OF_PRINCIPALS {
            assert_eq!(
                refusal(&document(statement), kind).message,
                *message,
                "{statement}"
            );
        }
    }
}

#[test]
fn iam_paths_are_those_that_exist() {
    let text = document(
        r#""Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:iam::111122223333:root""#,
    );
    let message = refusal(&text, Managed).message;
    assert!(message.starts_with(
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/"
    ));
}

#[test]
fn values_that_their_operator_cannot_read_are_refused() {
    for (operator, value) in [
        ("DateLessThan", "tomorrow"),
        ("NumericEquals", "many"),
        ("IpAddress", "10.0.0.0/33"),
        ("Bool", "yes"),
        ("Null", "maybe"),
        ("BinaryEquals", "!"),
        ("ArnLike", "arn:aws:iam"),
        ("ForAnyValue:NumericEquals", "many"),
    ] {
        let statement = format!(
            r#""Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {{"{operator}": {{"a:b": "{value}"}}}}"#
        );
        assert_eq!(
            refusal(&document(&statement), Managed).message,
            LEGACY,
            "{operator}"
        );
    }
}

#[test]
fn documents_are_checked_as_a_whole() {
    let statement = r#"{"Sid": "a", "Effect": "Allow", "Action": "a:b", "Resource": "*"}"#;
    for (text, message) in [
        (String::new(), "This policy contains invalid Json"),
        ("{".to_owned(), "This policy contains invalid Json"),
        ("[]".to_owned(), "Syntax errors in policy."),
        (r#"{"Statement": [], "Statement": []}"#.to_owned(), "Syntax errors in policy."),
        (r#"{"Version": "2012-10-17", "Statement": []}"#.to_owned(), "Syntax errors in policy."),
        (
            format!(r#"{{"Version": "2012-10-17", "Id": "x", "Statement": {statement}}}"#),
            "Syntax errors in policy.",
        ),
        (
            format!(r#"{{"Version": "2008-10-17", "Statement": {statement}}}"#),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            format!(r#"{{"Statement": {statement}}}"#),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}, {statement}]}}"#),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "a:€", "Resource": "*"}}"#
                .to_owned(),
            "Syntax errors in policy.",
        ),
    ] {
        assert_eq!(refusal(&text, Managed).message, message, "{text}");
    }
    let older = format!(r#"{{"Statement": {statement}}}"#);
    assert!(validate(&older, UserInline).is_ok());
}

#[test]
fn roles_say_whom_they_trust() {
    for (statement, message) in [
        (
            r#""Effect": "Allow", "Action": "sts:AssumeRole""#,
            "Missing required field Principal",
        ),
        (
            r#""Effect": "Allow", "Principal": {}, "Action": "sts:AssumeRole""#,
            "Missing required field Principal cannot be empty!",
        ),
        (
            r#""Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*""#,
            "Has prohibited field Resource.",
        ),
        (
            r#""Effect": "Deny", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole""#,
            "Has prohibited field NotPrincipal.",
        ),
        (
            r#""Effect": "Allow", "Principal": "*", "Action": "ecr:PutImage""#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Effect": "Allow", "Principal": {"AWS": "alice"}, "Action": "sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"alice\"",
        ),
        (
            r#""Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}, "Action": "sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/*\"",
        ),
        (
            r#""Effect": "Allow", "Principal": {"AWS": "AIDAEXAMPLE"}, "Action": "sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"AIDAEXAMPLE\"",
        ),
        (
            r#""Effect": "Allow", "Principal": {"Federated": "example.com"}, "Action": "sts:AssumeRole""#,
            "Invalid principal in policy: \"Federated\":\"example.com\"",
        ),
        (
            r#""Effect": "Allow", "Principal": {"Federated": "arn:aws:iam//111122223333:oidc-provider/x"},
               "Action": "sts:AssumeRole""#,
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            r#""Effect": "Allow", "Principal": {"Federated": ""}, "Action": "sts:AssumeRole""#,
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            r#""Effect": "Allow", "Principal": {"CanonicalUser": "x"}, "Action": "sts:AssumeRole""#,
            "Invalid principal in policy: \"CanonicalUser\":\"x\"",
        ),
    ] {
        assert_eq!(
            refusal(&document(statement), RoleTrust).message,
            message,
            "{statement}"
        );
    }
}

#[test]
fn ecr_says_one_thing_and_the_detail_says_what() {
    for (kind, statement, detail) in [
        (
            Repository,
            r#""Effect": "Allow", "Principal": "*", "Action": "ecr:PutImage", "Resource": "*""#,
            "statement 0: its resource is the one that has the policy",
        ),
        (
            Repository,
            r#""Effect": "Allow", "Principal": "*", "Action": "ecr:GetAuthorizationToken""#,
            "statement 0: ecr:GetAuthorizationToken has no repository",
        ),
        (
            Repository,
            r#""Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "ecr:PutImage""#,
            "statement 0: NotPrincipal with Allow lets everyone in, nobody known included",
        ),
        (
            Registry,
            r#""Effect": "Allow", "Principal": "*", "Action": "ecr:PutImage""#,
            "statement 0: it has no resource",
        ),
    ] {
        let finding = refusal(&document(statement), kind);
        let what = if kind == Repository {
            "repository"
        } else {
            "registry"
        };
        assert_eq!(
            finding.message,
            format!(
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid {what} policy provided'"
            )
        );
        assert_eq!(finding.detail, detail);
    }
}

#[test]
fn kms_and_organizations_answer_in_their_words() {
    for (kind, statement, message) in [
        (
            Key,
            r#""Effect": "Allow", "Action": "kms:*", "Resource": "*""#,
            "Policy contains a statement with no principal.",
        ),
        (
            Key,
            r#""Effect": "Allow", "Principal": {"AWS": "bob"}, "Action": "kms:*", "Resource": "*""#,
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            ServiceControl,
            r#""Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*""#,
            "The provided policy document does not meet the requirements of the specified policy type.",
        ),
    ] {
        assert_eq!(refusal(&document(statement), kind).message, message);
    }
    for statement in [
        r#""Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*""#,
        r#""Effect": "Deny", "Principal": {"AWS": "111122223333"}, "Action": "ecr:*", "Resource": "*""#,
        r#""Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*""#,
        r#""Effect": "Deny", "Principal": "*", "NotAction": "ecr:*", "Resource": "*""#,
        r#""Effect": "Deny", "Principal": "*", "Action": "ecr:*""#,
    ] {
        refusal(&document(statement), ResourceControl);
    }
}

#[test]
fn size_is_counted_as_each_service_counts_it() {
    let padded = |length: usize| {
        let text = document(r#""Effect": "Allow", "Action": "a:b", "Resource": "*""#);
        let size = document_size(&text);
        text.replace("a:b", &format!("a:{}", "b".repeat(length - size + 1)))
    };
    for (kind, message) in [
        (Managed, "Cannot exceed quota for PolicySize: 6144"),
        (
            UserInline,
            "Maximum policy size of 2048 bytes exceeded for user",
        ),
        (
            RoleInline,
            "Maximum policy size of 10240 bytes exceeded for role",
        ),
        (
            GroupInline,
            "Maximum policy size of 5120 bytes exceeded for group",
        ),
    ] {
        let fits = padded(kind.limit());
        assert_eq!(document_size(&fits), kind.limit());
        assert!(validate(&fits, kind).is_ok());
        assert!(validate(&format!("{fits}{}", "\n".repeat(5_000)), kind).is_ok());
        let finding = refusal(&padded(kind.limit() + 1), kind);
        assert_eq!(finding.message, message);
        assert!(finding.is_too_large);
    }
    let blank = format!("{}{}", padded(500), " ".repeat(MAX_CONTROL_POLICY));
    assert!(refusal(&blank, ServiceControl).is_too_large);
}

#[test]
fn odd_statements_are_taken_with_a_warning() {
    let with_tag = r#""Principal": "*", "Condition": {"StringLike": {"ECR:imagetag": "dev-*"}}"#;
    for (statement, actions) in [
        (
            format!(r#""Effect": "Allow", "Action": ["ecr:PutImage", "ecr:Upload*"], {with_tag}"#),
            "ecr:UploadLayerPart",
        ),
        (
            format!(r#""Effect": "Allow", "Action": "ecr:PutImage", {with_tag}"#),
            "",
        ),
        (
            format!(
                r#""Effect": "Allow", "NotAction": ["ecr:*Upload*", "ecr:Batch*"], {with_tag}"#
            ),
            "ecr:GetDownloadUrlForLayer",
        ),
    ] {
        let warnings = validate(&document(&statement), Repository)
            .unwrap()
            .warnings;
        let messages = warnings.iter().map(|warning| warning.message.as_str());
        let messages: Vec<&str> = messages.collect();
        assert_eq!(messages.is_empty(), actions.is_empty());
        assert!(
            messages
                .iter()
                .all(|message| message.ends_with(&format!(": {actions}"))),
            "{messages:?}"
        );
    }
    let variables =
        |resource: &str| format!(r#""Effect": "Allow", "Action": "a:b", "Resource": "{resource}""#);
    let count = |text: &str| validate(text, UserInline).unwrap().warnings.len();
    let behind = variables("arn:aws:ecr:us-east-1:111122223333:repository/${aws:username}");
    assert_eq!(count(&document(&behind)), 0);
    assert_eq!(
        count(&document(&variables(
            "arn:aws:ecr:us-east-1:${aws:PrincipalAccount}:x"
        ))),
        1
    );
    assert_eq!(count(&format!(r#"{{"Statement": {{{behind}}}}}"#)), 1);
}
