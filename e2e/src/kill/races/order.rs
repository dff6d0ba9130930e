//! Whether some order of operations explains a history: each took effect at one moment between its request and its
//! answer, and each answer is what the state at that moment says (linearizability).
//!
//! The history is walked in the order of time. At each answer the search asks which operations under way may have
//! taken effect by then, this one included; what is left is every state the server may be in. An operation without
//! an answer stays under way for ever: it may take effect at any later time, or never.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Write as _};
use std::hash::Hash;

/// More operations under way at once are not searched.
const MAX_UNDER_WAY: usize = 128;
/// More possibilities at one answer are not searched.
const MAX_POSSIBILITIES: usize = 2_000_000;
/// Lines about what went on around an answer that nothing explains.
const MAX_LINES: usize = 30;

/// What an operation did, or saw, according to its answer.
pub(super) trait Deed: Clone + Debug + Eq + Hash {
    /// What it works on.
    type State: Clone + Debug + Eq + Hash;

    /// The state afterwards; `None` if this answer is wrong in that state.
    fn apply(&self, state: &Self::State) -> Option<Self::State>;

    /// Whether it never changes anything.
    fn is_read(&self) -> bool;
}

/// From the moment before a request was sent to the moment after its answer had come, in nanoseconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Before it was sent.
    pub(super) begin: u64,
    /// After the answer; `None` if there was none.
    pub(super) end: Option<u64>,
}

/// An operation of a history.
#[derive(Clone, Debug)]
pub(super) struct Event<D> {
    /// When.
    pub(super) window: Window,
    /// Which client sent it.
    pub(super) who: usize,
    /// What it did.
    pub(super) deed: D,
}

/// Searches for an order that explains every answer. The problem in words if there is none.
pub(super) fn explain<D: Deed>(start: D::State, events: &[Event<D>]) -> Result<(), String> {
    let mut search = Search::new(start, events);
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * events.len());
    for (place, event) in events.iter().enumerate() {
        // what ends when another begins may still be after it: beginnings come first
        moments.push((event.window.begin, false, place));
        moments.extend(event.window.end.map(|end| (end, true, place)));
    }
    moments.sort_unstable();
    for (_, is_end, place) in moments {
        if is_end {
            search.answered(place)?;
        } else {
            search.began(place)?;
        }
    }
    Ok(())
}

/// One way things may be: a state, and which operations under way have taken effect, a bit for each slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Possibility {
    state: usize,
    done: u128,
}

struct Search<'a, D: Deed> {
    events: &'a [Event<D>],
    states: Interned<D::State>,
    deeds: Interned<D>,
    /// Which deed each event is.
    deed_of: Vec<usize>,
    steps: HashMap<(usize, usize), Option<usize>>,
    /// Operations under way.
    slots: Vec<Option<usize>>,
    possible: HashSet<Possibility>,
}

impl<'a, D: Deed> Search<'a, D> {
    fn new(start: D::State, events: &'a [Event<D>]) -> Self {
        let (mut states, mut deeds) = (Interned::default(), Interned::default());
        let first = Possibility {
            state: states.number(start),
            done: 0,
        };
        let deed_of = events.iter().map(|event| deeds.number(event.deed.clone()));
        Self {
            events,
            states,
            deed_of: deed_of.collect(),
            deeds,
            steps: HashMap::new(),
            slots: Vec::new(),
            possible: HashSet::from([first]),
        }
    }

    fn began(&mut self, place: usize) -> Result<(), String> {
        match self.slots.iter().position(Option::is_none) {
            Some(free) => self.slots[free] = Some(place),
            None if self.slots.len() < MAX_UNDER_WAY => self.slots.push(Some(place)),
            None => return Err("too many operations without an answer to search on".to_owned()),
        }
        if self.events[place].deed.is_read() {
            let before = std::mem::take(&mut self.possible);
            self.possible = before.into_iter().map(|way| self.with_reads(way)).collect();
        }
        Ok(())
    }

    /// Leaves the possibilities in which this operation has taken effect.
    fn answered(&mut self, place: usize) -> Result<(), String> {
        let Some(slot) = self.slots.iter().position(|held| *held == Some(place)) else {
            return Ok(());
        };
        let own = 1_u128 << slot;
        let before: Vec<Possibility> = self.possible.iter().copied().collect();
        let (mut left, mut seen, mut open) = (HashSet::new(), HashSet::new(), before.clone());
        while let Some(way) = open.pop() {
            if way.done & own != 0 {
                left.insert(Possibility {
                    done: way.done & !own,
                    ..way
                });
                continue;
            }
            for next in self.steps_from(way) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
            if seen.len() > MAX_POSSIBILITIES {
                return Err("too many possibilities to search".to_owned());
            }
        }
        if left.is_empty() {
            return Err(self.story(place, &before));
        }
        self.slots[slot] = None;
        self.possible = left;
        Ok(())
    }

    fn steps_from(&mut self, way: Possibility) -> Vec<Possibility> {
        let mut found = Vec::new();
        for slot in 0..self.slots.len() {
            let bit = 1_u128 << slot;
            let Some(place) = self.slots[slot].filter(|_| way.done & bit == 0) else {
                continue;
            };
            if let Some(state) = self.step(way.state, place) {
                let done = way.done | bit;
                found.push(self.with_reads(Possibility { state, done }));
            }
        }
        found
    }

    /// The same with every read under way that sees this state: it loses nothing by that.
    fn with_reads(&mut self, mut way: Possibility) -> Possibility {
        for slot in 0..self.slots.len() {
            let bit = 1_u128 << slot;
            if let Some(place) = self.slots[slot].filter(|_| way.done & bit == 0)
                && self.events[place].deed.is_read()
                && self.step(way.state, place).is_some()
            {
                way.done |= bit;
            }
        }
        way
    }

    fn step(&mut self, state: usize, place: usize) -> Option<usize> {
        let deed = self.deed_of[place];
        if let Some(known) = self.steps.get(&(state, deed)) {
            return *known;
        }
        let next = self.deeds.items[deed].apply(&self.states.items[state]);
        let next = next.map(|next| self.states.number(next));
        self.steps.insert((state, deed), next);
        next
    }

    /// What went on around an answer that nothing explains.
    fn story(&self, place: usize, before: &[Possibility]) -> String {
        let wrong = &self.events[place];
        let mut text = format!("nothing explains {}", line(wrong));
        let states: HashSet<usize> = before.iter().map(|way| way.state).collect();
        for state in states.into_iter().take(MAX_LINES) {
            let _unfailing = write!(text, "\n  may be {:?}", self.states.items[state]);
        }
        let end = wrong.window.end.unwrap_or(u64::MAX);
        let overlaps = |event: &&Event<D>| {
            event.window.begin <= end && event.window.end.is_none_or(|e| e >= wrong.window.begin)
        };
        for event in self.events.iter().filter(overlaps).take(MAX_LINES) {
            let _unfailing = write!(text, "\n  meanwhile {}", line(event));
        }
        let mut earlier: Vec<_> = self.events.iter().collect();
        earlier.retain(|event| event.window.end.is_some_and(|e| e < wrong.window.begin));
        earlier.sort_by_key(|event| std::cmp::Reverse(event.window.end));
        for event in earlier.into_iter().take(MAX_LINES) {
            let _unfailing = write!(text, "\n  before {}", line(event));
        }
        text
    }
}

fn line<D: Debug>(event: &Event<D>) -> String {
    let micros = |nanos: u64| nanos / 1_000;
    let end = event.window.end.map(micros);
    let (begin, who, deed) = (micros(event.window.begin), event.who, &event.deed);
    format!("[{begin}, {end:?}] µs, client {who}: {deed:?}")
}

/// Values by number, each once.
struct Interned<T> {
    items: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn number(&mut self, item: T) -> usize {
        if let Some(known) = self.numbers.get(&item) {
            return *known;
        }
        self.items.push(item.clone());
        self.numbers.insert(item, self.items.len() - 1);
        self.items.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A register that holds a number or nothing.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    enum Register {
        Put(u8),
        Delete,
        Read(Option<u8>),
    }
    use Register::{Delete, Put, Read};

    impl Deed for Register {
        type State = Option<u8>;

        fn apply(&self, state: &Option<u8>) -> Option<Option<u8>> {
            match self {
                Put(value) => Some(Some(*value)),
                Delete => state.is_some().then_some(None),
                Read(seen) => (state == seen).then_some(*state),
            }
        }

        fn is_read(&self) -> bool {
            matches!(self, Read(_))
        }
    }

    fn is_explained(history: &[(u64, u64, Register)]) -> bool {
        let events: Vec<_> = history
            .iter()
            .map(|(begin, end, deed)| Event {
                window: Window {
                    begin: *begin,
                    end: (*end > 0).then_some(*end),
                },
                who: 0,
                deed: deed.clone(),
            })
            .collect();
        explain(None, &events).is_ok()
    }

    #[test]
    fn right_histories_are_explained() {
        let histories: [&[(u64, u64, Register)]; 8] = [
            &[],
            &[
                (1, 2, Put(1)),
                (3, 4, Read(Some(1))),
                (5, 6, Delete),
                (7, 8, Read(None)),
            ],
            // a read beside a put sees either
            &[(1, 9, Put(1)), (2, 3, Read(None)), (4, 5, Read(Some(1)))],
            // two puts at once, in either order
            &[(1, 9, Put(1)), (1, 9, Put(2)), (10, 11, Read(Some(1)))],
            &[(1, 9, Put(1)), (1, 9, Put(2)), (10, 11, Read(Some(2)))],
            // between two puts that end later
            &[
                (1, 20, Put(1)),
                (2, 20, Put(2)),
                (3, 4, Read(Some(1))),
                (5, 6, Read(Some(2))),
            ],
            // a put without an answer takes effect late, or never
            &[(1, 0, Put(1)), (2, 3, Read(None)), (4, 5, Read(Some(1)))],
            &[
                (1, 0, Put(1)),
                (2, 3, Put(2)),
                (4, 5, Read(Some(2))),
                (6, 7, Delete),
            ],
        ];
        for history in histories {
            assert!(is_explained(history), "{history:?}");
        }
    }

    #[test]
    fn wrong_histories_are_not() {
        let histories: [&[(u64, u64, Register)]; 9] = [
            // an acknowledged put is lost
            &[(1, 2, Put(1)), (3, 4, Read(None))],
            // a value that was replaced comes back
            &[(1, 2, Put(1)), (3, 4, Put(2)), (5, 6, Read(Some(1)))],
            // an acknowledged delete does not hold
            &[(1, 2, Put(1)), (3, 4, Delete), (5, 6, Read(Some(1)))],
            // a value that nobody put
            &[(1, 2, Put(1)), (3, 4, Read(Some(2)))],
            // new, then old again, while the put is still under way
            &[(1, 9, Put(1)), (2, 3, Read(Some(1))), (4, 5, Read(None))],
            // two deletes of one value are both acknowledged
            &[(1, 2, Put(1)), (3, 9, Delete), (3, 9, Delete)],
            // two readers see two puts in different orders
            &[
                (1, 2, Put(1)),
                (3, 4, Put(2)),
                (3, 5, Read(Some(2))),
                (6, 7, Read(Some(1))),
            ],
            // a put without an answer takes effect twice
            &[
                (1, 0, Put(1)),
                (2, 3, Read(Some(1))),
                (4, 5, Delete),
                (6, 7, Read(Some(1))),
            ],
            // seen before anybody asked for it
            &[(1, 2, Read(Some(1))), (3, 4, Put(1))],
        ];
        for history in histories {
            assert!(!is_explained(history), "{history:?}");
        }
    }

    #[test]
    fn the_order_in_which_events_are_written_down_does_not_matter() {
        assert!(is_explained(&[(3, 4, Read(Some(1))), (1, 2, Put(1))]));
        assert!(!is_explained(&[(3, 4, Read(None)), (1, 2, Put(1))]));
    }
}
