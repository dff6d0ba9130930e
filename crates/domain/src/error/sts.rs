//! What the Security Token Service refuses besides what every API refuses, under the names of its model.

use super::said;

said! {
    /// A request to STS that is refused. `message` is what the client is told, in AWS's words.
    StsRefusal {
        /// A parameter breaks a rule that the model does not state (400).
        ValidationError,
        /// Not allowed, worded by STS itself: `Not authorized to perform sts:AssumeRoleWithWebIdentity` (403).
        AccessDenied,
        /// A session policy is not one (400).
        MalformedPolicyDocument,
        /// Session policies and tags are too large together (400).
        PackedPolicyTooLarge,
        /// The web identity token's time is over (400, `ExpiredTokenException`).
        ExpiredIdentityToken,
        /// The web identity token cannot be read or verified (400).
        InvalidIdentityToken,
        /// The identity provider's token was refused for what it claims (403).
        IdpRejectedClaim,
        /// The identity provider could not be reached (400). Clients try again.
        IdpCommunicationError,
        /// Sessions cannot be had in this region (403).
        RegionDisabled,
    }
}
