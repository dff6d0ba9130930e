//! The port for tokens that identity providers signed (JSON Web Tokens, RFC 7519).

use thiserror::Error;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenProblem {
    /// It is no signed token, or signed in a way that is not accepted.
    #[error("not a signed token of an accepted kind")]
    NotAToken,
    /// None of the keys is the one that signed it.
    #[error("signed with a key that is not among the issuer's")]
    UnknownKey,
    /// The key that it names did not sign it.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The keys are not a set of keys.
    #[error("the issuer's keys are not a JSON Web Key Set")]
    BadKeys,
}

/// Checks signatures of tokens.
///
/// Contract: only asymmetric signatures (RS256, RS384, RS512, ES256, ES384) are accepted, whatever a token says of
/// itself; a key serves only for the kind of signature that it is for; what a token claims is not looked at.
pub trait IdentityTokens: Send + Sync {
    /// The claims of `token` (a JSON object) if one of `keys` (a JSON Web Key Set) signed it.
    fn verify(&self, token: &str, keys: &str) -> Result<Vec<u8>, TokenProblem>;

    /// The claims of a token that nobody has checked: to learn whom to ask for keys, and for nothing else.
    fn read_unverified(&self, token: &str) -> Result<Vec<u8>, TokenProblem>;

    /// How many usable keys a set has.
    fn count_keys(&self, keys: &str) -> Result<usize, TokenProblem>;
}
