//! Verifies AWS Signature Version 4, header form and presigned form, for every service but S3.
//!
//! Pure: no I/O and no clock. It goes in two steps because bodies are read late: everything that can be refused
//! without the body and without a secret is refused first.
//!
//! ```text
//!   Parts ──parse──▶ SignedRequest ──precheck(now)──▶ Prechecked ──verify(secret, body hash)──▶ Verified
//!                     who claims to                    fresh, complete,                        who did
//!                                                      body may be read
//! ```
//!
//! Obeys the Signature Version 4 pages of the IAM User Guide, as far as they concern services that sign the payload,
//! encode the path twice and normalize it.

mod canonical;
mod claims;
mod payload;
mod scope;
mod signature_error;
mod signed_headers;
mod signing_key;
mod timestamp;

use std::fmt;
use std::time::Duration;

use ecru_domain::Timestamp;
use http::request::Parts;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use canonical::{CanonicalHead, Query};
use claims::Claims;
use payload::DeclaredPayload;
pub use payload::PayloadHash;
pub use scope::CredentialScope;
pub use signature_error::SignatureError;
pub use signing_key::SigningSecret;
use timestamp::{SigningTime, basic_format};

const MAX_EXPIRES: Duration = Duration::from_hours(7 * 24);

/// A request that carries a readable signature. Nothing of it has been believed yet.
pub struct SignedRequest {
    access_key_id: String,
    scope: CredentialScope,
    security_token: Option<Zeroizing<String>>,
    signed_at: SigningTime,
    expires: Option<Duration>,
    signature: String,
    declared_payload: DeclaredPayload,
    unsigned_header: Option<String>,
    canonical: CanonicalHead,
}

impl SignedRequest {
    /// Reads the signature of a request.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] without any signature, else `Incomplete`, `Duplicate`, `AbsentHeader`,
    /// `Mismatch` for a signature that is not 64 hexadecimal digits, and `UnknownAccessKey` for an access key
    /// id or token that nobody can have.
    pub fn parse(parts: &Parts) -> Result<Self, SignatureError> {
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let claims = Claims::parse(parts, &query)?;
        signed_headers::refuse_duplicates(&parts.headers)?;
        let unsigned_header = claims.signed_headers.first_unsigned(&parts.headers);
        let canonical = CanonicalHead::build(parts, &query, &claims.signed_headers)?;
        Ok(Self {
            access_key_id: claims.access_key_id,
            scope: claims.scope,
            security_token: claims.security_token,
            signed_at: claims.signed_at,
            expires: claims.expires,
            signature: claims.signature,
            declared_payload: DeclaredPayload::parse(&parts.headers),
            unsigned_header,
            canonical,
        })
    }

    /// Who claims to have signed.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The date, region and service signed for.
    pub fn scope(&self) -> &CredentialScope {
        &self.scope
    }

    /// The session token, if the credentials are temporary. It is a secret: never log it.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_ref().map(|token| token.as_str())
    }

    /// When it claims to have been signed.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at.at()
    }

    /// How long a presigned request lasts from [`Self::signed_at`]; `None` for the header form.
    pub fn expires(&self) -> Option<Duration> {
        self.expires
    }

    /// Checks everything that needs neither the secret nor the body.
    ///
    /// # Errors
    /// `WrongScope`, `UnsignedHeader`, `UnsignedPayload`, `TooOld`, `NotYetCurrent`, `PresignedExpired`,
    /// `Incomplete` for an `X-Amz-Expires` outside 1 to 604,800 seconds.
    pub fn precheck(
        self,
        now: Timestamp,
        limits: &PrecheckLimits,
    ) -> Result<Prechecked, SignatureError> {
        self.declared_payload.check_supported()?;
        if let Some(name) = &self.unsigned_header {
            return Err(SignatureError::UnsignedHeader(name.clone()));
        }
        self.scope
            .check(self.signed_at.date(), self.signed_at.basic())?;
        self.check_time(now, limits)?;
        Ok(Prechecked(self))
    }

    fn check_time(&self, now: Timestamp, limits: &PrecheckLimits) -> Result<(), SignatureError> {
        let signed = self.signed_at.at();
        let latest = now.plus(limits.max_skew);
        if signed > latest {
            return Err(SignatureError::NotYetCurrent {
                signed: self.signed_at.basic().to_owned(),
                latest: basic_format(latest),
                now: basic_format(now),
                minutes: limits.max_skew.as_secs() / 60,
            });
        }
        match self.expires {
            Some(expires) => self.check_not_expired(expires, now),
            None => self.check_not_old(now, limits),
        }
    }

    fn check_not_old(&self, now: Timestamp, limits: &PrecheckLimits) -> Result<(), SignatureError> {
        let earliest = now.minus(limits.max_skew);
        if self.signed_at.at() >= earliest {
            return Ok(());
        }
        Err(SignatureError::TooOld {
            signed: self.signed_at.basic().to_owned(),
            earliest: basic_format(earliest),
            now: basic_format(now),
            minutes: limits.max_skew.as_secs() / 60,
        })
    }

    // A presigned request lives as long as it says, which the skew does not shorten.
    fn check_not_expired(&self, expires: Duration, now: Timestamp) -> Result<(), SignatureError> {
        if expires.is_zero() || expires > MAX_EXPIRES {
            return Err(SignatureError::Incomplete(format!(
                "X-Amz-Expires must be between 1 and {} seconds",
                MAX_EXPIRES.as_secs()
            )));
        }
        let end = self.signed_at.at().plus(expires);
        if now <= end {
            return Ok(());
        }
        Err(SignatureError::PresignedExpired {
            signed: self.signed_at.basic().to_owned(),
            end: basic_format(end),
        })
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signed_at", &self.signed_at.basic())
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What [`SignedRequest::precheck`] tolerates.
#[derive(Clone, Copy, Debug)]
pub struct PrecheckLimits {
    /// How far the clocks of client and server may differ, either way.
    pub max_skew: Duration,
}

impl Default for PrecheckLimits {
    /// Five minutes, as the JSON and query services document.
    fn default() -> Self {
        Self {
            max_skew: Duration::from_mins(5),
        }
    }
}

/// A request whose signature is complete and fresh. Its body may be read; who sent it is not proven.
#[derive(Debug)]
pub struct Prechecked(SignedRequest);

impl Prechecked {
    /// What the request claims.
    pub fn claims(&self) -> &SignedRequest {
        &self.0
    }

    /// Refuses a signature made for another service or region than the request is for.
    ///
    /// # Errors
    /// `WrongScope`.
    pub fn check_scope(
        &self,
        service: &str,
        region_served: impl FnOnce(&str) -> bool,
    ) -> Result<(), SignatureError> {
        let scope = &self.0.scope;
        if scope.service != service {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if !region_served(&scope.region) {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to a valid region, not '{}'.",
                scope.region
            )));
        }
        Ok(())
    }

    /// Compares the signature, in constant time, with the one that the secret gives for this request and body.
    ///
    /// # Errors
    /// `PayloadMismatch`, `Mismatch`.
    pub fn verify(
        self,
        secret: &SigningSecret,
        payload: &PayloadHash,
    ) -> Result<Verified, SignatureError> {
        let request = self.0;
        request.declared_payload.check_kept(&payload.hex())?;
        let string_to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            request.signed_at.basic(),
            request.scope.text(),
            request.canonical.hash_with(payload)
        );
        let expected = secret.sign(&request.scope, string_to_sign.as_bytes());
        if bool::from(expected.as_bytes().ct_eq(request.signature.as_bytes())) {
            Ok(Verified {
                access_key_id: request.access_key_id,
                scope: request.scope,
                presigned: request.expires.is_some(),
            })
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

/// Proof that the holder of an access key signed exactly this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    access_key_id: String,
    scope: CredentialScope,
    presigned: bool,
}

impl Verified {
    /// Whose secret made the signature.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The date, region and service signed for.
    pub fn scope(&self) -> &CredentialScope {
        &self.scope
    }

    /// Whether the signature was in the query.
    pub fn presigned(&self) -> bool {
        self.presigned
    }
}
