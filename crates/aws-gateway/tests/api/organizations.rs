//! Organizations on the wire: what clients send, and the shapes, codes and texts that they read.

use serde_json::{Value, json};

use crate::world::{HOME, World};

async fn ok(world: &World, operation: &str, input: Value) -> Value {
    let answer = world.organizations(operation, input).await;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    answer.json()
}

/// Code, text and reason of a refusal.
async fn refused(world: &World, operation: &str, input: Value) -> (String, String, String) {
    let answer = world.organizations(operation, input).await;
    assert_eq!(answer.status, 400, "{operation}: {}", answer.text());
    let body = answer.json();
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    (answer.code(), text("Message"), text("Reason"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// With an organization, and both types of policies enabled; returns the root's id.
async fn realm() -> (World, String) {
    let world = World::new().await;
    ok(&world, "CreateOrganization", json!({"FeatureSet": "ALL"})).await;
    let roots = ok(&world, "ListRoots", json!({})).await;
    let root = text(&roots["Roots"][0]["Id"]).to_owned();
    for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
        let input = json!({"RootId": root, "PolicyType": kind});
        ok(&world, "EnablePolicyType", input).await;
    }
    (world, root)
}

#[tokio::test]
async fn an_organization_is_described_as_aws_does() {
    let world = World::new().await;
    let none = refused(&world, "DescribeOrganization", json!({})).await;
    assert_eq!(
        (none.0.as_str(), none.1.as_str()),
        (
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization."
        )
    );
    let made = ok(&world, "CreateOrganization", json!({})).await;
    let described = ok(&world, "DescribeOrganization", json!({})).await;
    assert_eq!(made, described);
    let organization = &described["Organization"];
    let id = text(&organization["Id"]);
    assert!(id.starts_with("o-") && id.len() == 12, "{id}");
    assert_eq!(
        *organization,
        json!({
            "Id": id,
            "Arn": format!("arn:aws:organizations::{HOME}:organization/{id}"),
            "FeatureSet": "ALL",
            "MasterAccountArn": format!("arn:aws:organizations::{HOME}:account/{id}/{HOME}"),
            "MasterAccountId": HOME,
            "MasterAccountEmail": "management@ecru.invalid",
            "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
        })
    );
    let roots = ok(&world, "ListRoots", json!({})).await;
    assert_eq!(roots["Roots"][0]["Name"], "Root");
    assert_eq!(roots["Roots"][0]["PolicyTypes"], json!([]));
    for (operation, member) in [
        ("ListDelegatedAdministrators", "DelegatedAdministrators"),
        (
            "ListAWSServiceAccessForOrganization",
            "EnabledServicePrincipals",
        ),
    ] {
        assert_eq!(ok(&world, operation, json!({})).await[member], json!([]));
    }
}

#[tokio::test]
async fn an_account_is_made_at_once_and_described_with_its_place() {
    let (world, root) = realm().await;
    let input = json!({"Email": "ci@example.com", "AccountName": "ci", "Tags": [{"Key": "team", "Value": "x"}]});
    let made = ok(&world, "CreateAccount", input.clone()).await;
    let status = &made["CreateAccountStatus"];
    assert_eq!(status["State"], "SUCCEEDED");
    let id = text(&status["AccountId"]);
    assert_eq!(id.len(), 12);
    let asked = json!({"CreateAccountRequestId": status["Id"]});
    let again = ok(&world, "DescribeCreateAccountStatus", asked).await;
    assert_eq!(again, made);
    let account = ok(&world, "DescribeAccount", json!({"AccountId": id})).await;
    let account = &account["Account"];
    assert_eq!(
        (&account["Name"], &account["Email"], &account["Status"]),
        (&json!("ci"), &json!("ci@example.com"), &json!("ACTIVE"))
    );
    assert_eq!(account["JoinedMethod"], "CREATED");
    let parents = ok(&world, "ListParents", json!({"ChildId": id})).await;
    assert_eq!(parents["Parents"], json!([{"Id": root, "Type": "ROOT"}]));
    let tags = ok(&world, "ListTagsForResource", json!({"ResourceId": id})).await;
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "x"}]));
    let failed = ok(&world, "CreateAccount", input).await;
    let failed = &failed["CreateAccountStatus"];
    assert_eq!(
        (&failed["State"], &failed["FailureReason"]),
        (&json!("FAILED"), &json!("EMAIL_ALREADY_EXISTS"))
    );
    let listed = ok(
        &world,
        "ListCreateAccountStatus",
        json!({"States": ["FAILED"]}),
    )
    .await;
    assert_eq!(listed["CreateAccountStatuses"].as_array().unwrap().len(), 1);
    ok(&world, "CloseAccount", json!({"AccountId": id})).await;
    let account = ok(&world, "DescribeAccount", json!({"AccountId": id})).await;
    assert_eq!(account["Account"]["Status"], "SUSPENDED");
    let closed = refused(&world, "CloseAccount", json!({"AccountId": HOME})).await;
    assert_eq!(
        (closed.0.as_str(), closed.2.as_str()),
        (
            "ConstraintViolationException",
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
        )
    );
}

#[tokio::test]
async fn policies_are_made_attached_listed_and_detached() {
    let (world, root) = realm().await;
    let content = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ecr:*","Resource":"*"}]}"#;
    let input = json!({"Name": "no ecr", "Description": "d", "Type": "SERVICE_CONTROL_POLICY", "Content": content});
    let made = ok(&world, "CreatePolicy", input).await;
    assert_eq!(made["Policy"]["Content"], content);
    let summary = &made["Policy"]["PolicySummary"];
    assert_eq!(summary["AwsManaged"], false);
    let id = text(&summary["Id"]);
    let input = json!({"ParentId": root, "Name": "builders"});
    let unit = ok(&world, "CreateOrganizationalUnit", input).await;
    let unit = text(&unit["OrganizationalUnit"]["Id"]);
    let place = json!({"PolicyId": id, "TargetId": unit});
    ok(&world, "AttachPolicy", place.clone()).await;
    let again = refused(&world, "AttachPolicy", place.clone()).await;
    assert_eq!(again.0, "DuplicatePolicyAttachmentException");
    let asked = json!({"TargetId": unit, "Filter": "SERVICE_CONTROL_POLICY"});
    let listed = ok(&world, "ListPoliciesForTarget", asked).await;
    let names = listed["Policies"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|policy| text(&policy["Name"])).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"no ecr") && names.contains(&"FullAWSAccess"));
    let targets = ok(&world, "ListTargetsForPolicy", json!({"PolicyId": id})).await;
    assert_eq!(
        targets["Targets"][0]["Type"],
        json!("ORGANIZATIONAL_UNIT"),
        "{targets}"
    );
    let used = refused(&world, "DeletePolicy", json!({"PolicyId": id})).await;
    assert_eq!(used.0, "PolicyInUseException");
    ok(&world, "DetachPolicy", place).await;
    ok(&world, "DeletePolicy", json!({"PolicyId": id})).await;
    let last = json!({"PolicyId": "p-FullAWSAccess", "TargetId": unit});
    let last = refused(&world, "DetachPolicy", last).await;
    assert_eq!(
        (last.0.as_str(), last.2.as_str()),
        (
            "ConstraintViolationException",
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
        )
    );
    let listed = json!({"Filter": "RESOURCE_CONTROL_POLICY"});
    let listed = ok(&world, "ListPolicies", listed).await;
    assert_eq!(listed["Policies"][0]["Id"], "p-RCPFullAWSAccess");
    let bad =
        json!({"Name": "n", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": "{"});
    let bad = refused(&world, "CreatePolicy", bad).await;
    assert_eq!(bad.0, "MalformedPolicyDocumentException");
    let other = refused(&world, "ListPolicies", json!({"Filter": "TAG_POLICY"})).await;
    assert_eq!(
        (other.0.as_str(), other.2.as_str()),
        ("InvalidInputException", "INVALID_ENUM_POLICY_TYPE")
    );
}

#[tokio::test]
async fn units_are_moved_into_renamed_and_deleted() {
    let (world, root) = realm().await;
    let input = json!({"ParentId": root, "Name": "one"});
    let unit = ok(&world, "CreateOrganizationalUnit", input.clone()).await;
    let unit = text(&unit["OrganizationalUnit"]["Id"]);
    let twice = refused(&world, "CreateOrganizationalUnit", input).await;
    assert_eq!(twice.0, "DuplicateOrganizationalUnitException");
    let input = json!({"Email": "ci@example.com", "AccountName": "ci"});
    let made = ok(&world, "CreateAccount", input).await;
    let account = &made["CreateAccountStatus"]["AccountId"];
    let way = json!({"AccountId": account, "SourceParentId": root, "DestinationParentId": unit});
    ok(&world, "MoveAccount", way.clone()).await;
    let again = refused(&world, "MoveAccount", way).await;
    assert_eq!(again.0, "SourceParentNotFoundException");
    let asked = json!({"ParentId": unit});
    let inside = ok(&world, "ListAccountsForParent", asked.clone()).await;
    assert_eq!(inside["Accounts"][0]["Id"], *account);
    let asked = json!({"ParentId": unit, "ChildType": "ACCOUNT"});
    let inside = ok(&world, "ListChildren", asked).await;
    assert_eq!(
        inside["Children"],
        json!([{"Id": account, "Type": "ACCOUNT"}])
    );
    let gone = json!({"OrganizationalUnitId": unit});
    let full = refused(&world, "DeleteOrganizationalUnit", gone.clone()).await;
    assert_eq!(full.0, "OrganizationalUnitNotEmptyException");
    let named = json!({"OrganizationalUnitId": unit, "Name": "two"});
    let renamed = ok(&world, "UpdateOrganizationalUnit", named).await;
    assert_eq!(renamed["OrganizationalUnit"]["Name"], "two");
    let leave = json!({"AccountId": account});
    ok(&world, "RemoveAccountFromOrganization", leave).await;
    ok(&world, "DeleteOrganizationalUnit", gone.clone()).await;
    let none = refused(&world, "DescribeOrganizationalUnit", gone).await;
    assert_eq!(none.0, "OrganizationalUnitNotFoundException");
    let units = json!({"ParentId": root});
    let units = ok(&world, "ListOrganizationalUnitsForParent", units).await;
    assert_eq!(units["OrganizationalUnits"], json!([]));
    ok(&world, "DeleteOrganization", json!({})).await;
}

#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let (world, root) = realm().await;
    for number in 0..3 {
        let input = json!({"ParentId": root, "Name": format!("unit{number}")});
        ok(&world, "CreateOrganizationalUnit", input).await;
    }
    let asked = json!({"ParentId": root, "MaxResults": 2});
    let first = ok(&world, "ListOrganizationalUnitsForParent", asked).await;
    assert_eq!(first["OrganizationalUnits"].as_array().unwrap().len(), 2);
    let asked = json!({"ParentId": root, "MaxResults": 2, "NextToken": first["NextToken"]});
    let second = ok(&world, "ListOrganizationalUnitsForParent", asked).await;
    assert_eq!(second["OrganizationalUnits"].as_array().unwrap().len(), 1);
    assert_eq!(second["NextToken"], Value::Null);
    let foreign = json!({"NextToken": first["NextToken"]});
    let foreign = refused(&world, "ListAccounts", foreign).await;
    assert_eq!(
        (foreign.0.as_str(), foreign.2.as_str()),
        ("InvalidInputException", "INVALID_NEXT_TOKEN")
    );
}
