//! Signature Version 4, as a client makes it for the one form of request that the administration API has.

use ecru_domain::Timestamp;
use ecru_key_store::credentials::AccessKeyPair;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const SERVICE: &str = "ecru";

/// Signs for the administration API.
pub(super) struct Signer<'a> {
    pub(super) pair: &'a AccessKeyPair,
    pub(super) region: &'a str,
    pub(super) now: Timestamp,
}

impl Signer<'_> {
    /// `headers` (lower-case, in order) with the date and the authorization of `POST /` with this body.
    pub(super) fn signed(&self, headers: &[(&str, &str)], body: &[u8]) -> Vec<(String, String)> {
        let stamp = self.stamp();
        let day = stamp.split('T').next().unwrap_or_default();
        let mut all: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.push(("x-amz-date".to_owned(), stamp.clone()));
        all.sort();
        let names = all
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(";");
        let lines: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let lines = lines.concat();
        let canonical = format!(
            "POST\n/\n\n{lines}\n{names}\n{}",
            hex::encode(Sha256::digest(body))
        );
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let text = format!(
            "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
            hex::encode(Sha256::digest(canonical))
        );
        let signature = hex::encode(self.seal(day, text.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.pair.id()
        );
        all.push(("authorization".to_owned(), authorization));
        all
    }

    /// `20150830T123600Z`
    fn stamp(&self) -> String {
        jiff::Timestamp::from_microsecond(self.now.micros())
            .unwrap_or_default()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string()
    }

    fn seal(&self, day: &str, text: &[u8]) -> Vec<u8> {
        let mut key = Zeroizing::new(format!("AWS4{}", self.pair.secret()).into_bytes());
        for part in [day, self.region, SERVICE, "aws4_request"] {
            key = Zeroizing::new(mac(&key, part.as_bytes()));
        }
        mac(&key, text)
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // a MAC takes a key of any length, so there is no error to report
    let Ok(mut state) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    state.update(text);
    state.finalize().into_bytes().to_vec()
}
