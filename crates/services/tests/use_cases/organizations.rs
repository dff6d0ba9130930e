//! Organizations: the tree, its accounts and policies, and what they do to requests.

use std::sync::Arc;

use ecru_domain::mutability::TagMutability;
use ecru_domain::organization::{FULL_ACCESS, PolicyType, RESOURCE_FULL_ACCESS, TargetKind};
use ecru_domain::{
    AccountId, EncryptionType, Error, OrganizationsRefusal as Refused, Principal, Refusal,
    Registry, RepositoryName, Session, SessionKind,
};
use ecru_ports::metadata::{EntityKind, Lane, LinkKind, ReadTransaction, WriteTransaction};
use ecru_services::keys::RequestedEncryption;
use ecru_services::organizations::accounts::CreateAccount;
use ecru_services::organizations::organization::Organization;
use ecru_services::organizations::policies::{CreatePolicy, PolicyDescription, UpdatePolicy};
use ecru_services::organizations::units::{CreateUnit, UnitDescription};
use ecru_services::repositories::CreateRepository;
use ecru_services::{PageRequest, RequestContext};

use crate::world::{World, name, refusal};

const SERVICE: PolicyType = PolicyType::ServiceControl;
const RESOURCE: PolicyType = PolicyType::ResourceControl;

/// A world with an organization in which both policy types are enabled.
struct Realm {
    world: World,
    organization: Organization,
}

impl Realm {
    async fn new() -> Self {
        let world = World::new().await;
        let organizations = &world.services.organizations;
        let root = world.root();
        let organization = organizations.create(&root, true).await.unwrap();
        for kind in PolicyType::ALL {
            organizations
                .enable_policy_type(&root, &organization.root_id, kind)
                .await
                .unwrap();
        }
        Self {
            world,
            organization,
        }
    }

    fn root_id(&self) -> &str {
        &self.organization.root_id
    }

    async fn account(&self, name: &str) -> AccountId {
        let command = CreateAccount {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            role_name: "OrganizationAccountAccessRole".to_owned(),
            tags: vec![],
        };
        let organizations = &self.world.services.organizations;
        let root = self.world.root();
        let created = organizations.create_account(&root, command).await;
        created.unwrap().outcome.unwrap()
    }

    async fn unit(&self, parent: &str, name: &str) -> Result<UnitDescription, Error> {
        let command = CreateUnit {
            parent: parent.to_owned(),
            name: name.to_owned(),
            tags: vec![],
        };
        let organizations = &self.world.services.organizations;
        organizations.create_unit(&self.world.root(), command).await
    }

    async fn policy(
        &self,
        kind: PolicyType,
        name: &str,
        statement: &str,
    ) -> Result<PolicyDescription, Error> {
        let command = CreatePolicy {
            name: name.to_owned(),
            description: String::new(),
            kind,
            content: document(statement),
            tags: vec![],
        };
        let organizations = &self.world.services.organizations;
        organizations
            .create_policy(&self.world.root(), command)
            .await
    }

    async fn attach(&self, policy: &str, target: &str) -> Result<(), Error> {
        let organizations = &self.world.services.organizations;
        organizations
            .attach_policy(&self.world.root(), policy, target)
            .await
    }

    async fn detach(&self, policy: &str, target: &str) -> Result<(), Error> {
        let organizations = &self.world.services.organizations;
        organizations
            .detach_policy(&self.world.root(), policy, target)
            .await
    }

    async fn deny(&self, action: &str, target: &str) -> String {
        let statement = format!(r#"{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#);
        let name = format!("deny {action} {target}");
        let policy = self.policy(SERVICE, &name, &statement).await.unwrap();
        self.attach(&policy.id, target).await.unwrap();
        policy.id
    }

    /// The root user of an account.
    fn root_of(&self, account: &AccountId) -> RequestContext {
        self.world
            .context(Principal::root(account.clone(), "AKIAMEMBER".to_owned()))
    }

    fn registry_of(&self, account: &AccountId) -> Registry {
        Registry {
            account: account.clone(),
            ..self.world.home.clone()
        }
    }

    async fn create_repository(
        &self,
        context: &RequestContext,
        repository: &str,
    ) -> Result<(), Error> {
        let command = CreateRepository {
            registry: context.own_registry(),
            name: name(repository),
            tags: vec![],
            mutability: TagMutability::mutable(),
            scan_on_push: false,
            encryption: RequestedEncryption {
                kind: EncryptionType::Aes256,
                key: None,
            },
        };
        let repositories = &self.world.services.repositories;
        repositories.create(context, command).await.map(drop)
    }

    async fn describe(
        &self,
        context: &RequestContext,
        owner: &AccountId,
        repository: &RepositoryName,
    ) -> Result<(), Error> {
        let repositories = &self.world.services.repositories;
        let names = std::slice::from_ref(repository);
        let registry = self.registry_of(owner);
        let found = repositories.describe(context, &registry, names).await;
        found.map(drop)
    }

    /// Sets a repository policy as if by the API.
    async fn share(&self, owner: &AccountId, repository: &RepositoryName, statement: &str) {
        let (registry, name) = (self.registry_of(owner), repository.clone());
        let text = document(statement);
        let written: Result<(), Error> = self
            .world
            .outside
            .metadata
            .write(Lane::Any, move |rows: &mut dyn WriteTransaction| {
                let found = rows.find_repository(&registry, &name)?.unwrap();
                rows.set_repository_policy(&found.id, Some(&text))?;
                Ok(())
            })
            .await;
        written.unwrap();
    }

    /// A session of the first role of an account.
    async fn administrator_of(&self, account: &AccountId) -> RequestContext {
        let owner = account.clone();
        let role: Result<_, Error> = self
            .world
            .outside
            .metadata
            .lookup(move |rows: &mut dyn ReadTransaction| {
                let key = "organizationaccountaccessrole";
                let found = rows.find_entity(&owner, EntityKind::Role, key)?.unwrap();
                let attached = rows.links_from(&found.id, LinkKind::AttachedPolicy, None, 2)?;
                Ok((found, attached))
            })
            .await;
        let (role, attached) = role.unwrap();
        let own = format!("arn:aws:iam::aws:policy/AdministratorAccess@{account}");
        assert_eq!(attached, [own]);
        let now = self.world.now();
        self.world.context(Principal {
            account: account.clone(),
            arn: format!(
                "arn:aws:sts::{account}:assumed-role/OrganizationAccountAccessRole/session"
            ),
            unique_id: role.id,
            access_key_id: "ASIA".to_owned(),
            session: Some(Arc::new(Session {
                kind: SessionKind::AssumedRole,
                name: "session".to_owned(),
                issued_at: now,
                expires_at: now.plus(std::time::Duration::from_secs(3600)),
                tags: vec![],
                transitive_tag_keys: vec![],
                source_identity: None,
                policies: vec![],
                provider: None,
                source_key: None,
                fingerprint: String::new(),
            })),
        })
    }
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn is_denied(outcome: Result<(), Error>) -> bool {
    match outcome {
        Ok(()) => false,
        Err(Error::Refused(Refusal::AccessDenied { .. })) => true,
        other => panic!("neither allowed nor denied: {other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refused {
    match refusal(outcome) {
        Refusal::Organizations(refused) => refused,
        other => panic!("not refused by Organizations: {other:?}"),
    }
}

#[tokio::test]
async fn the_management_account_alone_makes_one_organization() {
    let world = World::new().await;
    let (organizations, root) = (&world.services.organizations, world.root());
    assert!(matches!(
        refused(organizations.describe(&root).await),
        Refused::NotInUse { .. }
    ));
    assert!(matches!(
        refused(
            organizations
                .list_accounts(&root, &PageRequest::default())
                .await
        ),
        Refused::NotInUse { .. }
    ));
    let stranger = AccountId::parse("999999999999").unwrap();
    let stranger = world.context(Principal::root(stranger, "AKIASTRANGER".to_owned()));
    let founded = refused(organizations.create(&stranger, true).await);
    assert!(matches!(founded, Refused::AccessDenied { .. }));
    assert!(founded.to_string().contains("000000000000"), "{founded}");
    let made = organizations.create(&root, true).await.unwrap();
    assert!(made.enabled.is_empty());
    assert_eq!(organizations.describe(&root).await.unwrap(), made);
    assert!(matches!(
        refused(organizations.create(&root, true).await),
        Refused::AlreadyInOrganization { .. }
    ));
    let page = PageRequest::default();
    let accounts = organizations.list_accounts(&root, &page).await;
    let accounts = accounts.unwrap().items;
    assert_eq!(accounts.len(), 1);
    assert!(!accounts[0].was_created);
    assert_eq!(
        accounts[0].arn,
        format!(
            "arn:aws:organizations::000000000000:account/{}/000000000000",
            made.name.id
        )
    );
}

#[tokio::test]
async fn a_new_account_has_a_status_a_place_and_a_role_that_administers_it() {
    let realm = Realm::new().await;
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    let account = realm.account("build").await;
    assert_ne!(account.as_str().as_bytes()[0], b'0');
    let page = PageRequest::default();
    let statuses = organizations.list_creations(&root, true, true, &page).await;
    let statuses = statuses.unwrap().items;
    assert_eq!(statuses[0].outcome, Ok(account.clone()));
    let status = organizations.describe_creation(&root, &statuses[0].id);
    assert_eq!(status.await.unwrap(), statuses[0]);
    let described = organizations
        .describe_account(&root, account.as_str())
        .await;
    let described = described.unwrap();
    assert_eq!(
        (&*described.name, &*described.email),
        ("build", "build@example.com")
    );
    assert!(described.was_created && !described.is_closed);
    let expected = format!(
        "{}/{}/{account}/",
        realm.organization.name.id,
        realm.root_id()
    );
    assert_eq!(described.path, expected);
    let parent = organizations.find_parent(&root, account.as_str());
    assert_eq!(parent.await.unwrap(), realm.root_id());
    let administrator = realm.administrator_of(&account).await;
    realm
        .create_repository(&administrator, "team/app")
        .await
        .unwrap();
    realm
        .describe(&realm.root_of(&account), &account, &name("team/app"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_mail_address_serves_one_account() {
    let realm = Realm::new().await;
    realm.account("build").await;
    let command = CreateAccount {
        name: "other".to_owned(),
        email: "Build@example.com".to_owned(),
        role_name: "Admin".to_owned(),
        tags: vec![],
    };
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    let status = organizations.create_account(&root, command).await.unwrap();
    assert_eq!(status.outcome, Err("EMAIL_ALREADY_EXISTS".to_owned()));
    let page = PageRequest::default();
    let failed = organizations.list_creations(&root, true, false, &page);
    assert_eq!(failed.await.unwrap().items, [status]);
    let accounts = organizations.list_accounts(&root, &page).await.unwrap();
    assert_eq!(accounts.items.len(), 2);
}

#[tokio::test]
async fn members_learn_of_their_organization_and_of_nothing_else() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let context = realm.root_of(&member);
    let (organizations, page) = (&realm.world.services.organizations, PageRequest::default());
    let described = organizations.describe(&context).await.unwrap();
    assert_eq!(described.name, realm.organization.name);
    for outcome in [
        refused(organizations.list_accounts(&context, &page).await),
        refused(organizations.list_roots(&context).await),
        refused(
            organizations
                .describe_account(&context, "000000000000")
                .await,
        ),
        refused(
            organizations
                .describe_account(&context, "123456789012")
                .await,
        ),
        refused(organizations.close_account(&context, member.as_str()).await),
        refused(organizations.delete(&context).await),
        refused(
            organizations
                .detach_policy(&context, FULL_ACCESS, realm.root_id())
                .await,
        ),
    ] {
        assert!(
            matches!(outcome, Refused::AccessDenied { .. }),
            "{outcome:?}"
        );
        assert_eq!(
            outcome.to_string(),
            "You don't have permissions to access this resource."
        );
    }
    assert!(matches!(
        refused(organizations.create(&context, true).await),
        Refused::AlreadyInOrganization { .. }
    ));
}

#[tokio::test]
async fn a_service_control_policy_binds_members_at_the_next_request_and_never_the_management_account()
 {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let (context, root) = (realm.root_of(&member), realm.world.root());
    realm.create_repository(&context, "one").await.unwrap();
    let policy = realm.deny("ecr:CreateRepository", realm.root_id()).await;
    let denied = refusal(realm.create_repository(&context, "two").await);
    assert!(
        denied
            .to_string()
            .ends_with(" with an explicit deny in a service control policy"),
        "{denied}"
    );
    let administrator = realm.administrator_of(&member).await;
    assert!(is_denied(
        realm.create_repository(&administrator, "two").await
    ));
    realm.create_repository(&root, "two").await.unwrap();
    realm.detach(&policy, realm.root_id()).await.unwrap();
    realm.create_repository(&context, "two").await.unwrap();
}

#[tokio::test]
async fn every_level_must_allow() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let context = realm.root_of(&member);
    let statement = r#"{"Effect":"Allow","Action":"ecr:Describe*","Resource":"*"}"#;
    let reading = realm.policy(SERVICE, "reading", statement).await.unwrap();
    realm.attach(&reading.id, member.as_str()).await.unwrap();
    realm.create_repository(&context, "one").await.unwrap();
    realm.detach(FULL_ACCESS, member.as_str()).await.unwrap();
    let denied = refusal(realm.create_repository(&context, "two").await);
    assert!(
        denied
            .to_string()
            .ends_with(" because no service control policy allows the ecr:CreateRepository action"),
        "{denied}"
    );
    realm
        .describe(&context, &member, &name("one"))
        .await
        .unwrap();
    let statement = r#"{"Effect":"Allow","Action":"ecr:*","Resource":"*"}"#;
    let change = UpdatePolicy {
        id: reading.id.clone(),
        content: Some(document(statement)),
        ..UpdatePolicy::default()
    };
    let organizations = &realm.world.services.organizations;
    organizations
        .update_policy(&realm.world.root(), change)
        .await
        .unwrap();
    realm.create_repository(&context, "two").await.unwrap();
    assert!(matches!(
        refused(realm.detach(&reading.id, member.as_str()).await),
        Refused::ConstraintViolation {
            reason: "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            ..
        }
    ));
    realm.attach(FULL_ACCESS, member.as_str()).await.unwrap();
    realm.detach(&reading.id, member.as_str()).await.unwrap();
}

#[tokio::test]
async fn a_moved_account_is_bound_by_its_new_place() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let (context, root) = (realm.root_of(&member), realm.world.root());
    let unit = realm.unit(realm.root_id(), "frozen").await.unwrap();
    realm.deny("ecr:*", &unit.id).await;
    realm.create_repository(&context, "one").await.unwrap();
    let organizations = &realm.world.services.organizations;
    let (id, top) = (member.as_str(), realm.root_id());
    organizations
        .move_account(&root, id, top, &unit.id)
        .await
        .unwrap();
    assert!(is_denied(realm.create_repository(&context, "two").await));
    assert!(matches!(
        refused(organizations.move_account(&root, id, top, &unit.id).await),
        Refused::SourceParentNotFound { .. }
    ));
    assert!(matches!(
        refused(
            organizations
                .move_account(&root, id, &unit.id, &unit.id)
                .await
        ),
        Refused::DuplicateAccount { .. }
    ));
    assert!(matches!(
        refused(
            organizations
                .move_account(&root, id, &unit.id, "ou-none-12345678")
                .await
        ),
        Refused::DestinationParentNotFound { .. }
    ));
    assert!(matches!(
        refused(organizations.delete_unit(&root, &unit.id).await),
        Refused::OrganizationalUnitNotEmpty { .. }
    ));
    organizations
        .move_account(&root, id, &unit.id, top)
        .await
        .unwrap();
    realm.create_repository(&context, "two").await.unwrap();
    organizations.delete_unit(&root, &unit.id).await.unwrap();
    assert!(matches!(
        refused(organizations.describe_unit(&root, &unit.id).await),
        Refused::OrganizationalUnitNotFound { .. }
    ));
}

#[tokio::test]
async fn a_resource_control_policy_stops_others_at_a_members_repository() {
    let realm = Realm::new().await;
    let (owner, guest) = (realm.account("owner").await, realm.account("guest").await);
    let repository = name("shared");
    let (host, visitor) = (realm.root_of(&owner), realm.root_of(&guest));
    realm.create_repository(&host, "shared").await.unwrap();
    assert!(is_denied(
        realm.describe(&visitor, &owner, &repository).await
    ));
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{guest}:root"}},"Action":"ecr:*"}}"#
    );
    realm.share(&owner, &repository, &statement).await;
    realm.describe(&visitor, &owner, &repository).await.unwrap();
    let statement = format!(
        r#"{{"Effect":"Deny","Principal":"*","Action":"ecr:*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"{owner}"}}}}}}"#
    );
    let policy = realm
        .policy(RESOURCE, "own only", &statement)
        .await
        .unwrap();
    realm.attach(&policy.id, owner.as_str()).await.unwrap();
    let denied = refusal(realm.describe(&visitor, &owner, &repository).await);
    assert!(
        denied
            .to_string()
            .ends_with(" with an explicit deny in a resource control policy"),
        "{denied}"
    );
    realm.describe(&host, &owner, &repository).await.unwrap();
    assert!(matches!(
        refused(realm.detach(RESOURCE_FULL_ACCESS, owner.as_str()).await),
        Refused::InvalidInput {
            reason: "NON_DETACHABLE_POLICY",
            ..
        }
    ));
}

#[tokio::test]
async fn nobody_of_a_closed_account_does_anything_and_nobody_uses_what_it_owns() {
    let realm = Realm::new().await;
    let (owner, guest) = (realm.account("owner").await, realm.account("guest").await);
    let (host, visitor, root) = (
        realm.root_of(&owner),
        realm.root_of(&guest),
        realm.world.root(),
    );
    let (shared, own) = (name("shared"), name("own"));
    realm.create_repository(&host, "shared").await.unwrap();
    realm.create_repository(&host, "own").await.unwrap();
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"ecr:*"}"#;
    realm.share(&owner, &shared, statement).await;
    realm.describe(&visitor, &owner, &shared).await.unwrap();
    realm.describe(&host, &owner, &own).await.unwrap();
    let organizations = &realm.world.services.organizations;
    organizations
        .close_account(&root, owner.as_str())
        .await
        .unwrap();
    assert_eq!(
        refusal(realm.describe(&host, &owner, &own).await),
        Refusal::TokenInvalid
    );
    assert!(is_denied(realm.describe(&visitor, &owner, &shared).await));
    let described = organizations.describe_account(&root, owner.as_str()).await;
    assert!(described.unwrap().is_closed);
    assert!(matches!(
        refused(organizations.close_account(&root, owner.as_str()).await),
        Refused::AccountAlreadyClosed { .. }
    ));
    assert!(matches!(
        refused(organizations.close_account(&root, "000000000000").await),
        Refused::ConstraintViolation {
            reason: "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
            ..
        }
    ));
}

#[tokio::test]
async fn policies_can_ask_for_organization_and_path() {
    let realm = Realm::new().await;
    let (owner, guest) = (realm.account("owner").await, realm.account("guest").await);
    let unit = realm.unit(realm.root_id(), "builders").await.unwrap();
    let (host, visitor, root) = (
        realm.root_of(&owner),
        realm.root_of(&guest),
        realm.world.root(),
    );
    let (by_id, by_path) = (name("by-id"), name("by-path"));
    realm.create_repository(&host, "by-id").await.unwrap();
    realm.create_repository(&host, "by-path").await.unwrap();
    let organization = &realm.organization.name.id;
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"ecr:*","Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"{organization}"}}}}}}"#
    );
    realm.share(&owner, &by_id, &statement).await;
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"ecr:*","Condition":{{"ForAnyValue:StringLike":{{"aws:PrincipalOrgPaths":"{}*"}}}}}}"#,
        unit.path
    );
    realm.share(&owner, &by_path, &statement).await;
    realm.describe(&visitor, &owner, &by_id).await.unwrap();
    assert!(is_denied(realm.describe(&visitor, &owner, &by_path).await));
    let organizations = &realm.world.services.organizations;
    organizations
        .move_account(&root, guest.as_str(), realm.root_id(), &unit.id)
        .await
        .unwrap();
    realm.describe(&visitor, &owner, &by_path).await.unwrap();
    let stranger = realm.root_of(&AccountId::parse("999999999999").unwrap());
    assert!(is_denied(realm.describe(&stranger, &owner, &by_id).await));
    organizations
        .remove_account(&root, guest.as_str())
        .await
        .unwrap();
    assert!(is_denied(realm.describe(&visitor, &owner, &by_id).await));
    assert!(matches!(
        refused(organizations.describe(&visitor).await),
        Refused::NotInUse { .. }
    ));
}

#[tokio::test]
async fn a_disabled_type_binds_nobody_and_is_attached_to_nothing_afterwards() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let (context, root) = (realm.root_of(&member), realm.world.root());
    let policy = realm.deny("ecr:*", realm.root_id()).await;
    let statement = r#"{"Effect":"Allow","Action":"ecr:*","Resource":"*"}"#;
    let allow = realm.policy(SERVICE, "allow", statement).await.unwrap();
    realm.attach(&allow.id, member.as_str()).await.unwrap();
    realm.detach(FULL_ACCESS, member.as_str()).await.unwrap();
    assert!(is_denied(realm.create_repository(&context, "one").await));
    let organizations = &realm.world.services.organizations;
    let disabled = organizations.disable_policy_type(&root, realm.root_id(), SERVICE);
    assert_eq!(disabled.await.unwrap().enabled, [RESOURCE]);
    realm.create_repository(&context, "one").await.unwrap();
    assert!(matches!(
        refused(realm.attach(&policy, member.as_str()).await),
        Refused::PolicyTypeNotEnabled { .. }
    ));
    organizations
        .enable_policy_type(&root, realm.root_id(), SERVICE)
        .await
        .unwrap();
    let page = PageRequest::default();
    for target in [realm.root_id(), member.as_str()] {
        let attached = organizations.list_policies_for_target(&root, target, SERVICE, &page);
        let ids: Vec<_> = attached.await.unwrap().items;
        let ids: Vec<_> = ids.iter().map(|policy| policy.id.as_str()).collect();
        assert_eq!(ids, [FULL_ACCESS], "{target}");
    }
    organizations.delete_policy(&root, &policy).await.unwrap();
}

#[tokio::test]
async fn units_nest_five_deep_under_distinct_names() {
    let realm = Realm::new().await;
    let mut parent = realm.root_id().to_owned();
    for _ in 0..5 {
        parent = realm.unit(&parent, "unit").await.unwrap().id;
    }
    assert!(matches!(
        refused(realm.unit(&parent, "unit").await),
        Refused::ConstraintViolation {
            reason: "OU_DEPTH_LIMIT_EXCEEDED",
            ..
        }
    ));
    assert!(matches!(
        refused(realm.unit(realm.root_id(), "unit").await),
        Refused::DuplicateOrganizationalUnit { .. }
    ));
    assert!(matches!(
        refused(realm.unit("ou-none-12345678", "unit").await),
        Refused::ParentNotFound { .. }
    ));
    let other = realm.unit(realm.root_id(), "other").await.unwrap();
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    let renamed = organizations.rename_unit(&root, &other.id, Some("unit".to_owned()));
    assert!(matches!(
        refused(renamed.await),
        Refused::DuplicateOrganizationalUnit { .. }
    ));
    let renamed = organizations.rename_unit(&root, &other.id, Some("third".to_owned()));
    assert_eq!(renamed.await.unwrap().name, "third");
    realm.unit(realm.root_id(), "other").await.unwrap();
    let member = realm.account("deep").await;
    organizations
        .move_account(&root, member.as_str(), realm.root_id(), &parent)
        .await
        .unwrap();
    realm.deny("ecr:*", realm.root_id()).await;
    let context = realm.root_of(&member);
    assert!(is_denied(realm.create_repository(&context, "one").await));
}

#[tokio::test]
async fn policies_have_distinct_names_by_type_and_stay_while_attached() {
    let realm = Realm::new().await;
    let statement = r#"{"Effect":"Deny","Action":"ecr:*","Resource":"*"}"#;
    let first = realm.policy(SERVICE, "first", statement).await.unwrap();
    assert!(matches!(
        refused(realm.policy(SERVICE, "first", statement).await),
        Refused::DuplicatePolicy { .. }
    ));
    assert!(matches!(
        refused(realm.policy(SERVICE, "bad", "nonsense").await),
        Refused::MalformedPolicyDocument { .. }
    ));
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    realm.attach(&first.id, realm.root_id()).await.unwrap();
    assert!(matches!(
        refused(realm.attach(&first.id, realm.root_id()).await),
        Refused::DuplicatePolicyAttachment { .. }
    ));
    assert!(matches!(
        refused(realm.attach(&first.id, "999999999999").await),
        Refused::TargetNotFound { .. }
    ));
    assert!(matches!(
        refused(realm.attach("p-none1234", realm.root_id()).await),
        Refused::PolicyNotFound { .. }
    ));
    assert!(matches!(
        refused(organizations.delete_policy(&root, &first.id).await),
        Refused::PolicyInUse { .. }
    ));
    assert!(matches!(
        refused(organizations.delete_policy(&root, FULL_ACCESS).await),
        Refused::InvalidInput {
            reason: "IMMUTABLE_POLICY",
            ..
        }
    ));
    for number in 0..3 {
        realm
            .deny(&format!("ecr:Put{number}*"), realm.root_id())
            .await;
    }
    let sixth = realm.policy(SERVICE, "sixth", statement).await.unwrap();
    assert!(matches!(
        refused(realm.attach(&sixth.id, realm.root_id()).await),
        Refused::ConstraintViolation {
            reason: "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            ..
        }
    ));
    realm.detach(&first.id, realm.root_id()).await.unwrap();
    assert!(matches!(
        refused(realm.detach(&first.id, realm.root_id()).await),
        Refused::PolicyNotAttached { .. }
    ));
    organizations.delete_policy(&root, &first.id).await.unwrap();
}

#[tokio::test]
async fn lists_come_in_pages_and_full_access_is_attached_everywhere_but_where_it_is_detached() {
    let realm = Realm::new().await;
    let mut accounts = Vec::new();
    for number in 0..7 {
        accounts.push(realm.account(&format!("account{number}")).await);
    }
    let unit = realm.unit(realm.root_id(), "unit").await.unwrap();
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let allow = realm.policy(SERVICE, "allow", statement).await.unwrap();
    realm.attach(&allow.id, accounts[0].as_str()).await.unwrap();
    realm
        .detach(FULL_ACCESS, accounts[0].as_str())
        .await
        .unwrap();
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    let mut page = PageRequest {
        limit: Some(3),
        token: None,
    };
    let (mut listed, mut targets) = (Vec::new(), Vec::new());
    loop {
        let found = organizations.list_accounts(&root, &page).await.unwrap();
        assert!(found.items.len() <= 3);
        listed.extend(found.items.into_iter().map(|account| account.id));
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 8);
    assert!(accounts.iter().all(|account| listed.contains(account)));
    loop {
        let found = organizations.list_targets_for_policy(&root, FULL_ACCESS, &page);
        let found = found.await.unwrap();
        targets.extend(found.items.into_iter().map(|target| target.id));
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    // root, management account, six accounts, unit
    assert_eq!(targets.len(), 9);
    assert!(targets.contains(&unit.id) && targets.contains(&realm.root_id().to_owned()));
    assert!(!targets.contains(&accounts[0].to_string()));
    let children = organizations.list_children(
        &root,
        realm.root_id(),
        TargetKind::OrganizationalUnit,
        &page,
    );
    assert_eq!(children.await.unwrap().items, [unit.id]);
    let children = organizations.list_children(&root, realm.root_id(), TargetKind::Account, &page);
    let token = children.await.unwrap().next_token;
    assert!(token.is_some());
    page.token = token;
    let foreign = organizations.list_accounts(&root, &page).await;
    assert_eq!(refusal(foreign), Refusal::PageTokenInvalid);
}

#[tokio::test]
async fn tags_are_kept_on_every_kind_of_resource() {
    let realm = Realm::new().await;
    let account = realm.account("build").await.to_string();
    let unit = realm.unit(realm.root_id(), "unit").await.unwrap().id;
    let statement = r#"{"Effect":"Deny","Action":"ecr:*","Resource":"*"}"#;
    let policy = realm.policy(SERVICE, "p", statement).await.unwrap().id;
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    let pair = |value: &str| vec![("team".to_owned(), value.to_owned())];
    for id in [realm.root_id(), &account, &unit, &policy] {
        organizations
            .tag_resource(&root, id, pair("one"))
            .await
            .unwrap();
        organizations
            .tag_resource(&root, id, pair("two"))
            .await
            .unwrap();
        let tags = organizations.list_tags(&root, id).await.unwrap();
        assert_eq!(tags, pair("two"), "{id}");
        let keys = vec!["team".to_owned()];
        organizations.untag_resource(&root, id, keys).await.unwrap();
        assert!(organizations.list_tags(&root, id).await.unwrap().is_empty());
    }
    assert!(matches!(
        refused(organizations.list_tags(&root, "ou-none-12345678").await),
        Refused::TargetNotFound { .. }
    ));
    let tagged = organizations.tag_resource(&root, &unit, pair("one"));
    tagged.await.unwrap();
    let beside = vec![("Team".to_owned(), "two".to_owned())];
    assert!(matches!(
        refused(organizations.tag_resource(&root, &unit, beside).await),
        Refused::InvalidInput { .. }
    ));
    let reserved = vec![("aws:x".to_owned(), String::new())];
    assert!(matches!(
        refused(organizations.tag_resource(&root, &unit, reserved).await),
        Refused::InvalidInput { .. }
    ));
}

#[tokio::test]
async fn an_organization_ends_once_its_members_left_and_another_may_begin() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let unit = realm.unit(realm.root_id(), "unit").await.unwrap();
    realm.deny("ecr:*", &unit.id).await;
    let (organizations, root) = (&realm.world.services.organizations, realm.world.root());
    assert!(matches!(
        refused(organizations.delete(&root).await),
        Refused::OrganizationNotEmpty { .. }
    ));
    assert!(matches!(
        refused(organizations.remove_account(&root, "000000000000").await),
        Refused::MasterCannotLeave { .. }
    ));
    organizations
        .remove_account(&root, member.as_str())
        .await
        .unwrap();
    organizations.delete(&root).await.unwrap();
    assert!(matches!(
        refused(organizations.describe(&root).await),
        Refused::NotInUse { .. }
    ));
    let next = organizations.create(&root, true).await.unwrap();
    assert_ne!(next.name.id, realm.organization.name.id);
    let page = PageRequest::default();
    let units = organizations.list_units_for_parent(&root, &next.root_id, &page);
    assert!(units.await.unwrap().items.is_empty());
}

#[tokio::test]
async fn without_all_features_there_are_no_policies() {
    let world = World::new().await;
    let (organizations, root) = (&world.services.organizations, world.root());
    let made = organizations.create(&root, false).await.unwrap();
    let enabled = organizations.enable_policy_type(&root, &made.root_id, SERVICE);
    assert!(matches!(
        refused(enabled.await),
        Refused::PolicyTypeNotAvailable { .. }
    ));
    assert!(matches!(
        refused(
            organizations
                .enable_policy_type(&root, "r-none", SERVICE)
                .await
        ),
        Refused::RootNotFound { .. }
    ));
}

/// A user of the management account may what its policies say, by policy type and by ARN.
#[tokio::test]
async fn policies_of_the_management_account_decide_on_each_thing_named() {
    let realm = Realm::new().await;
    let member = realm.account("build").await;
    let unit = realm.unit(realm.root_id(), "unit").await.unwrap();
    let statement = format!(
        r#"{{"Effect":"Allow","Action":"organizations:*","Resource":["*"],"Condition":{{"StringEquals":{{"organizations:PolicyType":"RESOURCE_CONTROL_POLICY"}}}}}},
           {{"Effect":"Allow","Action":"organizations:MoveAccount","Resource":["{}","arn:aws:organizations::*:account/*","arn:aws:organizations::*:root/*"]}}"#,
        unit.arn
    );
    let user = clerk(&realm, &statement).await;
    let organizations = &realm.world.services.organizations;
    let page = PageRequest::default();
    organizations
        .list_policies(&user, RESOURCE, &page)
        .await
        .unwrap();
    let listed = organizations.list_policies(&user, SERVICE, &page).await;
    assert!(is_denied(listed.map(drop)));
    for policy in [FULL_ACCESS, "p-none1234"] {
        let described = organizations.describe_policy(&user, policy).await;
        assert!(is_denied(described.map(drop)));
    }
    organizations
        .describe_policy(&user, RESOURCE_FULL_ACCESS)
        .await
        .unwrap();
    let other = "ou-none-12345678";
    let (id, top) = (member.as_str(), realm.root_id());
    assert!(is_denied(
        organizations.move_account(&user, id, top, other).await
    ));
    organizations
        .move_account(&user, id, top, &unit.id)
        .await
        .unwrap();
    assert!(is_denied(organizations.list_roots(&user).await.map(drop)));
}

/// A user of the management account with one inline policy.
async fn clerk(realm: &Realm, statement: &str) -> RequestContext {
    let (account, text) = (realm.world.home.account.clone(), document(statement));
    let owner = account.clone();
    let created_at = realm.world.now();
    let written: Result<(), Error> = realm
        .world
        .outside
        .metadata
        .write(Lane::Any, move |rows: &mut dyn WriteTransaction| {
            rows.change_identities(&owner)?;
            rows.insert_entity(&ecru_ports::metadata::EntityRecord {
                account: owner.clone(),
                kind: EntityKind::User,
                key: "clerk".to_owned(),
                id: "AIDACLERK".to_owned(),
                path: "/".to_owned(),
                document: r#"{"name":"clerk"}"#.to_owned(),
                created_at,
            })?;
            let inline = ecru_ports::metadata::NamedDocument {
                name: "inline".to_owned(),
                document: text.clone(),
            };
            let kind = ecru_ports::metadata::DocumentKind::InlinePolicy;
            rows.put_entity_document("AIDACLERK", kind, &inline)?;
            Ok(())
        })
        .await;
    written.unwrap();
    realm.world.context(Principal {
        arn: format!("arn:aws:iam::{account}:user/clerk"),
        account,
        unique_id: "AIDACLERK".to_owned(),
        access_key_id: "AKIACLERK".to_owned(),
        session: None,
    })
}
