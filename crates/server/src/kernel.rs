//! The two questions to the kernel that the standard library does not ask.
#![expect(
    unsafe_code,
    reason = "statvfs and setrlimit have no wrapper in the standard library"
)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Bytes that an unprivileged process may still write in the file system of `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut answer = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` ends with NUL and `answer` has room for the structure; both outlive the call.
    let code = unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: statvfs has succeeded, so it has filled the structure.
    let answer = unsafe { answer.assume_init() };
    #[expect(
        clippy::useless_conversion,
        reason = "the types differ between systems"
    )]
    Ok(u64::from(answer.f_bavail).saturating_mul(u64::from(answer.f_frsize)))
}

/// Lets this process open as many files as the system allows it, and returns how many that is.
pub fn raise_file_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid structure for the call to fill.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a valid structure that the call only reads.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}
