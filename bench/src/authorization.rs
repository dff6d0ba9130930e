//! What authorization costs: the same manifest asked for by the root user, by a user with one
//! statement and by one with a hundred, in a store of few users and roles and in one of many.
//!
//! - [`arguments`]: the command line
//! - [`people`]: who asks, and the policies that bind them, in [`documents`]
//! - [`crowd`]: the many others
//! - [`sheet`]: figures, and the table

mod arguments;
mod crowd;
mod documents;
mod people;
mod sheet;

use std::sync::Arc;

use anyhow::{Context, ensure};

pub(crate) use arguments::AuthorizationArgs;

use crate::authorization::people::{People, Person};
use crate::authorization::sheet::Sheet;
use crate::compare::{Server, machine};
use crate::drive;
use crate::options::{RunOptions, Workload};
use crate::workload::{Plan, prepare};

/// Connections that ask at a time.
const CONNECTIONS: usize = 16;

/// Measures on fresh data, then once more with many users and roles beside.
///
/// # Errors
/// A server that does not start or end, and any refused request.
pub(crate) async fn run(args: AuthorizationArgs) -> anyhow::Result<()> {
    let home = args.home()?;
    let database = args.database()?;
    let program = args.program(database.as_ref())?;
    let server = Server::start(&program, home.path()).await?;
    let ecr = server.ecr().context("only Ecru decides by policies")?;
    let people = People::make(&server, ecr).await?;
    let plans = plans(&server, &people.all, args.seconds).await?;
    let mut sheet = Sheet::default();
    for stored in [0, args.users] {
        let made = crowd::fill(&ecr.iam(), &people.account, stored).await?;
        eprintln!("{made} users and roles stored");
        for pass in 0..args.passes {
            measure(&plans, pass, &mut sheet.column(made)).await?;
        }
    }
    server.stop().await?;
    println!("Measured on {}.\n\n{}", machine(), sheet.markdown());
    Ok(())
}

/// The run of each person: the same requests for the same manifest.
async fn plans(
    server: &Server,
    people: &[Person],
    seconds: u64,
) -> anyhow::Result<Vec<(&'static str, Arc<Plan>)>> {
    let mut plans = Vec::new();
    for person in people {
        let options = RunOptions {
            label: person.title.to_owned(),
            repo: documents::REPOSITORY.to_owned(),
            secs: Some(seconds),
            conc: CONNECTIONS,
            pid: server.pids(),
            ..RunOptions::of(Workload::ManifestGet)
        };
        // the root user pushes, everybody pulls
        let mut plan = prepare(server.endpoint(), options).await?;
        plan.endpoint = Arc::clone(&person.endpoint);
        plans.push((person.title, Arc::new(plan)));
    }
    Ok(plans)
}

/// One pass; who comes first turns round with each.
async fn measure(
    plans: &[(&'static str, Arc<Plan>)],
    pass: usize,
    column: &mut sheet::Column<'_>,
) -> anyhow::Result<()> {
    for turn in 0..plans.len() {
        let place = (turn + pass) % plans.len();
        let Some((title, plan)) = plans.get(place) else {
            continue;
        };
        let outcome = drive::measure(Arc::clone(plan)).await?;
        outcome.require_no_errors().context(*title)?;
        ensure!(outcome.ok > 0, "{title}: not one request in the time given");
        column.add(title, &outcome);
    }
    Ok(())
}
