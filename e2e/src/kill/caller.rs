//! One client's way to the server: requests whose answers are either acknowledgements, refusals, or missing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::{ECR_TARGET, authenticated};
use crate::server::REGION;
use crate::signing::{self, AccessKey, Scope};
use crate::wire::{Answer, Request};

/// Why a client stops for this cycle.
#[derive(Debug)]
pub(super) enum Stop {
    /// The server was killed or troubled: no answer came, or none that tells what became of the request.
    Killed,
    /// Something is not as it must be.
    Problem(String),
}

/// What a step of a client returns.
pub(super) type Step<T = ()> = Result<T, Stop>;

/// A problem, in words.
pub(super) fn problem<T>(text: impl Into<String>) -> Step<T> {
    Err(Stop::Problem(text.into()))
}

/// Sends requests with the credentials of the run.
#[derive(Clone)]
pub(super) struct Caller {
    /// Loopback port of the server.
    pub(super) port: u16,
    /// Root access key.
    pub(super) key: AccessKey,
    /// Registry password. Taken once: it must survive every kill.
    pub(super) password: String,
    /// Set before the server is killed or troubled: from then on an answer may be missing or an error.
    pub(super) killing: Arc<AtomicBool>,
    /// Requests sent so far.
    pub(super) sent: Arc<AtomicUsize>,
    /// Requests that failed when they might: by status, 0 if no answer came.
    pub(super) failures: Arc<Mutex<BTreeMap<u16, u64>>>,
    /// The longest wait for an answer, in milliseconds.
    pub(super) longest_wait: Arc<AtomicU64>,
    /// By how many seconds the server's clock is ahead.
    pub(super) clock_ahead: Arc<AtomicI64>,
}

impl Caller {
    /// Takes a password.
    pub(super) fn log_in(&mut self) -> Result<()> {
        let output = match self.call_or("GetAuthorizationToken", &json!({}), &[]) {
            Ok(Ok(output)) => output,
            other => bail!("no authorization token: {other:?}"),
        };
        let token = output["authorizationData"][0]["authorizationToken"].as_str();
        let pair = String::from_utf8(STANDARD.decode(token.context("no token")?)?)?;
        let (_, password) = pair.split_once(':').context("no password")?;
        password.clone_into(&mut self.password);
        Ok(())
    }

    /// A `/v2/` request.
    pub(super) fn registry(&self, method: &str, target: &str) -> Request {
        authenticated(Request::new(method, target), &self.password)
    }

    /// Sends a request; the answer is whole and no server error.
    pub(super) fn send(&self, request: &Request) -> Step<Answer> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let (begun, was_killing) = (Instant::now(), self.killing.load(Ordering::SeqCst));
        let answer = request.send(self.port);
        let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.longest_wait.fetch_max(waited, Ordering::SeqCst);
        let is_killing = was_killing || self.killing.load(Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status >= 500 && is_killing => {
                self.note_failure(answer.status);
                Err(Stop::Killed)
            }
            Ok(answer) if answer.status >= 500 => problem(format!(
                "{}: {} {}",
                request.line(),
                answer.status,
                answer.excerpt()
            )),
            Ok(answer) if answer.complete => Ok(answer),
            Ok(_) | Err(_) if is_killing => {
                self.note_failure(0);
                Err(Stop::Killed)
            }
            Ok(_) => problem(format!("{}: the answer is cut off", request.line())),
            Err(error) => problem(format!("{}: {error:#}", request.line())),
        }
    }

    fn note_failure(&self, status: u16) {
        if let Ok(mut failures) = self.failures.lock() {
            *failures.entry(status).or_default() += 1;
        }
    }

    /// Sends a request and requires one of these statuses.
    pub(super) fn expect(&self, request: &Request, statuses: &[u16]) -> Step<Answer> {
        let answer = self.send(request)?;
        if statuses.contains(&answer.status) {
            return Ok(answer);
        }
        problem(format!(
            "{}: {} instead of {statuses:?}: {}",
            request.line(),
            answer.status,
            answer.excerpt()
        ))
    }

    /// Calls an operation of the ECR API.
    pub(super) fn call(&self, operation: &str, input: &Value) -> Step<Answer> {
        let target = format!("{ECR_TARGET}.{operation}");
        let host = format!("localhost:{}", self.port);
        let scope = Scope {
            service: "ecr",
            region: REGION,
            host: &host,
        };
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let body = input.to_string();
        let ahead = SignedDuration::from_secs(self.clock_ahead.load(Ordering::SeqCst));
        let now = Timestamp::now() + ahead;
        let signed = signing::sign_at(now, &self.key, &scope, &headers, body.as_bytes());
        self.send(
            &Request::new("POST", "/")
                .headers(signed)
                .body(body.as_bytes()),
        )
    }

    /// The same, and requires success or one of these error codes, which it returns.
    pub(super) fn call_or(
        &self,
        operation: &str,
        input: &Value,
        codes: &[&str],
    ) -> Step<Result<Value, String>> {
        let answer = self.call(operation, input)?;
        let code = answer.code();
        match answer.status {
            200 => Ok(Ok(answer.json())),
            _ if codes.contains(&code.as_str()) => Ok(Err(code)),
            status => problem(format!("{operation}: {status} {}", answer.excerpt())),
        }
    }
}
