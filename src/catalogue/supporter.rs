//! Supporters: who funds, publishes or partners the collection. They are shown with the collection and have no address of their own.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::locale::Text;
use super::noun::{Reading, serve};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, read_stored};
use crate::db::Db;
use crate::db::schema::{record, supporter};
use crate::error::Error;

/// What somebody may be to it.
pub const ROLES: &[&str] = &["funder", "programme", "publisher", "partner"];

/// A supporter as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SupporterDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

type Row = (i64, String, Option<String>, Option<String>, Option<String>);

impl Document for SupporterDocument {
    const KIND: &'static str = "supporter";

    fn head(&self) -> Head<'_> {
        Head {
            position: self.position,
            state: Default::default(),
            note: self.note.as_deref(),
            sources: &self.sources,
            texts: &self.texts,
            schedule: Schedule::default(),
            title: None,
        }
    }

    fn check(&self, faults: &mut Faults) {
        faults.code("role", &self.role, ROLES);
        faults.url("url", self.url.as_ref());
        faults.date("from", self.from.as_ref());
        faults.date("until", self.until.as_ref());
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        diesel::delete(supporter::table.filter(supporter::record_key.eq(key))).execute(db)?;
        diesel::insert_into(supporter::table)
            .values((
                supporter::record_key.eq(key),
                supporter::role.eq(&self.role),
                supporter::url.eq(&self.url),
                supporter::from_on.eq(&self.from),
                supporter::until_on.eq(&self.until),
            ))
            .execute(db)?;
        Ok(())
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let rows: Vec<Row> = supporter::table.filter(supporter::record_key.eq_any(keys)).load(db)?;
        let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let stored = read_stored(db, keys, true)?;
        Ok(stored
            .into_iter()
            .filter_map(|one| {
                let position = one.position();
                let Stored { key, id, note, sources, texts, .. } = one;
                let (_, role, url, from, until) = rows.remove(&key)?;
                Some((key, id, Self { position, role, url, from, until, note, texts, sources }))
            })
            .collect())
    }
}

/// Who funds, publishes or partners the collection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Supporter {
    #[schema(example = "wallonia")]
    pub id: String,
    /// `funder`, `programme` (of the funder), `publisher` or `partner` (of the publisher).
    #[schema(example = "funder")]
    pub role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Since when, as exactly as is known (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2016")]
    pub from: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The language of these texts, when it is not that of the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// All supporters in their order, for a collection that is served in `served`.
///
/// # Errors
/// Only of the database.
pub fn load(db: &mut Db, served: &str, reading: &Reading) -> Result<Vec<Supporter>, Error> {
    let keys: Vec<i64> = record::table
        .filter(record::kind.eq(SupporterDocument::KIND))
        .filter(record::listed.eq(true))
        .order((record::rank, record::key))
        .select(record::key)
        .load(db)?;
    let rows: Vec<Row> = supporter::table.filter(supporter::record_key.eq_any(&keys)).load(db)?;
    let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
    Ok(serve(db, &keys, reading)?
        .into_iter()
        .filter_map(|one| {
            let (_, role, url, from, until) = rows.remove(&one.row.key)?;
            let own = reading.locale.resolve_after(served, &one.texts).map_or(one.language.as_str(), |(code, _)| code);
            Some(Supporter {
                id: one.row.id,
                role,
                title: reading.locale.text(own, &one.texts, |text| text.title.as_ref()),
                summary: reading.locale.text(own, &one.texts, |text| text.summary.as_ref()),
                url,
                from,
                until,
                language: (own != served && !reading.locale.all).then(|| own.to_owned()),
            })
        })
        .collect())
}
