//! How far verification has come.

use std::fmt;

use ecru_domain::{Digest, Invalid, RepositoryId};
use ecru_ports::ObjectId;

/// Where verification goes on: after what it names, or from the beginning of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Among objects.
    Objects(Option<ObjectId>),
    /// Between repositories.
    Repositories(Option<RepositoryId>),
    /// Among the layers of a repository.
    Layers(RepositoryId, Option<Digest>),
    /// Among the images of a repository.
    Images(RepositoryId, Option<Digest>),
    /// Among stored segments.
    Segments(Option<ObjectId>),
}

impl Position {
    /// The beginning.
    pub const START: Self = Self::Objects(None);

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut words = text.split(' ');
        let [pass, place, item] = [(); 3].map(|()| words.next().filter(|word| !word.is_empty()));
        let repository = |id: &str| RepositoryId::new(id.to_owned());
        let invalid = || Invalid::new("position", text);
        let object = |id: Option<&str>| match id {
            Some(id) => ObjectId::parse(id).map(Some).ok_or_else(invalid),
            None => Ok(None),
        };
        let digest = || item.map(Digest::parse).transpose().map_err(|_| invalid());
        match (pass, place) {
            (Some("objects"), id) => object(id).map(Self::Objects),
            (Some("repositories"), id) => Ok(Self::Repositories(id.map(repository))),
            (Some("layers"), Some(id)) => Ok(Self::Layers(repository(id), digest()?)),
            (Some("images"), Some(id)) => Ok(Self::Images(repository(id), digest()?)),
            (Some("segments"), id) => object(id).map(Self::Segments),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = |id: &Option<ObjectId>| id.as_ref().map_or("", ObjectId::as_str).to_owned();
        let digest =
            |digest: &Option<Digest>| digest.as_ref().map_or("", Digest::as_str).to_owned();
        match self {
            Self::Objects(after) => write!(f, "objects {}", object(after)),
            Self::Repositories(after) => {
                let after = after.as_ref().map_or("", RepositoryId::as_str);
                write!(f, "repositories {after}")
            }
            Self::Layers(place, after) => write!(f, "layers {} {}", place.as_str(), digest(after)),
            Self::Images(place, after) => write!(f, "images {} {}", place.as_str(), digest(after)),
            Self::Segments(after) => write!(f, "segments {}", object(after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else() {
        let object = ObjectId::parse("00000000000000000000000000000001");
        let (place, digest) = (RepositoryId::new("r".to_owned()), Digest::sha256(b""));
        for position in [
            Position::START,
            Position::Objects(object.clone()),
            Position::Repositories(None),
            Position::Repositories(Some(place.clone())),
            Position::Layers(place.clone(), None),
            Position::Images(place, Some(digest)),
            Position::Segments(object),
        ] {
            assert_eq!(Position::parse(&position.to_string()), Ok(position));
        }
        for bad in ["", "objects x", "layers", "images r x", "elsewhere"] {
            assert!(Position::parse(bad).is_err(), "{bad}");
        }
    }
}
