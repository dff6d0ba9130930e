//! Statements that may be saved but will hardly do what their author meant.

use crate::pattern::variable;
use crate::policy::Version;
use crate::statement::stands_for;
use crate::syntax::{DocumentSyntax, StatementSyntax};

/// The context key that requests for a tag carry.
const IMAGE_TAG: &str = "ecr:ImageTag";

/// Actions on layers, which belong to no tag.
const LAYER_ACTIONS: [&str; 5] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
];

/// Something that may be saved but will hardly do what its author meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The statement, from zero.
    pub statement: usize,
    /// What is odd about it.
    pub message: String,
}

/// What is odd about a document.
pub(super) fn of(document: &DocumentSyntax) -> Vec<Warning> {
    let is_older = document.version != Some(Version::V2012);
    let mut warnings = Vec::new();
    for (place, statement) in document.statements.iter().enumerate() {
        let messages = [
            layers_without_tag(statement),
            older_variables(statement, is_older),
            misplaced_variables(statement, is_older),
        ];
        warnings.extend(messages.into_iter().flatten().map(|message| Warning {
            statement: place,
            message,
        }));
    }
    warnings
}

fn layers_without_tag(statement: &StatementSyntax) -> Option<String> {
    let mut keys = statement.conditions.iter().map(|one| &one.key);
    if !keys.any(|key| key.eq_ignore_ascii_case(IMAGE_TAG)) {
        return None;
    }
    let actions = statement.actions.as_ref()?;
    let covers =
        |action: &str| actions.values.iter().any(|own| stands_for(own, action)) != actions.is_not;
    let covered: Vec<&str> = LAYER_ACTIONS
        .into_iter()
        .filter(|one| covers(one))
        .collect();
    (!covered.is_empty()).then(|| {
        format!(
            "requests for layers never carry {IMAGE_TAG}, so put these actions into a statement of their own: {}",
            covered.join(", ")
        )
    })
}

fn older_variables(statement: &StatementSyntax, is_older: bool) -> Option<String> {
    let resources = statement.resources.iter().flat_map(|listed| &listed.values);
    let values = statement.conditions.iter().flat_map(|one| &one.values);
    let has_variables = resources.chain(values).any(|text| {
        text.match_indices("${")
            .any(|(at, _)| starts_variable(text, at))
    });
    (is_older && has_variables)
        .then(|| "variables are text unless Version is 2012-10-17".to_owned())
}

fn starts_variable(text: &str, at: usize) -> bool {
    text.get(at..).and_then(variable).is_some()
}

fn misplaced_variables(statement: &StatementSyntax, is_older: bool) -> Option<String> {
    let mut resources = statement.resources.iter().flat_map(|listed| &listed.values);
    let is_misplaced = |text: &String| {
        let fifth = text
            .match_indices(':')
            .nth(4)
            .map_or(text.len(), |(at, _)| at);
        text.find("${").is_some_and(|at| at < fifth)
    };
    (!is_older && resources.any(is_misplaced))
        .then(|| "variables are expanded only behind the fifth colon of a resource".to_owned())
}
