//! A client: it has repositories of its own, does one thing after another, and remembers what was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::caller::{Caller, Step, Stop, problem};
use super::model::{Ending, Place, Repository, Upload};
use super::pool::Pool;
use super::random::Random;
use crate::wire::{Answer, Request};

/// Repositories of one client.
pub(super) const REPOSITORIES: usize = 2;
/// Beyond, a client deletes before it pushes.
const MANY_IMAGES: usize = 7;

/// What the server was told, as far as promises depend on it.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    /// `--layer-grace`
    pub(super) grace: Duration,
    /// `--upload-lifetime`
    pub(super) lifetime: Duration,
}

/// How often each kind of operation was acknowledged, and each kind of check was made.
#[derive(Clone, Default)]
pub(super) struct Tally(pub(super) BTreeMap<String, u64>);

impl Tally {
    /// One more.
    pub(super) fn add(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    /// All of another.
    pub(super) fn merge(&mut self, other: Self) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

/// One client.
pub(super) struct Client {
    /// Its number.
    pub(super) number: usize,
    /// Its way to the server.
    pub(super) caller: Caller,
    /// What is pushed.
    pub(super) pool: Arc<Pool>,
    /// Times that the server promises.
    pub(super) spans: Spans,
    /// Decides what it does.
    pub(super) random: Random,
    /// What it knows of its repositories.
    pub(super) repositories: Vec<Repository>,
    /// What it knows of its uploads.
    pub(super) uploads: Vec<Upload>,
    /// Repositories of other clients, to mount from.
    pub(super) others: Vec<String>,
    /// What was acknowledged.
    pub(super) tally: Tally,
    /// What was known when each request was sent, if that is wanted.
    pub(super) history: Option<Vec<Known>>,
}

/// What a client knew when it sent a request.
#[derive(Clone)]
pub(super) struct Known {
    /// How many requests were sent before.
    pub(super) answers: usize,
    /// What it knew of its repositories, that request included.
    pub(super) repositories: Vec<Repository>,
    /// What it knew of its uploads.
    pub(super) uploads: Vec<Upload>,
}

impl Client {
    /// Does one thing after another until the server is killed, or something is wrong.
    pub(super) fn work(&mut self) -> Option<String> {
        loop {
            match self.act() {
                Ok(()) => {}
                Err(Stop::Killed) => return None,
                Err(Stop::Problem(text)) => return Some(format!("client {}: {text}", self.number)),
            }
        }
    }

    fn act(&mut self) -> Step {
        let repository = self.random.index(REPOSITORIES);
        if !self.repositories[repository].place().exists {
            return self.create(repository);
        }
        let is_crowded = self.repositories[repository].place().images.len() > MANY_IMAGES;
        let first = if is_crowded { 50 } else { 0 };
        match first + self.random.below(100 - first) {
            0..22 => self.push(repository),
            22..38 => self.push_by_api(repository),
            38..44 => self.begin_and_leave(repository),
            44..54 => self.go_on_with_one(),
            54..57 => self.cancel_one(),
            57..66 => self.retag(repository),
            66..72 => self.delete_tagged(repository),
            72..79 => self.delete_image(repository),
            79..83 => self.delete_several(repository),
            83..88 => self.untag(repository),
            88..98 => self.pull(repository),
            _ => self.delete_repository(repository),
        }
    }

    /// One of the images that the repository holds.
    pub(super) fn some_image(&mut self, repository: usize) -> Option<usize> {
        let images: Vec<usize> = self.repositories[repository]
            .place()
            .images
            .iter()
            .copied()
            .collect();
        (!images.is_empty()).then(|| images[self.random.index(images.len())])
    }

    /// One of its tags.
    pub(super) fn some_tag(&mut self, repository: usize) -> Option<String> {
        let tags: Vec<&String> = self.repositories[repository].place().tags.keys().collect();
        let count = tags.len();
        (count > 0).then(|| tags[self.random.index(count)].clone())
    }

    /// A tag to push to.
    pub(super) fn any_tag(&mut self) -> String {
        format!("v{}", self.random.below(6))
    }

    pub(super) fn name(&self, repository: usize) -> String {
        self.repositories[repository].name.clone()
    }

    /// Sends a request and requires one of these statuses.
    pub(super) fn expect(&mut self, request: &Request, statuses: &[u16]) -> Step<Answer> {
        self.remember_known();
        self.caller.expect(request, statuses)
    }

    /// Calls an operation of the API and requires success or one of these error codes, which it returns.
    pub(super) fn call_or(
        &mut self,
        operation: &str,
        input: &Value,
        codes: &[&str],
    ) -> Step<Result<Value, String>> {
        self.remember_known();
        self.caller.call_or(operation, input, codes)
    }

    fn remember_known(&mut self) {
        if let Some(history) = &mut self.history {
            history.push(Known {
                answers: self.caller.sent.load(Ordering::SeqCst),
                repositories: self.repositories.clone(),
                uploads: self.uploads.clone(),
            });
        }
    }

    pub(super) fn create(&mut self, repository: usize) -> Step {
        let input = json!({"repositoryName": self.name(repository)});
        self.repositories[repository].may_become([Place::empty()]);
        self.call_or("CreateRepository", &input, &[])?
            .or_else(problem)?;
        self.repositories[repository].is(Place::empty());
        self.tally.add("create repository");
        Ok(())
    }

    pub(super) fn delete_repository(&mut self, repository: usize) -> Step {
        let input = json!({"repositoryName": self.name(repository), "force": true});
        self.repositories[repository].may_become([Place::default()]);
        for upload in &mut self.uploads {
            if upload.repository == repository {
                upload.ending = Some(Ending::Forget);
            }
        }
        self.call_or("DeleteRepository", &input, &[])?
            .or_else(problem)?;
        self.uploads
            .retain(|upload| upload.repository != repository);
        self.repositories[repository].is(Place::default());
        self.tally.add("delete repository");
        self.create(repository)
    }

    /// Deletes what it has: images one by one in the first repository, the others whole.
    pub(super) fn leave_nothing(&mut self) -> Step {
        while !self.uploads.is_empty() {
            self.cancel_one()?;
        }
        for repository in 0..REPOSITORIES {
            while repository == 0 && !self.repositories[0].place().images.is_empty() {
                self.delete_several(0)?;
            }
            if self.repositories[repository].place().exists {
                self.delete_repository(repository)?;
            }
        }
        Ok(())
    }

    /// Whether something acknowledged at `since` may be gone after `span`: clocks are read at both ends.
    pub(super) fn is_past(since: Instant, span: Duration) -> bool {
        since.elapsed() + Duration::from_millis(50) > span
    }
}
