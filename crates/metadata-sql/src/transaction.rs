//! The port's transaction over any engine.

mod identities;
mod reads;
mod writes;

use ecru_ports::metadata::StoreError;

use crate::queries::settings;
use crate::sql::Sql;

/// A closure's view of an open transaction. Remembers the first failure and does nothing after it: no engine
/// can be trusted with the rest of a transaction in which a statement failed.
pub(crate) struct SqlTransaction<'s, S> {
    sql: &'s mut S,
    failure: Option<StoreError>,
}

impl<'s, S: Sql> SqlTransaction<'s, S> {
    /// A view of the transaction that `sql` is in.
    pub(crate) fn new(sql: &'s mut S) -> Self {
        Self { sql, failure: None }
    }

    /// Ends the view. `Err` if anything failed, whatever the closure made of it.
    pub(crate) fn end(self) -> Result<(), StoreError> {
        self.failure.map_or(Ok(()), Err)
    }

    /// Makes a change to repositories or keys, and counts it.
    fn restructure<T>(
        &mut self,
        deed: impl FnOnce(&mut dyn Sql) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = self.run(deed)?;
        self.run(|sql| settings::count_structure(sql))?;
        Ok(done)
    }

    fn run<T>(
        &mut self,
        deed: impl FnOnce(&mut dyn Sql) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        deed(self.sql).inspect_err(|error| self.failure = Some(error.clone()))
    }
}
