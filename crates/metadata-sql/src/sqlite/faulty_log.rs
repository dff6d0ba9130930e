//! Write-ahead logs whose writes and syncs fail when a test says so: the system's files, with two calls wrapped.

#![expect(
    unsafe_code,
    reason = "SQLite is given its files as C structures of functions"
)]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Once, OnceLock};

use rusqlite::ffi::{
    SQLITE_OK, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Half of the bytes are written.
    Write,
    /// Nothing is synced.
    Sync,
}

/// A fault of the thread that sets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// What fails.
    pub(super) call: Call,
    /// How many such calls succeed before.
    pub(super) after: u32,
    /// How many fail then.
    pub(super) times: u32,
    /// As what.
    pub(super) code: c_int,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static OPENED: Cell<u32> = const { Cell::new(0) };
}

static SYSTEM: OnceLock<sqlite3_io_methods> = OnceLock::new();
static WRAPPED: OnceLock<sqlite3_io_methods> = OnceLock::new();

/// From now on every log that this process opens can be made to fail.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the system's file layer is there from the start and never goes; its copy is never freed
        unsafe {
            let system = *sqlite3_vfs_find(std::ptr::null());
            let faulty = sqlite3_vfs {
                zName: c"faulty".as_ptr(),
                xOpen: Some(open),
                pNext: std::ptr::null_mut(),
                ..system
            };
            let registered = sqlite3_vfs_register(Box::leak(Box::new(faulty)), 1);
            assert_eq!(registered, SQLITE_OK);
        }
    });
}

/// Sets a fault, or takes it away.
pub(super) fn set(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// Whether the fault that was set has happened as often as it should.
pub(super) fn is_over() -> bool {
    FAULT.get().is_none_or(|fault| fault.times == 0)
}

/// How many logs this thread opened.
pub(super) fn opened() -> u32 {
    OPENED.get()
}

/// Whether a call fails, and as what.
fn strike(call: Call) -> Option<c_int> {
    let mut fault = FAULT.get().filter(|fault| fault.call == call)?;
    let strikes = fault.after == 0 && fault.times > 0;
    if fault.after > 0 {
        fault.after -= 1;
    } else if fault.times > 0 {
        fault.times -= 1;
    }
    FAULT.set(Some(fault));
    strikes.then_some(fault.code)
}

fn system() -> &'static sqlite3_io_methods {
    SYSTEM.get().expect("a log was opened")
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: arguments are passed on as they came; an opened file has methods that are never freed
    unsafe {
        let system = sqlite3_vfs_find(c"unix".as_ptr());
        let open = (*system).xOpen.expect("a file layer opens files");
        let code = open(system, name, file, flags, flags_out);
        if code == SQLITE_OK && flags & SQLITE_OPEN_WAL != 0 {
            OPENED.set(OPENED.get() + 1);
            let methods = *SYSTEM.get_or_init(|| *(*file).pMethods);
            (*file).pMethods = WRAPPED.get_or_init(|| sqlite3_io_methods {
                xWrite: Some(write),
                xSync: Some(sync),
                ..methods
            });
        }
        code
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let write = system().xWrite.expect("a file is written");
    let fails = strike(Call::Write);
    let count = if fails.is_some() { count / 2 } else { count };
    // SAFETY: arguments are passed on as they came, but for fewer bytes
    let written = unsafe { write(file, bytes, count, offset) };
    fails.unwrap_or(written)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let sync = system().xSync.expect("a file is synced");
    strike(Call::Sync).unwrap_or_else(|| {
        // SAFETY: arguments are passed on as they came
        unsafe { sync(file, flags) }
    })
}
