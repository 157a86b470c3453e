//! Keyset paging: the records beyond a place in an order. Both databases walk an index from the place on when it is said as a row of values, and only
//! then; the query builder does not know rows, so this is the one text of SQL that is written by hand. A column is named here, never by a client.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Timestamp};

use super::Backend;

/// A column that is unique together with the key of its record, and has an index that ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Rank,
    Id,
    UpdatedAt,
    Year,
    /// Of `record_text`, not of `record`.
    Title,
}

/// A value of a column.
#[derive(Clone, Debug)]
pub enum Value {
    Number(i64),
    Small(i32),
    Text(String),
    Instant(NaiveDateTime),
}

/// The rows strictly after (or before) the place of a value and a key, by the column's own order.
pub fn beyond<Table: 'static>(column: Column, value: Value, key: i64, after: bool) -> Box<dyn BoxableExpression<Table, Backend, SqlType = Bool>> {
    let (columns, sign) = (
        match column {
            Column::Rank => "(record.rank, record.key)",
            Column::Id => "(record.id, record.key)",
            Column::UpdatedAt => "(record.updated_at, record.key)",
            Column::Year => "(record.year, record.key)",
            Column::Title => "(record_text.title_sort, record_text.record_key)",
        },
        if after { '>' } else { '<' },
    );
    let start = sql::<Bool>(&format!("{columns} {sign} ("));
    match value {
        Value::Number(n) => Box::new(start.bind::<BigInt, _>(n).sql(", ").bind::<BigInt, _>(key).sql(")")),
        Value::Small(n) => Box::new(start.bind::<Integer, _>(n).sql(", ").bind::<BigInt, _>(key).sql(")")),
        Value::Text(text) => Box::new(start.bind::<Text, _>(text).sql(", ").bind::<BigInt, _>(key).sql(")")),
        Value::Instant(at) => Box::new(start.bind::<Timestamp, _>(at).sql(", ").bind::<BigInt, _>(key).sql(")")),
    }
}
