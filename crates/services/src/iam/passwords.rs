//! Passwords: what they must have in them, and their hashes. Kept are Argon2id hashes in the PHC form, which names their
//! parameters, so that these can change without anybody's password.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use ecru_domain::{Error, IamRefusal};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Hashes that are made at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 1;
/// The fewest characters without a policy of the account (IAM User Guide, "Default password policy").
const DEFAULT_LENGTH: u32 = 8;
/// Kinds of characters of which a password must have some, without a policy of the account.
const DEFAULT_KINDS: usize = 3;
/// The most characters.
const MAX_LENGTH: usize = 128;
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// What passwords of an account must have in them (IAM API Reference, `PasswordPolicy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the form of the API")]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub minimum_length: u32,
    /// Whether there must be a symbol.
    pub require_symbols: bool,
    /// Whether there must be a digit.
    pub require_numbers: bool,
    /// Whether there must be an upper-case letter.
    pub require_uppercase: bool,
    /// Whether there must be a lower-case letter.
    pub require_lowercase: bool,
    /// Whether users may change their own.
    pub allow_change: bool,
    /// Days until it must be changed.
    pub max_age: Option<u32>,
    /// How many earlier ones may not be used again.
    pub reuse_prevention: Option<u32>,
    /// Whether only an administrator can replace one that is too old.
    pub hard_expiry: Option<bool>,
}

/// Refuses a password that breaks the account's policy, or without one the default.
pub(super) fn check(password: &str, policy: Option<&PasswordPolicy>) -> Result<(), Error> {
    let length = password.chars().count();
    let kinds = [
        password.chars().any(|c| c.is_ascii_uppercase()),
        password.chars().any(|c| c.is_ascii_lowercase()),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(|c| SYMBOLS.contains(c)),
    ];
    let [upper, lower, digit, symbol] = kinds;
    let least = policy.map_or(DEFAULT_LENGTH, |policy| policy.minimum_length);
    let least = usize::try_from(least).unwrap_or(MAX_LENGTH);
    if length < least {
        return Err(violation(format!(
            "Password should have a minimum length of {least}"
        )));
    }
    if length > MAX_LENGTH {
        return Err(violation(format!(
            "Password should have a maximum length of {MAX_LENGTH}"
        )));
    }
    let Some(policy) = policy else {
        if kinds.iter().filter(|is_there| **is_there).count() < DEFAULT_KINDS {
            return Err(violation(
                "Password should have at least three of: uppercase letters, lowercase letters, numbers, symbols"
                    .to_owned(),
            ));
        }
        return Ok(());
    };
    for (is_required, is_there, what) in [
        (policy.require_uppercase, upper, "uppercase letter"),
        (policy.require_lowercase, lower, "lowercase letter"),
        (policy.require_numbers, digit, "number"),
        (policy.require_symbols, symbol, "symbol"),
    ] {
        if is_required && !is_there {
            return Err(violation(format!(
                "Password should have at least one {what}"
            )));
        }
    }
    Ok(())
}

fn violation(message: String) -> Error {
    IamRefusal::PasswordPolicyViolation { message }.into()
}

/// Makes and compares hashes, a few at once.
#[derive(Clone, Debug)]
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The hash of a password.
    pub(super) async fn hash(&self, password: Zeroizing<String>) -> Result<String, Error> {
        self.run(move || {
            let made = Argon2::default().hash_password(password.as_bytes());
            made.map(|hash| hash.to_string()).map_err(Error::internal)
        })
        .await
    }

    /// Whether a password is the one of a hash.
    pub(super) async fn is_right(
        &self,
        password: Zeroizing<String>,
        hash: String,
    ) -> Result<bool, Error> {
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(Error::internal)?;
            let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
            Ok(verified.is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turns.acquire().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(work).await;
        drop(turn);
        done.map_err(Error::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_must_have_what_the_policy_asks_for() {
        for (password, is_good) in [
            ("Sesame-1", true),
            ("sesame-1", true),
            ("sesame12", false),
            ("Ses-1", false),
        ] {
            assert_eq!(check(password, None).is_ok(), is_good, "{password}");
        }
        let policy = PasswordPolicy {
            minimum_length: 6,
            require_symbols: true,
            require_numbers: false,
            require_uppercase: false,
            require_lowercase: false,
            allow_change: false,
            max_age: None,
            reuse_prevention: None,
            hard_expiry: None,
        };
        assert!(check("sesame-", Some(&policy)).is_ok());
        assert!(check("sesame1", Some(&policy)).is_err());
        assert!(check(&"-".repeat(129), Some(&policy)).is_err());
    }

    #[tokio::test]
    async fn only_the_right_password_fits_its_hash() {
        let passwords = Passwords::new();
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let hash = passwords.hash(text("Sesame-1")).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(
            passwords
                .is_right(text("Sesame-1"), hash.clone())
                .await
                .unwrap()
        );
        assert!(!passwords.is_right(text("Sesame-2"), hash).await.unwrap());
    }
}
