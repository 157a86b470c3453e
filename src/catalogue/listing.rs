//! Lists of any noun: filters, order, keyset paging and the count, over the records alone. A noun adds conditions and gets back the keys of a page.

use diesel::dsl::exists;
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

use super::locale::Locale;
use super::record::fold;
use crate::db::schema::{record, record_text, work};
use crate::db::types::{parse_rfc3339, rfc3339};
use crate::db::{Backend, Db};
use crate::error::Error;
use crate::http::cursor::{Cursor, SortValue};
use crate::http::question::Question;

/// A condition on records.
pub type Condition = Box<dyn BoxableExpression<record::table, Backend, SqlType = Bool>>;
type Value<T> = Box<dyn BoxableExpression<record::table, Backend, SqlType = T>>;

/// What a list can be sorted by. Each is unique together with the record's key, which ends every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The record's place in the default order: number, position or first day.
    Rank,
    Id,
    UpdatedAt,
    /// The resolved title.
    Title,
    Year,
}

/// One key of an order.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

/// A page of a list.
pub struct Page {
    pub keys: Vec<i64>,
    pub total: i64,
    pub next: Option<Cursor>,
    pub prev: Option<Cursor>,
}

/// A column of the text that a record is served in. A correlated query cannot be boxed, so the order has a fixed number of terms:
/// true sorts last, hence `desc`: the first language of the chain comes first. A shorter chain is filled up with what no text has.
macro_rules! resolved {
    ($locale:expr, $column:expr) => {{
        let code = |at: usize| $locale.chain.get(at).cloned().unwrap_or_default();
        record_text::table
            .filter(record_text::record_key.eq(record::key))
            .filter(record_text::state.eq("published"))
            .filter(record_text::language.eq_any($locale.chain.clone()))
            .select($column)
            .order((
                record_text::language.eq(code(0)).desc(),
                record_text::language.eq(code(1)).desc(),
                record_text::language.eq(code(2)).desc(),
                record_text::language.eq(code(3)).desc(),
            ))
            .limit(1)
            .single_value()
            .assume_not_null()
    }};
}
const _: () = assert!(super::locale::LANGUAGES.len() == 4, "the order above has a term for each language");

fn title(locale: &Locale) -> Value<Text> {
    Box::new(resolved!(locale, record_text::title_sort))
}

fn year() -> Value<Integer> {
    Box::new(work::table.filter(work::record_key.eq(record::key)).select(work::year).single_value().assume_not_null())
}

/// The conditions that all nouns share: public, readable in a language of the chain, `q`, `status`, `updatedSince`.
pub fn shared(kind: &'static str, question: &Question, locale: &Locale) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = vec![
        Box::new(record::kind.eq(kind)),
        Box::new(record::listed.eq(true)),
        Box::new(exists(
            record_text::table
                .filter(record_text::record_key.eq(record::key))
                .filter(record_text::state.eq("published"))
                .filter(record_text::language.eq_any(locale.chain.clone())),
        )),
    ];
    let states = question.all("status").to_vec();
    if !states.is_empty() {
        conditions.push(Box::new(record::state.eq_any(states)));
    }
    if let Some(since) = question.one("updatedSince").and_then(parse_rfc3339) {
        conditions.push(Box::new(record::updated_at.ge(since)));
    }
    for word in question.one("q").map(fold).unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        conditions.push(Box::new(resolved!(locale, record_text::folded).like(pattern).escape('\\')));
    }
    conditions
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    At,
    After,
}

/// Where a record stands to a value of a sort key.
fn beside(key: SortKey, value: &SortValue, side: Side, locale: &Locale) -> Option<Condition> {
    macro_rules! compare {
        ($column:expr, $value:expr) => {
            match side {
                Side::Before => Box::new($column.lt($value)),
                Side::At => Box::new($column.eq($value)),
                Side::After => Box::new($column.gt($value)),
            }
        };
    }
    Some(match (key, value) {
        (SortKey::Rank, SortValue::Number(n)) => compare!(record::rank, *n),
        (SortKey::Year, SortValue::Number(n)) => compare!(year(), i32::try_from(*n).ok()?),
        (SortKey::Id, SortValue::Text(text)) => compare!(record::id, text.clone()),
        (SortKey::Title, SortValue::Text(text)) => compare!(title(locale), text.clone()),
        (SortKey::UpdatedAt, SortValue::Text(text)) => compare!(record::updated_at, parse_rfc3339(text)?),
        _ => return None,
    })
}

/// The records strictly beyond a place, in the direction read. `None` when the place does not fit the order.
fn beyond(sorts: &[Sort], place: &[SortValue], backward: bool, locale: &Locale) -> Option<Condition> {
    let (SortValue::Number(key), values) = place.split_last()? else { return None };
    if values.len() != sorts.len() {
        return None;
    }
    // From the last key to the first: beyond(a, rest) = a beyond, or a equal and the rest beyond.
    let mut condition: Condition = if backward { Box::new(record::key.lt(*key)) } else { Box::new(record::key.gt(*key)) };
    for (sort, value) in sorts.iter().zip(values).rev() {
        let side = if sort.descending == backward { Side::After } else { Side::Before };
        let further = beside(sort.key, value, side, locale)?;
        let equal = beside(sort.key, value, Side::At, locale)?;
        condition = Box::new(further.or(Box::new(equal.and(condition)) as Condition));
    }
    Some(condition)
}

type Records<'a> = diesel::helper_types::IntoBoxed<'a, record::table, Backend>;

fn ordered<'a>(mut query: Records<'a>, sorts: &[Sort], backward: bool, locale: &'a Locale) -> Records<'a> {
    for sort in sorts {
        macro_rules! then {
            ($column:expr) => {
                if sort.descending == backward { query.then_order_by($column.asc()) } else { query.then_order_by($column.desc()) }
            };
        }
        query = match sort.key {
            SortKey::Rank => then!(record::rank),
            SortKey::Id => then!(record::id),
            SortKey::UpdatedAt => then!(record::updated_at),
            SortKey::Title => then!(title(locale)),
            SortKey::Year => then!(year()),
        };
    }
    if backward { query.then_order_by(record::key.desc()) } else { query.then_order_by(record::key.asc()) }
}

/// The sort values of a record, its key last: what a cursor holds.
fn place_of(db: &mut Db, key: i64, sorts: &[Sort], locale: &Locale) -> Result<Vec<SortValue>, Error> {
    let one = || record::table.filter(record::key.eq(key));
    let mut values = Vec::with_capacity(sorts.len() + 1);
    for sort in sorts {
        values.push(match sort.key {
            SortKey::Rank => SortValue::Number(one().select(record::rank).first(db)?),
            SortKey::Id => SortValue::Text(one().select(record::id).first(db)?),
            SortKey::UpdatedAt => SortValue::Text(rfc3339(one().select(record::updated_at).first(db)?)),
            SortKey::Title => SortValue::Text(one().select(title(locale)).first(db)?),
            SortKey::Year => SortValue::Number(i64::from(one().select(year()).first::<i32>(db)?)),
        });
    }
    values.push(SortValue::Number(key));
    Ok(values)
}

/// The page that follows (or precedes) `cursor`, or the first one.
/// `conditions` is called once for the count and once for the page; `question` names the list in the cursors.
///
/// # Errors
/// A cursor whose place does not fit the order; a fault of the database.
pub fn page(
    db: &mut Db,
    conditions: &dyn Fn() -> Vec<Condition>,
    sorts: &[Sort],
    size: i64,
    cursor: Option<&Cursor>,
    question: &str,
    locale: &Locale,
) -> Result<Page, Error> {
    let filtered = || conditions().into_iter().fold(record::table.into_boxed::<Backend>(), |query, condition| query.filter(condition));
    let total: i64 = filtered().count().get_result(db)?;
    let backward = cursor.is_some_and(|cursor| cursor.backward);

    let mut query = filtered();
    if let Some(cursor) = cursor {
        let condition = beyond(sorts, &cursor.values, backward, locale).ok_or_else(|| Error::internal("a signed cursor does not fit its order"))?;
        query = query.filter(condition);
    }
    let mut keys: Vec<i64> = ordered(query, sorts, backward, locale).select(record::key).limit(size + 1).load(db)?;
    let more = i64::try_from(keys.len()).is_ok_and(|len| len > size);
    keys.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    if backward {
        keys.reverse();
    }

    let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else {
        // Beyond the end: the way back is the place itself.
        let back = cursor.filter(|c| !c.backward).map(|c| Cursor::new(question, c.values.clone(), true));
        return Ok(Page { keys, total, next: None, prev: back });
    };
    let first = place_of(db, first, sorts, locale)?;
    let last = place_of(db, last, sorts, locale)?;
    let other_side = |db: &mut Db, place: &[SortValue], back: bool| -> Result<bool, Error> {
        match beyond(sorts, place, back, locale) {
            Some(condition) => Ok(filtered().filter(condition).select(record::key).limit(1).load::<i64>(db)?.len() == 1),
            None => Ok(false),
        }
    };
    let has_next = if backward { other_side(db, &last, false)? } else { more };
    let has_prev = if backward { more } else { cursor.is_some() && other_side(db, &first, true)? };
    Ok(Page { keys, total, next: has_next.then(|| Cursor::new(question, last, false)), prev: has_prev.then(|| Cursor::new(question, first, true)) })
}

// The records that a filter names, beside the records that are listed.
diesel::alias! {
    pub const NAMED: Alias<Named> = record as named;
}

/// The keys of the public records of a kind with one of these ids, as a subquery: a filter must not tell that a draft is there.
/// A macro, because only an unboxed query can stand within another through both backends.
macro_rules! keys_of {
    ($kind:expr, $ids:expr) => {{
        use $crate::catalogue::listing::NAMED;
        use $crate::db::schema::record as named;
        NAMED
            .filter(NAMED.field(named::kind).eq($kind))
            .filter(NAMED.field(named::id).eq_any($ids))
            .filter(NAMED.field(named::listed).eq(true))
            .select(NAMED.field(named::key))
    }};
}
pub(crate) use keys_of;
