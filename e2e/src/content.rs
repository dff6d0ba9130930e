//! Images and artifacts made from a seed: two flows that use the same seed mean the same bytes.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// OCI image manifest.
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker manifest, schema 2.
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Digest in the form `sha256:<hex>`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Bytes that look random, fixed by the seed.
pub(crate) fn noise(seed: &str, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut block = Sha256::digest(seed.as_bytes());
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(length);
    bytes
}

/// An image of one layer with one file.
#[derive(Clone)]
pub(crate) struct Image {
    /// Config blob.
    pub(crate) config: Vec<u8>,
    /// Layer blob, a tar in gzip.
    pub(crate) layer: Vec<u8>,
    /// Manifest bytes.
    pub(crate) manifest: Vec<u8>,
    /// Media type of the manifest.
    pub(crate) media_type: &'static str,
    architecture: String,
}

impl Image {
    /// OCI image for linux/amd64.
    pub(crate) fn oci(seed: &str) -> Self {
        Self::build(seed, "amd64", [OCI_MANIFEST, OCI_CONFIG, OCI_LAYER])
    }

    /// OCI image for another architecture.
    pub(crate) fn oci_for(seed: &str, architecture: &str) -> Self {
        Self::build(seed, architecture, [OCI_MANIFEST, OCI_CONFIG, OCI_LAYER])
    }

    /// Docker schema 2 image for linux/amd64.
    pub(crate) fn docker(seed: &str) -> Self {
        Self::build(
            seed,
            "amd64",
            [DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER],
        )
    }

    fn build(seed: &str, architecture: &str, types: [&'static str; 3]) -> Self {
        let [manifest_type, config_type, layer_type] = types;
        let archive = tar(&format!("{seed}.txt"), &noise(seed, 3_000));
        let layer = gzip(&archive);
        let config = json!({
            "architecture": architecture, "os": "linux", "config": {"Labels": {"seed": seed}},
            "rootfs": {"type": "layers", "diff_ids": [digest(&archive)]},
            "history": [{"created_by": seed}],
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": manifest_type,
            "config": descriptor(config_type, &config), "layers": [descriptor(layer_type, &layer)],
        });
        Self {
            manifest: manifest.to_string().into_bytes(),
            config,
            layer,
            media_type: manifest_type,
            architecture: architecture.to_owned(),
        }
    }

    /// Digest of the manifest.
    pub(crate) fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Descriptor for an index.
    pub(crate) fn descriptor(&self) -> Value {
        let mut entry = descriptor(self.media_type, &self.manifest);
        entry["platform"] = json!({"architecture": self.architecture, "os": "linux"});
        entry
    }

    /// Blobs and manifest, for a layout.
    fn pieces(&self) -> [&[u8]; 3] {
        [&self.config, &self.layer, &self.manifest]
    }
}

/// Index over images.
pub(crate) fn index(images: &[Image]) -> Vec<u8> {
    let manifests: Vec<Value> = images.iter().map(Image::descriptor).collect();
    json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests})
        .to_string()
        .into_bytes()
}

/// Artifact without layers that refers to a subject.
pub(crate) fn artifact(kind: &str, subject: Option<Value>) -> (Vec<u8>, Vec<u8>) {
    let empty = b"{}".to_vec();
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind,
        "config": descriptor("application/vnd.oci.empty.v1+json", &empty),
        "layers": [descriptor("application/vnd.oci.empty.v1+json", &empty)],
    });
    if let Some(subject) = subject {
        manifest["subject"] = subject;
    }
    (manifest.to_string().into_bytes(), empty)
}

/// Descriptor of some bytes.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// Writes an OCI layout directory that holds one image.
pub(crate) fn write_layout(folder: &Path, image: &Image) -> Result<()> {
    write_blobs(folder, &image.pieces())?;
    write_layout_index(folder, &json!([image.descriptor()]))
}

/// Writes an OCI layout directory whose single entry, of that name, is an index over several images.
pub(crate) fn write_index_layout(folder: &Path, images: &[Image], name: &str) -> Result<Vec<u8>> {
    for image in images {
        write_blobs(folder, &image.pieces())?;
    }
    let index = index(images);
    write_blobs(folder, &[&index])?;
    let mut entry = descriptor(OCI_INDEX, &index);
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    write_layout_index(folder, &json!([entry]))?;
    Ok(index)
}

fn write_layout_index(folder: &Path, manifests: &Value) -> Result<()> {
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    let top = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    fs::write(folder.join("index.json"), top.to_string())?;
    Ok(())
}

fn write_blobs(folder: &Path, blobs: &[&[u8]]) -> Result<()> {
    let place = folder.join("blobs/sha256");
    fs::create_dir_all(&place)?;
    for blob in blobs {
        fs::write(place.join(hex::encode(Sha256::digest(blob))), blob)?;
    }
    Ok(())
}

/// A tar archive with one file (POSIX ustar).
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let fields: [(usize, String); 8] = [
        (0, name.to_owned()),
        (100, "0000644".to_owned()),
        (108, "0000000".to_owned()),
        (116, "0000000".to_owned()),
        (124, format!("{:011o}", content.len())),
        (136, "00000000000".to_owned()),
        (148, "        0".to_owned()),
        (257, "ustar\u{0}00".to_owned()),
    ];
    for (at, text) in fields {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\u{0} ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(content);
    let padding = content.len().next_multiple_of(512) - content.len();
    archive.resize(archive.len() + padding + 1_024, 0);
    archive
}

/// The bytes as a gzip file of stored blocks (RFC 1951 §3.2.4, RFC 1952).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        file.push(u8::from(blocks.peek().is_none()));
        let [low, high, ..] = block.len().to_le_bytes();
        file.extend([low, high, !low, !high]);
        file.extend_from_slice(block);
    }
    file.extend(crc32(bytes).to_le_bytes());
    let [first, second, third, fourth, ..] = bytes.len().to_le_bytes();
    file.extend([first, second, third, fourth]);
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| {
        if sum & 1 == 1 {
            0xedb8_8320 ^ (sum >> 1)
        } else {
            sum >> 1
        }
    };
    let fold = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !bytes.iter().fold(u32::MAX, fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_means_the_same_image() {
        assert_eq!(Image::oci("a").digest(), Image::oci("a").digest());
        assert_ne!(Image::oci("a").digest(), Image::oci("b").digest());
        assert_ne!(Image::oci("a").digest(), Image::docker("a").digest());
    }

    #[test]
    fn the_checksum_is_that_of_gzip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn an_archive_is_whole_blocks() {
        for length in [0, 1, 511, 512, 513] {
            assert_eq!(tar("x", &noise("x", length)).len() % 512, 0);
        }
    }
}
