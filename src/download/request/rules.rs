//! What a download request may hold, declared once: from it come the reader with its complaints, the OpenAPI schema and the schema of the form.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::catalogue::locale::LANGUAGES;
pub use crate::http::question::WORDS_PATTERN;
use crate::http::{SLUG_MAX, SLUG_PATTERN};

/// How many editions one request may ask for.
pub const MAX_EDITIONS: usize = 20;
/// How many consents one request may state.
pub const MAX_CONSENTS: usize = 10;
/// The longest address, in characters (RFC 5321 section 4.5.3.1.3).
pub const MAX_EMAIL: usize = 254;
/// A REFNIS code: the five digits by which Statbel knows a Belgian municipality.
pub const REFNIS_PATTERN: &str = "^[1-9][0-9]{4}$";

/// What a visitor's organization may be.
pub const ORGANIZATION_TYPES: &[&str] = &[
    "municipality",
    "intermunicipalCompany",
    "province",
    "regionalAuthority",
    "federalAuthority",
    "otherPublicBody",
    "company",
    "association",
    "schoolOrUniversity",
    "media",
    "individual",
    "other",
];
/// What a visitor may be there. A list, not free text: nobody needs a job title (data minimisation).
pub const ROLES: &[&str] =
    &["electedOfficial", "management", "projectManager", "employee", "consultant", "researcher", "teacher", "student", "citizen", "other"];
/// What a handbook may be asked for.
pub const PURPOSES: &[&str] = &["strategy", "project", "policy", "teaching", "research", "information", "other"];

/// The countries of ISO 3166-1, by their two letters.
pub fn countries() -> &'static [&'static str] {
    static COUNTRIES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut codes = rust_iso3166::ALL_ALPHA2.to_vec();
        codes.sort_unstable();
        codes
    });
    &COUNTRIES
}

/// What a field's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Words of a person, at most so many characters.
    Words(usize),
    /// An e-mail address.
    Email,
    /// A REFNIS code.
    Municipality,
    /// A code of the list that is documented under this name.
    Code(&'static str),
}

impl Rule {
    /// The codes of a list.
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Code("OrganizationType") => ORGANIZATION_TYPES,
            Self::Code("RequesterRole") => ROLES,
            Self::Code("DownloadPurpose") => PURPOSES,
            Self::Code(_) => countries(),
            _ => &[],
        }
    }

    /// Its schema, whole.
    pub fn schema(self) -> ObjectBuilder {
        match self {
            Self::Words(max) => text().pattern(Some(WORDS_PATTERN)).min_length(Some(1)).max_length(Some(max)),
            Self::Email => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))).min_length(Some(3)).max_length(Some(MAX_EMAIL)),
            Self::Municipality => text().pattern(Some(REFNIS_PATTERN)).min_length(Some(5)).max_length(Some(5)),
            Self::Code(_) => text().enum_values(Some(self.codes().iter().copied())),
        }
    }
}

/// A field about the visitor.
pub struct Field {
    pub name: &'static str,
    pub rule: Rule,
    doc: &'static str,
    example: &'static str,
}

/// What a visitor may tell of themselves; all of it optional, because the answer holds the links and nothing is sent.
pub const REQUESTER: &[Field] = &[
    Field { name: "name", rule: Rule::Words(200), doc: "Kept as typed (Unicode NFC).", example: "Anna Peeters" },
    Field { name: "email", rule: Rule::Email, doc: "Nothing is sent to it without a consent.", example: "anna.peeters@example.org" },
    Field {
        name: "organization",
        rule: Rule::Words(200),
        doc: "Name of the organization, kept as typed (Unicode NFC).",
        example: "Example municipality",
    },
    Field { name: "organizationType", rule: Rule::Code("OrganizationType"), doc: "What kind of organization it is.", example: "municipality" },
    Field { name: "role", rule: Rule::Code("RequesterRole"), doc: "What the visitor is there.", example: "projectManager" },
    Field { name: "municipality", rule: Rule::Municipality, doc: "REFNIS code of a Belgian municipality.", example: "62063" },
    Field { name: "country", rule: Rule::Code("CountryCode"), doc: "Country.", example: "BE" },
];

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::Object)).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn slug() -> ObjectBuilder {
    text().pattern(Some(SLUG_PATTERN)).min_length(Some(1)).max_length(Some(SLUG_MAX))
}

fn language() -> ObjectBuilder {
    text().enum_values(Some(LANGUAGES.iter().copied()))
}

/// A list of different things.
fn set(of: &str, min: Option<usize>, max: usize, doc: &str) -> RefOr<Schema> {
    let items = Ref::from_schema_name(of);
    RefOr::T(Schema::Array(ArrayBuilder::new().items(items).unique_items(true).min_items(min).max_items(Some(max)).description(Some(doc)).build()))
}

fn reference(to: &str, doc: &str) -> RefOr<Schema> {
    let mut reference = Ref::from_schema_name(to);
    reference.description = doc.to_owned();
    RefOr::Ref(reference)
}

/// Defines the documentation of a list of codes.
macro_rules! code_list {
    ($( $(#[doc = $doc:literal])+ $name:ident )*) => {$(
        $(#[doc = $doc])+
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Rule::Code(stringify!($name)).schema().description(Some(concat!($($doc),+).trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

code_list! {
    /// A kind of organization.
    OrganizationType
    /// What a visitor is in an organization.
    RequesterRole
    /// What a handbook is asked for.
    DownloadPurpose
    /// A country of ISO 3166-1, by its two letters.
    CountryCode
}

/// The body of a download request, for its description; [`super::read`] reads it.
pub struct DownloadRequestForm;

impl PartialSchema for DownloadRequestForm {
    fn schema() -> RefOr<Schema> {
        object()
            .description(Some("A download request. Which fields a form shows is a choice of this API; `GET /v1/downloadForm` has them with labels, the texts and the editions on offer."))
            .property("editions", set("EditionReference", Some(1), MAX_EDITIONS, "What is asked for."))
            .property("requester", Ref::from_schema_name("Requester"))
            .property("purpose", reference("DownloadPurpose", "What the handbooks are asked for."))
            .property("privacyNotice", slug().description(Some("The version of the privacy notice that was shown; the one in force, from `GET /v1/downloadForm`.")))
            .property("consents", set("ConsentChoice", None, MAX_CONSENTS, "Answers to the texts of consent that were shown, one for each text. Never a condition of the download."))
            .property("language", language().description(Some("The language of the answer's texts; when absent, that of `Accept-Language`.")))
            .required("editions")
            .required("privacyNotice")
            .examples([example()])
            .into()
    }
}

/// A request that is answered with a link to the seeded collection, once its file is there.
pub fn example() -> serde_json::Value {
    let requester: serde_json::Map<_, _> = REQUESTER.iter().map(|field| (field.name.to_owned(), json!(field.example))).collect();
    json!({
        "editions": [{"volume": "mobility", "language": "fr"}],
        "requester": requester,
        "purpose": "project",
        "privacyNotice": "privacy-1",
        "consents": [{"text": "news-1", "given": false}],
        "language": "fr",
    })
}

impl ToSchema for DownloadRequestForm {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DownloadRequestForm")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let requester = REQUESTER.iter().fold(
            object().description(Some("Who asks. Every field is optional; those that name a person are stored encrypted and never given back.")),
            |all, field| {
                let schema = match field.rule {
                    Rule::Code(name) => reference(name, field.doc),
                    rule => rule.schema().description(Some(field.doc)).examples([field.example]).into(),
                };
                all.property(field.name, schema)
            },
        );
        // Three properties of which one is required and two must stand: so exactly one of the other two does.
        let edition = object()
            .description(Some("An edition: a volume or a complement (one of the two) in a language."))
            .property("volume", slug().description(Some("Id of the volume.")).examples(["mobility"]))
            .property("complement", slug().description(Some("Id of the complement.")))
            .property("language", language().description(Some("Language of the edition (BCP 47).")).examples(["fr"]))
            .required("language")
            .min_properties(Some(2))
            .max_properties(Some(2))
            .examples([json!({"volume": "mobility", "language": "fr"})]);
        let consent = object()
            .description(Some("An answer to a text of consent."))
            .property("text", slug().description(Some("Version of the text that was shown.")).examples(["news-1"]))
            .property(
                "given",
                ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::Boolean))
                    .description(Some("Whether consent is given; a refusal may be stated too.")),
            )
            .required("text")
            .required("given")
            .examples([json!({"text": "news-1", "given": false})]);
        schemas.extend([
            ("EditionReference".to_owned(), edition.into()),
            ("Requester".to_owned(), requester.into()),
            ("ConsentChoice".to_owned(), consent.into()),
            ("OrganizationType".to_owned(), OrganizationType::schema()),
            ("RequesterRole".to_owned(), RequesterRole::schema()),
            ("DownloadPurpose".to_owned(), DownloadPurpose::schema()),
            ("CountryCode".to_owned(), CountryCode::schema()),
        ]);
    }
}
