//! Every operation of Organizations, asked by those who may not.

use ecru_aws_model::organizations::Operation;
use serde_json::{Value, json};

use crate::people::user;
use crate::world::{Answer, HOME, OTHER, Signer, World, post, set_root_key};

/// An organization with one of each kind.
struct Realm {
    world: World,
    root: String,
    unit: String,
    account: String,
    policy: String,
}

async fn realm() -> Realm {
    let world = World::new().await;
    let ask = async |operation: &str, input: Value| {
        let answer = world.organizations(operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        answer.json()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ask("CreateOrganization", json!({})).await;
    let root = text(&ask("ListRoots", json!({})).await["Roots"][0]["Id"]);
    let input = json!({"RootId": root, "PolicyType": "RESOURCE_CONTROL_POLICY"});
    ask("EnablePolicyType", input).await;
    let input = json!({"ParentId": root, "Name": "there"});
    let unit = ask("CreateOrganizationalUnit", input).await;
    let input = json!({"Email": "there@example.com", "AccountName": "there"});
    let account = ask("CreateAccount", input).await;
    let content = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"ecr:*","Resource":"*"}}"#;
    let input = json!({"Name": "there", "Description": "", "Type": "RESOURCE_CONTROL_POLICY", "Content": content});
    let policy = ask("CreatePolicy", input).await;
    Realm {
        root,
        unit: text(&unit["OrganizationalUnit"]["Id"]),
        account: text(&account["CreateAccountStatus"]["AccountId"]),
        policy: text(&policy["Policy"]["PolicySummary"]["Id"]),
        world,
    }
}

/// What every operation needs, about the things of these ids.
fn input(root: &str, unit: &str, account: &str, policy: &str, resource: &str) -> Value {
    json!({
        "AccountId": account, "PolicyId": policy, "TargetId": unit, "RootId": root, "ParentId": unit,
        "ChildId": account, "ResourceId": resource, "OrganizationalUnitId": unit, "Name": "n",
        "SourceParentId": root, "DestinationParentId": unit, "Email": "there@example.com", "AccountName": "n",
        "PolicyType": "SERVICE_CONTROL_POLICY", "Filter": "SERVICE_CONTROL_POLICY", "ChildType": "ACCOUNT",
        "Type": "SERVICE_CONTROL_POLICY", "Content": "{}", "Description": "",
        "Tags": [{"Key": "k", "Value": "v"}], "TagKeys": ["k"],
        "CreateAccountRequestId": "car-0123456789abcdef",
    })
}

const ABSENT: [&str; 4] = ["r-none", "ou-none-12345678", "333333333333", "p-1234567890"];

impl Realm {
    async fn ask(&self, signer: &Signer, operation: Operation, input: &Value) -> Answer {
        let target = format!("AWSOrganizationsV20161128.{operation}");
        let mut request = post(&target, input.to_string().into());
        signer.clone().of("organizations").sign(&mut request);
        self.world.send(request).await
    }

    fn ids(&self) -> [&str; 4] {
        [&self.root, &self.unit, &self.account, &self.policy]
    }

    /// What an operation answers about each kind of resource, there and not: the texts with ids alike.
    async fn answers(&self, signer: &Signer, operation: Operation) -> Vec<(String, String)> {
        let mut answers = Vec::new();
        for place in 0..ABSENT.len() {
            for ids in [self.ids(), ABSENT] {
                let [root, unit, account, policy] = ids;
                let input = input(root, unit, account, policy, ids[place]);
                let answer = self.ask(signer, operation, &input).await;
                let mut text = answer.text().to_owned();
                for (id, absent) in self.ids().into_iter().zip(ABSENT) {
                    text = text.replace(id, absent);
                }
                answers.push((answer.code(), text));
            }
        }
        answers
    }
}

#[tokio::test]
async fn who_may_nothing_learns_nothing_from_any_operation_of_organizations() {
    let realm = realm().await;
    let nobody = user(&realm.world, HOME, "nil").await;
    for operation in Operation::ALL {
        let answers = realm.answers(&nobody, *operation).await;
        for pair in answers.chunks(2) {
            assert_eq!(pair.first(), pair.last(), "{operation}");
            let (code, text) = &pair[0];
            assert_eq!(code, "AccessDeniedException", "{operation}: {text}");
            assert!(
                text.contains("no identity-based policy allows"),
                "{operation}: {text}"
            );
        }
    }
}

/// Whatever is named, and whether or not it is there: only the management account may know.
#[tokio::test]
async fn members_learn_nothing_from_any_operation_of_organizations() {
    let realm = realm().await;
    set_root_key(&realm.world.services, &realm.account).await;
    let member = Signer::root(&realm.account);
    for operation in Operation::ALL {
        let expected = match operation {
            // every member may ask what it is a member of
            Operation::DescribeOrganization => "",
            Operation::CreateOrganization => "AlreadyInOrganizationException",
            _ => "AccessDeniedException",
        };
        let mut answers = realm.answers(&member, *operation).await;
        assert_eq!(answers[0].0, expected, "{operation}: {}", answers[0].1);
        answers.dedup();
        assert_eq!(
            answers.len(),
            1,
            "{operation} tells what exists: {answers:?}"
        );
    }
}

#[tokio::test]
async fn accounts_outside_learn_nothing_from_any_operation_of_organizations() {
    let realm = realm().await;
    for operation in Operation::ALL {
        let expected = match operation {
            Operation::CreateOrganization => "AccessDeniedException",
            _ => "AWSOrganizationsNotInUseException",
        };
        let mut answers = realm.answers(&Signer::root(OTHER), *operation).await;
        assert_eq!(answers[0].0, expected, "{operation}: {}", answers[0].1);
        answers.dedup();
        assert_eq!(
            answers.len(),
            1,
            "{operation} tells what exists: {answers:?}"
        );
    }
}
