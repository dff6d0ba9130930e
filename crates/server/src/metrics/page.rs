//! The page of numbers, on a listener of its own.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ecru_ports::Metadata;
use ecru_ports::metadata::StoreError;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::Metrics;
use crate::front::route::Route;
use crate::front::{AnswerBody, Application, RequestBody, Visit, json, whole};
use crate::kernel;

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves `/metrics` and nothing else.
pub struct MetricsPage {
    metrics: Arc<Metrics>,
    metadata: Metadata,
    blobs: PathBuf,
}

impl MetricsPage {
    /// A page that measures these stores whenever it is read.
    pub fn new(metrics: Arc<Metrics>, metadata: Metadata, blobs: PathBuf) -> Self {
        Self {
            metrics,
            metadata,
            blobs,
        }
    }

    async fn measure(&self) {
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        if let Some(bytes) = self.metadata.size_in_bytes() {
            self.metrics.metadata_bytes.set(gauge(bytes));
        }
        let totals: Result<_, StoreError> = self.metadata.lookup(|rows| rows.object_totals()).await;
        match totals {
            Ok(totals) => {
                self.metrics.stored_objects.set(gauge(totals.objects));
                self.metrics.stored_bytes.set(gauge(totals.bytes));
            }
            Err(error) => tracing::debug!(%error, "what is stored is not known"),
        }
        match kernel::free_bytes(&self.blobs) {
            Ok(bytes) => {
                self.metrics.free_bytes.set(gauge(bytes));
            }
            Err(error) => tracing::debug!(%error, "free space is not known"),
        }
    }
}

impl Application for MetricsPage {
    async fn answer(&self, request: Request<RequestBody>, visit: Visit) -> Response<AnswerBody> {
        if visit.route != Route::Metrics || request.method() != Method::GET {
            return json(StatusCode::NOT_FOUND, r#"{"message":"not found"}"#);
        }
        self.measure().await;
        match self.metrics.text() {
            Ok(text) => {
                let mut response = Response::new(whole(Bytes::from(text)));
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
                response
            }
            Err(_) => json(
                StatusCode::INTERNAL_SERVER_ERROR,
                r#"{"message":"the metrics cannot be written"}"#,
            ),
        }
    }
}
