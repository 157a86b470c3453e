//! What makes a noun of the catalogue: its question, its conditions, its representation. From it the shared machinery answers lists and items.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::{Condition, SortKey};
use super::locale::{FALLBACK, LANG, Locale, Text};
use super::record::{ROW, Row, Texts, load_texts};
use crate::db::Db;
use crate::db::schema::{event, record, work};
use crate::error::Error;
use crate::http::question::{Declaration, Kind, MAX_PAGE_SIZE, Param, Question};
use crate::http::select::Tree;

/// A noun of the catalogue.
pub trait Noun: 'static {
    /// The kind of record.
    const KIND: &'static str;
    /// The collection's path segment.
    const PATH: &'static str;
    /// The name of the id in paths.
    const ID: &'static str;
    /// The representation, the same in lists and items.
    type View: Serialize + ToSchema;

    /// The question, declared once.
    fn declared() -> &'static Declared;
    /// The conditions of the noun's own filters.
    fn conditions(question: &Question) -> Vec<Condition>;
    /// The representations of some records, in the order of `keys`; what is not readable in the reader's languages is left out.
    ///
    /// # Errors
    /// Only of the database.
    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Self::View>, Error>;
    /// The resources that `name` of `embed` adds for these representations, by href.
    ///
    /// # Errors
    /// Only of the database.
    fn embed(_db: &mut Db, _name: &str, _views: &[Self::View], _reading: &Reading) -> Result<Embedded, Error> {
        Ok(Embedded::new())
    }
}

/// Embedded resources by href.
pub type Embedded = BTreeMap<String, Value>;

/// Who reads: in which languages, under which public address.
pub struct Reading<'a> {
    pub locale: &'a Locale,
    pub base: &'a str,
}

impl Reading<'_> {
    /// The absolute address of a resource.
    pub fn href(&self, path: &str, id: &str) -> String {
        format!("{}/v1/{path}/{id}", self.base)
    }
}

/// A noun's question: for its list, for its items, and the properties of its representation.
pub struct Declared {
    pub list: Declaration,
    pub item: Declaration,
    pub tree: Tree,
    pub sorts: &'static [(&'static str, SortKey)],
}

impl Declared {
    /// Declares the question of a noun: its own filters, its sort keys (the names of `names` are those of `sorts`), its embeddable relations.
    pub fn new<V: ToSchema>(
        filters: &[Param],
        sorts: &'static [(&'static str, SortKey)],
        names: &'static [&'static str],
        default_sort: &'static [&'static str],
        embeds: &'static [&'static str],
    ) -> Self {
        let tree = Tree::of::<V>();
        let mut shape = vec![
            Param::one(
                "lang",
                Kind::Code(LANG),
                "Language of the texts; wins over `Accept-Language`. `*` gives every text as an object by language.",
                "fr",
            ),
            Param::one(
                "fallback",
                Kind::Code(FALLBACK),
                "`declared` (the default): another language of the declared chain stands in where a text is missing, and `language` says so. `none`: records without a text in the language asked for are left out of lists, and are 404 as items.",
                "declared",
            ),
            Param::one(
                "select",
                Kind::Select,
                "Which properties to keep, for example `(id,title,themes(title))`; those the schema requires are always kept.",
                "(href,updatedAt)",
            ),
        ];
        shape.extend(moments());
        if !embeds.is_empty() {
            shape.push(Param::many("embed", Kind::Code(embeds), "Related resources to add under `embedded`, keyed by their `href`.", embeds[0]));
        }
        let mut params = filters.to_vec();
        params.push(Param::one(
            "q",
            Kind::Words(100),
            "Words to find, all of them, in the texts as they are served; case and accents do not matter.",
            "smart",
        ));
        params.push(Param::one("updatedSince", Kind::Instant, "Only what was changed at or after this instant.", "2024-05-02T00:00:00Z"));
        params.push(Param::many(
            "sort",
            Kind::Sort(names),
            "Property to sort by, `-` before it for descending; several are applied in the order given. Every order ends in a unique key.",
            default_sort[0],
        ));
        params.extend(shape.iter().copied());
        params.push(Param::one("pageSize", Kind::Integer { min: 1, max: MAX_PAGE_SIZE }, "How many items a page has.", "20"));
        params.push(Param::one("after", Kind::Cursor, "Where to go on: the cursor of a `next` or `prev` link, never made by hand.", ""));
        Self {
            list: Declaration { params, default_sort, select: Some(tree.clone()) },
            item: Declaration { params: shape, default_sort: &[], select: Some(tree.clone()) },
            tree,
            sorts,
        }
    }
}

/// Which catalogue is read: parameters of every read of it.
pub fn moments() -> [Param; 2] {
    [
        Param::one(
            "at",
            Kind::Moment,
            "The catalogue as it was: after a revision (the number in `Catalogue-Revision`), at an instant (RFC 3339), or at the end of a day (UTC).",
            "1",
        ),
        preview(),
    ]
}

/// The parameter by which editors see what is to come.
pub fn preview() -> Param {
    Param::one(
        "preview",
        Kind::Flag,
        "`true`: the answer as it would be if all drafts were published, for a key with the scope `catalogue:write`; such answers are not cached.",
        "false",
    )
}

/// A link to a related record, with what a page shows of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    #[schema(example = "http://127.0.0.1:8080/v1/themes/mobility")]
    pub href: String,
    #[schema(example = "mobility")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Of a volume or complement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// Of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<String>,
    /// The language of the title, when it is not that of the record that refers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Records that others refer to, loaded once for a page.
#[derive(Default)]
pub struct References(HashMap<i64, Referred>);

struct Referred {
    path: &'static str,
    id: String,
    texts: Texts,
    number: Option<i32>,
    starts_on: Option<String>,
}

impl References {
    /// Loads what is public of `keys`.
    ///
    /// # Errors
    /// Only of the database.
    pub fn load(db: &mut Db, keys: impl IntoIterator<Item = i64>) -> Result<Self, Error> {
        let mut keys: Vec<i64> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        type Found = (i64, String, String, Option<i32>, Option<String>);
        let rows: Vec<Found> = record::table
            .left_join(work::table.on(work::record_key.eq(record::key)))
            .left_join(event::table.on(event::record_key.eq(record::key)))
            .filter(record::key.eq_any(&keys))
            .filter(record::listed.eq(true))
            .select((record::key, record::kind, record::id, work::number.nullable(), event::starts_on.nullable()))
            .load(db)?;
        let mut texts = load_texts(db, &keys, false)?;
        Ok(Self(
            rows.into_iter()
                .filter_map(|(key, kind, id, number, starts_on)| {
                    Some((key, Referred { path: path_of(&kind)?, id, texts: texts.remove(&key)?, number, starts_on }))
                })
                .collect(),
        ))
    }

    /// The references to some of the records, in order, for a record that is served in `served`.
    pub fn to(&self, keys: &[i64], served: &str, reading: &Reading) -> Vec<Reference> {
        keys.iter()
            .filter_map(|key| {
                let referred = self.0.get(key)?;
                let (own, _) = reading.locale.resolve_after(served, &referred.texts)?;
                Some(Reference {
                    href: reading.href(referred.path, &referred.id),
                    id: referred.id.clone(),
                    title: reading.locale.text(own, &referred.texts, |text| text.title.as_ref()),
                    number: referred.number,
                    starts_on: referred.starts_on.clone(),
                    language: (own != served && !reading.locale.all).then(|| own.to_owned()),
                })
            })
            .collect()
    }
}

/// The path segment of a kind of record; nothing for those that have no path of their own.
pub fn path_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "volume" => "volumes",
        "complement" => "complements",
        "theme" => "themes",
        "language" => "languages",
        "event" => "events",
        "testimony" => "testimonies",
        _ => return None,
    })
}

/// A record with its texts, and the language it is served in.
pub struct Served {
    pub row: Row,
    pub texts: Texts,
    pub language: String,
}

/// The records of `keys`, in that order, each with its texts and the language it resolves to.
///
/// # Errors
/// Only of the database.
pub fn serve(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Served>, Error> {
    let rows: Vec<Row> = record::table.filter(record::key.eq_any(keys)).select(ROW).load(db)?;
    let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.key, row)).collect();
    let mut texts = load_texts(db, keys, false)?;
    Ok(keys
        .iter()
        .filter_map(|key| {
            let row = rows.remove(key)?;
            let texts = texts.remove(key)?;
            let language = reading.locale.resolve(&texts)?.0.to_owned();
            Some(Served { row, texts, language })
        })
        .collect())
}

/// Embeds all records of another noun that `references` name.
///
/// # Errors
/// Only of the database.
pub fn embed_all<'r, N: Noun>(db: &mut Db, references: impl Iterator<Item = &'r Reference>, reading: &Reading) -> Result<Embedded, Error> {
    let ids: Vec<&str> = references.map(|reference| reference.id.as_str()).collect();
    let keys: Vec<i64> = record::table
        .filter(record::kind.eq(N::KIND))
        .filter(record::listed.eq(true))
        .filter(record::id.eq_any(ids))
        .order(record::key)
        .select(record::key)
        .load(db)?;
    let mut embedded = Embedded::new();
    for view in N::load(db, &keys, reading)? {
        let value = serde_json::to_value(view).map_err(Error::internal)?;
        if let Some(href) = value.get("href").and_then(Value::as_str) {
            embedded.insert(href.to_owned(), value);
        }
    }
    Ok(embedded)
}

/// Groups pairs by their first part.
pub fn group<K: std::hash::Hash + Eq, V>(pairs: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
