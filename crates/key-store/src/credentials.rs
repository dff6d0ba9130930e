//! The root access key, in the file format that AWS SDKs and the command line share.
//!
//! Start-up writes it once and tells people where it is; the secret is never printed (design §3). Names
//! and alphabets are those of AWS: `AKIA` and 16 characters of base32, 40 characters of base64.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::KeyStoreError;
use crate::{private_file, sealing};

/// The file's name within the keys directory.
const NAME: &str = "credentials";
const PROFILE: &str = "[default]";
const ID_FIELD: &str = "aws_access_key_id";
const SECRET_FIELD: &str = "aws_secret_access_key";

const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An access key id and its secret. Printing it shows the id alone.
#[derive(Clone)]
pub struct AccessKeyPair {
    id: String,
    secret: Zeroizing<String>,
}

impl AccessKeyPair {
    /// A pair given by the operator.
    ///
    /// # Errors
    /// `InvalidAccessKey` if the id is not 16 to 128 letters, digits or `_` (as AWS has them), or the
    /// secret is not 8 to 128 printable ASCII characters without spaces.
    pub fn new(id: &str, secret: &str) -> Result<Self, KeyStoreError> {
        let id_is_word = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !(16..=128).contains(&id.len()) || !id_is_word {
            return Err(KeyStoreError::InvalidAccessKey(
                "the id must be 16 to 128 letters, digits or underscores",
            ));
        }
        let secret_is_graphic = secret.bytes().all(|b| b.is_ascii_graphic());
        if !(8..=128).contains(&secret.len()) || !secret_is_graphic {
            return Err(KeyStoreError::InvalidAccessKey(
                "the secret must be 8 to 128 printable ASCII characters without spaces",
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// A new random pair: 80 bits of id, 240 bits of secret.
    ///
    /// # Errors
    /// `Random` if the system's random source fails.
    pub fn generate() -> Result<Self, KeyStoreError> {
        let mut random = Zeroizing::new([0u8; 16 + 30]);
        sealing::fill_random(&mut *random).map_err(|_| KeyStoreError::Random)?;
        let (for_id, for_secret) = random.split_at(16);
        let letters = for_id
            .iter()
            .map(|byte| char::from(ID_ALPHABET[usize::from(byte & 31)]));
        let id = "AKIA".chars().chain(letters).collect();
        Ok(Self {
            id,
            secret: Zeroizing::new(STANDARD.encode(for_secret)),
        })
    }

    /// The access key id; not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for AccessKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeyPair({}, …)", self.id)
    }
}

/// Where the credentials of a keys directory are.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// Writes the credentials file, which must not be there yet, and returns its path.
///
/// # Errors
/// `AlreadyExists` if it is there; `Exposed` and the like if the directory is not private.
pub fn create(directory: &Path, pair: &AccessKeyPair) -> Result<PathBuf, KeyStoreError> {
    private_file::ensure_directory(directory)?;
    let path = path(directory);
    private_file::create(&path, render(pair).as_bytes())?;
    Ok(path)
}

/// Replaces the credentials file in one step, or creates it, and returns its path.
///
/// # Errors
/// `Exposed` and the like if the directory is not private.
pub fn replace(directory: &Path, pair: &AccessKeyPair) -> Result<PathBuf, KeyStoreError> {
    private_file::ensure_directory(directory)?;
    let path = path(directory);
    private_file::replace(&path, render(pair).as_bytes())?;
    Ok(path)
}

/// Reads the pair under `[default]`, or `None` if there is no credentials file.
///
/// # Errors
/// `MalformedCredentials` if the file has no usable pair; `Exposed` and the like if it is not private.
pub fn read(directory: &Path) -> Result<Option<AccessKeyPair>, KeyStoreError> {
    let path = path(directory);
    let Some(contents) = private_file::read(&path)? else {
        return Ok(None);
    };
    let pair = std::str::from_utf8(&contents).ok().and_then(parse);
    pair.map(Some)
        .ok_or(KeyStoreError::MalformedCredentials(path))
}

fn render(pair: &AccessKeyPair) -> Zeroizing<String> {
    let (id, secret) = (pair.id(), pair.secret());
    Zeroizing::new(format!(
        "{PROFILE}\n{ID_FIELD} = {id}\n{SECRET_FIELD} = {secret}\n"
    ))
}

fn parse(text: &str) -> Option<AccessKeyPair> {
    let (mut in_profile, mut id, mut secret) = (false, None, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_profile = line == PROFILE;
        }
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        match name.trim() {
            ID_FIELD if in_profile => id = Some(value.trim()),
            SECRET_FIELD if in_profile => secret = Some(value.trim()),
            _ => {}
        }
    }
    AccessKeyPair::new(id?, secret?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn generated_pairs_have_the_form_of_aws_and_differ() {
        let (one, two) = (
            AccessKeyPair::generate().unwrap(),
            AccessKeyPair::generate().unwrap(),
        );
        assert!(
            one.id()
                .strip_prefix("AKIA")
                .unwrap()
                .bytes()
                .all(|b| ID_ALPHABET.contains(&b))
        );
        assert_eq!((one.id().len(), one.secret().len()), (20, 40));
        assert_ne!(one.id(), two.id());
        assert_ne!(one.secret(), two.secret());
        AccessKeyPair::new(one.id(), one.secret()).unwrap();
    }

    #[test]
    fn pairs_that_a_file_or_client_cannot_hold_are_refused() {
        let id = "AKIAIOSFODNN7EXAMPLE";
        let long = "x".repeat(129);
        let cases = [
            ("AKIA", SECRET),
            ("", SECRET),
            ("AKIAIOSFODNN7 XAMPLE", SECRET),
            (long.as_str(), SECRET),
            ("AKIAIOSFODNN7EXAMPLE\n[x]", SECRET),
            (id, ""),
            (id, "short"),
            (id, "with space in it"),
            (id, "line\nbreak-in-it"),
            (id, long.as_str()),
            (id, "nicht-äscii"),
        ];
        for (id, secret) in cases {
            assert!(AccessKeyPair::new(id, secret).is_err(), "{id:?}");
        }
    }

    #[test]
    fn only_the_default_profile_is_read() {
        let text = format!(
            "# kept by hand\n[other]\naws_access_key_id=AKIAOTHEROTHEROTHER2\naws_secret_access_key=zzzzzzzzzzzz\n\
             [default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\n  aws_secret_access_key = {SECRET} \nregion = x\n"
        );
        let pair = parse(&text).unwrap();
        assert_eq!((pair.id(), pair.secret()), ("AKIAIOSFODNN7EXAMPLE", SECRET));
        assert!(
            parse("aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=zzzzzzzzzzzz")
                .is_none()
        );
        assert!(parse("[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\n").is_none());
    }

    #[test]
    fn the_secret_is_not_printed() {
        let pair = AccessKeyPair::new("AKIAIOSFODNN7EXAMPLE", SECRET).unwrap();
        assert_eq!(
            format!("{pair:?}"),
            "AccessKeyPair(AKIAIOSFODNN7EXAMPLE, …)"
        );
    }
}
