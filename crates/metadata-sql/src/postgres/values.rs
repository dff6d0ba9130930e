//! Values on their way to and from the server.

use std::error::Error;

use bytes::BytesMut;
use ecru_ports::metadata::StoreError;
use tokio_postgres::Row as PgRow;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::row::Row;
use crate::sql::{Parameter, Value};

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Self::Text(text), &(Type::TEXT | Type::VARCHAR)) => text.as_ref().to_sql(kind, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(kind, out),
            _ => Err(format!("a parameter is not a {kind}").into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    to_sql_checked!();
}

/// A row with its values.
pub(super) fn read_row(row: &PgRow) -> Result<Row, StoreError> {
    (0..row.len())
        .map(|index| read_value(row, index))
        .collect::<Result<_, _>>()
        .map(Row::new)
}

fn read_value(row: &PgRow, index: usize) -> Result<Value, StoreError> {
    let kind = row
        .columns()
        .get(index)
        .map(|column| column.type_().clone());
    let value = match kind {
        Some(Type::INT8) => row
            .try_get::<_, Option<i64>>(index)
            .map(|v| v.map(Value::Integer)),
        Some(Type::BYTEA) => row
            .try_get::<_, Option<Vec<u8>>>(index)
            .map(|v| v.map(Value::Bytes)),
        _ => row
            .try_get::<_, Option<String>>(index)
            .map(|v| v.map(Value::Text)),
    };
    value
        .map(|value| value.unwrap_or(Value::Null))
        .map_err(|_| StoreError::Corrupt("a column has another type".to_owned()))
}
