//! Upload sessions: whoever took the epoch last may write on, nobody else.

use ecru_domain::{RepositoryId, UploadId};

use super::fixtures::{add_repository, at, look, object_id, write};
use crate::blobs::{Segment, WriteProgress};
use crate::metadata::UploadAdvance;
use crate::metadata::{Metadata, UploadRecord};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "uploads").await;
    all_columns_come_back(store, &repository).await;
    an_epoch_is_taken_once(store).await;
    only_the_epoch_and_offset_known_advance(store).await;
    expired_sessions_are_found_oldest_first(store, &repository).await;
    an_ended_session_is_gone(store, &repository).await;
}

fn upload_id(number: u8) -> UploadId {
    UploadId::parse(&format!("00000000-0000-4000-8000-0000000000{number:02}")).unwrap()
}

fn upload(repository: &RepositoryId, number: u8) -> UploadRecord {
    UploadRecord {
        id: upload_id(number),
        repository: repository.clone(),
        object: object_id(number),
        wrapped_key: vec![number; 60],
        sha512: false,
        epoch: 0,
        progress: None,
        parts: 0,
        first_short_part: None,
        expires_at: at(i64::from(number)),
    }
}

fn progress(offset: u64) -> WriteProgress {
    WriteProgress {
        offset,
        segments: vec![Segment {
            number: 1,
            frames: 2,
        }],
        sealed_state: vec![0, 255, 3],
    }
}

async fn all_columns_come_back(store: &Metadata, repository: &RepositoryId) {
    let mut full = upload(repository, 2);
    full.sha512 = true;
    full.epoch = 3;
    full.progress = Some(progress(70_000));
    full.parts = 4;
    full.first_short_part = Some(4);
    let mut empty_state = upload(repository, 3);
    empty_state.progress = Some(WriteProgress {
        offset: 0,
        segments: vec![],
        sealed_state: vec![],
    });
    for wanted in [upload(repository, 1), full, empty_state] {
        let given = wanted.clone();
        write(store, move |t| t.insert_upload(&given)).await;
        let (id, object) = (wanted.id.clone(), wanted.object.clone());
        let (by_id, by_object) = look(store, move |t| {
            Ok((t.find_upload(&id)?, t.upload_of_object(&object)?))
        })
        .await;
        assert_eq!(by_id.as_ref(), Some(&wanted));
        assert_eq!(by_object, Some(wanted));
    }
    assert_eq!(look(store, |t| t.find_upload(&upload_id(9))).await, None);
    assert_eq!(
        look(store, |t| t.upload_of_object(&object_id(9))).await,
        None
    );
}

async fn an_epoch_is_taken_once(store: &Metadata) {
    for (epoch, taken) in [(0, true), (0, false), (1, true), (3, false)] {
        let outcome = write(store, move |t| t.take_upload_epoch(&upload_id(1), epoch)).await;
        assert_eq!(outcome, taken, "{epoch}");
    }
    assert!(!write(store, |t| t.take_upload_epoch(&upload_id(9), 0)).await);
    let found = look(store, |t| t.find_upload(&upload_id(1))).await;
    assert_eq!(found.unwrap().epoch, 2);
}

async fn only_the_epoch_and_offset_known_advance(store: &Metadata) {
    let advance = |offset, parts| UploadAdvance {
        progress: progress(offset),
        parts,
        first_short_part: (parts == 2).then_some(2),
        expires_at: at(500),
    };
    for (epoch, offset, parts, done) in [
        (1, 0, 1, false),
        (2, 1, 1, false),
        (2, 0, 1, true),
        (2, 0, 1, false),
        (2, 100, 2, true),
    ] {
        let next = advance(parts * 100, parts);
        let outcome = write(store, move |t| {
            t.advance_upload(&upload_id(1), epoch, offset, &next)
        });
        assert_eq!(outcome.await, done, "epoch {epoch} offset {offset}");
    }
    let found = look(store, |t| t.find_upload(&upload_id(1))).await.unwrap();
    assert_eq!(found.progress, Some(progress(200)));
    assert_eq!((found.parts, found.first_short_part), (2, Some(2)));
    assert_eq!(found.expires_at, at(500));
}

async fn expired_sessions_are_found_oldest_first(store: &Metadata, repository: &RepositoryId) {
    let id = repository.clone();
    write(store, move |t| {
        let mut oldest = upload(&id, 4);
        oldest.expires_at = at(1);
        t.insert_upload(&oldest)
    })
    .await;
    for (now, limit, wanted) in [
        (1, 9, &[][..]),
        (2, 9, &[4]),
        (9, 9, &[4, 2, 3]),
        (9, 2, &[4, 2]),
    ] {
        let found = look(store, move |t| t.list_expired_uploads(at(now), limit)).await;
        let found: Vec<_> = found.into_iter().map(|upload| upload.id).collect();
        let wanted: Vec<_> = wanted.iter().map(|number| upload_id(*number)).collect();
        assert_eq!(found, wanted, "at {now}, at most {limit}");
    }
}

async fn an_ended_session_is_gone(store: &Metadata, repository: &RepositoryId) {
    for there in [true, false] {
        let ended = write(store, |t| t.delete_upload(&upload_id(2))).await;
        assert_eq!(ended, there);
    }
    let key = repository.clone();
    let (all, some, elsewhere) = look(store, move |t| {
        Ok((
            t.list_uploads(&key, 9)?,
            t.list_uploads(&key, 2)?,
            t.list_uploads(&super::fixtures::id("id-none"), 9)?,
        ))
    })
    .await;
    let ids: Vec<_> = all.into_iter().map(|upload| upload.id).collect();
    assert_eq!(ids, [1, 3, 4].map(upload_id));
    assert_eq!(some.len(), 2);
    assert_eq!(elsewhere, []);
}
