//! Request bodies that behave, and bodies that do not. Time is paused: no test waits.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ecru_aws_gateway::body_budget::{BodyBudget, BodyError, BodyPace};
use ecru_aws_gateway::sigv4::PayloadHash;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;

/// What a client does next.
#[derive(Clone)]
enum Step {
    Send(usize),
    Pause(Duration),
    Trailers,
    Break,
    Hang,
}

/// A client that follows a script, over and over if it never ends.
struct Client {
    script: VecDeque<Step>,
    endless: bool,
    announced: Option<u64>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Client {
    fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self {
            script: script.into_iter().collect(),
            endless: false,
            announced: None,
            pause: None,
        }
    }

    fn announcing(mut self, length: usize) -> Self {
        self.announced = Some(length as u64);
        self
    }

    fn endless(mut self) -> Self {
        self.endless = true;
        self
    }
}

impl Body for Client {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            let Some(step) = self.script.pop_front() else {
                return Poll::Ready(None);
            };
            if self.endless {
                self.script.push_back(step.clone());
            }
            match step {
                Step::Send(length) => {
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![7; length])))));
                }
                Step::Pause(duration) => self.pause = Some(Box::pin(sleep(duration))),
                Step::Trailers => {
                    return Poll::Ready(Some(Ok(Frame::trailers(http::HeaderMap::new()))));
                }
                Step::Break => return Poll::Ready(Some(Err(std::io::Error::other("reset")))),
                Step::Hang => {
                    self.script.push_front(Step::Hang);
                    return Poll::Pending;
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn pace() -> BodyPace {
    BodyPace {
        idle: Duration::from_secs(20),
        grace: Duration::from_secs(10),
        minimum_rate: 1_024,
        wait: Duration::from_secs(5),
    }
}

fn budget() -> BodyBudget {
    BodyBudget::new(48 * MIB)
}

/// Reads one body and returns its length, after checking that the whole budget is free again.
async fn length_of(client: Client, limit: usize) -> Result<usize, BodyError> {
    let budget = budget();
    let read = budget.read(client, limit, &pace()).await;
    let length = read.map(|body| {
        assert_eq!(*body.hash(), PayloadHash::of(body.as_slice()));
        assert!(body.as_slice().iter().all(|b| *b == 7));
        assert!(budget.available() + body.as_slice().len() <= 48 * MIB);
        body.as_slice().len()
    });
    assert_eq!(budget.available(), 48 * MIB);
    length
}

#[tokio::test(start_paused = true)]
async fn whole_bodies_are_read_and_hashed() {
    let sends =
        |sizes: &[usize]| Client::new(sizes.iter().map(|n| Step::Send(*n)).collect::<Vec<_>>());
    assert_eq!(length_of(sends(&[]), 256 * KIB).await.unwrap(), 0);
    assert_eq!(
        length_of(sends(&[]).announcing(0), 256 * KIB)
            .await
            .unwrap(),
        0
    );
    assert_eq!(length_of(sends(&[1, 0, 2]), 256 * KIB).await.unwrap(), 3);
    assert_eq!(
        length_of(sends(&[1, 2]).announcing(3), 256 * KIB)
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        length_of(sends(&[256 * KIB]), 256 * KIB).await.unwrap(),
        256 * KIB
    );
    assert_eq!(
        length_of(sends(&[64 * KIB; 448]), 28 * MIB).await.unwrap(),
        28 * MIB
    );
    assert_eq!(
        length_of(sends(&[14 * MIB; 2]).announcing(28 * MIB), 28 * MIB)
            .await
            .unwrap(),
        28 * MIB
    );
    let with_trailers = Client::new([Step::Send(5), Step::Trailers]);
    assert_eq!(length_of(with_trailers, 256 * KIB).await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_announced_length_above_the_limit_is_refused_unread() {
    let client = Client::new([Step::Hang]).announcing(256 * KIB + 1);
    assert!(
        matches!(length_of(client, 256 * KIB).await, Err(BodyError::TooLarge { limit }) if limit == 256 * KIB)
    );
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_ends_at_the_limit() {
    for limit in [256 * KIB, 28 * MIB] {
        let client = Client::new([Step::Send(10_000)]).endless();
        assert!(matches!(
            length_of(client, limit).await,
            Err(BodyError::TooLarge { .. })
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_announced_is_refused() {
    let client = Client::new([Step::Send(3)]).announcing(2);
    assert!(matches!(
        length_of(client, 256 * KIB).await,
        Err(BodyError::TooLarge { limit: 2 })
    ));
}

#[tokio::test(start_paused = true)]
async fn less_than_announced_is_truncated() {
    let client = Client::new([Step::Send(3)]).announcing(4);
    assert!(matches!(
        length_of(client, 256 * KIB).await,
        Err(BodyError::Truncated)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_an_error() {
    let client = Client::new([Step::Send(3), Step::Break]).announcing(4);
    assert!(matches!(
        length_of(client, 256 * KIB).await,
        Err(BodyError::Transport(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_body_is_given_up() {
    for script in [vec![Step::Hang], vec![Step::Send(200 * KIB), Step::Hang]] {
        let started = tokio::time::Instant::now();
        let read = length_of(Client::new(script), 256 * KIB).await;
        assert!(matches!(read, Err(BodyError::TooSlow)));
        assert!(started.elapsed() <= Duration::from_secs(21));
    }
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_given_up_and_a_slow_body_is_not() {
    let second = Step::Pause(Duration::from_secs(1));
    let trickle = Client::new([Step::Send(500), second.clone()]).endless();
    let started = tokio::time::Instant::now();
    assert!(matches!(
        length_of(trickle, 256 * KIB).await,
        Err(BodyError::TooSlow)
    ));
    assert!(started.elapsed() <= Duration::from_secs(25));

    let steps = std::iter::repeat_n([Step::Send(1_100), second], 200).flatten();
    assert_eq!(
        length_of(Client::new(steps), 256 * KIB).await.unwrap(),
        220_000
    );
}

#[tokio::test(start_paused = true)]
async fn endless_empty_frames_are_given_up() {
    for step in [Step::Send(0), Step::Trailers] {
        let client = Client::new([step]).endless();
        assert!(matches!(
            length_of(client, 256 * KIB).await,
            Err(BodyError::TooSlow)
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_reserved_and_given_back() {
    let budget = budget();
    let client = Client::new([Step::Send(14 * MIB), Step::Send(14 * MIB)]).announcing(28 * MIB);
    let body = budget.read(client, 28 * MIB, &pace()).await.unwrap();
    assert_eq!(budget.available(), 20 * MIB);
    drop(body);
    assert_eq!(budget.available(), 48 * MIB);
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_is_busy_after_a_wait_and_small_bodies_still_pass() {
    let budget = budget();
    let client = || Client::new([Step::Send(28 * MIB)]).announcing(28 * MIB);
    let held = budget.read(client(), 28 * MIB, &pace()).await.unwrap();
    let started = tokio::time::Instant::now();
    assert!(matches!(
        budget.read(client(), 28 * MIB, &pace()).await,
        Err(BodyError::Busy)
    ));
    assert_eq!(started.elapsed().as_secs(), 5);
    let small = budget
        .read(Client::new([Step::Send(100)]), 256 * KIB, &pace())
        .await;
    assert_eq!(small.unwrap().as_slice().len(), 100);
    drop(held);
    assert!(budget.read(client(), 28 * MIB, &pace()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_what_is_given_back() {
    let budget = budget();
    let client = || Client::new([Step::Send(28 * MIB)]).announcing(28 * MIB);
    let held = budget.read(client(), 28 * MIB, &pace()).await.unwrap();
    let give_back = async {
        sleep(Duration::from_secs(3)).await;
        drop(held);
    };
    let pace = pace();
    let (waited, ()) = tokio::join!(budget.read(client(), 28 * MIB, &pace), give_back);
    assert!(waited.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_made_of_a_body_keeps_its_share_only() {
    let budget = budget();
    for (kept, held) in [
        (0, 0),
        (1, KIB),
        (3 * MIB, 3 * MIB),
        (4 * MIB, 4 * MIB),
        (9 * MIB, 4 * MIB),
    ] {
        let client = Client::new([Step::Send(4 * MIB)]).announcing(4 * MIB);
        let body = budget.read(client, 28 * MIB, &pace()).await.unwrap();
        let share = body.into_share(kept);
        assert_eq!(budget.available(), 48 * MIB - held, "{kept}");
        drop(share);
        assert_eq!(budget.available(), 48 * MIB);
    }
}

#[tokio::test(start_paused = true)]
async fn many_growing_bodies_stay_within_the_budget_and_all_end() {
    let budget = budget();
    let pace = pace();
    let mut readers = tokio::task::JoinSet::new();
    let shared = std::sync::Arc::new(budget);
    for _ in 0..100 {
        let budget = std::sync::Arc::clone(&shared);
        readers.spawn(async move {
            let client =
                Client::new([Step::Send(MIB), Step::Pause(Duration::from_millis(10))]).endless();
            budget.read(client, 28 * MIB, &pace).await.err()
        });
    }
    while let Some(end) = readers.join_next().await {
        assert!(matches!(
            end.unwrap(),
            Some(BodyError::TooLarge { .. } | BodyError::Busy)
        ));
    }
    assert_eq!(shared.available(), 48 * MIB);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_read_gives_its_share_back() {
    let budget = budget();
    let client = Client::new([Step::Send(1), Step::Hang]).announcing(28 * MIB);
    let given_up = tokio::time::timeout(
        Duration::from_secs(1),
        budget.read(client, 28 * MIB, &pace()),
    )
    .await;
    assert!(given_up.is_err());
    assert_eq!(budget.available(), 48 * MIB);
}
