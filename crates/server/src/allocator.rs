//! The allocator, set up to give memory back.
//!
//! Buffers of a transfer are a few hundred KiB each and come and go on many threads. As it comes, mimalloc keeps
//! what they used: 64 transfers at once leave the process at 190 MiB; set up as here, at 75 MiB, for no CPU time
//! that could be measured.

#![expect(
    unsafe_code,
    reason = "options count only if they are set before the first allocation, and only C can set them"
)]

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_arena_eager_commit`: whether memory is taken from the system before it is needed.
const ARENA_EAGER_COMMIT: mi_option_t = 4;
/// `mi_option_purge_delay`: after how many milliseconds unused memory goes back to the system.
const PURGE_DELAY: mi_option_t = 15;

/// Runs before `main`, and so before anything is allocated.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds functions without arguments that the loader calls once, on one thread.
#[unsafe(link_section = ".init_array")]
static SET_UP: extern "C" fn() = set_up;

#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "other systems keep the defaults")
)]
extern "C" fn set_up() {
    let (no, at_once): (c_long, c_long) = (0, 0);
    // SAFETY: setting an option writes one number of the allocator and allocates nothing.
    unsafe {
        mi_option_set(ARENA_EAGER_COMMIT, no);
        mi_option_set(PURGE_DELAY, at_once);
    }
}
