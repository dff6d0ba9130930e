//! The image documents that the workloads push: OCI image manifest and configuration
//! (OCI image specification 1.1, `manifest.md` and `config.md`).

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Media type of an OCI image manifest.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Configuration of every image that the driver pushes.
pub(crate) const CONFIG: &str = concat!(
    r#"{"architecture":"amd64","os":"linux","config":{},"#,
    r#""rootfs":{"type":"layers","diff_ids":[]}}"#
);

/// Digest and size of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// `sha256:<hex>`
    pub(crate) digest: String,
    /// Bytes
    pub(crate) size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor<'a>,
    layers: Vec<Descriptor<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor<'a>>,
    annotations: Annotations<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'static str,
    digest: &'a str,
    size: u64,
}

#[derive(Serialize)]
struct Annotations<'a> {
    note: &'a str,
}

/// Writes a manifest over [`CONFIG`] and `layers`; `note` makes it one of a kind.
pub(crate) fn image(layers: &[Layer], note: &str) -> serde_json::Result<String> {
    write(layers, None, note)
}

/// Writes a manifest without layers that names the manifest `subject` as its subject.
pub(crate) fn referrer(subject: &str, note: &str) -> serde_json::Result<String> {
    let digest = sha256(subject.as_bytes());
    let subject = Descriptor {
        media_type: MEDIA_TYPE,
        digest: &digest,
        size: subject.len() as u64,
    };
    write(&[], Some(subject), note)
}

fn write(
    layers: &[Layer],
    subject: Option<Descriptor<'_>>,
    note: &str,
) -> serde_json::Result<String> {
    let config_digest = sha256(CONFIG.as_bytes());
    serde_json::to_string(&Manifest {
        schema_version: 2,
        media_type: MEDIA_TYPE,
        config: Descriptor {
            media_type: "application/vnd.oci.image.config.v1+json",
            digest: &config_digest,
            size: CONFIG.len() as u64,
        },
        layers: layers.iter().map(layer_descriptor).collect(),
        subject,
        annotations: Annotations { note },
    })
}

fn layer_descriptor(layer: &Layer) -> Descriptor<'_> {
    Descriptor {
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: &layer.digest,
        size: layer.size,
    }
}

/// Digest of bytes at hand, `sha256:<hex>`.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_names_config_and_layers() {
        let layers = [Layer {
            digest: sha256(b"layer"),
            size: 5,
        }];
        let text = image(&layers, "a \"note\"").unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schemaVersion"], 2);
        assert_eq!(value["mediaType"], MEDIA_TYPE);
        assert_eq!(value["config"]["digest"], sha256(CONFIG.as_bytes()));
        assert_eq!(value["config"]["size"], CONFIG.len());
        assert_eq!(value["layers"][0]["digest"], sha256(b"layer"));
        assert_eq!(value["annotations"]["note"], "a \"note\"");
        assert!(serde_json::from_str::<serde_json::Value>(CONFIG).is_ok());
    }

    #[test]
    fn referrer_names_its_subject_by_digest_and_size() {
        let subject = image(&[], "first").unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let named = &value(&referrer(&subject, "second").unwrap())["subject"];
        assert_eq!(named["digest"], sha256(subject.as_bytes()));
        assert_eq!(named["size"], subject.len());
        assert!(value(&subject).get("subject").is_none());
    }

    #[test]
    fn note_changes_the_digest() {
        let digest = |note| sha256(image(&[], note).unwrap().as_bytes());
        assert_eq!(digest("1"), digest("1"));
        assert_ne!(digest("1"), digest("2"));
    }
}
