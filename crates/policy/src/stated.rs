//! Principals as statements name them, and how closely a name means who makes a request (IAM User Guide, "AWS JSON
//! policy elements: Principal"). The grade decides which other layers still have a say.

use serde::Serialize;

use crate::principal::{Principal, PrincipalKind, is_account};
use crate::syntax::{Listed, PrincipalType};

/// How closely a statement of a resource's policy names a principal; the last is the closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    /// By its account: whoever may decide for the account still has to allow the request.
    Account,
    /// By the role of a session, or the user of a federated session: boundary and session policies still bind.
    Parent,
    /// By itself, or as everyone.
    Direct,
}

/// One value of `Principal` or `NotPrincipal`.
#[derive(Debug)]
enum Stated {
    Everyone,
    /// An account, by its id or as `arn:…:root`.
    Account(Box<str>),
    /// A role, by its partition, account, and name without path.
    Role {
        partition: Box<str>,
        account: Box<str>,
        name: Box<str>,
    },
    /// The ARN of a user, a session or a federated user.
    Arn(Box<str>),
    /// The unique id that is stored in place of the ARN of a user or a role.
    UniqueId(Box<str>),
    Federated(Box<str>),
    Service(Box<str>),
    /// One that makes no requests here.
    Nobody,
}

impl Stated {
    fn parse(kind: PrincipalType, text: &str) -> Self {
        match kind {
            PrincipalType::Aws => Self::aws(text),
            PrincipalType::Federated => Self::Federated(text.into()),
            PrincipalType::Service => Self::Service(text.into()),
            PrincipalType::CanonicalUser => Self::Nobody,
        }
    }

    fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::Everyone;
        }
        if is_account(text) {
            return Self::Account(text.into());
        }
        if !text.starts_with("arn:") {
            return Self::UniqueId(text.into());
        }
        let Ok(principal) = Principal::parse(text) else {
            return Self::Nobody;
        };
        let account = principal.account().unwrap_or_default();
        match principal.kind() {
            PrincipalKind::Root => Self::Account(account.into()),
            PrincipalKind::Role => Self::Role {
                partition: principal.partition().into(),
                account: account.into(),
                name: principal.name().into(),
            },
            PrincipalKind::User | PrincipalKind::AssumedRole | PrincipalKind::FederatedUser => {
                Self::Arn(text.into())
            }
            _ => Self::Nobody,
        }
    }

    fn grade(&self, principal: &Principal) -> Option<Grade> {
        let kind = principal.kind();
        match self {
            Self::Everyone => Some(Grade::Direct),
            Self::Account(account) => of_account(account, principal),
            Self::Role {
                partition,
                account,
                name,
            } => {
                let is_role = matches!(kind, PrincipalKind::AssumedRole | PrincipalKind::Role);
                let is_own = is_role
                    && principal.name() == &**name
                    && principal.account() == Some(account)
                    && principal.partition() == &**partition;
                is_own.then_some(Grade::Parent)
            }
            Self::Arn(arn) if principal.arn() == &**arn => Some(Grade::Direct),
            Self::Arn(arn) => (principal.parent() == Some(arn)).then_some(Grade::Parent),
            Self::UniqueId(id) => of_unique_id(id, principal),
            Self::Federated(name) => {
                let is_own = kind == PrincipalKind::IdentityProvider && principal.arn() == &**name;
                is_own.then_some(Grade::Direct)
            }
            Self::Service(name) => {
                let is_own = kind == PrincipalKind::Service && principal.arn() == &**name;
                is_own.then_some(Grade::Direct)
            }
            Self::Nobody => None,
        }
    }
}

/// An account's root user is the account; whoever belongs to it is meant as far as the account agrees.
fn of_account(account: &str, principal: &Principal) -> Option<Grade> {
    if principal.account() != Some(account) {
        return None;
    }
    match principal.kind() {
        PrincipalKind::Root => Some(Grade::Direct),
        PrincipalKind::IdentityProvider => None,
        _ => Some(Grade::Account),
    }
}

/// The id of a user means the user and its federated sessions, that of a role its sessions. With the name of a
/// session behind it, it means that session.
fn of_unique_id(id: &str, principal: &Principal) -> Option<Grade> {
    let rest = id.strip_prefix(principal.unique_id()?)?;
    if rest.is_empty() {
        let is_user = principal.kind() == PrincipalKind::User;
        return Some(if is_user {
            Grade::Direct
        } else {
            Grade::Parent
        });
    }
    let session = rest.strip_prefix(':')?;
    (principal.session_name() == Some(session)).then_some(Grade::Direct)
}

/// `Principal` or `NotPrincipal` of a statement, in compiled form.
#[derive(Debug)]
pub(crate) struct Principals {
    is_not: bool,
    stated: Box<[Stated]>,
}

impl Principals {
    pub(crate) fn compile(listed: &Listed<(PrincipalType, String)>) -> Self {
        let values = listed.values.iter();
        Self {
            is_not: listed.is_not,
            stated: values
                .map(|(kind, text)| Stated::parse(*kind, text))
                .collect(),
        }
    }

    /// Whether it is `NotPrincipal`.
    pub(crate) fn is_not(&self) -> bool {
        self.is_not
    }

    /// How closely the element means a principal. `NotPrincipal` means everyone whom it does not list. An account in that
    /// list stands beside those of it who are spared, and spares nobody but its root user; so does a role beside its
    /// sessions.
    pub(crate) fn grade(&self, principal: &Principal) -> Option<Grade> {
        let grades = self.stated.iter().filter_map(|one| one.grade(principal));
        let closest = grades.max();
        if !self.is_not {
            return closest;
        }
        let is_spared = match closest {
            Some(Grade::Direct) => true,
            Some(Grade::Parent) => !self.names_session_of_same_role(principal),
            Some(Grade::Account) | None => false,
        };
        (!is_spared).then_some(Grade::Direct)
    }

    fn names_session_of_same_role(&self, principal: &Principal) -> bool {
        self.stated.iter().any(|one| match one {
            Stated::Arn(arn) => Principal::parse(arn).is_ok_and(|named| {
                named.kind() == PrincipalKind::AssumedRole
                    && named.account() == principal.account()
                    && named.name() == principal.name()
            }),
            Stated::UniqueId(id) => {
                let own = principal.unique_id();
                let rest = own.and_then(|own| id.strip_prefix(own));
                rest.is_some_and(|rest| rest.starts_with(':'))
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deploy/ci-42";
    const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/bob";
    const USER: &str = "arn:aws:iam::111122223333:user/team/alice";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/gitlab.example";

    fn grade(kind: PrincipalType, stated: &str, principal: &Principal) -> Option<Grade> {
        let values = vec![(kind, stated.to_owned())];
        let is_not = false;
        Principals::compile(&Listed { is_not, values }).grade(principal)
    }

    #[test]
    fn names_mean_principals_more_or_less_closely() {
        use Grade::{Account, Direct, Parent};
        for (stated, principal, expected) in [
            ("*", SESSION, Some(Direct)),
            ("*", "ecs-tasks.amazonaws.com", Some(Direct)),
            ("*", PROVIDER, Some(Direct)),
            ("111122223333", USER, Some(Account)),
            ("111122223333", ROOT, Some(Direct)),
            (ROOT, SESSION, Some(Account)),
            (ROOT, FEDERATED, Some(Account)),
            (ROOT, ROOT, Some(Direct)),
            (ROOT, PROVIDER, None),
            ("arn:aws:iam::444455556666:root", USER, None),
            (USER, USER, Some(Direct)),
            ("arn:aws:iam::111122223333:user/alice", USER, None),
            ("arn:aws:iam::111122223333:user/team/Alice", USER, None),
            ("arn:aws:iam::111122223333:user/*", USER, None),
            (
                "arn:aws:iam::111122223333:role/deploy",
                SESSION,
                Some(Parent),
            ),
            (
                "arn:aws:iam::111122223333:role/ci/deploy",
                SESSION,
                Some(Parent),
            ),
            ("arn:aws:iam::444455556666:role/deploy", SESSION, None),
            ("arn:aws-cn:iam::111122223333:role/deploy", SESSION, None),
            (
                "arn:aws:iam::111122223333:role/deploy",
                "arn:aws:iam::111122223333:role/deploy",
                Some(Parent),
            ),
            (SESSION, SESSION, Some(Direct)),
            (
                "arn:aws:sts::111122223333:assumed-role/deploy/*",
                SESSION,
                None,
            ),
            (FEDERATED, FEDERATED, Some(Direct)),
            (
                "arn:aws:iam::111122223333:user/bob",
                FEDERATED,
                Some(Parent),
            ),
            ("AROAEXAMPLE", SESSION, None),
            (PROVIDER, PROVIDER, None),
        ] {
            let principal = Principal::parse(principal).unwrap();
            let found = grade(PrincipalType::Aws, stated, &principal);
            assert_eq!(found, expected, "{stated} {principal:?}");
        }
    }

    #[test]
    fn an_exception_spares_whom_it_names_and_not_their_account() {
        const BOB: &str = "arn:aws:iam::111122223333:user/bob";
        const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
        const OTHER: &str = "arn:aws:sts::111122223333:assumed-role/deploy/ci-43";
        for (stated, id, principal, is_spared) in [
            (&[BOB, ROOT][..], "AIDA1", BOB, true),
            (&[BOB, ROOT], "AIDA1", FEDERATED, true),
            (&[BOB, ROOT], "AIDA2", USER, false),
            (&[BOB, ROOT], "AROA1", SESSION, false),
            (&[BOB, ROOT], "111122223333", ROOT, true),
            (&[BOB, "111122223333"], "AIDA2", USER, false),
            (&[ROLE, ROOT], "AROA1", SESSION, true),
            (&[SESSION, ROLE, ROOT], "AROA1", SESSION, true),
            (&[SESSION, ROLE, ROOT], "AROA1", OTHER, false),
            (&["AROA1", "AROA1:ci-42", ROOT], "AROA1", OTHER, false),
            (&["AROA1", "AROA1:ci-42", ROOT], "AROA1", SESSION, true),
            (&["AROA1", "AROA2:ci-42", ROOT], "AROA1", OTHER, true),
        ] {
            let values = stated
                .iter()
                .map(|one| (PrincipalType::Aws, (*one).to_owned()));
            let (is_not, values) = (true, values.collect());
            let principal = Principal::parse(principal).unwrap().with_unique_id(id);
            let found = Principals::compile(&Listed { is_not, values }).grade(&principal);
            assert_eq!(found.is_none(), is_spared, "{stated:?} {principal:?}");
        }
    }

    #[test]
    fn providers_and_services_are_named_as_such() {
        let provider = Principal::parse(PROVIDER).unwrap();
        let service = Principal::parse("ecs-tasks.amazonaws.com").unwrap();
        let federated = PrincipalType::Federated;
        assert_eq!(grade(federated, PROVIDER, &provider), Some(Grade::Direct));
        assert_eq!(grade(federated, "*", &provider), None);
        let kind = PrincipalType::Service;
        assert_eq!(
            grade(kind, "ecs-tasks.amazonaws.com", &service),
            Some(Grade::Direct)
        );
        assert_eq!(grade(kind, "s3.amazonaws.com", &service), None);
        assert_eq!(grade(PrincipalType::CanonicalUser, "*", &service), None);
    }

    #[test]
    fn unique_ids_mean_who_has_them_and_not_a_namesake() {
        use Grade::{Direct, Parent};
        for (principal, id, stated, expected) in [
            (USER, "AIDA1", "AIDA1", Some(Direct)),
            (USER, "AIDA2", "AIDA1", None),
            (SESSION, "AROA1", "AROA1", Some(Parent)),
            (SESSION, "AROA1", "AROA1:ci-42", Some(Direct)),
            (SESSION, "AROA1", "AROA1:ci-43", None),
            (SESSION, "AROA1", "AROA12", None),
            (FEDERATED, "AIDA1", "AIDA1", Some(Parent)),
        ] {
            let principal = Principal::parse(principal).unwrap().with_unique_id(id);
            let found = grade(PrincipalType::Aws, stated, &principal);
            assert_eq!(found, expected, "{stated} {principal:?}");
        }
    }
}
