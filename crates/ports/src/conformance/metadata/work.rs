//! Jobs come due in order of time; a lease has one holder.

use super::fixtures::{at, id, look, write};
use crate::metadata::{JobKind, JobRecord, Metadata};

pub(super) async fn check(store: &Metadata) {
    jobs_come_due_oldest_first(store).await;
    a_lease_has_one_holder(store).await;
}

fn job(id_text: &str, kind: JobKind, run_at: i64) -> JobRecord {
    JobRecord {
        id: id_text.to_owned(),
        kind,
        repository: id("id-a"),
        subject: format!("subject of {id_text}"),
        run_at: at(run_at),
    }
}

async fn due(store: &Metadata, now: i64, limit: u32) -> Vec<JobRecord> {
    look(store, move |t| t.list_due_jobs(at(now), limit)).await
}

async fn jobs_come_due_oldest_first(store: &Metadata) {
    let late = job("a", JobKind::CollectLayer, 30);
    let early = job("b", JobKind::DrainImage, 10);
    let middle = job("c", JobKind::DrainRepository, 20);
    let given = [late.clone(), early.clone(), middle.clone()];
    write(store, move |t| {
        given.iter().try_for_each(|job| t.insert_job(job))
    })
    .await;
    assert_eq!(due(store, 9, 9).await, []);
    assert_eq!(due(store, 10, 9).await, std::slice::from_ref(&early));
    assert_eq!(
        due(store, 99, 9).await,
        [early.clone(), middle.clone(), late]
    );
    assert_eq!(due(store, 99, 1).await, [early]);
    write(store, |t| {
        t.postpone_job("b", at(25))?;
        t.delete_job("a")?;
        t.delete_job("a")
    })
    .await;
    assert_eq!(due(store, 24, 9).await, std::slice::from_ref(&middle));
    assert_eq!(
        due(store, 99, 9).await,
        [middle, job("b", JobKind::DrainImage, 25)]
    );
}

async fn a_lease_has_one_holder(store: &Metadata) {
    for (name, holder, now, until, taken) in [
        ("jobs", "one", 10, 20, true),
        ("jobs", "two", 15, 25, false),
        ("other", "two", 15, 25, true),
        ("jobs", "one", 18, 30, true),
        ("jobs", "two", 29, 39, false),
        ("jobs", "two", 30, 40, true),
        ("jobs", "one", 31, 41, false),
    ] {
        let outcome = write(store, move |t| {
            t.take_lease(name, holder, at(now), at(until))
        });
        assert_eq!(outcome.await, taken, "{name} for {holder} at {now}");
    }
}
