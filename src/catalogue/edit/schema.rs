//! The schemas of documents: what the OpenAPI document tells, and what [`crate::http::shape`] holds every body against.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::catalogue::collection::CollectionDocument;
use crate::catalogue::event::EventDocument;
use crate::catalogue::language::LanguageDocument;
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::parts::PartText;
use crate::catalogue::publication::WorkDocument;
use crate::catalogue::record::TextDocument;
use crate::catalogue::supporter::SupporterDocument;
use crate::catalogue::testimony::TestimonyDocument;
use crate::catalogue::theme::ThemeDocument;
use crate::catalogue::{date, event, parts, publication, supporter};
use crate::http::shape::Shape;
use crate::http::{SLUG_MAX, SLUG_PATTERN};

/// The longest text of a document, in characters.
const TEXT: usize = 20_000;
/// The longest list.
const ITEMS: usize = 1_000;

/// Names the schema of each kind's document, and those that it is made of.
macro_rules! documents {
    ($($kind:literal $name:ident $document:ty;)*) => {
        $(
            #[doc = concat!("The document of a record of the kind ", $kind, ", for the description.")]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    <$document as PartialSchema>::schema()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }

                fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
                    <$document as ToSchema>::schemas(all);
                }
            }
        )*

        fn gathered() -> Vec<(String, RefOr<Schema>)> {
            let mut all = Vec::new();
            $(
                <$name as ToSchema>::schemas(&mut all);
                all.push((stringify!($name).to_owned(), <$name as PartialSchema>::schema()));
            )*
            // Named only behind an alias, which hides them.
            all.push(("TextDocument".into(), TextDocument::schema()));
            all.push(("PartText".into(), PartText::schema()));
            all
        }

        /// The name of the schema of a kind's document.
        pub fn name_of(kind: &str) -> &'static str {
            match kind {
                $($kind => stringify!($name),)*
                _ => "",
            }
        }
    };
}

documents! {
    "collection" CollectionAsEdited CollectionDocument;
    "language" LanguageAsEdited LanguageDocument;
    "theme" ThemeAsEdited ThemeDocument;
    "volume" VolumeAsEdited WorkDocument;
    "complement" ComplementAsEdited WorkDocument;
    "event" EventAsEdited EventDocument;
    "testimony" TestimonyAsEdited TestimonyDocument;
    "supporter" SupporterAsEdited SupporterDocument;
}

static COMPONENTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut all = Map::new();
    for (name, schema) in gathered().into_iter().filter(|(name, _)| name != "BTreeMap") {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        crate::openapi::without_nulls(&mut schema);
        refine(&mut schema, if name.ends_with("AsEdited") { "TextDocument" } else { "PartText" });
        all.insert(name, schema);
    }
    for (name, schema) in &mut all {
        particular(name, schema);
    }
    all
});

/// All of them by name, for the OpenAPI document.
pub fn components() -> &'static Map<String, Value> {
    &COMPONENTS
}

/// What a document of a kind is held against.
pub fn shape(kind: &str) -> Shape<'static> {
    Shape { schema: COMPONENTS.get(name_of(kind)).unwrap_or(&Value::Null), components: &COMPONENTS }
}

/// What an edition of a work is held against.
pub fn edition() -> Shape<'static> {
    Shape { schema: COMPONENTS.get("EditionDocument").unwrap_or(&Value::Null), components: &COMPONENTS }
}

/// Adds the bounds that all texts and lists have.
fn refine(schema: &mut Value, text: &str) {
    let Value::Object(map) = schema else { return };
    match map.get("type").and_then(Value::as_str) {
        Some("string") if !map.contains_key("enum") && !map.contains_key("maxLength") => {
            map.insert("maxLength".into(), TEXT.into());
        }
        Some("array") => {
            map.entry("maxItems").or_insert(ITEMS.into());
        }
        _ => {}
    }
    for (name, value) in map.iter_mut() {
        match (name.as_str(), value) {
            ("properties", Value::Object(all)) => {
                for (name, property) in all {
                    refine(property, text);
                    named(name, property, text);
                }
            }
            ("items" | "additionalProperties", inner) => refine(inner, text),
            _ => {}
        }
    }
}

/// What properties of a name mean wherever they stand; `text` is the schema of texts in a language.
fn named(name: &str, property: &mut Value, text: &str) {
    match name {
        "texts" => {
            *property = json!({
                "type": "object",
                "description": "The texts by language.",
                "propertyNames": {"enum": LANGUAGES},
                "additionalProperties": {"$ref": format!("#/components/schemas/{text}")},
            });
        }
        "sources" => property["propertyNames"] = json!({"minLength": 1, "maxLength": 200}),
        "themes" | "volumes" | "complements" => {
            property["items"] = slug();
            property["uniqueItems"] = true.into();
        }
        "languages" => {
            property["items"] = json!({"type": "string", "enum": LANGUAGES});
            property["uniqueItems"] = true.into();
        }
        "language" | "sourceLanguage" => *property = json!({"type": "string", "enum": LANGUAGES}),
        "position" => {
            property["minimum"] = 0.into();
            property["maximum"] = 1_000_000.into();
        }
        "publishedOn" | "expectedOn" | "startsOn" | "endsOn" | "updatedOn" | "measuredOn" | "from" | "until" => {
            property["pattern"] = date::PATTERN.into();
            property["maxLength"] = 10.into();
        }
        "publishAt" | "withdrawAt" => {
            property["format"] = "date-time".into();
            property["maxLength"] = 40.into();
        }
        "page" | "pages" => {
            property["minimum"] = 1.into();
            property["maximum"] = 1_000_000.into();
        }
        _ => {}
    }
}

/// The codes of properties that have a list of them.
const CODES: &[(&str, &str, &[&str])] = &[
    ("PartDocument", "kind", parts::KINDS),
    ("FigureDocument", "unit", parts::UNITS),
    ("FigureDocument", "qualifier", parts::QUALIFIERS),
    ("FigureDocument", "scope", parts::SCOPES),
    ("ContributorDocument", "role", publication::ROLES),
    ("EditionDocument", "access", publication::ACCESS),
    ("EditionDocument", "pagesSource", &["file", "unofficial"]),
    ("EventAsEdited", "kind", event::KINDS),
    ("EventAsEdited", "status", event::STATUSES),
    ("EventAsEdited", "attendance", event::ATTENDANCES),
    ("SupporterAsEdited", "role", supporter::ROLES),
];

fn slug() -> Value {
    json!({"type": "string", "pattern": SLUG_PATTERN, "minLength": 1, "maxLength": SLUG_MAX})
}

/// What only the document of one kind has.
fn particular(name: &str, schema: &mut Value) {
    for (_, property, codes) in CODES.iter().filter(|(owner, ..)| *owner == name) {
        if let Some(map) = schema["properties"][property].as_object_mut() {
            map.shift_remove("maxLength");
            map.insert("enum".into(), json!(codes));
        }
    }
    if name == "TextDocument" {
        schema["properties"]["state"] = json!({"type": "string", "enum": ["published", "draft"], "description": "`published` when nothing is said."});
    }
    if !name.ends_with("AsEdited") {
        return;
    }
    let required = |schema: &mut Value, names: &[&str]| {
        let mut all = schema["required"].as_array().cloned().unwrap_or_default();
        all.extend(names.iter().map(|name| json!(name)).filter(|name| !schema["required"].as_array().is_some_and(|known| known.contains(name))));
        schema["required"] = all.into();
    };
    required(schema, &["texts"]);
    schema["additionalProperties"] = false.into();
    if let Some(properties) = schema["properties"].as_object_mut() {
        if name != "CollectionAsEdited" {
            let mut id = slug();
            id["description"] =
                "The id, needed to create a record. Another one than that of the path gives the record a new id; the old one leads there for ever."
                    .into();
            properties.shift_insert(0, "id".into(), id);
        }
        if name == "VolumeAsEdited" {
            properties.shift_remove("volumes");
        }
        if matches!(name, "VolumeAsEdited" | "ComplementAsEdited") {
            properties["number"]["minimum"] = 1.into();
            properties["number"]["maximum"] = 1_000_000.into();
            properties["year"]["minimum"] = 1900.into();
            properties["year"]["maximum"] = 2999.into();
        }
    }
    match name {
        // Nothing is public because a word was forgotten.
        "VolumeAsEdited" => required(schema, &["number", "year", "state"]),
        "ComplementAsEdited" => required(schema, &["volumes", "state"]),
        _ => {}
    }
}

/// A document that may be sent where the schema of this name is asked for; with an id for a record that is to be made.
pub fn example(name: &str, made: bool) -> Option<Value> {
    let (id, mut document) = match name {
        "VolumeAsEdited" => (
            "governance",
            json!({
                "number": if made { 7 } else { 4 }, "year": if made { 2026 } else { 2021 }, "state": "draft", "themes": ["mobility"],
                "texts": {"fr": {"title": "La gouvernance"}, "nl": {"state": "draft", "title": "Bestuur"}},
                "editions": [{"language": "fr", "access": "form"}]
            }),
        ),
        "ComplementAsEdited" => {
            let edition = json!({"language": "fr", "access": "form"});
            ("governance-notes", json!({"state": "draft", "volumes": ["mobility"], "texts": {"fr": {"title": "Notes"}}, "editions": [edition]}))
        }
        "ThemeAsEdited" => ("good-governance", json!({"position": 20, "texts": {"fr": {"title": "La bonne gouvernance"}}})),
        "LanguageAsEdited" => ("it", json!({"nativeName": "Italiano", "texts": {"fr": {"title": "italien"}}})),
        "EventAsEdited" => (
            "governance-webinar-2027",
            json!({"kind": "webinar", "status": "scheduled", "startsOn": "2027-03-01", "languages": ["fr"], "texts": {"fr": {"title": "Un webinaire"}}}),
        ),
        "TestimonyAsEdited" => (
            "zoe-example",
            json!({"person": "Zoé Exemple", "organization": "Ville d'Exemple", "texts": {"fr": {"role": "Bourgmestre", "summary": "Utile."}}}),
        ),
        "SupporterAsEdited" => ("example-partner", json!({"role": "partner", "texts": {"fr": {"title": "Exemple"}}})),
        "CollectionAsEdited" => ("", json!({"texts": {"fr": {"title": "Guides Pratiques de la Smart City"}}})),
        "EditionDocument" if made => ("", json!({"language": "de", "title": "Die Smart City", "publishedOn": "2027-03", "access": "form"})),
        "EditionDocument" => ("", json!({"language": "fr", "title": "Smart City", "publishedOn": "2017-09", "access": "form"})),
        "EditionPatch" => ("", json!({"isbn": "978-2-930772-00-4"})),
        "MergePatch" => ("", json!({"note": "To be looked at again"})),
        _ => return None,
    };
    if let Some(map) = document.as_object_mut().filter(|_| made && !id.is_empty()) {
        map.shift_insert(0, "id".into(), id.into());
    }
    Some(document)
}
