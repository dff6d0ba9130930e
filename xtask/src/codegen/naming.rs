//! The model's names in Rust's spelling.

/// `imageSizeInBytes` → `image_size_in_bytes`; runs of capitals are one word.
pub(crate) fn snake(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (index, &character) in characters.iter().enumerate() {
        let previous = index.checked_sub(1).map(|index| characters[index]);
        let next_is_lower = characters
            .get(index + 1)
            .is_some_and(char::is_ascii_lowercase);
        let begins_word = character.is_ascii_uppercase()
            && previous.is_some_and(|previous| !previous.is_ascii_uppercase() || next_is_lower);
        if begins_word {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// `ImageTag` → `IMAGE_TAG`.
pub(crate) fn constant(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// A shape's type: `statusType` → `StatusType`.
pub(crate) fn type_name(shape: &str) -> String {
    let (first, rest) = shape.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// `UserName` → `userName`.
pub(crate) fn uncapitalized(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_lowercase() + rest
}

/// A member's field: snake case, escaped where Rust reserves the word.
pub(crate) fn field(member: &str) -> String {
    let field = snake(member);
    if matches!(
        field.as_str(),
        "type" | "match" | "ref" | "use" | "move" | "enum" | "fn"
    ) {
        return format!("r#{field}");
    }
    field
}

/// An enum value's variant: `KMS_DSSE` → `KmsDsse`, `docker-hub` → `DockerHub`, `ImageNotFound` stays.
pub(crate) fn variant(value: &str) -> String {
    value
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(variant_word)
        .collect()
}

fn variant_word(word: &str) -> String {
    let shouts = !word.chars().any(|character| character.is_ascii_lowercase());
    let (first, rest) = word.split_at(1);
    let rest = if shouts {
        rest.to_ascii_lowercase()
    } else {
        rest.to_owned()
    };
    first.to_ascii_uppercase() + &rest
}

/// `field_name` as serde's `camelCase` or `PascalCase` writes it.
pub(crate) fn serde_case(field: &str, capital_first: bool) -> String {
    let mut text = String::new();
    let mut capital = capital_first;
    for character in field.chars() {
        if character == '_' {
            capital = true;
        } else if capital {
            text.push(character.to_ascii_uppercase());
            capital = false;
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_rust_spells_them() {
        for (name, expected) in [
            ("imageSizeInBytes", "image_size_in_bytes"),
            ("RCTAppliedFor", "rct_applied_for"),
            ("Key", "key"),
            ("kmsKey", "kms_key"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(field("type"), "r#type");
        assert_eq!(type_name("statusType"), "StatusType");
        assert_eq!(uncapitalized("UserName"), "userName");
        for (value, expected) in [
            ("KMS_DSSE", "KmsDsse"),
            ("AES256", "Aes256"),
            ("docker-hub", "DockerHub"),
            ("k8s", "K8s"),
            ("ImageNotFound", "ImageNotFound"),
        ] {
            assert_eq!(variant(value), expected);
        }
        assert_eq!(serde_case("image_digest", false), "imageDigest");
        assert_eq!(serde_case("user_id", true), "UserId");
    }
}
