//! Every statement, by table. One function serves one method of the port.

pub(crate) mod identities;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod layers;
pub(crate) mod objects;
pub(crate) mod pushes;
pub(crate) mod references;
pub(crate) mod repositories;
pub(crate) mod settings;
pub(crate) mod tags;
pub(crate) mod uploads;

use ecru_ports::metadata::StoreError;

use crate::row::Row;

/// Reads every row.
fn read_all<T>(
    rows: Vec<Row>,
    read: impl Fn(&mut Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Reads the row, if there is one.
fn read_one<T>(
    row: Option<Row>,
    read: impl Fn(&mut Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    row.map(|mut row| read(&mut row)).transpose()
}
