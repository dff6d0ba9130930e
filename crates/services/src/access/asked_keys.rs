//! Which condition keys policies ask for. Gathered when they are read, so that a request, of which most are bound by
//! many statements and few keys, looks for each value once.

use ecru_policy::Document;

/// Condition keys in lower case, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedKeys(Box<[String]>);

impl AskedKeys {
    /// What these documents ask for.
    pub(crate) fn of<'a>(documents: impl Iterator<Item = &'a Document>) -> Self {
        let written = documents.flat_map(|document| document.policy.context_keys());
        let mut keys: Vec<String> = written.map(|key| key.to_ascii_lowercase()).collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys.into())
    }

    /// Whether a key is among them, whatever its case.
    pub(crate) fn contain(&self, key: &str) -> bool {
        self.iter().any(|own| own.eq_ignore_ascii_case(key))
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use ecru_policy::Policy;

    use super::*;

    #[test]
    fn keys_are_gathered_once_whatever_their_case() {
        let document = |condition: &str| {
            let text = format!(
                r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {condition}}}]}}"#
            );
            Document::new("policy", Policy::parse(&text).unwrap())
        };
        let documents = [
            document(r#"{"StringEquals": {"aws:PrincipalTag/Team": "a", "ecr:ImageTag": "v1"}}"#),
            document(r#"{"StringLike": {"AWS:principaltag/team": "b*"}}"#),
        ];
        let keys = AskedKeys::of(documents.iter());
        let found: Vec<&str> = keys.iter().collect();
        assert_eq!(found, ["aws:principaltag/team", "ecr:imagetag"]);
        assert!(keys.contain("ecr:ImageTag"));
        assert!(!keys.contain("ecr:ImageTags"));
    }
}
