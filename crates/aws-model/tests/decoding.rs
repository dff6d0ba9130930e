//! What a client sends, and what it is told: each constraint, each wrong type, and what must be ignored.

use ecru_aws_model::ecr::{
    BatchGetImageRequest, CompleteLayerUploadRequest, CreateRepositoryRequest,
    DescribeRepositoriesRequest, EncryptionType, Exception, ExceptionKind, ExceptionMembers,
    GetAuthorizationTokenRequest, Image, ImageIdentifier, ImageTagMutability, Operation,
    PutImageRequest, PutLifecyclePolicyRequest, PutReplicationConfigurationRequest,
    TagResourceRequest, UploadLayerPartRequest,
};
use ecru_aws_model::{Constraint, Decode, DecodeError, Request, Sensitive};

fn violation<T: Decode>(body: &str) -> (String, String) {
    match T::from_json(body.as_bytes()) {
        Err(DecodeError::Constraint(violations)) => {
            let member = violations.first().member.clone();
            (member, violations.in_registry_words())
        }
        Err(DecodeError::Serialization(message)) => {
            panic!("{body} is a serialization error: {message}")
        }
        Ok(_) => panic!("{body} was accepted"),
    }
}

fn serialization_error<T: Decode>(body: &[u8]) -> String {
    match T::from_json(body) {
        Err(DecodeError::Serialization(message)) => message,
        Err(DecodeError::Constraint(violations)) => panic!("a constraint instead: {violations}"),
        Ok(_) => panic!("{} was accepted", String::from_utf8_lossy(body)),
    }
}

#[test]
fn a_complete_input_is_read() {
    let body = br#"{
        "repositoryName": "team/app",
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
        "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/a"},
        "tags": [{"Key": "k", "Value": ""}]
    }"#;
    let input = CreateRepositoryRequest::from_json(body).unwrap();
    assert_eq!(input.repository_name, "team/app");
    assert_eq!(input.registry_id, None);
    assert_eq!(
        input.image_tag_mutability,
        Some(ImageTagMutability::ImmutableWithExclusion)
    );
    assert_eq!(
        input.image_tag_mutability_exclusion_filters.unwrap()[0].filter,
        "dev-*"
    );
    assert_eq!(
        input.image_scanning_configuration.unwrap().scan_on_push,
        Some(true)
    );
    let encryption = input.encryption_configuration.unwrap();
    assert_eq!(encryption.encryption_type, EncryptionType::Kms);
    assert_eq!(input.tags.unwrap()[0].key, "k");
}

#[test]
fn null_is_absent_unknown_members_are_ignored_and_the_last_twin_wins() {
    for (body, names) in [
        (r#"{"repositoryNames": null}"#, None),
        (
            r#"{"new": {"deep": [1, "x", null]}, "repositoryNames": ["ab"]}"#,
            Some(vec!["ab"]),
        ),
        (
            r#"{"repositoryNames": ["ab"], "repositoryNames": ["cd", "ef"]}"#,
            Some(vec!["cd", "ef"]),
        ),
        (
            r#"{"repositoryNames": ["ab"], "repositoryNames": null}"#,
            None,
        ),
        ("", None),
        (" {} ", None),
    ] {
        let input = DescribeRepositoriesRequest::from_json(body.as_bytes()).unwrap();
        let expected = names.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(input.repository_names, expected, "{body}");
    }
}

#[test]
fn escapes_in_strings_and_names_are_understood() {
    let body = br#"{"repo\u0073itoryName": "t\u0065am\/app"}"#;
    assert_eq!(
        CreateRepositoryRequest::from_json(body)
            .unwrap()
            .repository_name,
        "team/app"
    );
}

#[test]
fn the_repository_name_constraint_has_the_wording_that_clients_know() {
    let (_, message) = violation::<CreateRepositoryRequest>(r#"{"repositoryName": "Team"}"#);
    assert_eq!(
        message,
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression \
         '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*''"
    );
}

#[test]
fn names_are_legal_or_not_as_the_pattern_says() {
    for (name, is_legal) in [
        ("ab", true),
        ("a--b", true),
        ("a__b", true),
        ("a/b/c", true),
        ("1a", true),
        ("a..b", false),
        ("a-_b", false),
        ("-a", false),
        ("a-", false),
        ("a//b", false),
        ("/a", false),
        ("../etc", false),
        ("ab\n", false),
        ("aé", false),
    ] {
        let body = serde_json::json!({ "repositoryName": name }).to_string();
        assert_eq!(
            CreateRepositoryRequest::from_json(body.as_bytes()).is_ok(),
            is_legal,
            "{name:?}"
        );
    }
}

#[track_caller]
fn assert_violation<T: Decode>(body: &str, member: &str, words: &str) {
    let (found, message) = violation::<T>(body);
    assert_eq!(found, member, "{message}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn required_members_and_enums_are_checked_at_any_depth() {
    assert_violation::<CreateRepositoryRequest>(
        "{}",
        "repositoryName",
        "Value null at 'repositoryName'",
    );
    assert_violation::<CreateRepositoryRequest>(
        r#"{"repositoryName": "ab", "encryptionConfiguration": {}}"#,
        "encryptionConfiguration.encryptionType",
        "Member must not be null",
    );
    assert_violation::<CreateRepositoryRequest>(
        r#"{"repositoryName": "ab", "imageTagMutability": "FOO"}"#,
        "imageTagMutability",
        "enum value set: [MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]",
    );
    assert_violation::<DescribeRepositoriesRequest>(
        r#"{"repositoryNames": ["ab", null]}"#,
        "repositoryNames.2.member",
        "must not be null",
    );
}

#[test]
fn lengths_of_text_are_checked_at_any_depth() {
    let long = format!(r#"{{"repositoryName": "{}"}}"#, "a".repeat(257));
    let at_least_two = "length greater than or equal to 2";
    assert_violation::<CreateRepositoryRequest>(
        r#"{"repositoryName": "a"}"#,
        "repositoryName",
        at_least_two,
    );
    assert_violation::<CreateRepositoryRequest>(
        &long,
        "repositoryName",
        "length less than or equal to 256",
    );
    assert_violation::<BatchGetImageRequest>(
        r#"{"repositoryName": "ab", "imageIds": [{"imageTag": "ok"}, {"imageTag": ""}]}"#,
        "imageIds.2.member.imageTag",
        "length greater than or equal to 1",
    );
    assert_violation::<PutReplicationConfigurationRequest>(
        r#"{"replicationConfiguration": {"rules": [{"destinations": [{"region": "x", "registryId": "1"}]}]}}"#,
        "replicationConfiguration.rules.1.member.destinations.1.member.region",
        at_least_two,
    );
    assert_violation::<TagResourceRequest>(
        r#"{"resourceArn": "a\u0000b", "tags": []}"#,
        "resourceArn",
        "null character",
    );
}

#[test]
fn lengths_of_lists_are_checked() {
    let eleven = format!(
        r#"{{"registryIds": [{}]}}"#,
        ["\"000000000000\""; 11].join(",")
    );
    assert_violation::<GetAuthorizationTokenRequest>(
        &eleven,
        "registryIds",
        "length less than or equal to 10",
    );
    assert_violation::<DescribeRepositoriesRequest>(
        r#"{"repositoryNames": []}"#,
        "repositoryNames",
        "length greater than or equal to 1",
    );
}

#[test]
fn numbers_are_checked() {
    for (number, words) in [
        (
            "5000",
            "Value '5000' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000",
        ),
        ("99999999999", "value less than or equal to 1000"),
        ("0", "value greater than or equal to 1"),
    ] {
        let body = format!(r#"{{"maxResults": {number}}}"#);
        assert_violation::<DescribeRepositoriesRequest>(&body, "maxResults", words);
    }
}

#[test]
fn wrong_types_and_malformed_bodies_are_serialization_errors() {
    type Input = DescribeRepositoriesRequest;
    for (body, message) in [
        (
            r#"{"nextToken": 1}"#,
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            r#"{"maxResults": "1"}"#,
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"maxResults": 1.5}"#,
            "NUMBER_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"maxResults": true}"#,
            "TRUE_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"repositoryNames": "ab"}"#,
            "STRING_VALUE can not be converted to a list",
        ),
        (
            r#"{"repositoryNames": {}}"#,
            "Start of structure or map found where not expected.",
        ),
        (
            r#"{"repositoryNames": [["ab"]]}"#,
            "Start of list found where not expected.",
        ),
        (
            r#"{"nextToken": "\ud800"}"#,
            "the value of 'nextToken' is not well-formed JSON",
        ),
        ("[]", "Start of list found where not expected."),
        ("null", "the request body is not well-formed JSON"),
        ("{", "the request body is not well-formed JSON"),
        (
            r#"{"nextToken": "a"} x"#,
            "the request body is not well-formed JSON",
        ),
        (
            r#"{"nextToken": 'a'}"#,
            "the request body is not well-formed JSON",
        ),
        (
            r#"{"unknown": [}"#,
            "the request body is not well-formed JSON",
        ),
    ] {
        assert_eq!(
            serialization_error::<Input>(body.as_bytes()),
            message,
            "{body}"
        );
    }
    assert_eq!(
        serialization_error::<Input>(b"{\"nextToken\": \"\xff\"}"),
        "the request body is not UTF-8"
    );
}

#[test]
fn deep_nesting_neither_overflows_nor_is_kept() {
    let deep = format!(
        r#"{{"unknown": {}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(DescribeRepositoriesRequest::from_json(deep.as_bytes()).is_ok());
    let deep = format!(
        r#"{{"repositoryNames": {}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(DescribeRepositoriesRequest::from_json(deep.as_bytes()).is_err());
}

#[test]
fn blobs_are_base64_and_bounded() {
    let upload = "01234567-89ab-cdef-0123-456789abcdef";
    let body = |part: &str| {
        format!(
            r#"{{"repositoryName": "ab", "uploadId": "{upload}", "partFirstByte": 0, "partLastByte": 4,
                "layerPartBlob": "{part}"}}"#
        )
    };
    let input = UploadLayerPartRequest::from_json(body("aGVsbG8=").as_bytes()).unwrap();
    assert_eq!(input.layer_part_blob.into_bytes(), b"hello");
    assert_eq!(
        serialization_error::<UploadLayerPartRequest>(body("not base64").as_bytes()),
        "STRING_VALUE can not be converted to a Blob"
    );
    let too_long = body(&"AAAA".repeat(20_971_520 / 3 + 1));
    let (member, message) = violation::<UploadLayerPartRequest>(&too_long);
    assert_eq!(member, "layerPartBlob");
    assert!(
        message.contains("less than or equal to 20971520"),
        "{message}"
    );
}

#[test]
fn content_is_neither_echoed_nor_shown() {
    let (_, message) = violation::<PutImageRequest>(
        r#"{"repositoryName": "ab", "imageManifest": "swordfish\u0000"}"#,
    );
    assert!(!message.contains("swordfish"), "{message}");
    let input =
        PutImageRequest::from_json(br#"{"repositoryName": "ab", "imageManifest": "swordfish"}"#)
            .unwrap();
    assert_eq!(input.image_manifest.as_str(), "swordfish");
    assert!(!format!("{input:?}").contains("swordfish"));
}

#[test]
fn refused_values_are_shortened() {
    let body = format!(
        r#"{{"repositoryName": "ab", "lifecyclePolicyText": "{}"}}"#,
        "x".repeat(40_000)
    );
    let (_, message) = violation::<PutLifecyclePolicyRequest>(&body);
    assert!(message.len() < 400, "{}", message.len());
}

#[test]
fn an_input_knows_its_operation() {
    assert_eq!(
        CompleteLayerUploadRequest::OPERATION,
        Operation::CompleteLayerUpload
    );
}

#[test]
fn constraint_violations_carry_the_constraint() {
    let error = DescribeRepositoriesRequest::from_json(br#"{"maxResults": 1001}"#).unwrap_err();
    let DecodeError::Constraint(violations) = error else {
        panic!("not a constraint");
    };
    assert_eq!(violations.first().constraint, Constraint::MaxValue(1000));
}

#[test]
fn all_that_an_input_breaks_is_told_in_the_order_of_the_model() {
    let body = r#"{"imageTagMutability": "FOO", "tags": [{"Key": "k"}, {"Value": "v"}], "registryId": "1",
        "encryptionConfiguration": {}}"#;
    let (member, message) = violation::<CreateRepositoryRequest>(body);
    assert_eq!(member, "registryId");
    let told: Vec<_> = message.split(" at '").skip(1).collect();
    let told: Vec<_> = told
        .iter()
        .filter_map(|rest| rest.split('\'').next())
        .collect();
    assert!(
        message.starts_with("5 validation errors detected: Value null"),
        "{message}"
    );
    assert_eq!(
        told,
        [
            "repositoryName",
            "tags.1.member.value",
            "tags.2.member.key",
            "imageTagMutability",
            "encryptionConfiguration.encryptionType"
        ]
    );
    let names = ["null"; 90].join(",");
    let body = format!(r#"{{"repositoryNames": [{names}], "maxResults": 0}}"#);
    let (_, message) = violation::<DescribeRepositoriesRequest>(&body);
    assert!(
        message.starts_with("10 validation errors detected: "),
        "{message}"
    );
    assert_eq!(message.matches("; ").count(), 9);
}

/// What cannot be read is not looked at for what it breaks, wherever it stands.
#[test]
fn a_wrong_type_is_told_before_any_constraint() {
    for body in [
        r#"{"repositoryNames": [""], "nextToken": 1}"#,
        r#"{"repositoryNames": ["", 1]}"#,
        r#"{"repositoryNames": [1, ""]}"#,
    ] {
        let text = serialization_error::<DescribeRepositoriesRequest>(body.as_bytes());
        assert_eq!(
            text, "NUMBER_VALUE can not be converted to a String",
            "{body}"
        );
    }
}

#[test]
fn outputs_leave_out_what_is_absent() {
    let image = Image {
        image_id: Some(ImageIdentifier {
            image_digest: None,
            image_tag: Some("v1".to_owned()),
        }),
        image_manifest: Some(Sensitive::new("{}".to_owned())),
        ..Image::default()
    };
    let json = serde_json::to_string(&image).unwrap();
    assert_eq!(
        json,
        r#"{"imageId":{"imageTag":"v1"},"imageManifest":"{}"}"#
    );
}

#[test]
fn exceptions_are_bodies_with_type_message_and_members() {
    let plain = Exception::new(ExceptionKind::ImageNotFound, "gone");
    assert_eq!(
        serde_json::to_string(&plain).unwrap(),
        r#"{"__type":"ImageNotFoundException","message":"gone"}"#
    );
    let part = Exception {
        members: Some(ExceptionMembers::InvalidLayerPart {
            registry_id: Some("000000000000".to_owned()),
            repository_name: None,
            upload_id: None,
            last_valid_byte_received: Some(4),
        }),
        ..Exception::new(ExceptionKind::InvalidLayerPart, "gap")
    };
    assert_eq!(
        serde_json::to_string(&part).unwrap(),
        r#"{"__type":"InvalidLayerPartException","message":"gap","registryId":"000000000000","lastValidByteReceived":4}"#
    );
}
