//! Which failure of the machine is which failure of the port.

use std::io;

use ecru_ports::blobs::BlobError;
use tokio::task::JoinHandle;

/// Tells a full disk or quota from other failures.
pub(crate) fn of_write(error: io::Error) -> BlobError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::Full,
        _ => BlobError::Io(error),
    }
}

/// Tells lost and shortened bytes from other failures.
pub(crate) fn of_read(error: io::Error) -> BlobError {
    match error.kind() {
        io::ErrorKind::NotFound => BlobError::Missing,
        io::ErrorKind::UnexpectedEof => BlobError::Corrupt,
        _ => BlobError::Io(error),
    }
}

/// The cipher or the random source failed, which neither does in a sound process.
pub(crate) fn of_cipher() -> BlobError {
    BlobError::Io(io::Error::other("the cipher or the random source failed"))
}

/// The caller broke a promise of the port.
pub(crate) fn of_caller(what: &'static str) -> BlobError {
    BlobError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Waits for a blocking job; one that panicked or was cancelled at shutdown is a failure like others.
/// A reference is awaited, so that a caller who stops waiting does not lose the job.
pub(crate) async fn joined<T>(job: &mut JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    job.await
        .unwrap_or_else(|error| Err(BlobError::Io(io::Error::other(error))))
}
