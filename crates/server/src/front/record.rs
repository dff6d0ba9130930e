//! What is remembered of a request until its answer has left: then one line in the log, and numbers.
//!
//! The line names the route template, never the path: paths carry layer links, and queries carry signatures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ecru_domain::Principal;
use http::{Method, Request, Response, StatusCode};

use super::route::{Route, method_label};
use super::{Operation, Visit};
use crate::metrics::{Metrics, Outcome};

/// A request that is being handled.
pub(super) struct Record {
    metrics: Arc<Metrics>,
    method: Method,
    route: Route,
    request_id: String,
    operation: &'static str,
    begun: Instant,
    received: Arc<AtomicU64>,
    sent: u64,
    /// `None` until there is an answer: if it stays so, the client went away first.
    status: Option<StatusCode>,
    /// Whether the answer ended before its last byte.
    is_broken: bool,
    access_key: Option<String>,
}

impl Record {
    pub(super) fn begin<B>(request: &Request<B>, visit: &Visit, metrics: Arc<Metrics>) -> Self {
        if visit.route.is_upload(request.method()) {
            metrics.uploads_in_flight.inc();
        }
        Self {
            metrics,
            method: request.method().clone(),
            route: visit.route,
            request_id: visit.request_id.clone(),
            operation: "unknown",
            begun: Instant::now(),
            received: Arc::default(),
            sent: 0,
            status: None,
            is_broken: false,
            access_key: None,
        }
    }

    /// Where the body counts its bytes.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Notes the head of the answer. A gateway says who asked by putting the principal into its extensions.
    pub(super) fn with_answer<B>(mut self, response: &Response<B>) -> Self {
        self.status = Some(response.status());
        let operation = response.extensions().get().map(|Operation(name)| *name);
        self.operation = operation.unwrap_or(self.operation);
        self.access_key = response
            .extensions()
            .get::<Principal>()
            .map(|principal| principal.access_key_id.clone());
        self
    }

    /// Notes that the answer could not be made to its end.
    pub(super) fn broke_off(&mut self) {
        self.is_broken = true;
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Record {
    fn ending(&self) -> &'static str {
        match self.status {
            None => "request abandoned",
            Some(_) if self.is_broken => "request broken off",
            Some(_) => "request",
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.route.is_upload(&self.method) {
            self.metrics.uploads_in_flight.dec();
        }
        let elapsed = self.begun.elapsed();
        let received = self.received.load(Ordering::Relaxed);
        self.metrics.request(&Outcome {
            route: self.route,
            method: &self.method,
            operation: self.operation,
            status: self.status,
            elapsed,
            received,
            sent: self.sent,
        });
        if self.route.is_probe() {
            return;
        }
        tracing::info!(
            method = method_label(&self.method),
            route = self.route.template(),
            operation = self.operation,
            status = self.status.map(|status| status.as_u16()),
            bytes_in = received,
            bytes_out = self.sent,
            ms = milliseconds(elapsed),
            request_id = self.request_id,
            access_key = self.access_key,
            "{}",
            self.ending(),
        );
    }
}

/// In thousandths, so that lines stay short.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}
