//! Forms to inputs and outputs to XML, as IAM and STS have them.

use ecru_aws_model::iam::{
    AttachedPolicy, CreateAccountAliasRequest, CreateOpenIDConnectProviderRequest,
    CreateRoleRequest, CreateUserRequest, GetAccountAuthorizationDetailsResponse,
    GetAccountSummaryResponse, ListUsersRequest, ListUsersResponse, PolicyDetail,
    SimulateCustomPolicyRequest, StatusType, SummaryKeyType, Tag, UpdateAccessKeyRequest,
    UpdateLoginProfileRequest, UserDetail,
};
use ecru_aws_model::sts::{AssumeRoleRequest, AssumeRoleWithWebIdentityRequest};
use ecru_aws_model::{Decode, DecodeError, Timestamp, WriteXml, XmlWriter};
use proptest::prelude::*;

fn read<T: Decode>(pairs: &[(&str, &str)]) -> T {
    match T::from_form(pairs.iter().copied()) {
        Ok(input) => input,
        Err(refused) => panic!("{pairs:?}: {refused}"),
    }
}

/// The text of a refusal, and whether a constraint is broken.
#[track_caller]
fn refused<T: Decode>(pairs: &[(&str, &str)]) -> (bool, String) {
    match T::from_form(pairs.iter().copied()) {
        Ok(_) => panic!("{pairs:?} is taken"),
        Err(refused) => (
            matches!(refused, DecodeError::Constraint(_)),
            refused.to_string(),
        ),
    }
}

#[track_caller]
fn assert_broken<T: Decode>(pairs: &[(&str, &str)], words: &str) {
    let (is_constraint, text) = refused::<T>(pairs);
    assert!(is_constraint && text.contains(words), "{text}");
}

const TRUST: &str = r#"{"Version":"2012-10-17"}"#;

#[test]
fn a_nested_input_is_read() {
    let input: CreateRoleRequest = read(&[
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("AssumeRolePolicyDocument", TRUST),
        ("MaxSessionDuration", "7200"),
        ("Path", "/ci/"),
        ("RoleName", "push"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "é + ü"),
        ("Tags.member.2.Key", "empty"),
        ("Tags.member.2.Value", ""),
        ("Unknown.member.1", "ignored"),
    ]);
    assert_eq!(input.path.as_deref(), Some("/ci/"));
    assert_eq!(input.role_name, "push");
    assert_eq!(input.assume_role_policy_document, TRUST);
    assert_eq!(
        (input.max_session_duration, input.description),
        (Some(7200), None)
    );
    let tag = |key: &str, value: &str| Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let expected = vec![tag("team", "é + ü"), tag("empty", "")];
    assert_eq!(input.tags, Some(expected));
}

#[test]
fn lists_in_lists_are_read_in_the_order_of_their_numbers() {
    let input: SimulateCustomPolicyRequest = read(&[
        ("PolicyInputList.member.1", TRUST),
        ("ActionNames.member.10", "ecr:PutImage"),
        ("ActionNames.member.9", "ecr:ListImages"),
        ("ContextEntries.member.1.ContextKeyName", "aws:SourceIp"),
        ("ContextEntries.member.1.ContextKeyType", "ipList"),
        (
            "ContextEntries.member.1.ContextKeyValues.member.1",
            "10.0.0.1",
        ),
        (
            "ContextEntries.member.1.ContextKeyValues.member.2",
            "10.0.0.2",
        ),
    ]);
    assert_eq!(input.action_names, ["ecr:ListImages", "ecr:PutImage"]);
    let entries = input.context_entries.unwrap_or_default();
    let values = entries
        .first()
        .and_then(|entry| entry.context_key_values.clone());
    assert_eq!(values.unwrap_or_default(), ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn an_empty_list_is_written_as_an_empty_value() {
    let url = ("Url", "https://issuer.example");
    let input: CreateOpenIDConnectProviderRequest = read(&[url, ("ThumbprintList", "")]);
    assert_eq!(input.thumbprint_list, Some(Vec::new()));
    let input: CreateOpenIDConnectProviderRequest = read(&[url]);
    assert_eq!(input.thumbprint_list, None);
}

#[test]
fn enums_booleans_and_secrets_are_read() {
    let input: UpdateAccessKeyRequest = read(&[
        ("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"),
        ("Status", "Inactive"),
    ]);
    assert_eq!(input.status, StatusType::Inactive);
    for (text, expected) in [("true", true), ("false", false), ("True", true)] {
        let input: UpdateLoginProfileRequest = read(&[
            ("UserName", "ada"),
            ("Password", "swordfish"),
            ("PasswordResetRequired", text),
        ]);
        assert_eq!(input.password_reset_required, Some(expected));
        assert!(!format!("{input:?}").contains("swordfish"));
    }
}

#[test]
fn refusals_have_the_words_of_aws() {
    for (pairs, text) in [
        (
            &[("UserName", "a b")][..],
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-",
        ),
        (
            &[("UserName", "ada"), ("Path", "a")],
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        ),
        (
            &[],
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be \
             null",
        ),
        (
            &[
                ("UserName", "ada"),
                ("Tags.member.1.Key", "a!"),
                ("Tags.member.1.Value", ""),
            ],
            r"1 validation error detected: Value 'a!' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        ),
        (
            &[("UserName", "ada"), ("Tags.member.1.Key", "a")],
            "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member \
             must not be null",
        ),
    ] {
        assert_eq!(refused::<CreateUserRequest>(pairs), (true, text.to_owned()));
    }
}

#[test]
fn bounds_of_forms_are_checked() {
    let long = "a".repeat(65);
    assert_broken::<CreateUserRequest>(&[("UserName", &long)], "length less than or equal to 64");
    assert_broken::<ListUsersRequest>(
        &[("MaxItems", "1001")],
        "Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000",
    );
    let names: Vec<String> = (1..=51).map(|n| format!("Tags.member.{n}.Key")).collect();
    let mut tags: Vec<_> = names.iter().map(|name| (name.as_str(), "k")).collect();
    tags.push(("UserName", "ada"));
    assert_broken::<CreateUserRequest>(&tags, "at 'tags' failed to satisfy constraint");
    assert_broken::<UpdateAccessKeyRequest>(
        &[("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"), ("Status", "Gone")],
        "enum value set: [Active, Inactive",
    );
    let session = [
        ("RoleArn", "arn:aws:iam::000000000000:role/x"),
        ("RoleSessionName", "a b"),
    ];
    assert_broken::<AssumeRoleRequest>(&session, r"regular expression pattern: [\w+=,.@-]*");
}

#[test]
fn an_account_alias_has_no_two_hyphens_together() {
    for (alias, is_legal) in [
        ("my-team", true),
        ("a1b", true),
        ("a--b", false),
        ("-ab", false),
        ("ab-", false),
        ("ab", false),
        ("Abc", false),
    ] {
        let read = CreateAccountAliasRequest::from_form([("AccountAlias", alias)].into_iter());
        assert_eq!(read.is_ok(), is_legal, "{alias}");
    }
    let (_, text) = refused::<CreateAccountAliasRequest>(&[("AccountAlias", "a--b")]);
    assert!(
        text.ends_with("^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"),
        "{text}"
    );
}

#[test]
fn secrets_are_not_repeated() {
    let (_, text) = refused::<UpdateLoginProfileRequest>(&[
        ("UserName", "ada"),
        ("Password", "sword\u{2028}fish"),
    ]);
    assert!(text.contains("'***' at 'password'"), "{text}");
    let long = format!("{}.", "x".repeat(20_001));
    let (_, text) = refused::<AssumeRoleWithWebIdentityRequest>(&[
        ("RoleArn", "arn:aws:iam::000000000000:role/x"),
        ("RoleSessionName", "ci"),
        ("WebIdentityToken", &long),
    ]);
    assert!(!text.contains("xx"), "{text}");
}

#[test]
fn wrong_types_are_no_constraints() {
    for (pairs, text) in [
        (
            [("MaxItems", "many"), ("Marker", "m")],
            "the value of 'maxItems' can not be converted to an Integer",
        ),
        (
            [("MaxItems.member.1", "1"), ("Marker", "m")],
            "the value of 'maxItems' can not be converted to an Integer",
        ),
        (
            [("MaxItems", "1"), ("Marker.member.1", "m")],
            "the value of 'marker' can not be converted to a String",
        ),
    ] {
        assert_eq!(
            refused::<ListUsersRequest>(&pairs),
            (false, text.to_owned())
        );
    }
}

fn written(output: &impl WriteXml) -> String {
    let mut xml = XmlWriter::default();
    output.write(&mut xml);
    xml.into_string()
}

#[test]
fn a_nested_output_is_written() {
    let user = UserDetail {
        path: Some("/".to_owned()),
        user_name: Some("ada".to_owned()),
        create_date: Some(Timestamp::from_millis(1_448_875_853_241)),
        user_policy_list: Some(vec![PolicyDetail {
            policy_name: Some("a&b".to_owned()),
            policy_document: Some("{\"A\": \"ü+/\"}".to_owned()),
        }]),
        group_list: Some(Vec::new()),
        attached_managed_policies: Some(vec![
            AttachedPolicy {
                policy_name: Some("p".to_owned()),
                policy_arn: None,
            },
            AttachedPolicy::default(),
        ]),
        tags: Some(vec![Tag {
            key: "k".to_owned(),
            value: "<v>".to_owned(),
        }]),
        ..UserDetail::default()
    };
    let output = GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(vec![user]),
        is_truncated: Some(false),
        ..Default::default()
    };
    assert_eq!(
        written(&output),
        "<UserDetailList><member><Path>/</Path><UserName>ada</UserName>\
         <CreateDate>2015-11-30T09:30:53Z</CreateDate>\
         <UserPolicyList><member><PolicyName>a&amp;b</PolicyName>\
         <PolicyDocument>%7B%22A%22%3A%20%22%C3%BC%2B%2F%22%7D</PolicyDocument></member></UserPolicyList>\
         <GroupList></GroupList>\
         <AttachedManagedPolicies><member><PolicyName>p</PolicyName></member><member></member></AttachedManagedPolicies>\
         <Tags><member><Key>k</Key><Value>&lt;v&gt;</Value></member></Tags></member></UserDetailList>\
         <IsTruncated>false</IsTruncated>"
    );
}

#[test]
fn a_map_is_written_as_entries_and_a_required_list_always() {
    let output = GetAccountSummaryResponse {
        summary_map: Some([(SummaryKeyType::Users, 3), (SummaryKeyType::Groups, 0)].into()),
    };
    assert_eq!(
        written(&output),
        "<SummaryMap><entry><key>Users</key><value>3</value></entry>\
         <entry><key>Groups</key><value>0</value></entry></SummaryMap>"
    );
    assert_eq!(written(&ListUsersResponse::default()), "<Users></Users>");
}

/// Names out of the pieces that forms are made of, and out of anything.
fn names() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Tags",
        "Key",
        "Value",
        "UserName",
        "PolicyInputList",
        "ActionNames",
        "ContextEntries",
        "ContextKeyValues",
        "PolicyArns",
        "MaxItems",
        "DurationSeconds",
        "member",
        "entry",
        "1",
        "2",
        "01",
        "10000",
        "",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 1..7).prop_map(|pieces| pieces.join(".")),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn hostile_forms_are_answered(
        pairs in prop::collection::vec((names(), any::<String>()), 0..24)
    ) {
        let pairs = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Err(refused) = CreateUserRequest::from_form(pairs()) {
            prop_assert!(refused.to_string().chars().count() < 2_000);
        }
        if let Err(refused) = SimulateCustomPolicyRequest::from_form(pairs()) {
            prop_assert!(refused.to_string().chars().count() < 2_000);
        }
        if let Err(refused) = AssumeRoleRequest::from_form(pairs()) {
            prop_assert!(refused.to_string().chars().count() < 2_000);
        }
    }
}
