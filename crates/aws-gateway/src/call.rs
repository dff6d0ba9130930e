//! What every handler is given besides its input.

use ecru_domain::{AccountId, Digest, Error, Refusal, Registry, RepositoryName, Tag};
use ecru_services::{RequestContext, RequestOrigin, Services};

use crate::answer_budget::AnswerBudget;
use crate::registry_uri::AwsConfig;

/// A request on its way to a use case.
pub(crate) struct Call<'a, C = RequestContext> {
    pub(crate) services: &'a Services,
    pub(crate) config: &'a AwsConfig,
    pub(crate) answers: &'a AnswerBudget,
    pub(crate) context: C,
}

/// A request that nobody signed: what it brings itself, a web identity token, says who asks.
pub(crate) type UnsignedCall<'a> = Call<'a, RequestOrigin>;

/// What is known of a request, whether it is signed or not.
pub(crate) trait Context {
    /// Names the request in answers and logs.
    fn request_id(&self) -> &str;
}

impl Context for RequestContext {
    fn request_id(&self) -> &str {
        &self.request_id
    }
}

impl Context for RequestOrigin {
    fn request_id(&self) -> &str {
        &self.request_id
    }
}

/// The repository that a request names.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) registry: Registry,
    pub(crate) name: RepositoryName,
}

impl Target {
    pub(crate) fn registry_id(&self) -> String {
        self.registry.account.to_string()
    }

    pub(crate) fn repository_name(&self) -> String {
        self.name.to_string()
    }
}

impl<'a> Call<'a> {
    /// The same request, without who signed it.
    pub(crate) fn unsigned(&self) -> UnsignedCall<'a> {
        Call {
            services: self.services,
            config: self.config,
            answers: self.answers,
            context: self.context.origin(),
        }
    }

    /// The registry of `registryId`, which is the caller's if absent, in the region that the credentials are for.
    pub(crate) fn registry(&self, registry_id: Option<&str>) -> Result<Registry, Error> {
        let own = self.context.own_registry();
        let Some(id) = registry_id else {
            return Ok(own);
        };
        let account =
            AccountId::parse(id).map_err(|_| refuse("registryId", "must have twelve digits"))?;
        Ok(Registry { account, ..own })
    }

    /// The repository of `registryId` and `repositoryName`.
    pub(crate) fn target(&self, registry_id: Option<&str>, name: &str) -> Result<Target, Error> {
        Ok(Target {
            registry: self.registry(registry_id)?,
            name: repository_name(name)?,
        })
    }
}

/// A repository name; stricter than the model's pattern in that it begins with a letter.
pub(crate) fn repository_name(text: &str) -> Result<RepositoryName, Error> {
    RepositoryName::parse(text).map_err(|_| Refusal::RepositoryNameInvalid.into())
}

/// A digest that the operation needs.
pub(crate) fn digest(member: &'static str, text: &str) -> Result<Digest, Error> {
    Digest::parse(text).map_err(|_| {
        refuse(
            member,
            "must be a digest of the form 'sha256:' and 64 lower-case hexadecimal digits",
        )
    })
}

/// An image tag: the model allows 300 characters of any kind, registry clients only this.
pub(crate) fn image_tag(text: &str) -> Result<Tag, Error> {
    Tag::parse(text).map_err(|_| {
        refuse(
            "imageTag",
            "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'",
        )
    })
}

/// The refusal of a parameter by a constraint that the model does not have.
pub(crate) fn refuse(member: &'static str, constraint: impl Into<String>) -> Error {
    Refusal::InvalidParameter {
        member,
        constraint: constraint.into(),
    }
    .into()
}
