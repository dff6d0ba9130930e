//! A client that writes everything down: it sends each request to any of the nodes, and notes what the answer means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::caller::Caller;
use super::super::pool::Pool;
use super::super::random::Random;
use super::deeds::{RepositoryDeed, UploadDeed};
use super::history::{History, LayerDeed, LayerEvent};
use super::order::{Event, Window};
use crate::wire::{Answer, Request};

/// A client.
pub(super) struct Racer {
    /// Its number.
    pub(super) who: usize,
    /// Its ways to the servers.
    pub(super) nodes: Vec<Caller>,
    /// What is pushed.
    pub(super) pool: Arc<Pool>,
    /// Decides what it does.
    pub(super) random: Random,
    /// When the run began.
    pub(super) start: Instant,
    /// `--layer-grace`
    pub(super) grace: Duration,
    /// What it saw.
    pub(super) history: History,
}

/// A request that was sent, and its answer unless there was none that tells what became of it.
pub(super) struct Asked {
    /// When.
    pub(super) window: Window,
    /// The answer.
    pub(super) answer: Option<Answer>,
}

impl Racer {
    /// Another pair of hands of the same client, for two requests at the same time.
    pub(super) fn hand(&mut self) -> Self {
        Self {
            who: self.who,
            nodes: self.nodes.clone(),
            pool: Arc::clone(&self.pool),
            random: self.random.split(),
            start: self.start,
            grace: self.grace,
            history: History::default(),
        }
    }

    /// A `/v2/` request.
    pub(super) fn request(&self, method: &str, target: &str) -> Request {
        self.nodes[0].registry(method, target)
    }

    /// Sends a request to some node.
    pub(super) fn send(&mut self, request: &Request) -> Asked {
        let node = self.random.index(self.nodes.len());
        let begin = self.now();
        let answer = self.nodes[node].send(request).ok();
        self.asked(begin, answer)
    }

    /// Calls an operation of the API on some node.
    pub(super) fn call(&mut self, operation: &str, input: &Value) -> Asked {
        let node = self.random.index(self.nodes.len());
        let begin = self.now();
        let answer = self.nodes[node].call(operation, input).ok();
        self.asked(begin, answer)
    }

    fn asked(&mut self, begin: u64, answer: Option<Answer>) -> Asked {
        let end = answer.is_some().then(|| self.now());
        if end.is_none() {
            self.history.tally.add("no answer");
        }
        Asked {
            window: Window { begin, end },
            answer,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes a change of a repository: what it was meant to do counts if no answer came. `read` tells what an
    /// answer means.
    pub(super) fn changed(
        &mut self,
        repository: &str,
        asked: &Asked,
        meant: RepositoryDeed,
        read: impl FnOnce(&Answer) -> Option<RepositoryDeed>,
    ) -> Option<RepositoryDeed> {
        if asked.answer.is_none() {
            self.note(repository, asked.window, meant);
            return None;
        }
        self.saw(repository, asked, read)
    }

    /// Notes what an answer says about a repository.
    pub(super) fn saw(
        &mut self,
        repository: &str,
        asked: &Asked,
        read: impl FnOnce(&Answer) -> Option<RepositoryDeed>,
    ) -> Option<RepositoryDeed> {
        let answer = asked.answer.as_ref()?;
        let Some(deed) = read(answer) else {
            self.unexpected(repository, answer);
            return None;
        };
        self.history.tally.add(deed.name());
        self.note(repository, asked.window, deed.clone());
        Some(deed)
    }

    fn note(&mut self, repository: &str, window: Window, deed: RepositoryDeed) {
        let who = self.who;
        let event = Event { window, who, deed };
        self.history.of(repository).events.push(event);
    }

    /// Notes what an answer says about a layer.
    pub(super) fn saw_layer(
        &mut self,
        repository: &str,
        asked: &Asked,
        blob: usize,
        deed: LayerDeed,
    ) {
        self.history.tally.add(match deed {
            LayerDeed::Provided => "layer provided",
            LayerDeed::Reported => "layer there",
            LayerDeed::Missed => "layer not there",
        });
        let window = asked.window;
        let event = LayerEvent { blob, window, deed };
        self.history.of(repository).layers.push(event);
    }

    /// Notes what happened to an upload.
    pub(super) fn saw_upload(&mut self, target: &str, window: Window, deed: UploadDeed) {
        self.history.tally.add(match deed {
            UploadDeed::Append(..) => "upload appended",
            UploadDeed::Complete(_) => "upload completed",
            UploadDeed::Cancel => "upload cancelled",
            UploadDeed::Stands(_) => "upload stands",
            UploadDeed::IsGone => "upload gone",
        });
        let who = self.who;
        let events = self.history.uploads.entry(target.to_owned()).or_default();
        events.push(Event { window, who, deed });
    }

    /// Notes an answer that no rule allows.
    pub(super) fn unexpected(&mut self, what: &str, answer: &Answer) {
        let text = format!(
            "client {}: {what}: {} {} at {}",
            self.who,
            answer.status,
            answer.excerpt(),
            self.now()
        );
        self.history.problems.push(text);
    }
}
