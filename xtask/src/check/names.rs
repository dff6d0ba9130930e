//! Names that say nothing, and marks of unfinished work.

use crate::workspace::Source;

/// Names that say only that their author had no better one.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "helper", "helpers", "common", "manager", "misc",
];

/// Marks of unfinished work, in halves so that this file does not find itself.
const MARKS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

/// What introduces the name of a module or a type.
const INTRODUCTIONS: [&str; 5] = ["mod", "struct", "enum", "trait", "type"];

/// The forbidden names and marks of a file.
pub(crate) fn problems(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let mut problems = Vec::new();
    let stem = source
        .path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    if stem == "mod" {
        problems.push(format!(
            "{path}: name the file after its module, not mod.rs"
        ));
    }
    if EMPTY_NAMES.contains(&stem) {
        problems.push(format!(
            "{path}: `{stem}` says nothing about what is inside"
        ));
    }
    for (line, number) in source.text.lines().zip(1..) {
        if let Some(name) = empty_name(line) {
            problems.push(format!(
                "{path}:{number}: `{name}` says nothing about what it is"
            ));
        }
        if let Some(mark) = MARKS
            .into_iter()
            .find(|mark| words(line).any(|word| word == *mark))
        {
            problems.push(format!("{path}:{number}: {mark} is no place to keep work"));
        }
    }
    problems
}

/// The module or type that a line introduces, if its name is an empty one.
fn empty_name(line: &str) -> Option<&str> {
    if line.trim_start().starts_with("//") {
        return None;
    }
    let code = line.split('"').next().unwrap_or(line);
    let mut words = words(code);
    words.find(|word| INTRODUCTIONS.contains(word))?;
    let name = words.next()?;
    let last_word = name
        .rfind(|letter: char| letter.is_ascii_uppercase())
        .map_or(name, |start| &name[start..]);
    EMPTY_NAMES
        .contains(&last_word.to_ascii_lowercase().as_str())
        .then_some(name)
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found_where_they_are_introduced() {
        for (line, found) in [
            ("pub(crate) struct KeyManager {", Some("KeyManager")),
            ("mod util;", Some("util")),
            ("    enum Helper {", Some("Helper")),
            ("trait Common {}", Some("Common")),
            ("struct CommonPrefix;", None),
            ("// a struct Manager would be", None),
            ("let manager = 1;", None),
            ("let text = \"struct Manager\";", None),
        ] {
            assert_eq!(empty_name(line), found, "{line}");
        }
    }

    #[test]
    fn marks_and_file_names_are_found() {
        let mark = format!("// {}: later\n", MARKS[0]);
        for (path, text, count) in [
            ("crates/a/src/b.rs", mark.as_str(), 1),
            ("crates/a/src/b.rs", "let AUTODOS = 1;\n", 0),
            ("crates/a/src/b/mod.rs", "", 1),
            ("crates/a/src/utils.rs", "", 1),
        ] {
            assert_eq!(problems(&Source::new(path, text)).len(), count, "{path}");
        }
    }
}
