//! What is kept, removed, set aside and listed.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::objects::{Upload, content, read_all};
use crate::blobs::{BlobError, BlobStore, FRAME, ObjectId, Removal};

pub(super) async fn bytes_in_use_are_not_removed<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let bytes = content(40 * FRAME);
    let progress = upload.part(store, None, &bytes[..FRAME * 2], 1).await;
    let progress = upload
        .part(store, Some(&progress), &bytes[FRAME * 2..], 400)
        .await;
    let (object, _) = upload
        .writer(store, Some(&progress))
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    let (shared, key) = (Arc::new(object.clone()), Arc::new(upload.key.clone()));
    let mut stream = store.read(shared, key, 0..object.size).await.unwrap();
    let mut got = stream.next().await.unwrap().unwrap().to_vec();
    assert_eq!(
        store.remove(&object.id, 1..=400).await.unwrap(),
        Removal::InUse
    );
    while let Some(piece) = stream.next().await {
        got.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(got, bytes);
    drop(stream);
    for _again in 0..2 {
        assert_eq!(
            store.remove(&object.id, 1..=400).await.unwrap(),
            Removal::Done
        );
    }
    assert!(matches!(
        read_all(store, &upload, &object).await,
        Err(BlobError::Missing)
    ));
    let never = Upload::new(false, false).object;
    assert_eq!(store.remove(&never, 1..=3).await.unwrap(), Removal::Done);
}

pub(super) async fn quarantined_bytes_are_not_read<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let (object, _) = upload.whole(store, &content(3 * FRAME), 1).await;
    for is_there in [true, false] {
        let set_aside = store.quarantine(&object.id, 1..=1).await.unwrap();
        assert_eq!(set_aside, is_there);
    }
    assert!(matches!(
        read_all(store, &upload, &object).await,
        Err(BlobError::Missing)
    ));
    assert!(listed(store, &[&upload]).await.is_empty());
}

pub(super) async fn lists_are_ordered_and_complete<S: BlobStore>(store: &S) {
    let mut uploads: Vec<Upload> = (0..5).map(|_| Upload::new(false, false)).collect();
    uploads.sort_by(|one, other| one.object.cmp(&other.object));
    let mut wanted = Vec::new();
    for upload in &uploads {
        let progress = upload.part(store, None, &content(2 * FRAME + 1), 9).await;
        let progress = upload
            .part(store, Some(&progress), &content(FRAME), 10)
            .await;
        upload
            .writer(store, Some(&progress))
            .await
            .unwrap()
            .finish()
            .await
            .unwrap();
        wanted.extend([(upload.object.clone(), 9), (upload.object.clone(), 10)]);
    }
    assert_eq!(
        listed(store, &uploads.iter().collect::<Vec<_>>()).await,
        wanted
    );
    assert_eq!(store.list(None, 0).await.unwrap(), []);
}

/// The listed segments of these uploads, gathered page by page.
async fn listed<S: BlobStore>(store: &S, uploads: &[&Upload]) -> Vec<(ObjectId, u64)> {
    let (mut all, mut after) = (Vec::new(), None::<ObjectId>);
    loop {
        let page = store.list(after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.object.clone());
        assert!(page.iter().all(|found| found.stored_bytes > 0));
        all.extend(page.into_iter().map(|found| (found.object, found.number)));
    }
    assert!(all.is_sorted(), "out of order");
    all.retain(|(object, _)| uploads.iter().any(|upload| upload.object == *object));
    all
}
