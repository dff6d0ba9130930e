//! Tags of AWS resources (`Key` and `Value`), which are not image tags.

/// The most tags of one repository.
pub const MAX_RESOURCE_TAGS: usize = 50;

/// Why a resource tag is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceTagProblem {
    /// Key or value breaks a rule; the text says which.
    Invalid(String),
    /// More than [`MAX_RESOURCE_TAGS`].
    TooMany,
}

/// Checks one key: 1 to 128 characters, not beginning with `aws:`.
pub fn check_key(key: &str) -> Result<(), ResourceTagProblem> {
    let length = key.chars().count();
    let reserved = key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if reserved {
        return Err(ResourceTagProblem::Invalid(
            "aws: prefixed tag key names are not allowed for external use.".to_owned(),
        ));
    }
    if (1..=128).contains(&length) && key.chars().all(is_tag_character) {
        Ok(())
    } else {
        Err(ResourceTagProblem::Invalid(
            "Tag keys have 1 to 128 letters, digits, spaces or _.:/=+-@ characters.".to_owned(),
        ))
    }
}

/// Checks a set of tags: every key and value, and no key twice.
pub fn check_tags(tags: &[(String, String)]) -> Result<(), ResourceTagProblem> {
    if tags.len() > MAX_RESOURCE_TAGS {
        return Err(ResourceTagProblem::TooMany);
    }
    let mut seen = std::collections::HashSet::new();
    for (key, value) in tags {
        check_key(key)?;
        if value.chars().count() > 256 || !value.chars().all(is_tag_character) {
            return Err(ResourceTagProblem::Invalid(
                "Tag values have at most 256 letters, digits, spaces or _.:/=+-@ characters."
                    .to_owned(),
            ));
        }
        if !seen.insert(key) {
            return Err(ResourceTagProblem::Invalid(
                "Duplicate tag keys found.".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Checks that no key comes in two cases, among `tags` or beside what is `present`: conditions compare keys without
/// regard to case, and could find either.
pub fn check_cases(
    tags: &[(String, String)],
    present: &[(String, String)],
) -> Result<(), ResourceTagProblem> {
    for (index, (key, _)) in tags.iter().enumerate() {
        let others = tags.iter().take(index).chain(present);
        if others
            .map(|(other, _)| other)
            .any(|other| other != key && other.eq_ignore_ascii_case(key))
        {
            return Err(ResourceTagProblem::Invalid(
                "Tag keys that differ in case alone are not allowed.".to_owned(),
            ));
        }
    }
    Ok(())
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_duplicate_empty_and_long_tags_are_refused() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert!(check_tags(&[pair("team", "a"), pair("Team", "")]).is_ok());
        for bad in [
            pair("", "v"),
            pair("aws:x", "v"),
            pair("AWS:x", "v"),
            pair("k\n", "v"),
            pair(&"k".repeat(129), "v"),
            pair("k", &"v".repeat(257)),
        ] {
            assert!(
                matches!(
                    check_tags(std::slice::from_ref(&bad)),
                    Err(ResourceTagProblem::Invalid(_))
                ),
                "{bad:?}"
            );
        }
        assert!(check_tags(&[pair("k", "1"), pair("k", "2")]).is_err());
        let (lower, upper) = (pair("team", "a"), pair("Team", "b"));
        assert!(check_cases(&[lower.clone(), upper.clone()], &[]).is_err());
        assert!(check_cases(std::slice::from_ref(&lower), std::slice::from_ref(&upper)).is_err());
        assert!(
            check_cases(
                std::slice::from_ref(&lower),
                &[lower.clone(), pair("x", "")]
            )
            .is_ok()
        );
        let many: Vec<_> = (0..51).map(|n| pair(&format!("k{n}"), "v")).collect();
        assert_eq!(check_tags(&many), Err(ResourceTagProblem::TooMany));
    }
}
