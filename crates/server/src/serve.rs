//! `ecru serve`: opens the store, listens, and ends in order when asked to.
//!
//! ```text
//! ports ─▶ lock, stores, keys ─▶ requests, jobs ─▶ SIGTERM ─▶ requests end ─▶ jobs end ─▶ stores close
//! ```

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ecru_aws_gateway::{AwsConfig, AwsGateway};
use ecru_oci_gateway::{OciConfig, OciGateway};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::configuration::Config;
use crate::configuration::meaning::{HttpLimits, MetricsPlace};
use crate::front::Front;
use crate::listener::Listener;
use crate::listener::tls::Tls;
use crate::metrics::{Metrics, MetricsPage};
use crate::open_store::{self, OpenStore};
use crate::readiness::Readiness;
use crate::registry::Registry;
use crate::unhurried_clock::UnhurriedClock;
use crate::welcome::Welcome;
use crate::{jobs, kernel};

/// Connections to the page of metrics.
const METRICS_CONNECTIONS: u32 = 32;

/// Serves until the process is asked to end.
///
/// # Errors
/// Something that `serve` needs cannot be opened or bound.
pub async fn serve(config: Config) -> Result<()> {
    let files = kernel::raise_file_limit().context("the limit of open files")?;
    // before a store is made: who cannot listen shall leave nothing behind
    let tls = config.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
    let listener =
        Listener::bind(config.listen).with_context(|| format!("listen on {}", config.listen))?;
    let metrics_listener = bind_metrics(&config)?;
    let store = open_store::open_or_create(&config.store).await?;
    let (ending, tasks, metrics) = (CancellationToken::new(), TaskTracker::new(), Metrics::new());
    if let Some(listener) = metrics_listener {
        let (front, limits) = metrics_front(&config, &store, &metrics);
        let run = listener.run(front, None, limits, ending.clone());
        tasks.spawn(jobs::or_end(run, ending.clone()));
    }
    start_jobs(&config, &store, &metrics, &ending, &tasks);
    let signals = watch_signals(ending.clone(), tls.clone())?;
    tasks.spawn(jobs::or_end(signals, ending.clone()));
    greet(&config, &listener, &store, files)?;
    let front = Front::new(
        registry(&config, &store, listener.address()?),
        Arc::clone(&store.outside.ids),
        metrics,
    );
    listener.run(front, tls, config.http, ending).await;
    tasks.close();
    tasks.wait().await;
    if let Err(error) = store.services.audit.finish().await {
        tracing::error!(%error, "the audit log was not closed");
    }
    drop(store);
    tracing::info!("ended");
    Ok(())
}

fn registry(config: &Config, store: &OpenStore, bound: SocketAddr) -> Registry {
    let (services, outside) = (&store.services, &store.outside);
    let home = config.store.home.clone();
    let reached = config.reached_at(bound);
    let aws = AwsConfig {
        home: home.clone(),
        uri_host: reached.host,
        is_plain_http: reached.is_plain_http,
    };
    let oci = OciConfig {
        body_idle: config.http.idle_timeout,
        ..OciConfig::new(home)
    };
    Registry {
        aws: AwsGateway::new(services.clone(), aws),
        oci: OciGateway::new(services.clone(), oci),
        readiness: Readiness::new(
            outside.metadata.clone(),
            Arc::clone(&outside.blobs),
            Arc::clone(&outside.audit),
        ),
        proxies: config.proxies.clone(),
        clock: Arc::clone(&outside.clock),
    }
}

/// The place of the metrics; `None` if they are off, or the place that nobody asked for is taken.
fn bind_metrics(config: &Config) -> Result<Option<Listener>> {
    let Some(MetricsPlace {
        address,
        is_required,
    }) = config.metrics
    else {
        return Ok(None);
    };
    match Listener::bind(address) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if is_required => Err(error).with_context(|| format!("metrics on {address}")),
        Err(error) => {
            tracing::warn!(%address, %error, "metrics are not served");
            Ok(None)
        }
    }
}

fn metrics_front(
    config: &Config,
    store: &OpenStore,
    metrics: &Arc<Metrics>,
) -> (Front<MetricsPage>, HttpLimits) {
    let metadata = store.outside.metadata.clone();
    let page = MetricsPage::new(Arc::clone(metrics), metadata, config.store.blobs.clone());
    // its own numbers are nobody's business
    let front = Front::new(page, Arc::clone(&store.outside.ids), Metrics::new());
    let limits = HttpLimits {
        max_connections: METRICS_CONNECTIONS,
        ..config.http
    };
    (front, limits)
}

fn start_jobs(
    config: &Config,
    store: &OpenStore,
    metrics: &Arc<Metrics>,
    ending: &CancellationToken,
    tasks: &TaskTracker,
) {
    let services = store.services.clone();
    let longest = config.store.layer_grace.max(config.store.upload_lifetime);
    let clock = UnhurriedClock::new(Arc::clone(&store.outside.clock), longest);
    tasks.spawn(jobs::collect(
        services.clone(),
        clock,
        Arc::clone(metrics),
        ending.clone(),
    ));
    tasks.spawn(jobs::keep_audit_head(services.clone(), ending.clone()));
    tasks.spawn(jobs::record_uses(services, ending.clone()));
}

/// Ends the server on SIGTERM or SIGINT; reads the certificate again on SIGHUP.
fn watch_signals(
    ending: CancellationToken,
    tls: Option<Arc<Tls>>,
) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reload(tls.as_deref()),
            }
        }
        tracing::info!("asked to end");
        ending.cancel();
    })
}

fn reload(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        None => {}
        Some(Ok(())) => tracing::info!("the certificate was read again"),
        Some(Err(error)) => tracing::error!(%error, "the certificate stays as it was"),
    }
}

/// Tells the log and the person at the terminal.
fn greet(config: &Config, listener: &Listener, store: &OpenStore, files: u64) -> Result<()> {
    let bound = listener.address()?;
    let is_tls = config.tls.is_some();
    tracing::info!(
        address = %bound, is_tls, data = %config.store.data.display(), root_key = ?store.root_key, files,
        "serving"
    );
    if !is_tls && !bound.ip().is_loopback() {
        tracing::warn!(
            "listening without TLS: credentials can be read on the way unless a proxy encrypts"
        );
    }
    let welcome = Welcome {
        bound,
        is_tls,
        uri_host: &config.reached_at(bound).host,
        home: &config.store.home,
        credentials: store.credentials.as_deref(),
        data: &config.store.data,
        keys: &config.store.keys,
    };
    let mut out = std::io::stdout().lock();
    // whoever closed standard output does not want to know
    if out
        .write_all(welcome.text().as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("nobody reads standard output");
    }
    Ok(())
}
