//! Uploads that are left in the middle, with or without a cut, and what they must be found as: where they were
//! acknowledged, or rightly ended.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::caller::{Step, Stop, problem};
use super::client::Client;
use super::images::read_blob;
use super::model::{Ending, Manner, Upload};
use crate::wire::connect;

/// After this time the server has noticed that a connection is gone, and has ended its request.
const SETTLED: Duration = Duration::from_secs(3);

impl Client {
    /// An upload may be gone once nothing came for its lifetime.
    pub(super) fn allow_end(&mut self, upload: &Upload) -> Step {
        if Self::is_past(upload.touched, self.spans.lifetime) {
            self.tally.add("checked: upload expired");
            return Ok(());
        }
        problem(format!("{} is gone before its time", upload.target))
    }

    /// Begins an upload, sends a piece or two, perhaps cuts the last one, and leaves it.
    pub(super) fn begin_and_leave(&mut self, repository: usize) -> Step {
        let blob = self.random.index(self.pool.blobs.len());
        let manner = if self.random.percent(30) {
            Manner::Parts
        } else {
            Manner::Chunks
        };
        let place = self.begin(repository, blob, manner)?;
        for _ in 0..self.random.below(3) {
            if self.uploads[place].low < self.pool.blobs[blob].bytes.len() {
                self.send_some(place)?;
            }
        }
        if manner == Manner::Chunks && self.random.percent(30) {
            self.cut_one(place)?;
        }
        Ok(())
    }

    /// Sends half a chunk and closes the connection.
    fn cut_one(&mut self, place: usize) -> Step {
        let upload = self.uploads[place].clone();
        let rest = self.pool.blobs[upload.blob].bytes.len() - upload.low;
        // half of it is two bytes at least: of one, the range "0-0" would not tell whether it came
        if rest < 4 {
            return Ok(());
        }
        let mut request = self.caller.registry("PATCH", &upload.target);
        request = request.header("content-length", &rest.to_string());
        if self.random.percent(50) {
            let range = format!("{}-{}", upload.low, upload.low + rest - 1);
            request = request.header("content-range", &range);
        }
        self.uploads[place].high = upload.low + rest / 2;
        self.uploads[place].cut_at = Some(Instant::now());
        let sent = connect(self.caller.port).and_then(|mut stream| {
            stream.write_all(&request.head(self.caller.port))?;
            Ok(stream.write_all(self.piece(&upload, rest / 2))?)
        });
        sent.map_err(|_| Stop::Killed)?;
        self.tally.add("chunk cut by the client");
        Ok(())
    }

    /// Goes on with an upload that was left, where the server says it stands, and ends it.
    pub(super) fn go_on_with_one(&mut self) -> Step {
        if self.uploads.is_empty() {
            return Ok(());
        }
        let place = self.random.index(self.uploads.len());
        let is_settled = |cut_at: Instant| cut_at.elapsed() > SETTLED;
        if !self.uploads[place].cut_at.is_none_or(is_settled) || !self.find_out(place)? {
            return Ok(());
        }
        self.finish(place)?;
        self.tally.add("go on with an upload");
        Ok(())
    }

    /// Asks how far an upload is and checks it. `false` if it has rightly ended.
    pub(super) fn find_out(&mut self, place: usize) -> Step<bool> {
        let upload = self.uploads[place].clone();
        let request = self.caller.registry("GET", &upload.target);
        let answer = self.expect(&request, &[204, 404])?;
        if answer.status == 404 {
            self.uploads.remove(place);
            return self.check_ended(&upload).map(|()| false);
        }
        let last = answer
            .header("range")
            .and_then(|range| range.rsplit('-').next());
        let last: usize = last
            .and_then(|text| text.parse().ok())
            .unwrap_or(usize::MAX);
        // "0-0" stands for nothing, too
        let received = if last == 0 {
            upload.low.min(1)
        } else {
            last.wrapping_add(1)
        };
        if !upload.explains(received) {
            let (low, high, target) = (upload.low, upload.high, &upload.target);
            return problem(format!(
                "{target} holds {received} bytes, not {low} or {high}"
            ));
        }
        self.uploads[place].stands_at(received);
        self.tally.add("checked: upload stands where it was");
        Ok(true)
    }

    /// Reads the layer that an upload became, which is promised for half the grace.
    pub(super) fn read_promised(&mut self, upload: &Upload, since: Instant) -> Step {
        let name = self.name(upload.repository);
        match read_blob(&self.caller, &self.pool, &name, upload.blob) {
            // the answer came late
            Err(Stop::Problem(_)) if Self::is_past(since, self.spans.grace / 2) => Ok(()),
            outcome => outcome,
        }
    }

    fn check_ended(&mut self, upload: &Upload) -> Step {
        match upload.ending {
            Some(Ending::Complete) if !Self::is_past(upload.touched, self.spans.grace / 2) => {
                self.tally.add("checked: upload ended as a layer");
                self.read_promised(upload, upload.touched)
            }
            // a layer may have been collected meanwhile
            Some(Ending::Complete | Ending::Forget) => Ok(()),
            None => self.allow_end(upload),
        }
    }

    /// Ends an upload without a layer.
    pub(super) fn cancel_one(&mut self) -> Step {
        if self.uploads.is_empty() {
            return Ok(());
        }
        let place = self.random.index(self.uploads.len());
        self.uploads[place].ending = Some(Ending::Forget);
        let upload = self.uploads[place].clone();
        let request = self.caller.registry("DELETE", &upload.target);
        let answer = self.expect(&request, &[204, 404])?;
        self.uploads.remove(place);
        if answer.status == 404 {
            return self.allow_end(&upload);
        }
        self.tally.add("cancel an upload");
        Ok(())
    }
}
