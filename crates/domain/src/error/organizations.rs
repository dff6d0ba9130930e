//! What the Organizations API refuses besides what every API refuses, under the names of its model.

use super::said;

said! {
    /// A request to Organizations that is refused. `message` is what the client is told, in AWS's words; the status
    /// is always 400.
    OrganizationsRefusal {
        /// Only the management account, or an administrator that it named, may ask this.
        AccessDenied,
        /// The caller's account is in no organization.
        NotInUse,
        /// The caller's account is in an organization already.
        AlreadyInOrganization,
        /// No such account in the organization.
        AccountNotFound,
        /// The account is closed already.
        AccountAlreadyClosed,
        /// No such root, organizational unit or account to be in.
        ParentNotFound,
        /// The account is not where the request says.
        SourceParentNotFound,
        /// There is nothing where the request wants the account to be.
        DestinationParentNotFound,
        /// No such account or organizational unit to list the parents of.
        ChildNotFound,
        /// No such root.
        RootNotFound,
        /// No such organizational unit.
        OrganizationalUnitNotFound,
        /// It still holds accounts or organizational units.
        OrganizationalUnitNotEmpty,
        /// The parent has an organizational unit of that name.
        DuplicateOrganizationalUnit,
        /// The organization still has member accounts.
        OrganizationNotEmpty,
        /// The account is where it should go already.
        DuplicateAccount,
        /// No such request to create an account.
        CreateAccountStatusNotFound,
        /// The organization is still being made.
        FinalizingOrganization,
        /// The management account cannot leave.
        MasterCannotLeave,
        /// No such policy.
        PolicyNotFound,
        /// The name is taken by a policy of the same type.
        DuplicatePolicy,
        /// The policy is attached to something.
        PolicyInUse,
        /// A policy document is not one.
        MalformedPolicyDocument,
        /// The policy is attached there already.
        DuplicatePolicyAttachment,
        /// The policy is not attached there.
        PolicyNotAttached,
        /// No such root, organizational unit, account or policy.
        TargetNotFound,
        /// The policy type is enabled in this root already.
        PolicyTypeAlreadyEnabled,
        /// The policy type is not enabled in this root.
        PolicyTypeNotEnabled,
        /// The organization cannot use policies of this type.
        PolicyTypeNotAvailable,
        /// Changes to a policy are still being applied.
        PolicyChangesInProgress,
        /// Two requests changed the same thing at once.
        ConcurrentModification,
        /// The account does not stand in the right state for this.
        Conflict,
        /// The API has this at another endpoint only.
        UnsupportedApiEndpoint;
        /// A parameter has a value that the operation cannot use.
        InvalidInput,
        /// A quota is reached, or a rule of the organization broken.
        ConstraintViolation,
    }
}
