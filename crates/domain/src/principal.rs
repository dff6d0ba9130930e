//! Who makes a request.

use crate::account::AccountId;

/// An authenticated identity. What it may do is decided afresh for every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its ARN, as policies and error messages name it.
    pub arn: String,
    /// Its unique id: a principal created again under the same name has another one.
    pub unique_id: String,
    /// The access key that signed the request, or for which the token was issued.
    pub access_key_id: String,
}

impl Principal {
    /// The root user of an account.
    pub fn root(account: AccountId, access_key_id: String) -> Self {
        let arn = format!("arn:aws:iam::{account}:root");
        Self {
            unique_id: account.as_str().to_owned(),
            account,
            arn,
            access_key_id,
        }
    }

    /// Whether this is the root user of its account.
    pub fn is_root(&self) -> bool {
        self.unique_id == self.account.as_str()
    }
}
