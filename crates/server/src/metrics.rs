//! Numbers for operators, in the `OpenMetrics` format. No label names an account, a repository or a principal.

mod page;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use page::MetricsPage;

use crate::front::route::{Route, method_label};

/// From a cached manifest to a large layer, in seconds.
const LATENCY_BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0,
    300.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Route,
    operation: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Route,
}

/// How a request ended.
pub(crate) struct Outcome<'a> {
    pub(crate) route: Route,
    pub(crate) method: &'a Method,
    /// A name out of a bounded set.
    pub(crate) operation: &'static str,
    /// `None` if the client went away before there was an answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) elapsed: Duration,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// All numbers.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    received: Family<RouteLabels, Counter>,
    sent: Family<RouteLabels, Counter>,
    connections: Gauge,
    /// Requests that are sending the bytes of a layer.
    pub uploads_in_flight: Gauge,
    /// Bytes of the metadata store, where the engine can tell.
    pub metadata_bytes: Gauge,
    /// Objects stored.
    pub stored_objects: Gauge,
    /// Their bytes, as they were received.
    pub stored_bytes: Gauge,
    /// Bytes free where the objects are.
    pub free_bytes: Gauge,
    /// What collection has done since the start.
    pub collection: CollectionCounters,
}

/// What collection has done.
#[derive(Clone, Default)]
pub struct CollectionCounters {
    /// Times it ran and found something to do.
    pub runs: Counter,
    /// Jobs ended.
    pub jobs: Counter,
    /// Layers that no repository has any more.
    pub layers: Counter,
    /// Objects whose bytes were removed.
    pub objects: Counter,
    /// Uploads that expired.
    pub uploads: Counter,
    /// Times it failed.
    pub failures: Counter,
}

impl CollectionCounters {
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            (
                "collection_runs",
                "Collections that did something",
                &self.runs,
            ),
            ("collection_jobs", "Jobs ended", &self.jobs),
            (
                "collection_layers",
                "Layers removed from repositories",
                &self.layers,
            ),
            (
                "collection_objects",
                "Objects whose bytes were removed",
                &self.objects,
            ),
            ("collection_uploads", "Uploads that expired", &self.uploads),
            (
                "collection_failures",
                "Collections that failed",
                &self.failures,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Arc<Self> {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("ecru")),
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS)),
            received: Family::default(),
            sent: Family::default(),
            connections: Gauge::default(),
            uploads_in_flight: Gauge::default(),
            metadata_bytes: Gauge::default(),
            stored_objects: Gauge::default(),
            stored_bytes: Gauge::default(),
            free_bytes: Gauge::default(),
            collection: CollectionCounters::default(),
        };
        metrics.register();
        Arc::new(metrics)
    }

    fn register(&self) {
        let mut registry = self.registry.lock();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that runs", version);
        registry.register("http_requests", "Requests answered", self.requests.clone());
        let latency = self.latency.clone();
        let help = "Time to the end of the answer";
        registry.register_with_unit("http_request", help, Unit::Seconds, latency);
        let received = self.received.clone();
        registry.register_with_unit("http_received", "Request bodies", Unit::Bytes, received);
        registry.register_with_unit("http_sent", "Answers", Unit::Bytes, self.sent.clone());
        registry.register("open_connections", "Connections", self.connections.clone());
        let help = "Requests that are sending layers";
        registry.register("uploads_in_flight", help, self.uploads_in_flight.clone());
        let size = self.metadata_bytes.clone();
        registry.register_with_unit("metadata", "Size of the metadata store", Unit::Bytes, size);
        let stored = self.stored_objects.clone();
        registry.register(
            "stored_objects",
            "Objects stored, each content once",
            stored,
        );
        let stored = self.stored_bytes.clone();
        registry.register_with_unit("stored", "Bytes of these objects", Unit::Bytes, stored);
        let free = self.free_bytes.clone();
        registry.register_with_unit("blobs_free", "Room left for objects", Unit::Bytes, free);
        self.collection.register(&mut registry);
    }

    pub(crate) fn request(&self, outcome: &Outcome<'_>) {
        let method = method_label(outcome.method);
        let status = status_class(outcome.status);
        let of_route = RouteLabels {
            route: outcome.route,
        };
        self.requests
            .get_or_create(&RequestLabels {
                route: outcome.route,
                operation: outcome.operation,
                method,
                status,
            })
            .inc();
        self.latency
            .get_or_create(&of_route)
            .observe(outcome.elapsed.as_secs_f64());
        self.received
            .get_or_create(&of_route)
            .inc_by(outcome.received);
        self.sent.get_or_create(&of_route).inc_by(outcome.sent);
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// How many connections are open.
    pub(crate) fn open_connections(&self) -> i64 {
        self.connections.get()
    }

    /// Everything in the `OpenMetrics` text format.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

/// A connection that is open.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn status_class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(_) => "5xx",
        None => "abandoned",
    }
}
