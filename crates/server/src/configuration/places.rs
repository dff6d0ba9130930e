//! Where things are kept, as the settings have it: rows, objects, keys, audit files.

use std::path::{Path, PathBuf};

use super::arguments::StoreArgs;
use super::meaning::{AuditPlace, MetadataPlace, SettingError, invalid};
use super::secret_url::SecretUrl;

/// The largest audit file, in MiB.
const MOST_AUDIT_MEBIBYTES: u32 = 4_096;

/// `<data>.keys`
pub(super) fn beside(data: &Path) -> Result<PathBuf, SettingError> {
    match data.file_name() {
        Some(name) => {
            let mut name = name.to_owned();
            name.push(".keys");
            Ok(data.with_file_name(name))
        }
        None => Err(SettingError::Together(format!(
            "keys: {} has no name to put the keys beside, set keys",
            data.display()
        ))),
    }
}

pub(super) fn is_within(inner: &Path, outer: &Path) -> Result<bool, SettingError> {
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| invalid("data", error.to_string()));
    Ok(absolute(inner)?.starts_with(absolute(outer)?))
}

pub(super) fn metadata_place(url: &SecretUrl, data: &Path) -> Result<MetadataPlace, SettingError> {
    match url.scheme() {
        "" if url.expose() == "sqlite" => Ok(MetadataPlace::Sqlite(data.join("metadata.sqlite"))),
        "postgres" | "postgresql" => Ok(MetadataPlace::Postgres(url.clone())),
        _ => Err(invalid("metadata", "neither sqlite nor postgres://…")),
    }
}

pub(super) fn blobs_directory(blobs: Option<&Path>, data: &Path) -> Result<PathBuf, SettingError> {
    match blobs {
        None => Ok(data.join("blobs")),
        Some(path) if path.to_string_lossy().contains("://") => Err(invalid(
            "blobs",
            "objects are kept in a directory; buckets are not supported yet",
        )),
        Some(path) => Ok(path.to_owned()),
    }
}

pub(super) fn audit_place(args: &StoreArgs, data: &Path) -> Result<AuditPlace, SettingError> {
    let mebibytes = args.audit_file_size;
    if mebibytes == 0 || mebibytes > MOST_AUDIT_MEBIBYTES {
        let reason = format!("{mebibytes} is not between 1 and {MOST_AUDIT_MEBIBYTES}");
        return Err(invalid("audit-file-size", reason));
    }
    Ok(AuditPlace {
        directory: args.audit_dir.clone().unwrap_or_else(|| data.join("audit")),
        max_file_bytes: u64::from(mebibytes) * 1_024 * 1_024,
    })
}
