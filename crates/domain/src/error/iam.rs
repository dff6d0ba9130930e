//! What the Identity and Access Management API refuses besides what every API refuses, under the names of its model.

use super::said;

said! {
    /// A request to IAM that is refused. `message` is what the client is told, in AWS's words.
    IamRefusal {
        /// A parameter breaks a rule that the model does not state (400).
        ValidationError,
        /// A user, role, group, policy, version, key or provider that must exist does not (404).
        NoSuchEntity,
        /// The name is taken (409).
        EntityAlreadyExists,
        /// Something still hangs on what should go: policies, keys, members (409).
        DeleteConflict,
        /// A quota is reached (409).
        LimitExceeded,
        /// A policy document is not one (400).
        MalformedPolicyDocument,
        /// A parameter has a value that the operation cannot use (400).
        InvalidInput,
        /// Only the service itself may change this: AWS managed policies, service-linked roles (400).
        UnmodifiableEntity,
        /// This policy can be attached to nothing of the kind (400).
        PolicyNotAttachable,
        /// Just created or deleted, and not to be changed yet (409).
        EntityTemporarilyUnmodifiable,
        /// Two requests changed the same thing at once (409).
        ConcurrentModification,
        /// A password breaks the account's password policy (400).
        PasswordPolicyViolation,
        /// The issuer of a web identity provider does not answer as one (400).
        OpenIdIdpCommunicationError,
        /// A policy cannot be simulated (500, as the model has it).
        PolicyEvaluation,
    }
}
