//! The many others: users and roles whom nothing that is measured is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::authorization::documents;
use crate::aws::IamClient;

/// Connections that fill.
const WORKERS: usize = 16;

/// Makes so many users and roles, and gives the number.
///
/// # Errors
/// Any refusal.
pub(super) async fn fill(iam: &IamClient, account: &str, count: u64) -> anyhow::Result<u64> {
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let trust = documents::trust(account);
        workers.spawn(work(iam.clone(), trust, Arc::clone(&next), count));
    }
    while let Some(finished) = workers.join_next().await {
        finished.context("a worker of the generator ended early")??;
    }
    Ok(count)
}

async fn work(
    iam: IamClient,
    trust: String,
    next: Arc<AtomicU64>,
    count: u64,
) -> anyhow::Result<()> {
    let mut connection = iam.connection();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        let name = format!("crowd-{number}");
        let (operation, parameters) = if number.is_multiple_of(2) {
            ("CreateUser", vec![("UserName", name.as_str())])
        } else {
            let role = ("RoleName", name.as_str());
            let trust = ("AssumeRolePolicyDocument", trust.as_str());
            ("CreateRole", vec![role, trust])
        };
        iam.call(&mut connection, operation, &parameters).await?;
    }
}
