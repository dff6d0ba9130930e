//! Manifests: what is read is one thing, and the same however its JSON is written.
//!
//! Input: the announced media type on the first line, possibly empty; then the manifest.
#![no_main]

use ecru_domain::ImageKind;
use ecru_domain::manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestError, media_type};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (head, bytes) = data.split_at(end);
    let bytes = bytes.get(1..).unwrap_or_default();
    let announced = std::str::from_utf8(head)
        .ok()
        .filter(|text| !text.is_empty());
    match Manifest::parse(bytes, announced) {
        Ok(manifest) => {
            is_one_thing(&manifest);
            is_in_the_document(&manifest, bytes);
        }
        Err(ManifestError::NotAManifest(why)) => {
            assert!(why.len() < 2_000 && !why.chars().any(char::is_control));
        }
        Err(_) => {}
    }
});

fn is_one_thing(manifest: &Manifest) {
    let is_index =
        [media_type::OCI_INDEX, media_type::DOCKER_LIST].contains(&manifest.media_type.as_str());
    assert_eq!(manifest.config.is_none(), is_index);
    assert!(!is_index || manifest.layers.is_empty());
    assert!(is_index || manifest.manifests.is_empty());
    assert!(manifest.kind != ImageKind::Index || is_index);
    let is_artifact = manifest.artifact_type.is_some() || manifest.subject.is_some();
    assert!(!is_artifact || manifest.kind == ImageKind::Artifact);

    let all: Vec<_> = manifest.config.iter().chain(&manifest.layers).collect();
    let required = manifest.required_layers();
    for (index, layer) in required.iter().enumerate() {
        assert!(all.contains(layer) && !layer.is_foreign);
        let others = required.iter().skip(index + 1);
        assert!(others.into_iter().all(|other| other.digest != layer.digest));
    }
    for layer in all.iter().filter(|layer| !layer.is_foreign) {
        assert!(required.iter().any(|one| one.digest == layer.digest));
    }
    let sum = all
        .iter()
        .fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    assert_eq!(manifest.content_size(), sum);
    let types = all.iter().map(|layer| layer.media_type.as_str());
    assert!(
        !types
            .chain(manifest.artifact_type.as_deref())
            .any(|text| text.contains('\0'))
    );
}

/// The document says it too, and says the same when another program writes it.
fn is_in_the_document(manifest: &Manifest, bytes: &[u8]) {
    assert!(bytes.len() <= MAX_MANIFEST_BYTES && std::str::from_utf8(bytes).is_ok());
    // a document may hold numbers and depths in members nobody reads that this reader refuses
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    assert_eq!(document["schemaVersion"].as_f64(), Some(2.0));
    for (name, read) in [
        ("layers", &manifest.layers),
        ("manifests", &manifest.manifests),
    ] {
        let written = document[name].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(read.len(), written.len());
        for (read, written) in read.iter().zip(written) {
            assert_eq!(written["digest"], read.digest.as_str());
            assert_eq!(written["size"].as_u64(), Some(read.size));
            assert_eq!(written["mediaType"], read.media_type.as_str());
        }
    }
    let again = Manifest::parse(document.to_string().as_bytes(), Some(&manifest.media_type));
    assert_eq!(again.as_ref(), Ok(manifest));
}
