//! ARNs in `Resource` and in ARN conditions (IAM User Guide, "IAM JSON policy elements: Resource", and "Amazon
//! Resource Name (ARN) condition operators"). Both compare segment by segment, so that a star in the region does
//! not reach into the name; they differ in one thing: at the end of a segment of `Resource` a star may go on
//! beyond the colon.

use crate::context::Context;
use crate::pattern::{Pattern, Syntax, Variable, begins, variable};

/// How many segments an ARN has; colons in the last are part of it.
const SEGMENTS: usize = 6;

const TEXT_ONLY: Syntax = Syntax {
    wildcards: true,
    variables: false,
};

/// The resource of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    text: &'a str,
    /// `None` if it is no ARN, such as `*`.
    arn: Option<Arn<'a>>,
}

/// The parts of an ARN that most patterns are told apart by.
#[derive(Clone, Copy, Debug)]
struct Arn<'a> {
    /// Everything before the last segment, with the colon.
    head: &'a str,
    /// The segments of that.
    heads: [&'a str; SEGMENTS - 1],
    /// The last segment.
    name: &'a str,
    /// Whether there are colons in it.
    has_colons: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let fifth = text.match_indices(':').nth(SEGMENTS - 2);
        let last = fifth
            .filter(|_| text.starts_with("arn:"))
            .map(|(colon, _)| colon + 1);
        let parts = last.and_then(|last| text.split_at_checked(last));
        let arn = parts.map(|(head, name)| {
            let mut heads = [""; SEGMENTS - 1];
            for (own, segment) in heads.iter_mut().zip(head.split(':')) {
                *own = segment;
            }
            Arn {
                head,
                heads,
                name,
                has_colons: name.contains(':'),
            }
        });
        Self { text, arn }
    }

    /// The last segment of an ARN, if it is certain where it begins: stars before it may reach over colons in it.
    pub(crate) fn name(self) -> Option<&'a str> {
        self.arn.filter(|arn| !arn.has_colons).map(|arn| arn.name)
    }

    /// The service and the last segment of an ARN.
    pub(crate) fn service_and_name(self) -> Option<(&'a str, &'a str)> {
        let arn = self.arn?;
        let [_, _, service, ..] = arn.heads;
        Some((service, arn.name))
    }
}

/// A value of `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct ResourcePattern {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Anything,
    /// The first five segments are text without wildcards: with their colons, and the last segment.
    Plain(Box<str>, Pattern),
    /// Some neighbours of the first five segments are stars, the others text: the text before the first star and
    /// after the last, with their colons, and all segments.
    Around(Box<str>, Box<str>, Box<[Pattern; SEGMENTS]>),
    Segments(Box<[Pattern; SEGMENTS]>),
}

impl Form {
    fn new(segments: [Pattern; SEGMENTS]) -> Self {
        let [heads @ .., last] = &segments;
        let is_star = |head: &Pattern| matches!(head, Pattern::Anything);
        let (Some(first), Some(end)) = (
            heads.iter().position(is_star),
            heads.iter().rposition(is_star),
        ) else {
            return match joined(heads) {
                Some(text) => Self::Plain(text.into(), last.clone()),
                None => Self::Segments(Box::new(segments)),
            };
        };
        let (before, rest) = heads.split_at(first);
        let (stars, after) = rest.split_at(end + 1 - first);
        match (joined(before), joined(after)) {
            (Some(before), Some(after)) if stars.iter().all(is_star) => {
                let after = format!(":{after}");
                Self::Around(before.into(), after.into(), Box::new(segments))
            }
            _ => Self::Segments(Box::new(segments)),
        }
    }
}

/// The text of segments, with a colon after each. `None` if one is not text.
fn joined(segments: &[Pattern]) -> Option<String> {
    let mut text = String::new();
    for segment in segments {
        text.push_str(segment.as_text()?);
        text.push(':');
    }
    Some(text)
}

impl ResourcePattern {
    /// Reads a value. What lacks segments at its end is completed with `*`. Variables are expanded in the last
    /// segment alone.
    pub(crate) fn parse(text: &str, has_variables: bool) -> Self {
        let mut segments = text.splitn(SEGMENTS, ':');
        let mut heads = [const { Pattern::Anything }; SEGMENTS];
        let is_star = !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        if is_star {
            let form = Form::Anything;
            return Self { form };
        }
        for (place, pattern) in heads.iter_mut().enumerate() {
            let syntax = Syntax {
                variables: has_variables && place == SEGMENTS - 1,
                ..TEXT_ONLY
            };
            if let Some(segment) = segments.next() {
                *pattern = Pattern::parse(segment, syntax);
            }
        }
        let form = Form::new(heads);
        Self { form }
    }

    /// Whether it covers the resource of a request.
    #[inline]
    pub(crate) fn matches(&self, target: Target<'_>, context: &Context) -> bool {
        let (segments, arn) = match (&self.form, target.arn) {
            (Form::Anything, _) => return true,
            (_, None) => return false,
            (Form::Plain(own, last), Some(arn)) => {
                return last.matches(arn.name, context) && **own == *arn.head;
            }
            (Form::Around(_, _, segments) | Form::Segments(segments), Some(arn))
                if arn.has_colons =>
            {
                return matches_beyond(segments, target.text, context);
            }
            // with as many colons on both sides, the stars meet as many segments as they are
            (Form::Around(before, after, segments), Some(arn)) => {
                let [.., last] = &**segments;
                let stars = arn.head.len().checked_sub(before.len() + after.len());
                let end = stars.and_then(|stars| arn.head.get(before.len() + stars..));
                return last.matches(arn.name, context)
                    && begins(arn.head, before)
                    && end.is_some_and(|end| begins(end, after));
            }
            (Form::Segments(segments), Some(arn)) => (segments, arn),
        };
        // with five colons on both sides, each meets its own
        let [heads @ .., last] = &**segments;
        last.matches(arn.name, context)
            && heads
                .iter()
                .zip(arn.heads)
                .all(|(pattern, segment)| pattern.matches(segment, context))
    }

    /// What its last segment begins with: see [`Pattern::beginning`].
    pub(crate) fn beginning(&self) -> (&str, Option<&Variable>, &str) {
        self.last().map_or(("", None, ""), Pattern::beginning)
    }

    /// The names of its variables, as written.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.last().into_iter().flat_map(Pattern::variables)
    }

    /// Its last segment, in which alone variables are.
    fn last(&self) -> Option<&Pattern> {
        match &self.form {
            Form::Anything => None,
            Form::Plain(_, last) => Some(last),
            Form::Around(_, _, segments) | Form::Segments(segments) => segments.last(),
        }
    }
}

/// Compares segment by segment, where a star that ends a segment may reach over further colons. At each segment
/// all places are known at which it can begin.
fn matches_beyond(segments: &[Pattern; SEGMENTS], text: &str, context: &Context) -> bool {
    let [heads @ .., last] = segments;
    let mut starts = vec![0];
    for pattern in heads {
        let mut next = Vec::new();
        for start in starts {
            let rest = text.get(start..).unwrap_or_default();
            let Some((segment, _)) = rest.split_once(':') else {
                continue;
            };
            if !pattern.matches(segment, context) {
                continue;
            }
            let end = start + segment.len();
            if pattern.ends_with_star() {
                // later beginnings can add nothing to this
                next.extend(colons(text, end).map(|colon| colon + 1));
                break;
            }
            next.push(end + 1);
        }
        starts = next;
    }
    let mut rests = starts.into_iter().filter_map(|start| text.get(start..));
    rests.any(|rest| last.matches(rest, context))
}

/// The places of colons, beginning at `start`.
fn colons(text: &str, start: usize) -> impl Iterator<Item = usize> {
    let rest = text.get(start..).unwrap_or_default();
    rest.match_indices(':').map(move |(at, _)| start + at)
}

/// A value of an ARN condition.
#[derive(Clone, Debug)]
pub(crate) enum ArnPattern {
    Segments(Box<[Pattern]>),
    /// Without any colon: `*`, or a variable that is a whole ARN.
    Whole(Pattern),
    /// Neither: it matches nothing.
    Nothing,
}

impl ArnPattern {
    /// Reads a value. Variables may stand anywhere, so colons in their names part nothing.
    pub(crate) fn parse(text: &str, has_variables: bool) -> Self {
        let syntax = Syntax {
            variables: has_variables,
            ..TEXT_ONLY
        };
        let segments = split_outside_variables(text, has_variables);
        let patterns = segments.iter().map(|text| Pattern::parse(text, syntax));
        match segments.len() {
            1 => Self::Whole(Pattern::parse(text, syntax)),
            SEGMENTS => Self::Segments(patterns.collect()),
            _ => Self::Nothing,
        }
    }

    /// Whether a value of a request fits.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Nothing => false,
            Self::Whole(pattern) => pattern.matches(text, context),
            Self::Segments(patterns) => {
                let mut segments = text.splitn(SEGMENTS, ':');
                patterns.iter().all(|pattern| {
                    let segment = segments.next();
                    segment.is_some_and(|segment| pattern.matches(segment, context))
                })
            }
        }
    }

    /// The names of its variables, as written.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let patterns = match self {
            Self::Nothing => &[],
            Self::Whole(pattern) => std::slice::from_ref(pattern),
            Self::Segments(patterns) => &**patterns,
        };
        patterns.iter().flat_map(Pattern::variables)
    }

    /// Whether it can match anything.
    pub(crate) fn is_arn(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// Parts at the first five colons that are not within a variable.
fn split_outside_variables(text: &str, has_variables: bool) -> Vec<&str> {
    let mut segments = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if has_variables && let Some((inner, _)) = variable(rest) {
            at += "${}".len() + inner.len();
            continue;
        }
        if rest.starts_with(':') && segments.len() < SEGMENTS - 1 {
            segments.push(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    segments.push(text.get(start..).unwrap_or_default());
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let mut context = Context::new();
        context
            .set("aws:username", "alice")
            .set("aws:PrincipalAccount", "111122223333")
            .set("aws:PrincipalArn", "arn:aws:iam::111122223333:user/alice");
        context
    }

    #[test]
    fn resources_are_compared_segment_by_segment() {
        let web = "arn:aws:ecr:us-east-1:111122223333:repository/team-a/web";
        let deep = "arn:aws:x:us-east-1:111122223333:a:b/c:d";
        for (pattern, resource, covers) in [
            ("*", web, true),
            ("*", "*", true),
            ("**", "*", true),
            ("", "", false),
            ("arn:*", "*", false),
            ("arn:aws:ecr:us-east-1", web, true),
            ("arn:aws:ecr:us-east-1:111122223333", web, true),
            ("arn:aws:ecr:eu-west-1", web, false),
            ("arn:*:ecr:*:*:repository/*", web, true),
            ("arn:aws:ecr:us-*:111122223333:*", web, true),
            ("arn:aws:ecr:us-*-1:*:repository/*/web", web, true),
            ("arn:aws:ecr:us-*-2:*:repository/*/web", web, false),
            ("arn:aws:ecr:*:repository/team-a/web", web, false),
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/Team-a/web",
                web,
                false,
            ),
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/team-?/web",
                web,
                true,
            ),
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/team-a",
                web,
                false,
            ),
            ("repository/*", web, false),
            ("arn:aws:x:us-east-1:111122223333:a:b/c:d", deep, true),
            ("arn:aws:x:us-east-1:111122223333:a*d", deep, true),
            // a star at the end of a segment reaches over colons, one before it does not
            ("arn:aws:x:*:a:b/c:d", deep, true),
            ("arn:aws:x:us-*:a:b/c:d", deep, true),
            ("arn:aws:x:us*1:a:b/c:d", deep, false),
            ("arn:aws:x:*:a:b/c:x", deep, false),
            ("arn:aws:x:*:*:d", deep, true),
            ("arn:aws:x:*:b*:d", deep, true),
            ("arn:*:a:b/c:d", deep, false),
        ] {
            let covered =
                ResourcePattern::parse(pattern, true).matches(Target::new(resource), &context());
            assert_eq!(covered, covers, "{pattern} {resource}");
        }
    }

    #[test]
    fn variables_stand_in_the_last_segment_of_a_resource_alone() {
        let own = "arn:aws:ecr:us-east-1:111122223333:repository/alice/web";
        for (pattern, has_variables, covers) in [
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/${aws:username}/*",
                true,
                true,
            ),
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/${aws:username}/*",
                false,
                false,
            ),
            (
                "arn:aws:ecr:us-east-1:111122223333:repository/${aws:other}/*",
                true,
                false,
            ),
            (
                "arn:aws:ecr:us-east-1:${aws:PrincipalAccount}:repository/*",
                true,
                false,
            ),
        ] {
            let pattern = ResourcePattern::parse(pattern, has_variables);
            assert_eq!(pattern.matches(Target::new(own), &context()), covers);
        }
    }

    #[test]
    fn arn_conditions_keep_to_their_segments() {
        let user = "arn:aws:iam::111122223333:user/alice";
        let crossing = "arn:aws:ecs:us-east-2:999999999999:store/abc:111122223333:finance/doc";
        for (pattern, text, fits) in [
            ("arn:aws:iam::111122223333:user/alice", user, true),
            ("arn:aws:iam::*:user/a*", user, true),
            ("arn:aws:iam::*:user/A*", user, false),
            (
                "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
                user,
                true,
            ),
            (
                "arn:aws:iam::${aws:other}:user/${aws:username}",
                user,
                false,
            ),
            ("${aws:PrincipalArn}", user, true),
            ("*", user, true),
            ("arn:aws:iam::*", user, false),
            ("arn:aws:ecs:*:111122223333:finance/*", crossing, false),
            ("arn:aws:ecs:*:*:store/*/doc", crossing, true),
            ("arn:aws:ecs:*:*:*:*:*", "nonsense", false),
        ] {
            let pattern = ArnPattern::parse(pattern, true);
            assert_eq!(
                pattern.matches(text, &context()),
                fits,
                "{pattern:?} {text}"
            );
        }
    }

    #[test]
    fn many_colons_end() {
        let text = format!("arn:{}", "a:".repeat(20_000));
        let pattern = ResourcePattern::parse("arn:*:*:*:*:b", true);
        assert!(!pattern.matches(Target::new(&text), &Context::new()));
    }
}
