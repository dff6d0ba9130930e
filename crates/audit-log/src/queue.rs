//! The way to the writer's thread: lines, and who waits for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecru_ports::{AuditError, AuditHead};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, oneshot};

use crate::lines::Lines;

/// How long a line for which nobody waits may stay in memory.
const NOTE_PERIOD: Duration = Duration::from_millis(250);

/// Bytes that are written at once even if nobody waits for them.
const URGENT_BYTES: usize = 1_024 * 1_024;

/// Bytes that may wait before requests do.
pub(crate) const MAX_QUEUED: usize = 8 * 1_024 * 1_024;

/// Lines on their way.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Tells the thread that there is something to do.
    work: Condvar,
    is_ready: AtomicBool,
    /// Tells those who wait for readiness.
    recovered: Notify,
}

struct State {
    lines: Lines,
    /// Those whose lines are in `lines`, and those whose lines the thread has.
    waiting: Vec<oneshot::Sender<()>>,
    taken: Vec<oneshot::Sender<()>>,
    is_urgent: bool,
    /// Whether the thread has lines that are not settled.
    is_busy: bool,
    is_closed: bool,
    failure: Option<String>,
    head: AuditHead,
}

impl Queue {
    /// Empty, with everything before `head` durable.
    pub(crate) fn new(head: AuditHead) -> Self {
        Self {
            state: Mutex::new(State {
                lines: Lines::default(),
                waiting: Vec::new(),
                taken: Vec::new(),
                is_urgent: false,
                is_busy: false,
                is_closed: false,
                failure: None,
                head,
            }),
            work: Condvar::new(),
            is_ready: AtomicBool::new(true),
            recovered: Notify::new(),
        }
    }

    /// Takes a line that is durable soon.
    pub(crate) fn push(&self, line: &[u8]) {
        self.add(line, None);
    }

    /// Takes a line, and tells when it is durable.
    pub(crate) fn push_and_tell(&self, line: &[u8]) -> oneshot::Receiver<()> {
        let (told, durable) = oneshot::channel();
        self.add(line, Some(told));
        durable
    }

    /// Tells when all lines so far are durable; `None` if they are.
    pub(crate) fn flush(&self) -> Option<oneshot::Receiver<()>> {
        let (told, durable) = oneshot::channel();
        let mut state = self.state.lock();
        if !state.lines.is_empty() {
            state.waiting.push(told);
            state.is_urgent = true;
            self.work.notify_one();
        } else if state.is_busy {
            state.taken.push(told);
        } else {
            return None;
        }
        Some(durable)
    }

    fn add(&self, line: &[u8], told: Option<oneshot::Sender<()>>) {
        let mut state = self.state.lock();
        state.lines.push(line);
        let was_urgent = state.is_urgent;
        state.is_urgent |= told.is_some() || state.lines.bytes() >= URGENT_BYTES;
        state.waiting.extend(told);
        let is_news = state.lines.count() == 1 || state.is_urgent != was_urgent;
        if state.lines.bytes() > MAX_QUEUED {
            self.is_ready.store(false, Ordering::Release);
        }
        drop(state);
        if is_news {
            self.work.notify_one();
        }
    }

    /// Waits for lines, on the thread, and leaves those behind that are `written`: their memory is used again. With them
    /// comes whether somebody waits for them; `None` once there will be no more.
    pub(crate) fn next_lines(&self, written: Lines) -> Option<(Lines, bool)> {
        let room = written.emptied();
        let mut state = self.state.lock();
        loop {
            if state.is_closed || (state.is_urgent && !state.lines.is_empty()) {
                break;
            }
            if state.lines.is_empty() {
                self.work.wait(&mut state);
            } else if self.work.wait_for(&mut state, NOTE_PERIOD).timed_out() {
                break;
            }
        }
        if state.lines.is_empty() {
            return None;
        }
        state.is_urgent = false;
        state.is_busy = true;
        state.taken = std::mem::take(&mut state.waiting);
        let lines = std::mem::replace(&mut state.lines, room);
        Some((lines, !state.taken.is_empty()))
    }

    /// The lines that the thread has are durable, up to `head`.
    pub(crate) fn settle(&self, head: AuditHead) {
        let mut state = self.state.lock();
        state.head = head;
        state.is_busy = false;
        if state.failure.take().is_some() {
            tracing::warn!("the audit log is written again");
        }
        let told = std::mem::take(&mut state.taken);
        let is_ready = state.lines.bytes() <= MAX_QUEUED;
        let was_ready = self.is_ready.swap(is_ready, Ordering::AcqRel);
        drop(state);
        for told in told {
            // who does not wait any more is not told
            told.send(()).ok();
        }
        if is_ready && !was_ready {
            self.recovered.notify_waiters();
        }
    }

    /// The lines that the thread has cannot be written now.
    pub(crate) fn fail(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.failure.is_none() {
            tracing::error!(reason, "the audit log cannot be written: requests wait");
        }
        state.failure = Some(reason.to_owned());
        self.is_ready.store(false, Ordering::Release);
    }

    /// Lets time pass, on the thread. Whether the process is about to end.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        self.work.wait_for(&mut state, time);
        state.is_closed
    }

    /// There will be no more lines.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.work.notify_one();
    }

    /// Whether lines can be taken.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    /// Waits until lines can be taken.
    pub(crate) async fn ready(&self) {
        loop {
            let recovered = self.recovered.notified();
            if self.is_ready() {
                return;
            }
            recovered.await;
        }
    }

    /// Why lines cannot be taken.
    pub(crate) fn failure(&self) -> AuditError {
        let reason = self.state.lock().failure.clone();
        AuditError::Unavailable(reason.unwrap_or_else(|| "too many lines wait".to_owned()))
    }

    /// The end of what is durable.
    pub(crate) fn head(&self) -> AuditHead {
        self.state.lock().head.clone()
    }
}
