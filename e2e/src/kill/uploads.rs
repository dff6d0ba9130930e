//! What clients do with layers: find, mount, upload in one request, in chunks or in parts.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::caller::{Step, problem};
use super::client::Client;
use super::model::{Ending, Manner, Upload};
use super::pool::content_part;
use crate::api::{location_path, with_query};
use crate::wire::Answer;

impl Client {
    /// Sees to it that every blob of an image is in the repository: until when that is promised, or `None` if an
    /// upload was lost to its lifetime.
    pub(super) fn provide(
        &mut self,
        repository: usize,
        image: usize,
        manner: Manner,
    ) -> Step<Option<Instant>> {
        let mut until: Option<Instant> = None;
        for blob in self.pool.images[image].blobs.clone() {
            let promised = match manner {
                Manner::Chunks => self.provide_blob(repository, blob)?,
                Manner::Parts => self.provide_layer(repository, blob)?,
            };
            let Some(promised) = promised else {
                return Ok(None);
            };
            until = Some(until.map_or(promised, |until| until.min(promised)));
        }
        Ok(until)
    }

    fn provide_blob(&mut self, repository: usize, blob: usize) -> Step<Option<Instant>> {
        let asked = Instant::now();
        let digest = self.pool.blobs[blob].digest.clone();
        let name = self.name(repository);
        let target = format!("/v2/{name}/blobs/{digest}");
        let request = self.caller.registry("HEAD", &target);
        if self.expect(&request, &[200, 404])?.status == 200 {
            return Ok(Some(asked + self.spans.grace / 2));
        }
        match self.random.below(10) {
            0..4 => self.mount(repository, blob),
            4..6 => self.upload_at_once(repository, blob),
            _ => {
                let upload = self.begin(repository, blob, Manner::Chunks)?;
                self.finish(upload)
            }
        }
    }

    fn mount(&mut self, repository: usize, blob: usize) -> Step<Option<Instant>> {
        let asked = Instant::now();
        let (name, digest) = (self.name(repository), &self.pool.blobs[blob].digest);
        let source = &self.others[self.random.index(self.others.len())];
        let target = format!("/v2/{name}/blobs/uploads/?mount={digest}&from={source}");
        let answer = self.expect(&self.caller.registry("POST", &target), &[201, 202])?;
        if answer.status == 201 {
            self.tally.add("mount");
            return Ok(Some(asked + self.spans.grace));
        }
        let upload = self.remember(repository, blob, Manner::Chunks, &answer, asked)?;
        self.finish(upload)
    }

    fn upload_at_once(&mut self, repository: usize, blob: usize) -> Step<Option<Instant>> {
        let asked = Instant::now();
        let (name, content) = (self.name(repository), &self.pool.blobs[blob]);
        let target = format!("/v2/{name}/blobs/uploads/?digest={}", content.digest);
        let request = self.caller.registry("POST", &target).body(&content.bytes);
        self.expect(&request, &[201])?;
        self.tally.add("upload in one request");
        Ok(Some(asked + self.spans.grace))
    }

    fn provide_layer(&mut self, repository: usize, blob: usize) -> Step<Option<Instant>> {
        let asked = Instant::now();
        let digest = &self.pool.blobs[blob].digest;
        let input = json!({"repositoryName": self.name(repository), "layerDigests": [digest]});
        let output = self
            .call_or("BatchCheckLayerAvailability", &input, &[])?
            .or_else(problem)?;
        if output["layers"][0]["layerAvailability"] == "AVAILABLE" {
            return Ok(Some(asked + self.spans.grace / 2));
        }
        let upload = self.begin(repository, blob, Manner::Parts)?;
        self.finish(upload)
    }

    /// Begins an upload: its place among those of this client.
    pub(super) fn begin(&mut self, repository: usize, blob: usize, manner: Manner) -> Step<usize> {
        let (asked, name) = (Instant::now(), self.name(repository));
        if manner == Manner::Chunks {
            let request = self
                .caller
                .registry("POST", &format!("/v2/{name}/blobs/uploads/"));
            let answer = self.expect(&request, &[202])?;
            return self.remember(repository, blob, manner, &answer, asked);
        }
        let input = json!({"repositoryName": name});
        let output = self
            .call_or("InitiateLayerUpload", &input, &[])?
            .or_else(problem)?;
        let id = output["uploadId"].as_str().unwrap_or_default();
        let target = format!("/v2/{name}/blobs/uploads/{id}");
        Ok(self.add_upload(repository, blob, manner, (target, id.to_owned()), asked))
    }

    fn remember(
        &mut self,
        repository: usize,
        blob: usize,
        manner: Manner,
        answer: &Answer,
        asked: Instant,
    ) -> Step<usize> {
        let target = location_path(answer).or_else(|error| problem(format!("{error:#}")))?;
        let id = target.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(self.add_upload(repository, blob, manner, (target, id), asked))
    }

    fn add_upload(
        &mut self,
        repository: usize,
        blob: usize,
        manner: Manner,
        (target, id): (String, String),
        asked: Instant,
    ) -> usize {
        self.tally.add("begin an upload");
        self.uploads.push(Upload {
            repository,
            target,
            id,
            manner,
            blob,
            low: 0,
            high: 0,
            cut_at: None,
            ending: None,
            touched: asked,
        });
        self.uploads.len() - 1
    }

    /// Sends what is missing and ends the upload: until when the layer is promised.
    pub(super) fn finish(&mut self, place: usize) -> Step<Option<Instant>> {
        let size = self.pool.blobs[self.uploads[place].blob].bytes.len();
        loop {
            let upload = &self.uploads[place];
            // the last bytes of a chunked upload may come with its end
            let keeps_some = upload.manner == Manner::Chunks && self.random.percent(25);
            if upload.low == size || (keeps_some && upload.low > 0) {
                break;
            }
            if !self.send_some(place)? {
                self.uploads.remove(place);
                return Ok(None);
            }
        }
        self.complete(place)
    }

    /// Sends the next piece. `false` if the upload has ended over its lifetime.
    pub(super) fn send_some(&mut self, place: usize) -> Step<bool> {
        let upload = self.uploads[place].clone();
        let size = self.pool.blobs[upload.blob].bytes.len();
        let rest = size - upload.low;
        let length = match upload.manner {
            Manner::Parts => rest.min(content_part()),
            Manner::Chunks => rest.min(1 + self.random.index(rest.min(700_000))),
        };
        let asked = Instant::now();
        self.uploads[place].high = upload.low + length;
        let is_taken = match upload.manner {
            Manner::Parts => self.send_part(&upload, length)?,
            Manner::Chunks => self.send_chunk(&upload, length)?,
        };
        if is_taken {
            self.uploads[place].stands_at(upload.low + length);
            self.uploads[place].touched = asked;
            return Ok(true);
        }
        self.allow_end(&upload)?;
        Ok(false)
    }

    fn send_part(&mut self, upload: &Upload, length: usize) -> Step<bool> {
        let input = json!({
            "repositoryName": self.name(upload.repository), "uploadId": upload.id,
            "partFirstByte": upload.low, "partLastByte": upload.low + length - 1,
            "layerPartBlob": STANDARD.encode(self.piece(upload, length)),
        });
        let sent = self.call_or("UploadLayerPart", &input, &["UploadNotFoundException"])?;
        self.tally.add("part");
        Ok(sent.is_ok())
    }

    fn send_chunk(&mut self, upload: &Upload, length: usize) -> Step<bool> {
        let request = self.caller.registry("PATCH", &upload.target);
        let request = request.header("content-type", "application/octet-stream");
        // docker streams without saying where; after a cut, only a client that says where is safe
        let streams = upload.cut_at.is_none() && self.random.percent(50);
        let request = if streams {
            let framed = chunked(self.piece(upload, length));
            request.header("transfer-encoding", "chunked").body(&framed)
        } else {
            let range = format!("{}-{}", upload.low, upload.low + length - 1);
            request
                .header("content-range", &range)
                .body(self.piece(upload, length))
        };
        let answer = self.expect(&request, &[202, 404])?;
        self.tally.add("chunk");
        Ok(answer.status == 202)
    }

    pub(super) fn piece(&self, upload: &Upload, length: usize) -> &[u8] {
        &self.pool.blobs[upload.blob].bytes[upload.low..upload.low + length]
    }

    fn complete(&mut self, place: usize) -> Step<Option<Instant>> {
        let asked = Instant::now();
        self.uploads[place].ending = Some(Ending::Complete);
        let upload = self.uploads[place].clone();
        let is_done = match upload.manner {
            Manner::Parts => self.complete_parts(&upload)?,
            Manner::Chunks => self.complete_chunks(&upload)?,
        };
        self.uploads.remove(place);
        if !is_done {
            self.allow_end(&upload)?;
            return Ok(None);
        }
        self.tally.add("complete an upload");
        if self.random.percent(20) {
            self.read_promised(&upload, asked)?;
        }
        Ok(Some(asked + self.spans.grace))
    }

    fn complete_parts(&mut self, upload: &Upload) -> Step<bool> {
        let input = json!({
            "repositoryName": self.name(upload.repository), "uploadId": upload.id,
            "layerDigests": [self.pool.blobs[upload.blob].digest],
        });
        let codes = ["LayerAlreadyExistsException", "UploadNotFoundException"];
        let ended: Result<Value, String> = self.call_or("CompleteLayerUpload", &input, &codes)?;
        Ok(ended.err().is_none_or(|code| code == codes[0]))
    }

    fn complete_chunks(&mut self, upload: &Upload) -> Step<bool> {
        let blob = &self.pool.blobs[upload.blob];
        let target = with_query(&upload.target, &format!("digest={}", blob.digest));
        let mut request = self.caller.registry("PUT", &target);
        let rest = &blob.bytes[upload.low..];
        if upload.cut_at.is_some() && !rest.is_empty() {
            let range = format!("{}-{}", upload.low, blob.bytes.len() - 1);
            request = request.header("content-range", &range);
        }
        let answer = self.expect(&request.body(rest), &[201, 404])?;
        Ok(answer.status == 201)
    }
}

/// The bytes as two chunks of a body whose length is not announced.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(bytes.len() + 64);
    for half in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
        framed.extend(format!("{:x}\r\n", half.len()).into_bytes());
        framed.extend_from_slice(half);
        framed.extend(b"\r\n");
    }
    framed.extend(b"0\r\n\r\n");
    framed
}
