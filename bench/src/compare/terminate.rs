//! Asking a child process to end. The standard library can only kill, and a killed server leaves
//! its log unmerged, which would be counted as disk used.
#![expect(
    unsafe_code,
    reason = "kill(2) has no safe wrapper among our dependencies"
)]

use std::process::Child;

/// Sends SIGTERM to a child that was not waited for yet.
///
/// # Errors
/// What the system says, for example when the child has ended by itself.
pub(crate) fn request_end(child: &Child) -> std::io::Result<()> {
    let pid = libc::pid_t::try_from(child.id()).map_err(std::io::Error::other)?;
    // SAFETY: kill takes no pointers; the pid is that of a child not reaped yet, so it cannot
    // have passed to another process.
    match unsafe { libc::kill(pid, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
