//! IAM on the wire: the shapes of answers.

use ecru_aws_model::iam::API_VERSION;

use crate::people::{manage, user};
use crate::world::{Answer, HOME, Signer, World, between};

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
