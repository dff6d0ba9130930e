//! What a store that is kept between runs remembers: how far it is filled, and what was measured.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::growth::layout::Layout;
use crate::growth::sheet::Figure;

const FILE: &str = "growth.json";

/// The state of a store.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    images: u64,
    repositories: u64,
    /// Images stored, at least.
    pub(super) stored: u64,
    /// Figures by the number of images that were stored then.
    pub(super) measured: BTreeMap<u64, Vec<Figure>>,
}

impl Record {
    /// Reads the record in a directory, or begins one.
    ///
    /// # Errors
    /// The record cannot be read, or is of a store with another layout.
    pub(super) fn open(home: &Path, layout: &Layout) -> anyhow::Result<Self> {
        let path = home.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self {
                    images: layout.images(),
                    repositories: layout.repositories(),
                    ..Self::default()
                });
            }
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let record: Self =
            serde_json::from_slice(&text).context("parse the record of the store")?;
        let same = (record.images, record.repositories) == (layout.images(), layout.repositories());
        ensure!(same, "the store there has another layout");
        Ok(record)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn save(&self, home: &Path) -> anyhow::Result<()> {
        let path = home.join(FILE);
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_taken_up_by_the_same_layout_alone() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(100, 10).unwrap();
        let mut record = Record::open(home.path(), &layout).unwrap();
        record.stored = 7;
        record.save(home.path()).unwrap();
        assert_eq!(Record::open(home.path(), &layout).unwrap().stored, 7);
        let other = Layout::new(100, 20).unwrap();
        assert!(Record::open(home.path(), &other).is_err());
    }
}
