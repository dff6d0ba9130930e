//! Whether layers were there when they had to be: those of an image as long as the image is certainly there, those
//! that were uploaded, mounted or reported as present for as long as that is a promise.

use std::time::Duration;

use super::deeds::RepositoryDeed;
use super::history::{LayerDeed, LayerEvent, RepositoryHistory};
use super::order::Window;

/// Two clocks measure a grace, at different moments.
const MARGIN: Duration = Duration::from_millis(50);

/// Every answer about layers of a repository that is wrong. `needs` says which blobs each image of the pool needs.
pub(super) fn problems(
    history: &RepositoryHistory,
    needs: &[Vec<usize>],
    grace: Duration,
) -> Vec<String> {
    let known = Known::of(history, needs, grace);
    let mut problems = Vec::new();
    for event in history
        .layers
        .iter()
        .filter(|event| event.deed == LayerDeed::Missed)
    {
        if let Some(reason) = known.why_seen(event.blob, event.window) {
            problems.push(format!("a layer is missing: {event:?}, but {reason}"));
        }
    }
    for refusal in &history.refusals {
        let blobs = needs[refusal.image].iter();
        let reasons: Option<Vec<String>> = blobs
            .map(|&blob| known.why_kept(blob, refusal.window))
            .collect();
        if let Some(reasons) = reasons {
            problems.push(format!("a push is refused: {refusal:?}, but {reasons:?}"));
        }
    }
    problems
}

/// What is known of the layers of one repository.
struct Known<'a> {
    needs: &'a [Vec<usize>],
    /// By image.
    images: Vec<Presence>,
    /// By blob.
    promises: Vec<Vec<Promise>>,
    /// When the repository may have been deleted.
    drops: Removals,
}

impl<'a> Known<'a> {
    fn of(history: &RepositoryHistory, needs: &'a [Vec<usize>], grace: Duration) -> Self {
        let blobs = needs.iter().flatten().max().map_or(0, |most| most + 1);
        let mut promises: Vec<Vec<Promise>> = (0..blobs).map(|_| Vec::new()).collect();
        for event in &history.layers {
            promises[event.blob].extend(Promise::of(event, grace));
        }
        let images = (0..needs.len()).map(|image| Presence::of(history, image));
        Self {
            needs,
            images: images.collect(),
            promises,
            drops: Removals::of(history, |deed| *deed == RepositoryDeed::Drop),
        }
    }

    /// Why a read in that window has to find the layer, if it has.
    fn why_seen(&self, blob: usize, window: Window) -> Option<String> {
        self.why_needed(blob, window)
            .or_else(|| self.why_promised(blob, window, |promise| promise.seen_until))
    }

    /// Why a push in that window may rely on the layer, if it may.
    fn why_kept(&self, blob: usize, window: Window) -> Option<String> {
        self.why_needed(blob, window)
            .or_else(|| self.why_promised(blob, window, |promise| promise.kept_until))
    }

    /// An image that needs the blob is there all the while.
    fn why_needed(&self, blob: usize, window: Window) -> Option<String> {
        let images = self.needs.iter().zip(&self.images).enumerate();
        let mut needing = images.filter(|(_, (needs, _))| needs.contains(&blob));
        let (image, _) = needing.find(|(_, (_, image))| image.stands_during(window))?;
        Some(format!("image {image} needs it"))
    }

    fn why_promised(
        &self,
        blob: usize,
        window: Window,
        until: fn(&Promise) -> u64,
    ) -> Option<String> {
        let end = window.end.unwrap_or(u64::MAX);
        let promise = self.promises[blob].iter().find(|promise| {
            promise.given < window.begin
                && end < until(promise)
                && self.drops.last_end(end) < promise.asked
        });
        promise.map(|promise| format!("{promise:?}"))
    }
}

/// A layer stays for some time after an answer.
#[derive(Debug)]
struct Promise {
    asked: u64,
    given: u64,
    /// Until when it is reported as present.
    seen_until: u64,
    /// Until when pushes can rely on it.
    kept_until: u64,
}

impl Promise {
    fn of(event: &LayerEvent, grace: Duration) -> Option<Self> {
        let asked = event.window.begin;
        let after = |span: Duration| asked + nanos(span.saturating_sub(MARGIN));
        let (seen_until, kept_until) = match event.deed {
            LayerDeed::Provided => (after(grace / 2), after(grace)),
            LayerDeed::Reported => (asked, after(grace / 2)),
            LayerDeed::Missed => return None,
        };
        Some(Self {
            asked,
            given: event.window.end?,
            seen_until,
            kept_until,
        })
    }
}

/// When an image was seen, by the beginning, and when it may have been removed.
struct Presence {
    shown: Vec<Window>,
    removals: Removals,
}

impl Presence {
    fn of(history: &RepositoryHistory, image: usize) -> Self {
        let events = history.events.iter();
        let shown = events.filter(|event| event.deed.shows(image));
        let mut shown: Vec<Window> = shown.map(|event| event.window).collect();
        shown.sort_unstable_by_key(|window| window.begin);
        Self {
            shown,
            removals: Removals::of(history, |deed| deed.may_remove(image)),
        }
    }

    /// Whether it was seen before, and nothing can have removed it from then to the end.
    fn stands_during(&self, window: Window) -> bool {
        let removed = self.removals.last_end(window.end.unwrap_or(u64::MAX));
        let first = self.shown.partition_point(|shown| shown.begin <= removed);
        let mut since = self.shown[first..].iter();
        since.any(|shown| shown.end.is_some_and(|end| end < window.begin))
    }
}

/// Operations that may have removed something, by the beginning.
struct Removals(Vec<Removal>);

struct Removal {
    begin: u64,
    /// The latest end of this one and all before.
    end: u64,
}

impl Removals {
    fn of(history: &RepositoryHistory, removes: impl Fn(&RepositoryDeed) -> bool) -> Self {
        let events = history.events.iter().filter(|event| removes(&event.deed));
        let mut windows: Vec<Window> = events.map(|event| event.window).collect();
        windows.sort_unstable_by_key(|window| window.begin);
        let mut latest = 0;
        let removals = windows.into_iter().map(|window| {
            latest = latest.max(window.end.unwrap_or(u64::MAX));
            Removal {
                begin: window.begin,
                end: latest,
            }
        });
        Self(removals.collect())
    }

    /// When the last of those that began before may have ended; 0 if there is none.
    fn last_end(&self, before: u64) -> u64 {
        let count = self.0.partition_point(|removal| removal.begin <= before);
        let last = count.checked_sub(1).and_then(|last| self.0.get(last));
        last.map_or(0, |removal| removal.end)
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::history::Refusal;
    use super::super::order::Event;
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const GRACE: Duration = Duration::from_secs(4);

    /// Times are in tenths of seconds; an end of 0 stands for no answer.
    fn window(begin: u64, end: u64) -> Window {
        let nanos = |tenths: u64| tenths * SECOND / 10;
        Window {
            begin: nanos(begin),
            end: (end > 0).then_some(nanos(end)),
        }
    }

    struct Case {
        name: &'static str,
        events: Vec<(u64, u64, RepositoryDeed)>,
        layers: Vec<(u64, u64, usize, LayerDeed)>,
        refusals: Vec<(u64, u64)>,
        wrong: usize,
    }

    impl Case {
        fn of(name: &'static str, wrong: usize) -> Self {
            Self {
                name,
                events: Vec::new(),
                layers: Vec::new(),
                refusals: Vec::new(),
                wrong,
            }
        }

        fn event(mut self, begin: u64, end: u64, deed: RepositoryDeed) -> Self {
            self.events.push((begin, end, deed));
            self
        }

        fn layer(mut self, begin: u64, end: u64, blob: usize, deed: LayerDeed) -> Self {
            self.layers.push((begin, end, blob, deed));
            self
        }

        fn refused(mut self, begin: u64, end: u64) -> Self {
            self.refusals.push((begin, end));
            self
        }

        /// Image 0 needs the blobs 0 and 1, image 1 the blob 1.
        fn problems(&self) -> usize {
            let events = self.events.iter().map(|(begin, end, deed)| Event {
                window: window(*begin, *end),
                who: 0,
                deed: deed.clone(),
            });
            let layers = self
                .layers
                .iter()
                .map(|&(begin, end, blob, deed)| LayerEvent {
                    blob,
                    window: window(begin, end),
                    deed,
                });
            let refusals = self.refusals.iter().map(|&(begin, end)| Refusal {
                image: 0,
                window: window(begin, end),
            });
            let history = RepositoryHistory {
                events: events.collect(),
                layers: layers.collect(),
                refusals: refusals.collect(),
            };
            problems(&history, &[vec![0, 1], vec![1]], GRACE).len()
        }
    }

    use LayerDeed::{Missed, Provided, Reported};
    use RepositoryDeed::{DeleteImage, Drop, Put, SeesImage};

    fn put(image: usize) -> RepositoryDeed {
        Put(image, None)
    }

    #[test]
    fn layers_of_an_image_are_there_from_its_push_to_its_delete() {
        let image = |name, wrong| Case::of(name, wrong).event(1, 2, put(0));
        let cases = [
            image("missed while the image stands", 1).layer(3, 4, 0, Missed),
            image("missed before the push has ended", 0).layer(1, 3, 0, Missed),
            image("missed after the delete", 0)
                .event(3, 4, DeleteImage(0))
                .layer(5, 6, 0, Missed),
            image("missed beside the delete", 0)
                .event(3, 9, DeleteImage(0))
                .layer(4, 5, 0, Missed),
            image("missed before the delete", 1)
                .event(7, 9, DeleteImage(0))
                .layer(4, 5, 0, Missed),
            image("the delete had no answer", 0)
                .event(3, 0, DeleteImage(0))
                .layer(80, 81, 0, Missed),
            image("another image needs it", 1)
                .event(1, 2, put(1))
                .event(3, 4, DeleteImage(0))
                .layer(5, 6, 1, Missed),
            image("the repository went", 0)
                .event(3, 4, Drop)
                .layer(5, 6, 0, Missed),
            image("seen again after the delete", 1)
                .event(3, 4, DeleteImage(0))
                .event(5, 6, SeesImage(0))
                .layer(7, 8, 0, Missed),
        ];
        for case in cases {
            assert_eq!(case.problems(), case.wrong, "{}", case.name);
        }
    }

    #[test]
    fn promised_layers_are_there_for_their_time() {
        let provided = |name, wrong| {
            let case = Case::of(name, wrong).layer(1, 2, 0, Provided);
            case.layer(1, 2, 1, Provided)
        };
        let cases = [
            provided("missed in the first half of the grace", 1).layer(10, 11, 0, Missed),
            provided("missed in the second half", 0).layer(22, 23, 0, Missed),
            provided("a push refused within the grace", 1).refused(39, 40),
            provided("a push refused at the end of the grace", 0).refused(40, 42),
            provided("a push refused while the repository goes", 0)
                .event(10, 12, Drop)
                .refused(11, 13),
            Case::of("one of two layers is promised", 0)
                .layer(1, 2, 0, Provided)
                .refused(3, 4),
            Case::of("reported layers are kept for half the grace", 1)
                .layer(1, 2, 0, Reported)
                .layer(1, 2, 1, Reported)
                .refused(18, 19)
                .refused(22, 23),
            Case::of("reported layers may be missed at once", 0)
                .layer(1, 2, 0, Reported)
                .layer(3, 4, 0, Missed),
        ];
        for case in cases {
            assert_eq!(case.problems(), case.wrong, "{}", case.name);
        }
    }
}
