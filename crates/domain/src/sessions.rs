//! What a request for temporary credentials may ask for (STS API Reference; IAM User Guide, "Passing session tags").

use std::collections::HashSet;

use crate::error::{Error, StsRefusal};
use crate::resource_tags::{self, ResourceTagProblem};

/// The shortest session, in seconds.
pub const MIN_SECONDS: u32 = 900;

/// How long a session lasts if nobody says, in seconds.
pub const USUAL_SECONDS: u32 = 3_600;

/// The longest session of a role that was assumed by a session of a role, in seconds.
pub const MAX_CHAINED_SECONDS: u32 = 3_600;

/// How long a user's own session lasts if nobody says, in seconds.
pub const USUAL_OWN_SECONDS: u32 = 43_200;

/// The longest session that a user gets for itself, in seconds.
pub const MAX_OWN_SECONDS: u32 = 129_600;

/// The longest session that a root user gets for itself, in seconds; a longer wish is cut.
pub const MAX_ROOT_SECONDS: u32 = 3_600;

/// The most session tags.
pub const MAX_TAGS: usize = 50;

/// The most managed policies passed with one request.
pub const MAX_POLICY_ARNS: usize = 10;

/// The largest context of a session (its policies, tags and the like as written into its token), in bytes: with all
/// else, the token stays below 8 KiB of header.
pub const MAX_PACKED: usize = 4_800;

/// Key and value of a tag.
pub type SessionTag = (String, String);

fn invalid(message: impl Into<String>) -> Error {
    let message = message.into();
    StsRefusal::ValidationError { message }.into()
}

/// How long a session of a role lasts, in seconds. `max` is the role's own limit.
pub fn decide_role_seconds(wanted: Option<u32>, max: u32, is_chained: bool) -> Result<u32, Error> {
    let seconds = wanted.unwrap_or(USUAL_SECONDS);
    check_least(seconds)?;
    if is_chained && seconds > MAX_CHAINED_SECONDS {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > max {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

/// How long a session lasts that a user gets for itself, in seconds.
pub fn decide_own_seconds(wanted: Option<u32>, is_root: bool) -> Result<u32, Error> {
    let seconds = wanted.unwrap_or(USUAL_OWN_SECONDS);
    check_least(seconds)?;
    if seconds > MAX_OWN_SECONDS {
        return Err(invalid(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to {MAX_OWN_SECONDS}"
        )));
    }
    Ok(if is_root {
        seconds.min(MAX_ROOT_SECONDS)
    } else {
        seconds
    })
}

fn check_least(seconds: u32) -> Result<(), Error> {
    if seconds >= MIN_SECONDS {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to {MIN_SECONDS}"
    )))
}

/// The tags that a session gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTags {
    /// All of them.
    pub tags: Vec<SessionTag>,
    /// Keys of those that go on to the next role.
    pub transitive: Vec<String>,
}

impl SessionTags {
    /// The tags of a session that go on to the next role.
    pub fn inherited(tags: &[SessionTag], transitive: &[String]) -> Self {
        let goes_on = |key: &str| transitive.iter().any(|one| one.eq_ignore_ascii_case(key));
        Self {
            tags: tags
                .iter()
                .filter(|(key, _)| goes_on(key))
                .cloned()
                .collect(),
            transitive: transitive.to_vec(),
        }
    }
}

/// The tags of a session that is asked for with `passed`, of which `transitive` are to go on, by a caller who has
/// `inherited` ones. Keys are told apart without regard to case, and what was inherited cannot be changed.
pub fn decide_tags(
    passed: Vec<SessionTag>,
    transitive: Vec<String>,
    inherited: SessionTags,
) -> Result<SessionTags, Error> {
    check_tags(&passed)?;
    let lower = |key: &String| key.to_lowercase();
    let passed_keys: HashSet<String> = passed.iter().map(|(key, _)| lower(key)).collect();
    let kept: HashSet<String> = inherited.tags.iter().map(|(key, _)| lower(key)).collect();
    if transitive
        .iter()
        .any(|key| !passed_keys.contains(&lower(key)))
    {
        return Err(invalid(
            "The specified transitive tag key must be included in the requested tags.",
        ));
    }
    if transitive.iter().any(|key| kept.contains(&lower(key))) {
        return Err(invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ));
    }
    if passed_keys.iter().any(|key| kept.contains(key)) {
        return Err(invalid(
            "One of the specified tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ));
    }
    let mut whole = inherited;
    whole.tags.extend(passed);
    whole.transitive.extend(transitive);
    if whole.tags.len() > MAX_TAGS {
        return Err(invalid(format!(
            "A session can have a maximum of {MAX_TAGS} tags."
        )));
    }
    Ok(whole)
}

fn check_tags(tags: &[SessionTag]) -> Result<(), Error> {
    resource_tags::check_tags(tags).map_err(|problem| match problem {
        ResourceTagProblem::Invalid(text) => invalid(text),
        ResourceTagProblem::TooMany => {
            invalid(format!("A session can have a maximum of {MAX_TAGS} tags."))
        }
    })?;
    let mut seen = HashSet::new();
    if tags.iter().all(|(key, _)| seen.insert(key.to_lowercase())) {
        return Ok(());
    }
    Err(invalid(
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    ))
}

/// The source identity of a session: what the caller has stays, through all roles of a chain.
pub fn decide_source_identity(
    wanted: Option<String>,
    inherited: Option<String>,
) -> Result<Option<String>, Error> {
    if let (Some(wanted), Some(inherited)) = (&wanted, &inherited)
        && wanted != inherited
    {
        return Err(invalid(
            "The source identity of a session cannot be changed by role chaining.",
        ));
    }
    let starts_reserved = |text: &String| {
        let start = text.get(..4);
        start.is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    };
    if wanted.as_ref().is_some_and(starts_reserved) {
        return Err(invalid("The source identity cannot begin with aws:."));
    }
    Ok(inherited.or(wanted))
}

/// How much of its room a context takes, in percent, rounded up. Refused if it takes more than there is.
pub fn decide_packed_size(bytes: usize) -> Result<u32, Error> {
    let percent = bytes.saturating_mul(100).div_ceil(MAX_PACKED);
    if bytes <= MAX_PACKED {
        return Ok(u32::try_from(percent).unwrap_or(100));
    }
    let message =
        format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
    Err(StsRefusal::PackedPolicyTooLarge { message }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str) -> SessionTag {
        (key.to_owned(), "v".to_owned())
    }

    #[test]
    fn sessions_of_roles_last_as_long_as_the_role_allows_and_chained_ones_an_hour() {
        for (wanted, max, is_chained, seconds) in [
            (None, 3_600, false, Some(3_600)),
            (None, 43_200, true, Some(3_600)),
            (Some(900), 3_600, false, Some(900)),
            (Some(899), 3_600, false, None),
            (Some(43_200), 43_200, false, Some(43_200)),
            (Some(3_601), 3_600, false, None),
            (Some(3_601), 43_200, true, None),
        ] {
            let found = decide_role_seconds(wanted, max, is_chained).ok();
            assert_eq!(found, seconds, "{wanted:?} {max} {is_chained}");
        }
    }

    #[test]
    fn own_sessions_of_root_last_an_hour_at_most() {
        for (wanted, is_root, seconds) in [
            (None, false, Some(43_200)),
            (None, true, Some(3_600)),
            (Some(129_600), false, Some(129_600)),
            (Some(129_601), false, None),
            (Some(7_200), true, Some(3_600)),
            (Some(1_000), true, Some(1_000)),
            (Some(0), true, None),
        ] {
            assert_eq!(
                decide_own_seconds(wanted, is_root).ok(),
                seconds,
                "{wanted:?}"
            );
        }
    }

    #[test]
    fn tags_are_told_apart_without_case_and_inherited_ones_stay() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let inherited = || SessionTags::inherited(&[tag("Team"), tag("other")], &keys(&["team"]));
        assert_eq!(inherited().tags, [tag("Team")]);
        let whole = decide_tags(vec![tag("a")], keys(&["A"]), inherited()).unwrap();
        assert_eq!(whole.tags, [tag("Team"), tag("a")]);
        assert_eq!(whole.transitive, keys(&["team", "A"]));
        for (passed, transitive) in [
            (vec![tag("a"), tag("A")], vec![]),
            (vec![tag("TEAM")], vec![]),
            (vec![tag("a")], keys(&["b"])),
            (vec![tag("aws:x")], vec![]),
            ((0..50).map(|n| tag(&format!("k{n}"))).collect(), vec![]),
        ] {
            assert!(
                decide_tags(passed.clone(), transitive, inherited()).is_err(),
                "{passed:?}"
            );
        }
    }

    #[test]
    fn a_source_identity_stays_through_a_chain() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            decide_source_identity(some("ada"), None).unwrap(),
            some("ada")
        );
        assert_eq!(
            decide_source_identity(None, some("ada")).unwrap(),
            some("ada")
        );
        assert_eq!(
            decide_source_identity(some("ada"), some("ada")).unwrap(),
            some("ada")
        );
        assert!(decide_source_identity(some("bob"), some("ada")).is_err());
        assert!(decide_source_identity(some("AWS:bob"), None).is_err());
    }

    #[test]
    fn what_does_not_fit_is_too_large() {
        assert_eq!(decide_packed_size(0).unwrap(), 0);
        assert_eq!(decide_packed_size(1).unwrap(), 1);
        assert_eq!(decide_packed_size(MAX_PACKED).unwrap(), 100);
        assert_eq!(
            decide_packed_size(MAX_PACKED + 1).unwrap_err().to_string(),
            "Packed policy consumes 101% of allotted space, please use smaller policy."
        );
    }
}
