//! The download form as data: what to show, in which words, and where to send it.

pub mod labels;
pub mod schema;
pub mod texts;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use self::labels::say;
use self::texts::{CONSENTS, Current, PRIVACY_NOTICE, Words};
use super::offer::{self, Offer};
use crate::catalogue::answer::{self, Found, public_key};
use crate::catalogue::complement::Complements;
use crate::catalogue::locale::{LANGUAGES, Language, Locale};
use crate::catalogue::noun::{Reading, preview};
use crate::catalogue::publication::file::Kind;
use crate::catalogue::volume::Volumes;
use crate::db::Db;
use crate::db::types::now;
use crate::error::Error;
use crate::http::question::{Declaration, Kind as Values, Param, Question};
use crate::openapi::ReadProblems;

/// The download form as data.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadForm {
    /// This form, with all editions on offer.
    #[schema(example = "http://127.0.0.1:8080/v1/downloadForm", format = "uri")]
    pub href: String,
    /// This representation.
    #[serde(rename = "self")]
    #[schema(example = "http://127.0.0.1:8080/v1/downloadForm?volume=mobility&lang=fr", format = "uri")]
    pub this: String,
    pub language: Language,
    /// Where the fields come from, in the language served.
    pub remark: &'static str,
    /// A JSON Schema (2020-12) of the body to send, with labels (`title`, `description`) in the language served, narrowed to the editions on offer.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// What to show before anything is sent; the request quotes its version. Absent when the operator has published none: then nothing can be requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_notice: Option<PrivacyNotice>,
    /// What the visitor may agree to, or not.
    pub consents: Vec<ConsentText>,
    pub editions: Vec<OfferedEdition>,
    pub submit: Submission,
}

/// A text to show.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivacyNotice {
    /// What a request quotes.
    #[schema(example = "privacy-1")]
    pub version: String,
    #[schema(example = "privacyNotice")]
    pub purpose: String,
    #[schema(example = "Ce que deviennent vos données")]
    pub title: String,
    /// Paragraphs, parted by an empty line.
    #[schema(example = "Le Smart City Institute publie ces guides et répond à votre demande.")]
    pub body: String,
    /// The language of the text.
    #[schema(example = "fr")]
    pub language: String,
}

/// A text to agree to, or not.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentText {
    /// Version of the text: what a request quotes.
    #[schema(example = "news-1")]
    pub text: String,
    /// What consent is asked for.
    #[schema(example = "news")]
    pub purpose: String,
    #[schema(example = "Actualités du Smart City Institute")]
    pub title: String,
    #[schema(example = "Oui, le Smart City Institute peut m'envoyer des actualités.")]
    pub body: String,
    /// Always `false`: no consent is a condition of a download. Show it unticked.
    #[schema(example = false)]
    pub required: bool,
    /// The language of the text.
    #[schema(example = "fr")]
    pub language: String,
}

/// An edition on offer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferedEdition {
    /// Its address in the catalogue.
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility/editions/fr", format = "uri")]
    pub href: String,
    /// Id of the volume, when it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mobility")]
    pub volume: Option<String>,
    /// Id of the complement, when it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complement: Option<String>,
    /// Its language.
    #[schema(example = "fr")]
    pub language: String,
    /// Its title, in its language where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "La mobilité de demain")]
    pub title: Option<String>,
    /// Whether its file is there; if not, a request waits for it.
    pub available: bool,
}

/// Where and how the form is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    #[schema(example = "POST")]
    pub method: &'static str,
    #[schema(example = "http://127.0.0.1:8080/v1/downloadRequests", format = "uri")]
    pub href: String,
    #[schema(example = "application/json")]
    pub media_type: &'static str,
}

/// The labels are in one language at a time: no `*`.
const LANG: &[&str] = &["fr", "nl", "en", "de", "fr-BE", "nl-BE", "de-BE"];

fn declaration() -> &'static Declaration {
    static DECLARATION: LazyLock<Declaration> = LazyLock::new(|| Declaration {
        params: vec![
            Param::many(
                "volume",
                Values::Slug,
                "Only the editions of these volumes (and of `complement`), by their ids or those they had before they were renamed; without either, all that are on offer.",
                "mobility",
            ),
            Param::many("complement", Values::Slug, "Only the editions of these complements (and of `volume`).", "leadership"),
            Param::one("lang", Values::Code(LANG), "Language of the labels and texts; wins over `Accept-Language`.", "fr"),
            preview(),
        ],
        default_sort: &[],
        select: None,
    });
    &DECLARATION
}

/// The parameters of the form.
pub struct FindDownloadForm;

impl utoipa::IntoParams for FindDownloadForm {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        declaration().parameters()
    }
}

/// Read the download form
///
/// What a page shows to ask for handbooks: the editions on offer, the fields as a JSON Schema with labels, the privacy notice and the texts of consent with their
/// versions, and where to send it. Which fields there are is a choice of this API. A volume or complement that is not there is 404.
#[utoipa::path(get, path = "/v1/downloadForm", tag = "Downloads", operation_id = "findDownloadForm", params(FindDownloadForm),
    responses((status = 200, description = "The form.", body = DownloadForm), ReadProblems))]
pub async fn find_download_form(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::represent(request, "downloadForm", declaration(), |db, reading, question| {
        let form = form(db, reading, question)?;
        let mut languages = vec![form.language.served.clone()];
        let texts = form.privacy_notice.iter().map(|text| &text.language).chain(form.consents.iter().map(|text| &text.language));
        for language in texts {
            if !languages.contains(language) {
                languages.push(language.clone());
            }
        }
        Ok(Found { value: serde_json::to_value(form).map_err(Error::internal)?, languages })
    })
    .await
}

fn form(db: &mut Db, reading: &Reading, question: &Question) -> Result<DownloadForm, Error> {
    let locale = reading.locale;
    let works = asked_for(db, question)?;
    let offers = offer::of_works(db, &works, &locale.chain)?;
    let today = now().date();
    let notice = texts::current(db, PRIVACY_NOTICE, today)?;
    let mut consents = Vec::new();
    for purpose in CONSENTS {
        consents.extend(texts::current(db, purpose, today)?);
    }
    let available: BTreeMap<String, ()> = LANGUAGES.iter().map(|code| ((*code).to_owned(), ())).collect();
    let served = locale.resolve(&available).map_or(LANGUAGES[0], |(code, ())| code);
    let parts = schema::Parts { language: served, offers: &offers, privacy_notice: notice.as_ref(), consents: &consents };
    let base = reading.base;
    let query = question.canonical(&[]);
    Ok(DownloadForm {
        href: format!("{base}/v1/downloadForm"),
        this: if query.is_empty() { format!("{base}/v1/downloadForm") } else { format!("{base}/v1/downloadForm?{query}") },
        language: locale.receipt(served, available.keys()),
        remark: say(&labels::REMARK, served),
        schema: schema::write(&parts)?,
        privacy_notice: notice.and_then(|text| {
            let (language, words) = resolved(locale, &text)?;
            Some(PrivacyNotice { title: words.title, body: words.body, language, version: text.version, purpose: text.purpose })
        }),
        consents: consents
            .into_iter()
            .filter_map(|text| {
                let (language, words) = resolved(locale, &text)?;
                Some(ConsentText { title: words.title, body: words.body, required: false, language, text: text.version, purpose: text.purpose })
            })
            .collect(),
        editions: offers.into_iter().map(|offer| offered(offer, base)).collect(),
        submit: Submission { method: "POST", href: format!("{base}/v1/downloadRequests"), media_type: "application/json" },
    })
}

/// The works of the question, or all that are on offer.
fn asked_for(db: &mut Db, question: &Question) -> Result<Vec<i64>, Error> {
    let (volumes, complements) = (question.all("volume"), question.all("complement"));
    if volumes.is_empty() && complements.is_empty() {
        return offer::works(db);
    }
    let mut works = Vec::with_capacity(volumes.len() + complements.len());
    for (kind, ids) in [(Kind::Volume, volumes), (Kind::Complement, complements)] {
        for id in ids {
            let work = match (offer::work(db, kind, id)?, kind) {
                (Some(work), _) => work,
                // What is to be told of an id that leads to nothing.
                (None, Kind::Volume) => public_key::<Volumes>(db, id)?,
                (None, Kind::Complement) => public_key::<Complements>(db, id)?,
            };
            if !works.contains(&work) {
                works.push(work);
            }
        }
    }
    Ok(works)
}

fn resolved(locale: &Locale, text: &Current) -> Option<(String, Words)> {
    locale.resolve(&text.texts).map(|(language, words)| (language.to_owned(), words.clone()))
}

fn offered(offer: Offer, base: &str) -> OfferedEdition {
    let id = |kind: Kind| (offer.kind == kind).then(|| offer.id.clone());
    OfferedEdition {
        href: offer.href(base),
        volume: id(Kind::Volume),
        complement: id(Kind::Complement),
        language: offer.language,
        title: offer.title,
        available: offer.available,
    }
}
