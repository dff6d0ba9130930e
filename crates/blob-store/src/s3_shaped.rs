//! Segments in memory under the rules of S3, so that the encryption above is proved to need no more.
//!
//! Objects are written by multipart upload or not at all, never appended to or renamed; every part but
//! the last has at least 5 MiB; an upload completes only if its key is free. Two instances on one
//! [`Bucket`] are two processes on one bucket.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use ecru_ports::blobs::{FoundSegment, ObjectId};
use parking_lot::Mutex;

use crate::segments::{SegmentName, SegmentSink, SegmentSource, SegmentStore};

/// The least that S3 takes as a part that is not the last.
pub(crate) const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// A bucket in memory, shared by all its clones.
#[derive(Clone, Debug, Default)]
pub struct Bucket(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<u64, Upload>,
    uploads_begun: u64,
}

#[derive(Debug)]
struct Upload {
    key: String,
    parts: BTreeMap<u32, Bytes>,
}

impl Bucket {
    fn begin(&self, key: String) -> u64 {
        let mut contents = self.0.lock();
        contents.uploads_begun += 1;
        let id = contents.uploads_begun;
        contents.uploads.insert(
            id,
            Upload {
                key,
                parts: BTreeMap::new(),
            },
        );
        id
    }

    fn upload_part(&self, upload: u64, number: u32, bytes: Bytes) -> io::Result<()> {
        let mut contents = self.0.lock();
        let upload = contents
            .uploads
            .get_mut(&upload)
            .ok_or(io::ErrorKind::NotFound)?;
        upload.parts.insert(number, bytes);
        Ok(())
    }

    fn complete(&self, upload: u64) -> io::Result<()> {
        let mut contents = self.0.lock();
        let Upload { key, parts } = contents
            .uploads
            .remove(&upload)
            .ok_or(io::ErrorKind::NotFound)?;
        let parts: Vec<Bytes> = parts.into_values().collect();
        let all_but_last = parts.split_last().map_or(&[][..], |(_, before)| before);
        if all_but_last.iter().any(|part| part.len() < SMALLEST_PART) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a part is too small",
            ));
        }
        if contents.objects.contains_key(&key) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        contents.objects.insert(key, parts.concat().into());
        Ok(())
    }

    fn abort(&self, upload: u64) {
        self.0.lock().uploads.remove(&upload);
    }

    /// All objects under a prefix, by key.
    pub fn objects(&self, prefix: &str) -> Vec<(String, Bytes)> {
        let contents = self.0.lock();
        let matching = contents
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix));
        matching
            .map(|(key, bytes)| (key.clone(), bytes.clone()))
            .collect()
    }

    /// Puts an object whole, over one that may be there.
    pub fn put(&self, key: &str, bytes: Bytes) {
        self.0.lock().objects.insert(key.to_owned(), bytes);
    }

    /// Deletes an object; one that is not there is no error.
    pub fn delete(&self, key: &str) {
        self.0.lock().objects.remove(key);
    }
}

/// Segments in a [`Bucket`].
#[derive(Debug)]
pub struct S3ShapedMemory {
    bucket: Bucket,
}

impl S3ShapedMemory {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    fn of_object(
        &self,
        object: &ObjectId,
        numbers: &RangeInclusive<u64>,
    ) -> Vec<(SegmentName, Bytes)> {
        let found = self
            .bucket
            .objects(&format!("objects/{}.", object.as_str()));
        let named = found
            .into_iter()
            .filter_map(|(key, bytes)| Some((name(&key)?, bytes)));
        named
            .filter(|(name, _)| numbers.contains(&name.number))
            .collect()
    }
}

impl SegmentStore for S3ShapedMemory {
    type Sink = PartSink;
    type Source = Bytes;

    fn create(&self, name: &SegmentName) -> io::Result<PartSink> {
        let upload = self.bucket.begin(key(name));
        Ok(PartSink {
            bucket: self.bucket.clone(),
            upload,
            parts: 0,
            part: Vec::new(),
        })
    }

    fn open(&self, name: &SegmentName) -> io::Result<Bytes> {
        let contents = self.bucket.0.lock();
        contents
            .objects
            .get(&key(name))
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<()> {
        for (name, _) in self.of_object(object, &numbers) {
            self.bucket.delete(&key(&name));
        }
        Ok(())
    }

    fn quarantine(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<bool> {
        let mut moved = false;
        for (name, bytes) in self.of_object(object, &numbers) {
            // there is no rename: copy, then delete
            self.bucket.put(&format!("quarantine/{name}"), bytes);
            self.bucket.delete(&key(&name));
            moved = true;
        }
        Ok(moved)
    }

    fn list(&self, after: Option<&ObjectId>, limit: usize) -> io::Result<Vec<FoundSegment>> {
        let found = self.bucket.objects("objects/");
        let named = found
            .iter()
            .filter_map(|(key, bytes)| Some((name(key)?, bytes.len() as u64)));
        let mut named: Vec<_> = named
            .filter(|(name, _)| after.is_none_or(|after| name.object > *after))
            .collect();
        named.sort_unstable();
        let mut page: Vec<FoundSegment> = Vec::new();
        for (SegmentName { object, number }, stored_bytes) in named {
            if page.len() >= limit && page.last().is_none_or(|last| last.object != object) {
                break;
            }
            page.push(FoundSegment {
                object,
                number,
                stored_bytes,
            });
        }
        Ok(page)
    }

    fn probe(&self) -> io::Result<()> {
        self.bucket.put("probe", Bytes::from_static(b"probe"));
        self.bucket.delete("probe");
        Ok(())
    }
}

fn key(name: &SegmentName) -> String {
    format!("objects/{name}")
}

fn name(key: &str) -> Option<SegmentName> {
    SegmentName::parse(key.strip_prefix("objects/")?)
}

/// A multipart upload being fed.
pub struct PartSink {
    bucket: Bucket,
    upload: u64,
    parts: u32,
    part: Vec<u8>,
}

impl PartSink {
    fn upload_part(&mut self) -> io::Result<()> {
        self.parts += 1;
        self.bucket.upload_part(
            self.upload,
            self.parts,
            std::mem::take(&mut self.part).into(),
        )
    }
}

impl SegmentSink for PartSink {
    fn append(&mut self, sealed: &[u8]) -> io::Result<()> {
        self.part.extend_from_slice(sealed);
        if self.part.len() >= SMALLEST_PART {
            self.upload_part()
        } else {
            Ok(())
        }
    }

    fn finish(mut self) -> io::Result<()> {
        if !self.part.is_empty() {
            self.upload_part()?;
        }
        self.bucket.complete(self.upload)
    }
}

impl Drop for PartSink {
    fn drop(&mut self) {
        self.bucket.abort(self.upload);
    }
}

impl SegmentSource for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let wanted = start
            .checked_add(out.len())
            .and_then(|end| self.get(start..end));
        out.copy_from_slice(wanted.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn read_resident(&self, offset: u64, out: &mut [u8]) -> io::Result<bool> {
        self.read_at(offset, out).map(|()| true)
    }
}
