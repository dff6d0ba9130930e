//! Manifests: read once, kept byte for byte.
//!
//! Accepted are Docker image manifests (schema 2) and lists, OCI image manifests and indexes, with any artifact
//! type inside. Nothing is ever converted: an image's digest is of the exact bytes received.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::digest::Digest;
use crate::image::ImageKind;

/// The largest manifest accepted, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// Media types that Ecru names.
pub mod media_type {
    /// OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// Docker image manifest, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
}

/// Why bytes are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// More than [`MAX_MANIFEST_BYTES`].
    #[error("manifest exceeds the maximum size of {MAX_MANIFEST_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object, or one whose members have wrong types.
    #[error("manifest is not valid: {0}")]
    NotAManifest(String),
    /// Neither the request nor the manifest names a media type.
    #[error("the manifest media type is required")]
    MediaTypeMissing,
    /// The request and the manifest name different media types.
    #[error("manifest media type does not match the media type of the request")]
    MediaTypeMismatch,
    /// A media type that is not stored here.
    #[error("manifest media type is not supported")]
    MediaTypeUnsupported,
}

/// A reference to content (OCI image specification, "Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Which.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// Whether the content may be elsewhere: foreign layers are not required to be present.
    pub is_foreign: bool,
}

/// A manifest, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// As announced or as the manifest says.
    pub media_type: String,
    /// Image, index or artifact.
    pub kind: ImageKind,
    /// `artifactType`, if set.
    pub artifact_type: Option<String>,
    /// The configuration, if the manifest has one.
    pub config: Option<Descriptor>,
    /// The layers, in order.
    pub layers: Vec<Descriptor>,
    /// The manifests of an index, in order.
    pub manifests: Vec<Descriptor>,
    /// The manifest this one refers to, if any.
    pub subject: Option<Digest>,
    /// Annotations of the manifest itself.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads `bytes`. `announced` is the media type of the request, if it named one.
    pub fn parse(bytes: &[u8], announced: Option<&str>) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge);
        }
        // RFC 8259 §8.1; skipped members would else go unchecked
        let text = std::str::from_utf8(bytes)
            .map_err(|_| ManifestError::NotAManifest("not UTF-8".to_owned()))?;
        let wire: WireManifest = serde_json::from_str(text)
            .map_err(|error| ManifestError::NotAManifest(describe(&error)))?;
        let media_type = settle_media_type(announced, wire.media_type.as_deref())?;
        if wire.schema_version != Some(2) {
            return Err(ManifestError::NotAManifest(
                "schemaVersion must be 2".to_owned(),
            ));
        }
        wire.into_manifest(media_type)
    }

    /// The layers and the configuration that must be present in the repository, each once.
    pub fn required_layers(&self) -> Vec<&Descriptor> {
        let mut seen = std::collections::HashSet::new();
        let all = self.config.iter().chain(&self.layers);
        all.filter(|descriptor| !descriptor.is_foreign && seen.insert(&descriptor.digest))
            .collect()
    }

    /// What the ECR API calls `artifactMediaType`: the artifact type, else the configuration's media type.
    pub fn artifact_media_type(&self) -> Option<&str> {
        self.artifact_type.as_deref().or(self
            .config
            .as_ref()
            .map(|config| config.media_type.as_str()))
    }

    /// Bytes of configuration and layers, as their descriptors say.
    pub fn content_size(&self) -> u64 {
        self.config
            .iter()
            .chain(&self.layers)
            .fold(0, |sum, descriptor| sum.saturating_add(descriptor.size))
    }
}

/// Only the kind of mistake and its place: never the content.
fn describe(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "a member has the wrong type or is missing",
        serde_json::error::Category::Eof => "the JSON ends early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON",
    };
    format!("{kind} at line {} column {}", error.line(), error.column())
}

fn settle_media_type(
    announced: Option<&str>,
    inside: Option<&str>,
) -> Result<String, ManifestError> {
    let announced = announced
        .map(|text| text.split(';').next().unwrap_or(text).trim())
        .filter(|text| !text.is_empty());
    match (announced, inside.filter(|text| !text.is_empty())) {
        (Some(outer), Some(inner)) if outer != inner => Err(ManifestError::MediaTypeMismatch),
        (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type.to_owned()),
        (None, None) => Err(ManifestError::MediaTypeMissing),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    schema_version: Option<u32>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<WireDescriptor>,
    layers: Option<Vec<WireDescriptor>>,
    manifests: Option<Vec<WireDescriptor>>,
    subject: Option<WireDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    media_type: String,
    digest: String,
    size: u64,
    urls: Option<Vec<String>>,
}

impl WireDescriptor {
    fn read(self) -> Result<Descriptor, ManifestError> {
        check_type(&self.media_type)?;
        let digest = Digest::parse(&self.digest)
            .map_err(|invalid| ManifestError::NotAManifest(invalid.to_string()))?;
        let foreign_type =
            self.media_type.contains(".foreign.") || self.media_type.contains(".nondistributable.");
        let is_foreign = foreign_type || self.urls.is_some_and(|urls| !urls.is_empty());
        Ok(Descriptor {
            media_type: self.media_type,
            digest,
            size: self.size,
            is_foreign,
        })
    }
}

fn read_all(descriptors: Option<Vec<WireDescriptor>>) -> Result<Vec<Descriptor>, ManifestError> {
    descriptors
        .unwrap_or_default()
        .into_iter()
        .map(WireDescriptor::read)
        .collect()
}

impl WireManifest {
    fn into_manifest(self, media_type: String) -> Result<Manifest, ManifestError> {
        let is_index = match media_type.as_str() {
            media_type::OCI_INDEX | media_type::DOCKER_LIST => true,
            media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST => false,
            _ => return Err(ManifestError::MediaTypeUnsupported),
        };
        self.check_members(is_index)?;
        let config = self.config.map(WireDescriptor::read).transpose()?;
        let subject = self
            .subject
            .map(WireDescriptor::read)
            .transpose()?
            .map(|subject| subject.digest);
        let artifact_type = self.artifact_type.filter(|text| !text.is_empty());
        artifact_type.as_deref().map_or(Ok(()), check_type)?;
        let is_artifact = artifact_type.is_some() || subject.is_some();
        let is_image = config
            .as_ref()
            .is_some_and(|config| is_image_config(&config.media_type));
        let kind = match (is_artifact, is_index, is_image) {
            (false, true, _) => ImageKind::Index,
            (false, false, true) => ImageKind::Image,
            _ => ImageKind::Artifact,
        };
        Ok(Manifest {
            media_type,
            kind,
            artifact_type,
            config,
            layers: read_all(self.layers)?,
            manifests: read_all(self.manifests)?,
            subject,
            annotations: self.annotations.unwrap_or_default(),
        })
    }

    /// An index has `manifests` and no layers; an image manifest has `config` and no manifests: a document that
    /// could be read as both is refused (CVE-2021-41190).
    fn check_members(&self, is_index: bool) -> Result<(), ManifestError> {
        let problem = if is_index && self.manifests.is_none() {
            "an index has manifests"
        } else if is_index && (self.layers.is_some() || self.config.is_some()) {
            "an index has neither config nor layers"
        } else if !is_index && self.config.is_none() {
            "a manifest has a config"
        } else if !is_index && self.manifests.is_some() {
            "a manifest has no manifests"
        } else {
            return Ok(());
        };
        Err(ManifestError::NotAManifest(problem.to_owned()))
    }
}

/// Types go into columns, and not every database keeps U+0000.
fn check_type(text: &str) -> Result<(), ManifestError> {
    if text.chars().any(char::is_control) {
        let problem = "a media type holds a control character";
        return Err(ManifestError::NotAManifest(problem.to_owned()));
    }
    Ok(())
}

fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(media_type: &str, content: &str) -> serde_json::Value {
        serde_json::json!({"mediaType": media_type, "digest": Digest::sha256(content.as_bytes()).as_str(), "size": content.len()})
    }

    fn image() -> serde_json::Value {
        serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor(media_type::OCI_CONFIG, "{}"),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "layer"), descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "layer")],
        })
    }

    fn parse(
        value: &serde_json::Value,
        announced: Option<&str>,
    ) -> Result<Manifest, ManifestError> {
        Manifest::parse(value.to_string().as_bytes(), announced)
    }

    #[test]
    fn an_image_requires_its_config_and_each_layer_once() {
        let manifest = parse(&image(), None).unwrap();
        assert_eq!(manifest.kind, ImageKind::Image);
        assert_eq!(manifest.required_layers().len(), 2);
        assert_eq!(manifest.content_size(), 12);
        assert_eq!(manifest.artifact_media_type(), Some(media_type::OCI_CONFIG));
    }

    #[test]
    fn the_media_type_comes_from_the_request_or_the_manifest_and_must_agree() {
        let mut without = image();
        without.as_object_mut().unwrap().remove("mediaType");
        assert_eq!(parse(&without, None), Err(ManifestError::MediaTypeMissing));
        assert!(
            parse(
                &without,
                Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8")
            )
            .is_ok()
        );
        assert_eq!(
            parse(&image(), Some(media_type::DOCKER_MANIFEST)),
            Err(ManifestError::MediaTypeMismatch)
        );
        assert_eq!(
            parse(&without, Some("application/json")),
            Err(ManifestError::MediaTypeUnsupported)
        );
    }

    #[test]
    fn artifact_types_and_subjects_make_artifacts() {
        let mut artifact = image();
        artifact["artifactType"] = "application/vnd.example.sbom".into();
        assert_eq!(parse(&artifact, None).unwrap().kind, ImageKind::Artifact);
        let mut referrer = image();
        referrer["subject"] = descriptor(media_type::OCI_MANIFEST, "subject");
        let manifest = parse(&referrer, None).unwrap();
        assert_eq!(
            (manifest.kind, manifest.subject),
            (ImageKind::Artifact, Some(Digest::sha256(b"subject")))
        );
        let mut chart = image();
        chart["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into();
        assert_eq!(parse(&chart, None).unwrap().kind, ImageKind::Artifact);
    }

    #[test]
    fn foreign_layers_are_not_required() {
        let mut foreign = image();
        foreign["layers"][0]["mediaType"] =
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
        foreign["layers"][1] = descriptor("application/x", "elsewhere");
        foreign["layers"][1]["urls"] = serde_json::json!(["https://example.com/layer"]);
        assert_eq!(parse(&foreign, None).unwrap().required_layers().len(), 1);
    }

    #[test]
    fn what_is_not_a_manifest_is_refused() {
        let both = {
            let mut both = image();
            both["manifests"] = serde_json::json!([]);
            both.to_string()
        };
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let traversal = image().to_string().replace("sha256:", "sha256:../");
        let old = image()
            .to_string()
            .replace("\"schemaVersion\":2", "\"schemaVersion\":1");
        for bad in [
            "",
            "null",
            "[]",
            "\"x\"",
            "{",
            "{}",
            "\u{0}",
            both.as_str(),
            deep.as_str(),
            traversal.as_str(),
            old.as_str(),
        ] {
            assert!(Manifest::parse(bad.as_bytes(), Some(media_type::OCI_MANIFEST)).is_err());
        }
        let mut not_text = image().to_string().into_bytes();
        not_text.splice(1..1, *b"\"x\":\"\xff\",");
        assert!(Manifest::parse(&not_text, None).is_err());
        let large = vec![b' '; MAX_MANIFEST_BYTES + 1];
        assert_eq!(Manifest::parse(&large, None), Err(ManifestError::TooLarge));
    }

    #[test]
    fn types_with_control_characters_are_refused() {
        for member in ["/artifactType", "/config/mediaType", "/layers/0/mediaType"] {
            for bad in ["application/x\u{0}", "application/\n", "\u{7f}"] {
                let mut manifest = image();
                manifest["artifactType"] = "application/x".into();
                *manifest.pointer_mut(member).unwrap() = bad.into();
                assert!(parse(&manifest, None).is_err(), "{member} {bad:?}");
            }
        }
    }

    #[test]
    fn an_empty_index_is_an_index() {
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
        assert_eq!(parse(&index, None).unwrap().kind, ImageKind::Index);
    }
}
