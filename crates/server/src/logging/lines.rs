//! Log lines on their way to standard error: gathered for a moment and written together.
//!
//! A write for each line would cost a request as much as finding its manifest does, and a terminal that does not
//! read would stop the server. So a thread writes what has gathered; where it cannot keep up, lines are dropped
//! and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather.
const GATHERING: Duration = Duration::from_millis(20);
/// The most bytes that wait.
const MOST_WAITING: usize = 4 * 1_024 * 1_024;

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    is_ending: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    something: Condvar,
}

/// Where log lines are put.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// Writes out what waits when it is dropped.
pub struct LastLines {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// Lines that go to `out`.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Self, LastLines)> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_out(&of_thread, out))?;
        let last = LastLines {
            shared: Arc::clone(&shared),
            thread: Some(thread),
        };
        Ok((Self(shared), last))
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting.lock();
        if waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.dropped += 1;
            return Ok(line.len());
        }
        let was_empty = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if was_empty {
            self.0.something.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Drop for LastLines {
    fn drop(&mut self) {
        self.shared.waiting.lock().is_ending = true;
        self.shared.something.notify_one();
        if let Some(thread) = self.thread.take() {
            // a thread that panicked has nothing more to write
            thread.join().ok();
        }
    }
}

fn write_out(shared: &Shared, mut out: impl Write) {
    let mut lines = Vec::new();
    loop {
        let mut waiting = shared.waiting.lock();
        while waiting.bytes.is_empty() && !waiting.is_ending {
            shared.something.wait(&mut waiting);
        }
        if !waiting.is_ending {
            // only the end cuts the gathering short
            shared.something.wait_for(&mut waiting, GATHERING);
        }
        std::mem::swap(&mut lines, &mut waiting.bytes);
        let (dropped, is_ending) = (std::mem::take(&mut waiting.dropped), waiting.is_ending);
        drop(waiting);
        // whoever closed standard error does not want to know
        out.write_all(&lines).ok();
        lines.clear();
        if dropped > 0 {
            writeln!(
                out,
                "{dropped} log lines were dropped: standard error is read too slowly"
            )
            .ok();
        }
        if is_ending {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what is written, once it is allowed to.
    struct Slow {
        written: mpsc::Sender<Vec<u8>>,
        allowed: mpsc::Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().ok();
            self.written.send(bytes.to_vec()).ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, mpsc::Receiver<Vec<u8>>, mpsc::Sender<()>) {
        let (written, seen) = mpsc::channel();
        let (allow, allowed) = mpsc::channel();
        (Slow { written, allowed }, seen, allow)
    }

    #[test]
    fn lines_come_whole_in_order_and_the_last_ones_at_the_end() {
        let (out, seen, allow) = slow();
        let (lines, last) = Lines::to(out).unwrap();
        drop(allow);
        let expected = (0..100)
            .map(|number| format!("line {number}\n"))
            .collect::<Vec<_>>()
            .concat();
        for line in expected.split_inclusive('\n') {
            (&lines).write_all(line.as_bytes()).unwrap();
        }
        drop(last);
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>().concat(),
            expected.as_bytes()
        );
    }

    #[test]
    fn who_does_not_read_loses_lines_and_is_told_how_many() {
        let (out, seen, allow) = slow();
        let (lines, last) = Lines::to(out).unwrap();
        (&lines).write_all(b"first\n").unwrap();
        allow.send(()).unwrap();
        assert_eq!(seen.recv().unwrap(), b"first\n");
        let line = vec![b'x'; MOST_WAITING / 2];
        for _ in 0..5 {
            (&lines).write_all(&line).unwrap();
        }
        drop(allow);
        drop(last);
        let rest = seen.try_iter().collect::<Vec<_>>().concat();
        let told = String::from_utf8_lossy(&rest[rest.len() - 80..]).into_owned();
        assert!(told.contains(" log lines were dropped"), "{told}");
    }
}
