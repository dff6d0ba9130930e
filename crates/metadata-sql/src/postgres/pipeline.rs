//! Statements that travel together: sent in order, at once, and answered in that order.

use std::borrow::Cow;
use std::task::{Context, Poll, Waker};

use deadpool_postgres::Object;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use crate::sql::Parameter;

/// A statement on its way to the server.
pub(super) enum Order<'a> {
    /// Steers the transaction; without parameters.
    Steer(String),
    /// Changes rows.
    Execute(&'static str, Cow<'a, [Parameter<'a>]>),
    /// Returns rows.
    Query(&'static str, Cow<'a, [Parameter<'a>]>),
}

impl Order<'_> {
    /// The text to be prepared, if it is.
    pub(super) fn to_prepare(&self) -> Option<&'static str> {
        match self {
            Self::Steer(_) => None,
            Self::Execute(statement, _) | Self::Query(statement, _) => Some(statement),
        }
    }
}

/// What the server answers to an order.
#[derive(Default)]
pub(super) struct Answer {
    /// The rows it returned.
    pub(super) rows: Vec<Row>,
    /// How many rows it changed.
    pub(super) changed: u64,
}

/// Which of the orders failed first. Those after it did nothing.
pub(super) enum Failure {
    /// One that was held back: it may be another member's.
    Held(Error),
    /// One that was asked for.
    Asked(Error),
}

impl Failure {
    /// The error.
    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Held(error) | Self::Asked(error) => error,
        }
    }
}

/// Sends `held` and then `asked`, and returns the answers to `asked`. `prepared` has what is prepared of either.
/// Every answer is looked at, those that nobody reads too: a failure must not go unseen.
pub(super) async fn fly(
    client: &Object,
    prepared: Vec<Option<Statement>>,
    held: &[Order<'_>],
    asked: &[Order<'_>],
) -> Result<Vec<Answer>, Failure> {
    let mut prepared = prepared.into_iter();
    let mut sent = Vec::with_capacity(held.len() + asked.len());
    for order in held {
        sent.push(send(client, prepared.next().flatten(), order).boxed());
    }
    for order in asked {
        sent.push(send(client, prepared.next().flatten(), order).boxed());
    }
    let mut answers = in_order(sent).await;
    let others = answers.split_off(held.len().min(answers.len()));
    for answer in answers {
        answer.map_err(Failure::Held)?;
    }
    let others: Result<_, _> = others.into_iter().collect();
    others.map_err(Failure::Asked)
}

async fn send(
    client: &Object,
    statement: Option<Statement>,
    order: &Order<'_>,
) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    match (order, &statement) {
        (Order::Steer(text), _) => client.batch_execute(text).await?,
        (Order::Execute(text, values), None) => {
            answer.changed = client.execute(*text, &parameters(values)).await?;
        }
        (Order::Execute(_, values), Some(statement)) => {
            answer.changed = client.execute(statement, &parameters(values)).await?;
        }
        (Order::Query(text, values), None) => {
            answer.rows = client.query(*text, &parameters(values)).await?;
        }
        (Order::Query(_, values), Some(statement)) => {
            answer.rows = client.query(statement, &parameters(values)).await?;
        }
    }
    Ok(answer)
}

fn parameters<'v>(values: &'v [Parameter<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

/// A future sends its statement when it is first polled. What cannot be sent stops those after it: a COMMIT must not
/// follow a change that stayed behind. Then the answers are taken in the order in which they come: the connection has
/// room for two pieces of an answer, and while nobody takes them it delivers nothing of those behind it.
async fn in_order<T>(mut sent: Vec<BoxFuture<'_, Result<T, Error>>>) -> Vec<Result<T, Error>> {
    let mut answers = Vec::with_capacity(sent.len());
    for future in &mut sent {
        let first = future.poll_unpin(&mut Context::from_waker(Waker::noop()));
        let stays_behind = matches!(first, Poll::Ready(Err(_)));
        answers.push(match first {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        });
        if stays_behind {
            break;
        }
    }
    for (answer, future) in answers.iter_mut().zip(sent) {
        if answer.is_none() {
            *answer = Some(future.await);
        }
    }
    answers.into_iter().flatten().collect()
}
