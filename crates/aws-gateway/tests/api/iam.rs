//! IAM on the wire: the shapes of answers.

use ecru_aws_model::iam::API_VERSION;
use serde_json::json;

use crate::people::{administrator, manage, user};
use crate::world::{Answer, HOME, Signer, World, between, set_root_key};

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

async fn ask(world: &World, signer: &Signer, action: &str, rest: &[(&str, &str)]) -> Answer {
    let head = [("Action", action), ("Version", API_VERSION)];
    world.query(signer, &[&head[..], rest].concat()).await
}

async fn root(world: &World, action: &str, rest: &[(&str, &str)]) -> Answer {
    manage(world, HOME, action, rest).await
}

#[tokio::test]
async fn a_user_comes_back_as_it_was_made() {
    let world = World::new().await;
    let given = [
        ("UserName", "ada"),
        ("Path", "/team/"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v=1"),
    ];
    let made = root(&world, "CreateUser", &given).await;
    let id = between(made.text(), "<UserId>", "</UserId>").to_owned();
    let created = between(made.text(), "<CreateDate>", "</CreateDate>").to_owned();
    assert!(created.ends_with('Z') && created.len() == 20, "{created}");
    let user = format!(
        "<User><Path>/team/</Path><UserName>ada</UserName><UserId>{id}</UserId>\
         <Arn>arn:aws:iam::000000000000:user/team/ada</Arn><CreateDate>{created}</CreateDate>\
         <Tags><member><Key>k</Key><Value>v=1</Value></member></Tags></User>"
    );
    let result = format!("<CreateUserResult>{user}</CreateUserResult>");
    assert!(made.text().contains(&result), "{}", made.text());
    let found = root(&world, "GetUser", &[("UserName", "ada")]).await;
    let result = format!("<GetUserResult>{user}</GetUserResult>");
    assert!(found.text().contains(&result), "{}", found.text());
    let signer = Signer::root(HOME).of("iam");
    let again = ask(&world, &signer, "CreateUser", &given).await;
    let told = (again.status.as_u16(), again.code(), again.message());
    let text = "User with name ada already exists.".to_owned();
    assert_eq!(told, (409, "EntityAlreadyExists".to_owned(), text));
    let absent = ask(&world, &signer, "GetUser", &[("UserName", "bob")]).await;
    let told = (absent.status.as_u16(), absent.code(), absent.message());
    let text = "The user with name bob cannot be found.".to_owned();
    assert_eq!(told, (404, "NoSuchEntity".to_owned(), text));
}

#[tokio::test]
async fn documents_are_encoded_in_answers() {
    let world = World::new().await;
    let given = [("RoleName", "ci"), ("AssumeRolePolicyDocument", TRUST)];
    let made = root(&world, "CreateRole", &given).await;
    let text = made.text();
    let start = "<AssumeRolePolicyDocument>";
    let shown = between(text, start, "</AssumeRolePolicyDocument>");
    assert!(shown.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"));
    let given = [("PolicyName", "p"), ("PolicyDocument", DOCUMENT)];
    root(&world, "CreatePolicy", &given).await;
    let arn = ("PolicyArn", "arn:aws:iam::000000000000:policy/p");
    let version = root(&world, "GetPolicyVersion", &[arn, ("VersionId", "v1")]).await;
    let shown = between(version.text(), "<Document>", "</Document>");
    assert!(shown.starts_with("%7B%22Version%22"), "{shown}");
    let policy = root(&world, "GetPolicy", &[arn]).await;
    assert!(
        policy
            .text()
            .contains("<AttachmentCount>0</AttachmentCount>")
    );
}

#[tokio::test]
async fn lists_say_whether_they_go_on() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        root(&world, "CreateGroup", &[("GroupName", name)]).await;
    }
    let first = root(&world, "ListGroups", &[("MaxItems", "2")]).await;
    assert!(first.text().contains("<IsTruncated>true</IsTruncated>"));
    let marker = between(first.text(), "<Marker>", "</Marker>");
    let last = root(&world, "ListGroups", &[("Marker", marker)]).await;
    assert!(last.text().contains("<GroupName>c</GroupName>"));
    assert!(last.text().contains("<IsTruncated>false</IsTruncated>"));
    assert!(!last.text().contains("<Marker>"));
    let signer = Signer::root(HOME).of("iam");
    for (name, value) in [("MaxItems", "0"), ("MaxItems", "1001"), ("Marker", "x")] {
        let bad = ask(&world, &signer, "ListGroups", &[(name, value)]).await;
        assert_eq!(bad.code(), "ValidationError", "{name} {value}");
    }
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_an_inactive_one_no_longer() {
    let world = World::new().await;
    let ada = user(&world, HOME, "ada").await.of("iam");
    let attach = [
        ("UserName", "ada"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
    ];
    let denied = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(denied.code(), "AccessDenied");
    root(&world, "AttachUserPolicy", &attach).await;
    let allowed = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    let own = ask(&world, &ada, "GetUser", &[]).await;
    assert!(own.text().contains("<UserName>ada</UserName>"));
    let off = [
        ("UserName", "ada"),
        ("AccessKeyId", ada.id.as_str()),
        ("Status", "Inactive"),
    ];
    root(&world, "UpdateAccessKey", &off).await;
    let refused = ask(&world, &ada, "ListUsers", &[]).await;
    assert_eq!(refused.code(), "InvalidClientTokenId");
}

/// What a simulation answers, element by element, as AWS documents it.
#[tokio::test]
async fn a_simulation_is_told_as_by_aws() {
    let world = World::new().await;
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}"#;
    let key = "aws:SecureTransport";
    let mut given = vec![
        ("PolicyInputList.member.1", document),
        ("ActionNames.member.1", "ecr:PutImage"),
        ("ContextEntries.member.1.ContextKeyName", key),
        ("ContextEntries.member.1.ContextKeyType", "boolean"),
        ("ContextEntries.member.1.ContextKeyValues.member.1", "true"),
    ];
    let statement = "<member><SourcePolicyId>PolicyInputList.1</SourcePolicyId><SourcePolicyType>none</SourcePolicyType>\
                     <StartPosition><Line>1</Line><Column>38</Column></StartPosition>\
                     <EndPosition><Line>1</Line><Column>139</Column></EndPosition></member>";
    let told = root(&world, "SimulateCustomPolicy", &given).await;
    let expected = format!(
        "<EvaluationResults><member><EvalActionName>ecr:PutImage</EvalActionName><EvalResourceName>*</EvalResourceName>\
         <EvalDecision>allowed</EvalDecision><MatchedStatements>{statement}</MatchedStatements>\
         <MissingContextValues></MissingContextValues></member></EvaluationResults>"
    );
    assert!(told.text().contains(&expected), "{}", told.text());
    let resource = format!("arn:aws:ecr:us-east-1:{HOME}:repository/app");
    given.truncate(2);
    given.push(("ResourceArns.member.1", &resource));
    given.push(("PermissionsBoundaryPolicyInputList.member.1", DOCUMENT));
    let told = root(&world, "SimulateCustomPolicy", &given).await;
    let bounded = "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>true</AllowedByPermissionsBoundary>\
                   </PermissionsBoundaryDecisionDetail>";
    let expected = format!(
        "<EvalDecision>implicitDeny</EvalDecision><MatchedStatements></MatchedStatements>\
         <MissingContextValues></MissingContextValues>{bounded}<EvalDecisionDetails></EvalDecisionDetails>\
         <ResourceSpecificResults><member><EvalResourceName>{resource}</EvalResourceName>\
         <EvalResourceDecision>implicitDeny</EvalResourceDecision><MatchedStatements></MatchedStatements>\
         <MissingContextValues><member>{key}</member></MissingContextValues><EvalDecisionDetails></EvalDecisionDetails>\
         {bounded}</member></ResourceSpecificResults>"
    );
    assert!(told.text().contains(&expected), "{}", told.text());
}

/// Whoever is bound by an organization is told that it is, and not what the organization's policies say.
#[tokio::test]
async fn a_simulation_tells_nothing_of_an_organizations_policies() {
    let world = World::new().await;
    let ask = async |operation: &str, input| {
        let answer = world.organizations(operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        answer.json()
    };
    ask("CreateOrganization", json!({})).await;
    let roots = ask("ListRoots", json!({})).await;
    let root_id = &roots["Roots"][0]["Id"];
    let kind = "SERVICE_CONTROL_POLICY";
    let enabling = json!({"RootId": root_id, "PolicyType": kind});
    ask("EnablePolicyType", enabling).await;
    let made = json!({"Email": "ci@example.com", "AccountName": "ci"});
    let made = ask("CreateAccount", made).await;
    let account = made["CreateAccountStatus"]["AccountId"].as_str().unwrap();
    let content =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"ecr:*","Resource":"*"}}"#;
    let policy = json!({"Name": "none", "Description": "", "Type": kind, "Content": content});
    let policy = ask("CreatePolicy", policy).await;
    let id = &policy["Policy"]["PolicySummary"]["Id"];
    ask("AttachPolicy", json!({"PolicyId": id, "TargetId": account})).await;
    set_root_key(&world.services, account).await;
    administrator(&world, account, "ada").await;
    let arn = format!("arn:aws:iam::{account}:user/ada");
    let given = [
        ("PolicySourceArn", &*arn),
        ("ActionNames.member.1", "ecr:PutImage"),
    ];
    let told = manage(&world, account, "SimulatePrincipalPolicy", &given).await;
    let expected = "<EvalDecision>explicitDeny</EvalDecision><MatchedStatements></MatchedStatements>\
                    <MissingContextValues></MissingContextValues><OrganizationsDecisionDetail>\
                    <AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>";
    assert!(told.text().contains(expected), "{}", told.text());
}
