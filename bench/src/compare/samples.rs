//! Medians, ratios and the numbers to hold.

/// Which server a figure belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The server under test
    Ecru,
    /// What it is compared with
    Peer,
}

impl Side {
    /// Both sides; the order turns round with each pass, so that neither always comes first.
    pub(crate) fn order(pass: u32) -> [Self; 2] {
        if pass.is_multiple_of(2) {
            [Self::Ecru, Self::Peer]
        } else {
            [Self::Peer, Self::Ecru]
        }
    }

    /// Name in labels and paths.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ecru => "ecru",
            Self::Peer => "peer",
        }
    }
}

/// One thing for each side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sides<T> {
    /// Ecru's
    pub(crate) ecru: T,
    /// The peer's
    pub(crate) peer: T,
}

impl<T> Sides<T> {
    /// The thing of one side.
    pub(crate) fn get(&self, side: Side) -> &T {
        match side {
            Side::Ecru => &self.ecru,
            Side::Peer => &self.peer,
        }
    }

    /// The thing of one side, to change.
    pub(crate) fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Ecru => &mut self.ecru,
            Side::Peer => &mut self.peer,
        }
    }
}

/// The same figure from several passes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    sorted: Vec<f64>,
    latest: Option<f64>,
}

impl Samples {
    /// Adds the figure of one pass.
    pub(crate) fn add(&mut self, value: f64) {
        self.sorted.push(value);
        self.sorted.sort_by(f64::total_cmp);
        self.latest = Some(value);
    }

    /// Figure of the last pass.
    pub(crate) fn latest(&self) -> Option<f64> {
        self.latest
    }

    /// Middle figure; of an even number, the mean of the middle two.
    pub(crate) fn median(&self) -> Option<f64> {
        let middle = self.sorted.len() / 2;
        let upper = self.sorted.get(middle)?;
        if self.sorted.len() % 2 == 1 {
            return Some(*upper);
        }
        let lower = self.sorted.get(middle.checked_sub(1)?)?;
        Some(f64::midpoint(*lower, *upper))
    }

    /// Least and greatest figure, where there is more than one.
    pub(crate) fn spread(&self) -> Option<(f64, f64)> {
        match self.sorted.as_slice() {
            [first, .., last] => Some((*first, *last)),
            _ => None,
        }
    }
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// 10^6 bytes a second
    MegabytesPerSecond,
    /// Requests a second
    PerSecond,
    /// Milliseconds
    Milliseconds,
    /// Mebibytes
    Mebibytes,
    /// Bytes
    Bytes,
    /// A bare factor
    Times,
    /// CPU seconds for each 10^9 bytes
    CpuSecondsPerGigabyte,
    /// CPU microseconds for each request
    CpuMicrosPerRequest,
}

/// A bound of a number to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// At least this
    AtLeast(f64),
    /// At most this
    AtMost(f64),
}

/// A number to hold (`design.md` §7).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// On Ecru's figure divided by the peer's
    Ratio(Bound),
    /// On Ecru's figure itself
    Own(Bound),
}

/// One figure of both sides.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    /// What it is counted in
    pub(crate) unit: Unit,
    /// Figures of the passes
    pub(crate) samples: Sides<Samples>,
    /// Number to hold, if there is one
    pub(crate) target: Option<Target>,
}

impl Quantity {
    /// A quantity without figures yet.
    pub(crate) fn new(unit: Unit, target: Option<Target>) -> Self {
        Self {
            unit,
            samples: Sides::default(),
            target,
        }
    }

    /// Ecru's median divided by the peer's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let ecru = self.samples.ecru.median()?;
        let peer = self.samples.peer.median()?;
        (peer > 0.0).then(|| ecru / peer)
    }

    /// Whether the target is held; `None` without target or without figures.
    pub(crate) fn held(&self) -> Option<bool> {
        let (value, bound) = match self.target? {
            Target::Ratio(bound) => (self.ratio()?, bound),
            Target::Own(bound) => (self.samples.ecru.median()?, bound),
        };
        Some(match bound {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
        })
    }
}

/// One line of the report.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What was done
    pub(crate) title: String,
    /// The figure of the line
    pub(crate) main: Quantity,
    /// What it cost, where that was measured
    pub(crate) cpu: Option<Quantity>,
}

impl Line {
    /// A line without a cost.
    pub(crate) fn plain(title: String, unit: Unit, target: Option<Target>) -> Self {
        Self {
            title,
            main: Quantity::new(unit, target),
            cpu: None,
        }
    }

    /// Adds what Ecru reached in this pass, which is in `measured`, and what was reached beside it.
    pub(crate) fn set_beside(&mut self, measured: &Self, beside: Option<(f64, f64)>) {
        let own = measured.main.samples.ecru.latest();
        let Some(((main, cost), own)) = beside.zip(own) else {
            return;
        };
        self.main.samples.ecru.add(own);
        self.main.samples.peer.add(main);
        let measured = measured
            .cpu
            .as_ref()
            .and_then(|cpu| cpu.samples.ecru.latest());
        if let Some((cpu, own)) = self.cpu.as_mut().zip(measured) {
            cpu.samples.ecru.add(own);
            cpu.samples.peer.add(cost);
        }
    }

    /// Whether all targets of the line are held; `None` where it has none, or no figures.
    pub(crate) fn held(&self) -> Option<bool> {
        let cpu = self.cpu.as_ref().and_then(Quantity::held);
        match (self.main.held(), cpu) {
            (None, None) => None,
            (main, cpu) => Some(main.unwrap_or(true) && cpu.unwrap_or(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        let mut samples = Samples::default();
        for value in values {
            samples.add(*value);
        }
        samples
    }

    fn quantity(ecru: &[f64], peer: &[f64], target: Option<Target>) -> Quantity {
        Quantity {
            samples: Sides {
                ecru: samples(ecru),
                peer: samples(peer),
            },
            ..Quantity::new(Unit::PerSecond, target)
        }
    }

    #[test]
    fn median_is_the_middle_in_any_order() {
        let cases: [(&[f64], Option<f64>); 5] = [
            (&[], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0], Some(5.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0, 3.0, 100.0], Some(3.5)),
        ];
        for (values, wanted) in cases {
            assert_eq!(samples(values).median(), wanted, "{values:?}");
        }
        assert_eq!(samples(&[2.0, 1.0, 3.0]).spread(), Some((1.0, 3.0)));
        assert_eq!(samples(&[2.0]).spread(), None);
    }

    #[test]
    fn ratio_is_of_the_medians() {
        let both = quantity(&[10.0, 30.0, 20.0], &[5.0, 4.0, 40.0], None);
        assert_eq!(both.ratio(), Some(4.0));
        assert_eq!(quantity(&[1.0], &[], None).ratio(), None);
        assert_eq!(quantity(&[1.0], &[0.0], None).ratio(), None);
    }

    #[test]
    fn targets_are_held_at_their_bound() {
        use Bound::{AtLeast, AtMost};
        let cases = [
            (Some(Target::Ratio(AtLeast(2.0))), Some(true)),
            (Some(Target::Ratio(AtLeast(2.1))), Some(false)),
            (Some(Target::Ratio(AtMost(2.0))), Some(true)),
            (Some(Target::Ratio(AtMost(1.9))), Some(false)),
            (Some(Target::Own(AtMost(20.0))), Some(true)),
            (Some(Target::Own(AtLeast(21.0))), Some(false)),
            (None, None),
        ];
        for (target, wanted) in cases {
            let found = quantity(&[20.0], &[10.0], target).held();
            assert_eq!(found, wanted, "{target:?}");
        }
        let own = Some(Target::Own(AtMost(1.0)));
        assert_eq!(quantity(&[], &[1.0], own).held(), None);
    }

    #[test]
    fn a_line_holds_only_if_its_cost_holds_too() {
        let yes = Some(Target::Ratio(Bound::AtLeast(1.0)));
        let no = Some(Target::Ratio(Bound::AtMost(1.0)));
        let line = |main, cpu| Line {
            title: String::new(),
            main: quantity(&[2.0], &[1.0], main),
            cpu: Some(quantity(&[2.0], &[1.0], cpu)),
        };
        assert_eq!(line(yes, yes).held(), Some(true));
        assert_eq!(line(yes, no).held(), Some(false));
        assert_eq!(line(no, yes).held(), Some(false));
        assert_eq!(line(yes, None).held(), Some(true));
        assert_eq!(line(None, None).held(), None);
    }

    #[test]
    fn what_ecru_reached_last_is_set_beside_what_another_did() {
        let mut measured = Line {
            title: String::new(),
            main: quantity(&[900.0, 800.0], &[300.0], None),
            cpu: Some(quantity(&[1.3, 1.2], &[3.2], None)),
        };
        let mut line = Line {
            main: quantity(&[], &[], None),
            cpu: Some(quantity(&[], &[], None)),
            ..measured.clone()
        };
        line.set_beside(&measured, None);
        assert_eq!(line.main.ratio(), None);
        line.set_beside(&measured, Some((1000.0, 0.6)));
        assert_eq!(line.main.ratio(), Some(0.8));
        assert_eq!(line.cpu.as_ref().and_then(Quantity::ratio), Some(2.0));
        measured.main.samples.ecru = Samples::default();
        line.set_beside(&measured, Some((1.0, 1.0)));
        assert_eq!(line.main.ratio(), Some(0.8));
    }

    #[test]
    fn order_turns_round_with_each_pass() {
        assert_eq!(Side::order(0), [Side::Ecru, Side::Peer]);
        assert_eq!(Side::order(1), [Side::Peer, Side::Ecru]);
        assert_eq!(Side::order(2), Side::order(0));
    }
}
