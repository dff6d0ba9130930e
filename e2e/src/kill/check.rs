//! What is looked at after each restart: every repository is in a state that acknowledged operations explain, every
//! image is whole, what was deleted is gone, every upload stands where it was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::caller::{Caller, Step, Stop, problem};
use super::client::Client;
use super::images::read_whole;
use super::model::Place;
use super::pool::Pool;
use crate::content::OCI_MANIFEST;

/// Images asked for that must not be there.
const ABSENT_ASKED: usize = 2;

impl Client {
    /// Checks everything that this client knows, and takes what it finds as what is known from now on.
    pub(super) fn check(&mut self) -> Vec<String> {
        match self.check_all() {
            Ok(problems) => problems,
            Err(Stop::Killed) => vec!["no answer".to_owned()],
            Err(Stop::Problem(text)) => vec![text],
        }
    }

    /// The same: the problems, unless an answer was missing.
    pub(super) fn check_all(&mut self) -> Step<Vec<String>> {
        let mut problems = Vec::new();
        for repository in 0..self.repositories.len() {
            note(self.check_repository(repository), &mut problems)?;
        }
        let mut place = 0;
        while let Some(upload) = self.uploads.get(place) {
            let id = upload.id.clone();
            note(self.find_out(place).map(|_| ()), &mut problems)?;
            // an upload that has ended is taken out, and the next is in its place
            if self
                .uploads
                .get(place)
                .is_some_and(|upload| upload.id == id)
            {
                place += 1;
            }
        }
        Ok(problems)
    }

    /// Checks what one repository holds.
    pub(super) fn check_repository(&mut self, repository: usize) -> Step {
        let name = self.name(repository);
        let found = observe(&self.caller, &self.pool, &name)?;
        let (is_explained, expected) = {
            let known = &mut self.repositories[repository];
            let explained = (known.explains(&found), known.expected());
            known.is(found.clone());
            explained
        };
        if !is_explained {
            return problem(format!("{name} is {found:?}, explained are {expected}"));
        }
        for (tag, &image) in &found.tags {
            self.check_tag(&name, tag, image)?;
        }
        for &image in &found.images {
            read_whole(&self.caller, &self.pool, &name, image)?;
            self.tally.add("checked: image whole");
        }
        self.check_absent(&name, &found)?;
        self.tally.add("checked: repository explained");
        Ok(())
    }

    fn check_tag(&mut self, name: &str, tag: &str, image: usize) -> Step {
        let target = format!("/v2/{name}/manifests/{tag}");
        let request = self
            .caller
            .registry("HEAD", &target)
            .header("accept", OCI_MANIFEST);
        let answer = self.expect(&request, &[200])?;
        let digest = answer.header("docker-content-digest");
        if digest == Some(self.pool.images[image].digest.as_str()) {
            return Ok(());
        }
        problem(format!("{target} answers {digest:?}"))
    }

    fn check_absent(&mut self, name: &str, found: &Place) -> Step {
        for _ in 0..ABSENT_ASKED {
            let image = self.random.index(self.pool.images.len());
            if found.images.contains(&image) {
                continue;
            }
            let digest = &self.pool.images[image].digest;
            let target = format!("/v2/{name}/manifests/{digest}");
            self.expect(&self.caller.registry("GET", &target), &[404])?;
            self.tally.add("checked: absent image");
        }
        Ok(())
    }
}

fn note(checked: Step, problems: &mut Vec<String>) -> Step {
    match checked {
        Err(Stop::Problem(text)) => problems.push(text),
        other => return other,
    }
    Ok(())
}

/// What a repository holds, as the API lists it.
fn observe(caller: &Caller, pool: &Pool, name: &str) -> Step<Place> {
    let input = json!({"repositoryName": name, "maxResults": 1000});
    let Ok(output) = caller.call_or("ListImages", &input, &["RepositoryNotFoundException"])? else {
        return Ok(Place::default());
    };
    let (mut tags, mut images) = (BTreeMap::new(), BTreeSet::new());
    for listed in output["imageIds"].as_array().into_iter().flatten() {
        let digest = listed["imageDigest"].as_str().unwrap_or_default();
        let Some(image) = pool.image_of(digest) else {
            return problem(format!("{name} lists {listed}, which was never pushed"));
        };
        images.insert(image);
        if let Some(tag) = listed["imageTag"].as_str() {
            tags.insert(tag.to_owned(), image);
        }
    }
    Ok(Place {
        exists: true,
        tags,
        images,
    })
}
