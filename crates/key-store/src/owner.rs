//! Who is running: the one question to the kernel that the standard library does not ask.
#![expect(unsafe_code, reason = "geteuid has no wrapper in the standard library")]

/// The effective user id of this process.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid takes no arguments, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}
