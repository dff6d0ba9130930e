//! What racing clients do with layers: look, mount, upload, read; and duels of two requests over one upload.

use std::thread;

use serde_json::json;

use super::deeds::{RepositoryDeed, UploadDeed};
use super::history::LayerDeed;
use super::racer::{Asked, Racer};
use crate::api::{location_path, with_query};
use crate::wire::Answer;

/// Where uploads are fought over; it is never deleted.
pub(super) const UPLOADS: &str = "races/uploads";
/// Blobs of the pool that are fought over: from 1 on.
const BLOBS: usize = 8;

/// One of the requests of a duel.
#[derive(Clone, Copy)]
enum Blow {
    /// The rest of the bytes, in a chunk.
    Append,
    /// The end, with the rest of the bytes.
    Complete,
    /// The end through the API, which brings no bytes.
    CompleteByApi,
    /// Another end.
    Cancel,
}

/// An upload that is fought over.
struct Contested {
    target: String,
    blob: usize,
    /// How many bytes it held before.
    held: usize,
}

impl Racer {
    /// Sees to it that a layer is in a repository; if so it is promised. `source` is where to mount it from.
    pub(super) fn provide(&mut self, repository: &str, blob: usize, source: Option<&str>) -> bool {
        if self.is_there(repository, blob) {
            return true;
        }
        match source {
            Some(source) if self.random.percent(50) => self.mount(repository, blob, source),
            _ => self.upload(repository, blob),
        }
    }

    /// Asks through either API whether a layer is there.
    fn is_there(&mut self, repository: &str, blob: usize) -> bool {
        let digest = self.pool.blobs[blob].digest.clone();
        let by_api = self.random.percent(40);
        let asked = if by_api {
            let input = json!({"repositoryName": repository, "layerDigests": [digest]});
            self.call("BatchCheckLayerAvailability", &input)
        } else {
            self.send(&self.request("HEAD", &format!("/v2/{repository}/blobs/{digest}")))
        };
        let Some(answer) = &asked.answer else {
            return false;
        };
        let is_there = match answer.status {
            200 if by_api => answer.json()["layers"][0]["layerAvailability"] == "AVAILABLE",
            200 => true,
            404 => false,
            _ if answer.code() == "RepositoryNotFoundException" => false,
            _ => {
                self.unexpected(repository, answer);
                return false;
            }
        };
        let deed = if is_there {
            LayerDeed::Reported
        } else {
            LayerDeed::Missed
        };
        self.saw_layer(repository, &asked, blob, deed);
        is_there
    }

    fn mount(&mut self, repository: &str, blob: usize, source: &str) -> bool {
        let digest = &self.pool.blobs[blob].digest;
        let target = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={source}");
        let asked = self.send(&self.request("POST", &target));
        let begun = asked.answer.as_ref().filter(|answer| answer.status == 202);
        let Some(target) = begun.and_then(|answer| location_path(answer).ok()) else {
            let is_mounted = self.saw_provided(repository, &asked, blob);
            if is_mounted {
                self.history.tally.add("layer mounted");
            }
            return is_mounted;
        };
        let cancelled = self.send(&self.request("DELETE", &target));
        if let Some(answer) = cancelled
            .answer
            .filter(|answer| ![204, 404].contains(&answer.status))
        {
            self.unexpected(&target, &answer);
        }
        self.upload(repository, blob)
    }

    /// Uploads a layer in one request.
    pub(super) fn upload(&mut self, repository: &str, blob: usize) -> bool {
        let content = &self.pool.blobs[blob];
        let target = format!("/v2/{repository}/blobs/uploads/?digest={}", content.digest);
        let request = self.request("POST", &target).body(&content.bytes);
        let asked = self.send(&request);
        self.saw_provided(repository, &asked, blob)
    }

    fn saw_provided(&mut self, repository: &str, asked: &Asked, blob: usize) -> bool {
        match &asked.answer {
            None => false,
            Some(answer) if answer.status == 201 => {
                self.saw_layer(repository, asked, blob, LayerDeed::Provided);
                true
            }
            Some(_) => {
                self.saw(repository, asked, |answer| {
                    (answer.code() == "NAME_UNKNOWN").then_some(RepositoryDeed::IsGone)
                });
                false
            }
        }
    }

    /// Reads a layer and compares every byte.
    pub(super) fn read_layer(&mut self, repository: &str, blob: usize) {
        let digest = &self.pool.blobs[blob].digest;
        let target = format!("/v2/{repository}/blobs/{digest}");
        let asked = self.send(&self.request("GET", &target));
        let Some(answer) = &asked.answer else { return };
        match answer.status {
            200 if answer.body == self.pool.blobs[blob].bytes => {
                self.saw_layer(repository, &asked, blob, LayerDeed::Reported);
            }
            200 => {
                let text = format!("{target}: other bytes than were pushed");
                self.history.problems.push(text);
            }
            404 => self.saw_layer(repository, &asked, blob, LayerDeed::Missed),
            _ => self.unexpected(&target, answer),
        }
    }

    /// Begins an upload, lets two requests fight over it, and looks at what is left.
    pub(super) fn duel(&mut self) {
        use Blow::{Append, Cancel, Complete, CompleteByApi};
        let blob = 1 + self.random.index(BLOBS);
        let Some(mut contested) = self.begin(blob) else {
            return;
        };
        let size = self.pool.blobs[blob].bytes.len();
        if !self.append(&mut contested, size / 2) {
            return;
        }
        let mut blows = match self.random.below(6) {
            0 => [Complete, Cancel],
            1 => [Complete, Complete],
            2 => [Append, Append],
            3 => [Append, Complete],
            4 => [Append, Cancel],
            _ => {
                if !self.append(&mut contested, size) {
                    return;
                }
                [
                    CompleteByApi,
                    [Cancel, Complete, CompleteByApi][self.random.index(3)],
                ]
            }
        };
        if self.random.percent(50) {
            blows.reverse();
        }
        self.strike(&contested, blows);
        self.look_after(&contested);
    }

    fn begin(&mut self, blob: usize) -> Option<Contested> {
        let target = format!("/v2/{UPLOADS}/blobs/uploads/");
        let asked = self.send(&self.request("POST", &target));
        let answer = asked.answer?;
        let Ok(target) = location_path(&answer) else {
            self.unexpected(&target, &answer);
            return None;
        };
        self.saw_upload(&target, asked.window, UploadDeed::Stands(0));
        Some(Contested {
            target,
            blob,
            held: 0,
        })
    }

    fn append(&mut self, contested: &mut Contested, to: usize) -> bool {
        let is_taken = self.send_chunk(contested, to);
        contested.held = to;
        is_taken
    }

    fn strike(&mut self, contested: &Contested, blows: [Blow; 2]) {
        let mut hands = blows.map(|blow| (self.hand(), blow));
        thread::scope(|scope| {
            for (hand, blow) in &mut hands {
                scope.spawn(|| hand.blow(contested, *blow));
            }
        });
        for (hand, _) in hands {
            self.history.merge(hand.history);
        }
    }

    fn blow(&mut self, contested: &Contested, blow: Blow) {
        match blow {
            Blow::Append => {
                let size = self.pool.blobs[contested.blob].bytes.len();
                self.send_chunk(contested, size);
            }
            Blow::Complete => self.complete(contested),
            Blow::CompleteByApi => self.complete_by_api(contested),
            Blow::Cancel => self.cancel(contested),
        }
    }

    /// Adds the bytes from those that it held to `to`.
    fn send_chunk(&mut self, contested: &Contested, to: usize) -> bool {
        let piece = &self.pool.blobs[contested.blob].bytes[contested.held..to];
        let request = self.request("PATCH", &contested.target).body(piece);
        let range = format!("{}-{}", contested.held, to - 1);
        let asked = self.send(&request.header("content-range", &range));
        let done = UploadDeed::Append(contested.held, to);
        self.saw_end_of(contested, &asked, done, |answer| match answer.status {
            202 => Some(true),
            // another request was first
            416 => Some(false),
            _ => None,
        })
    }

    fn complete(&mut self, contested: &Contested) {
        let content = &self.pool.blobs[contested.blob];
        let target = with_query(&contested.target, &format!("digest={}", content.digest));
        let piece = &content.bytes[contested.held..];
        let request = self.request("PUT", &target).body(piece);
        let asked = self.send(&request);
        let done = UploadDeed::Complete(contested.held);
        let is_done = self.saw_end_of(contested, &asked, done, |answer| match answer.status {
            201 => Some(true),
            // bytes of another request came between, or it ended: a completion that lost says either
            400 if answer.code() == "DIGEST_INVALID" => Some(false),
            404 | 416 => Some(false),
            _ => None,
        });
        if is_done {
            self.saw_layer(UPLOADS, &asked, contested.blob, LayerDeed::Provided);
        }
    }

    fn complete_by_api(&mut self, contested: &Contested) {
        let id = contested.target.rsplit('/').next().unwrap_or_default();
        let digest = &self.pool.blobs[contested.blob].digest;
        let input = json!({"repositoryName": UPLOADS, "uploadId": id, "layerDigests": [digest]});
        let asked = self.call("CompleteLayerUpload", &input);
        let done = UploadDeed::Complete(contested.held);
        let is_done = self.saw_end_of(contested, &asked, done, |answer| {
            // the upload ends, too, if the repository has the layer already
            let ended = answer.status == 200 || answer.code() == "LayerAlreadyExistsException";
            ended.then_some(true)
        });
        if is_done {
            self.saw_layer(UPLOADS, &asked, contested.blob, LayerDeed::Provided);
        }
    }

    fn cancel(&mut self, contested: &Contested) {
        let asked = self.send(&self.request("DELETE", &contested.target));
        self.saw_end_of(contested, &asked, UploadDeed::Cancel, |answer| {
            (answer.status == 204).then_some(true)
        });
    }

    /// Notes what became of a request to an upload. `is_done` tells whether it did what it was meant to.
    fn saw_end_of(
        &mut self,
        contested: &Contested,
        asked: &Asked,
        done: UploadDeed,
        is_done: impl FnOnce(&Answer) -> Option<bool>,
    ) -> bool {
        let target = &contested.target;
        let Some(answer) = &asked.answer else {
            self.saw_upload(target, asked.window, done);
            return false;
        };
        let is_gone = answer.status == 404 || answer.code() == "UploadNotFoundException";
        match is_done(answer) {
            Some(true) => self.saw_upload(target, asked.window, done),
            Some(false) => return false,
            None if is_gone => {
                self.saw_upload(target, asked.window, UploadDeed::IsGone);
                return false;
            }
            None => {
                self.unexpected(target, answer);
                return false;
            }
        }
        true
    }

    /// Where the upload stands, and whether its layer is there if it was completed; then it is cancelled.
    fn look_after(&mut self, contested: &Contested) {
        let asked = self.send(&self.request("GET", &contested.target));
        let Some(answer) = &asked.answer else { return };
        let stage = match (answer.status, answer.header("range")) {
            (404, _) => UploadDeed::IsGone,
            (204, Some(range)) => UploadDeed::Stands(held(range)),
            _ => return self.unexpected(&contested.target, answer),
        };
        self.saw_upload(&contested.target, asked.window, stage);
        self.read_layer(UPLOADS, contested.blob);
        self.cancel(contested);
    }
}

/// How many bytes a `Range` header says an upload holds: `0-0` stands for none.
fn held(range: &str) -> usize {
    let last = range.rsplit('-').next().and_then(|last| last.parse().ok());
    last.filter(|&last: &usize| last > 0)
        .map_or(0, |last| last + 1)
}
