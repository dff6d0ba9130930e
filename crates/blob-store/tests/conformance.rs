//! Both storages keep the contract of the blob port.

use ecru_blob_store::{Bucket, DirectoryBlobs, S3ShapedBlobs};
use ecru_ports::conformance::blobs::blob_suite;

#[tokio::test]
async fn a_directory_keeps_the_contract() {
    let scratch = tempfile::tempdir().unwrap();
    blob_suite(|| DirectoryBlobs::open(&scratch.path().join("blobs")).unwrap()).await;
}

#[tokio::test]
async fn a_bucket_with_the_rules_of_s3_keeps_the_contract() {
    let bucket = Bucket::default();
    blob_suite(|| S3ShapedBlobs::in_bucket(bucket.clone())).await;
}
