//! Calls of Linux that the standard library does not make; elsewhere they do nothing.
#![cfg_attr(
    target_os = "linux",
    expect(
        unsafe_code,
        reason = "sync_file_range, fallocate, preadv2 and setpriority have no wrapper in the standard library"
    )
)]

use std::fs::File;
use std::io;

/// Starts writing a range of the file to disk without waiting, so that the sync at the end has little
/// left to do (measured: +65 % on large files).
#[cfg(target_os = "linux")]
pub(crate) fn start_writeback(file: &File, offset: u64, length: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else {
        return Ok(());
    };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the other arguments are numbers.
    let outcome = unsafe {
        libc::sync_file_range(
            file.as_raw_fd(),
            offset,
            length,
            libc::SYNC_FILE_RANGE_WRITE,
        )
    };
    if outcome == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // a file system or sandbox without the call; the sync at the end does it all
        Some(libc::ENOSYS | libc::EINVAL | libc::ESPIPE | libc::EPERM | libc::EOPNOTSUPP) => Ok(()),
        _ => Err(error),
    }
}

/// Sets blocks aside for a range that will be written, without making the file longer. That they are missing when
/// they are needed is told by the write.
#[cfg(target_os = "linux")]
pub(crate) fn reserve(file: &File, offset: u64, length: u64) -> bool {
    use std::os::fd::AsRawFd as _;
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else {
        return false;
    };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the other arguments are numbers.
    let outcome =
        unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, offset, length) };
    outcome == 0
}

/// Lets the calling thread run after others that want to, from now on.
#[cfg(target_os = "linux")]
pub(crate) fn yield_to_others() {
    /// Nice values above the process's own: a fifth of the weight, and who wakes up runs at once.
    const NICER: libc::c_int = 7;
    // SAFETY: both calls take and return numbers; 0 is the calling thread.
    unsafe {
        let own = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, own + NICER);
    }
}

/// Reads what lies in the page cache, without waiting for the disk; returns how many bytes that were.
#[cfg(target_os = "linux")]
pub(crate) fn read_resident(file: &File, offset: u64, out: &mut [u8]) -> io::Result<usize> {
    use std::os::fd::AsRawFd as _;
    let Ok(offset) = libc::off_t::try_from(offset) else {
        return Ok(0);
    };
    let target = libc::iovec {
        iov_base: out.as_mut_ptr().cast(),
        iov_len: out.len(),
    };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the one vector points to `out`,
    // which is borrowed mutably and has that length.
    let read = unsafe {
        libc::preadv2(
            file.as_raw_fd(),
            &raw const target,
            1,
            offset,
            libc::RWF_NOWAIT,
        )
    };
    if let Ok(read) = usize::try_from(read) {
        return Ok(read);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // not in the cache, or not to be known here
        Some(libc::EAGAIN | libc::ENOSYS | libc::EINVAL | libc::EPERM | libc::EOPNOTSUPP) => Ok(0),
        _ => Err(error),
    }
}

/// Elsewhere the sync at the end does it all.
#[cfg(not(target_os = "linux"))]
pub(crate) fn start_writeback(_file: &File, _offset: u64, _length: u64) -> io::Result<()> {
    Ok(())
}

/// Elsewhere blocks are found when they are written.
#[cfg(not(target_os = "linux"))]
pub(crate) fn reserve(_file: &File, _offset: u64, _length: u64) -> bool {
    false
}

/// Elsewhere threads are equal.
#[cfg(not(target_os = "linux"))]
pub(crate) fn yield_to_others() {}

/// Elsewhere it is not to be known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read_resident(_file: &File, _offset: u64, _out: &mut [u8]) -> io::Result<usize> {
    Ok(0)
}
