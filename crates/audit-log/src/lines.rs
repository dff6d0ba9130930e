//! Lines one behind the other in one piece of memory. A request's line is copied here and freed by the thread that made
//! it: freed by the writer's, thousands at a time, their memory was 2.4 % of a manifest GET.

/// Memory that is kept for the next lines, in bytes.
const KEPT: usize = 2 * 1_024 * 1_024;

/// Lines in their order.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Lines {
    pub(crate) fn push(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.ends.push(self.text.len());
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let spans = begins.zip(self.ends.iter().copied());
        spans.filter_map(|(begin, end)| self.text.get(begin..end))
    }

    /// None, with the memory of those before.
    pub(crate) fn emptied(mut self) -> Self {
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.ends.clear();
        self.ends.shrink_to(KEPT / 1_024);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_and_leave_their_memory() {
        let mut lines = Lines::default();
        for line in ["one", "", "three"] {
            lines.push(line.as_bytes());
        }
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [&b"one"[..], b"", b"three"]
        );
        assert_eq!((lines.count(), lines.bytes()), (3, 8));
        lines.push(&vec![b'x'; 2 * KEPT]);
        let emptied = lines.emptied();
        assert!(emptied.is_empty());
        assert_eq!(emptied.iter().count(), 0);
        assert!(emptied.text.capacity() >= KEPT && emptied.text.capacity() < 2 * KEPT);
    }
}
