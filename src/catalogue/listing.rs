//! Lists of any noun: filters, order, keyset paging and the count, over the records alone. A noun adds conditions and gets back the keys of a page.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::locale::{ALL, Locale, mask};
use super::record::fold;
use crate::db::keyset::{self, Value};
use crate::db::schema::{list_total, record, record_text};
use crate::db::types::{parse_rfc3339, rfc3339};
use crate::db::{Backend, Db};
use crate::error::Error;
use crate::http::cursor::{Cursor, SortValue};
use crate::http::question::Question;

/// A condition on records.
pub type Condition = Box<dyn BoxableExpression<record::table, Backend, SqlType = Bool>>;
type Expression<T> = Box<dyn BoxableExpression<record::table, Backend, SqlType = T>>;

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

/// What is wanted of the records of a kind.
pub struct Wanted<'a> {
    pub kind: &'static str,
    pub locale: &'a Locale,
    /// What the question narrows the list by; none for the whole list. Called once for each query.
    pub narrowing: &'a dyn Fn() -> Vec<Condition>,
    pub sorts: &'a [Sort],
    /// How many a page has.
    pub size: i64,
    pub cursor: Option<&'a Cursor>,
    /// The name of the list in its cursors.
    pub identity: &'a str,
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

fn title(locale: &Locale) -> Expression<Text> {
    Box::new(resolved!(locale, record_text::title_sort))
}

/// A text as a pattern of LIKE that matches itself alone, with `\` as the escape.
pub fn literally(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The conditions of the filters that all nouns share: `q`, `status`, `updatedSince`.
pub fn shared(question: &Question, locale: &Locale) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    let states = question.all("status").to_vec();
    if !states.is_empty() {
        conditions.push(Box::new(record::state.eq_any(states)));
    }
    if let Some(since) = question.one("updatedSince").and_then(parse_rfc3339) {
        conditions.push(Box::new(record::updated_at.ge(since)));
    }
    for word in question.one("q").map(fold).unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let pattern = format!("%{}%", literally(word));
        conditions.push(Box::new(resolved!(locale, record_text::folded).like(pattern).escape('\\')));
    }
    conditions
}

/// The sets of languages in which something can be read along the chain; nothing when every record can be, because the chain has all languages.
fn readable(locale: &Locale) -> Option<Vec<i32>> {
    let chain = mask(locale.chain.iter());
    (chain != ALL).then(|| (1..=ALL).filter(|languages| languages & chain != 0).collect())
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
        (SortKey::Year, SortValue::Number(n)) => compare!(record::year.assume_not_null(), i32::try_from(*n).ok()?),
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
    // The key goes the way of the last sort, so that an index serves both directions.
    let falls = sorts.last().is_some_and(|sort| sort.descending) != backward;
    let mut condition: Condition = if falls { Box::new(record::key.lt(*key)) } else { Box::new(record::key.gt(*key)) };
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
            SortKey::Year => then!(record::year.assume_not_null()),
        };
    }
    let falls = sorts.last().is_some_and(|sort| sort.descending) != backward;
    if falls { query.then_order_by(record::key.desc()) } else { query.then_order_by(record::key.asc()) }
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
            SortKey::Year => SortValue::Number(i64::from(one().select(record::year.assume_not_null()).first::<i32>(db)?)),
        });
    }
    values.push(SortValue::Number(key));
    Ok(values)
}

/// The value of a record in an order of one key, and the record's key.
type Place = (Vec<SortValue>, i64);

impl Wanted<'_> {
    /// All records of the list.
    fn filtered(&self) -> Records<'static> {
        let mut query = record::table.filter(record::kind.eq(self.kind)).filter(record::listed.eq(true)).into_boxed::<Backend>();
        if let Some(languages) = readable(self.locale) {
            query = query.filter(record::languages.eq_any(languages));
        }
        (self.narrowing)().into_iter().fold(query, |query, condition| query.filter(condition))
    }

    /// Places of the list beyond one of them, or from its start, in the direction read; at most `limit`.
    fn places(&self, db: &mut Db, from: Option<&[SortValue]>, backward: bool, limit: i64, sets: &[(i32, i64)]) -> Result<Vec<Place>, Error> {
        let [sort] = self.sorts else { return self.searched(db, from, backward, limit) };
        let ascending = sort.descending == backward;
        let from = match from {
            Some([value, SortValue::Number(key)]) => Some((sort_value(sort.key, value).ok_or_else(misfit)?, *key)),
            Some(_) => return Err(misfit()),
            None => None,
        };
        macro_rules! walk {
            ($column:expr, $named:expr, $value:expr) => {{
                let mut query = self.filtered();
                if let Some((value, key)) = from {
                    query = query.filter(keyset::beyond($named, value, key, ascending));
                }
                let query =
                    if ascending { query.order(($column.asc(), record::key.asc())) } else { query.order(($column.desc(), record::key.desc())) };
                let rows: Vec<(_, i64)> = query.limit(limit).select(($column, record::key)).load(db)?;
                Ok(rows.into_iter().map(|(value, key)| (vec![$value(value)], key)).collect())
            }};
        }
        match sort.key {
            SortKey::Rank => walk!(record::rank, keyset::Column::Rank, SortValue::Number),
            SortKey::Id => walk!(record::id, keyset::Column::Id, SortValue::Text),
            SortKey::UpdatedAt => walk!(record::updated_at, keyset::Column::UpdatedAt, |at| SortValue::Text(rfc3339(at))),
            // What has no year has no place in an order of years: only kinds that must have one are sorted by it.
            SortKey::Year => walk!(record::year.assume_not_null(), keyset::Column::Year, |year: i32| SortValue::Number(year.into())),
            SortKey::Title if (self.narrowing)().is_empty() => self.titles(db, from.as_ref(), ascending, limit, sets),
            SortKey::Title => {
                let place = from.map(|(value, key)| match value {
                    Value::Text(text) => vec![SortValue::Text(text), SortValue::Number(key)],
                    _ => Vec::new(),
                });
                self.searched(db, place.as_deref(), backward, limit)
            }
        }
    }

    /// The order by title. All records with the same languages are read in the same one, and their titles in it stand in an index; so the list is
    /// woven of one strand for each set of languages that occurs.
    fn titles(&self, db: &mut Db, from: Option<&(Value, i64)>, ascending: bool, limit: i64, sets: &[(i32, i64)]) -> Result<Vec<Place>, Error> {
        let mut woven: Vec<(String, i64)> = Vec::new();
        for (languages, _) in sets {
            let Some(language) = self.locale.chain.iter().find(|code| languages & mask([*code]) != 0) else { continue };
            let mut query = record_text::table
                .filter(record_text::kind.eq(self.kind))
                .filter(record_text::listed.eq(true))
                .filter(record_text::language.eq(language))
                .filter(record_text::languages.eq(languages))
                .into_boxed::<Backend>();
            if let Some((value, key)) = from {
                query = query.filter(keyset::beyond(keyset::Column::Title, value.clone(), *key, ascending));
            }
            let (title, key) = (record_text::title_sort, record_text::record_key);
            let query = if ascending { query.order((title.asc(), key.asc())) } else { query.order((title.desc(), key.desc())) };
            woven.extend(query.limit(limit).select((title, key)).load::<(String, i64)>(db)?);
        }
        woven.sort_unstable();
        if !ascending {
            woven.reverse();
        }
        woven.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(woven.into_iter().map(|(title, key)| (vec![SortValue::Text(title)], key)).collect())
    }

    /// Any other order, over all records that are left of the list.
    fn searched(&self, db: &mut Db, from: Option<&[SortValue]>, backward: bool, limit: i64) -> Result<Vec<Place>, Error> {
        let mut query = self.filtered();
        if let Some(place) = from {
            query = query.filter(beyond(self.sorts, place, backward, self.locale).ok_or_else(misfit)?);
        }
        let keys: Vec<i64> = ordered(query, self.sorts, backward, self.locale).select(record::key).limit(limit).load(db)?;
        Ok(keys.into_iter().map(|key| (Vec::new(), key)).collect())
    }

    /// The languages that records of the kind have, each set with the number of records, as far as the reader can read them.
    fn sets(&self, db: &mut Db) -> Result<Vec<(i32, i64)>, Error> {
        let all: Vec<(i32, i64)> =
            list_total::table.filter(list_total::kind.eq(self.kind)).select((list_total::languages, list_total::total)).load(db)?;
        let chain = mask(self.locale.chain.iter());
        Ok(all.into_iter().filter(|(languages, total)| languages & chain != 0 && *total > 0).collect())
    }
}

fn misfit() -> Error {
    Error::internal("a signed cursor does not fit its order")
}

fn sort_value(key: SortKey, value: &SortValue) -> Option<Value> {
    Some(match (key, value) {
        (SortKey::Rank, SortValue::Number(n)) => Value::Number(*n),
        (SortKey::Year, SortValue::Number(n)) => Value::Small(i32::try_from(*n).ok()?),
        (SortKey::Id | SortKey::Title, SortValue::Text(text)) => Value::Text(text.clone()),
        (SortKey::UpdatedAt, SortValue::Text(text)) => Value::Instant(parse_rfc3339(text)?),
        _ => return None,
    })
}

/// The page that follows (or precedes) the cursor, or the first one. `counted` keeps totals that had to be counted: it is given what counts, and need
/// not call it.
///
/// # Errors
/// A cursor whose place does not fit the order; a fault of the database.
pub fn page(
    db: &mut Db,
    wanted: &Wanted<'_>,
    counted: impl FnOnce(&mut dyn FnMut() -> Result<i64, Error>) -> Result<i64, Error>,
) -> Result<Page, Error> {
    let Wanted { locale, sorts, size, cursor, identity, .. } = wanted;
    let sets = wanted.sets(db)?;
    let whole: i64 = sets.iter().map(|(_, total)| total).sum();
    let total = match (wanted.narrowing)().is_empty() || whole == 0 {
        true => whole,
        false => counted(&mut || Ok(wanted.filtered().count().get_result(db)?))?,
    };
    if total == 0 && cursor.is_none() {
        return Ok(Page { keys: Vec::new(), total, next: None, prev: None });
    }
    let mut backward = cursor.is_some_and(|cursor| cursor.backward);
    // A cursor without values is that of the end.
    let mut from = cursor.map(|cursor| cursor.values.as_slice()).filter(|values| !values.is_empty());
    let mut places = wanted.places(db, from, backward, size + 1, &sets)?;
    if places.is_empty() && backward {
        // What stood before is gone: the list begins here.
        (from, backward) = (None, false);
        places = wanted.places(db, None, false, size + 1, &sets)?;
    }
    let more = i64::try_from(places.len()).is_ok_and(|len| len > *size);
    places.truncate(usize::try_from(*size).unwrap_or(usize::MAX));
    if backward {
        places.reverse();
    }
    let keys: Vec<i64> = places.iter().map(|(_, key)| *key).collect();
    let mut end_of = |place: Option<Place>| -> Result<Option<Vec<SortValue>>, Error> {
        Ok(match place {
            Some((mut values, key)) if values.len() == sorts.len() => {
                values.push(SortValue::Number(key));
                Some(values)
            }
            Some((_, key)) => Some(place_of(db, key, sorts, locale)?),
            None => None,
        })
    };
    let last = if places.len() > 1 { end_of(places.pop())? } else { None };
    let first = end_of(places.into_iter().next())?;
    let Some(first) = first else {
        // Beyond the end: the way back is from there.
        let back = from.map(|_| Cursor::new(identity, Vec::new(), true));
        return Ok(Page { keys, total, next: None, prev: back });
    };
    let last = last.unwrap_or_else(|| first.clone());
    let has_next = if backward { from.is_some() && !wanted.places(db, Some(&last), false, 1, &sets)?.is_empty() } else { more };
    let has_prev = if backward { more } else { from.is_some() && !wanted.places(db, Some(&first), true, 1, &sets)?.is_empty() };
    Ok(Page { keys, total, next: has_next.then(|| Cursor::new(identity, last, false)), prev: has_prev.then(|| Cursor::new(identity, first, true)) })
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
