//! What an image is, seen from outside its manifest.

use crate::digest::Digest;
use crate::tag::Tag;

/// What a manifest describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// A container image: one platform.
    Image,
    /// An image index or manifest list.
    Index,
    /// Anything else: a chart, a signature, an SBOM …
    Artifact,
}

impl ImageKind {
    /// The value in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Index => "index",
            Self::Artifact => "artifact",
        }
    }

    /// The kind of that value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Image, Self::Index, Self::Artifact]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// How the ECR API names an image: by tag, by digest, by both (which must agree).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageIdentifier {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
    /// By both.
    Both(Tag, Digest),
}

impl ImageIdentifier {
    /// The tag, if named.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Tag(tag) | Self::Both(tag, _) => Some(tag),
            Self::Digest(_) => None,
        }
    }

    /// The digest, if named.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Digest(digest) | Self::Both(_, digest) => Some(digest),
            Self::Tag(_) => None,
        }
    }
}
