//! Languages: which one a text is served in, and the receipt that says so.
//!
//! Texts are resolved per record: the first language of the chain in which the record has a published text serves all of its texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT_LANGUAGE, AcceptLanguage, Header};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The languages the API speaks. Their regional forms (`fr-BE`) are understood as well.
pub const LANGUAGES: &[&str] = &["fr", "nl", "en", "de"];
/// All languages at once, one bit each.
pub const ALL: i32 = (1 << LANGUAGES.len()) - 1;

/// Some languages as bits: the n-th of [`LANGUAGES`] is the n-th bit. The migrations know them too.
pub fn mask<'c>(codes: impl IntoIterator<Item = &'c String>) -> i32 {
    codes.into_iter().filter_map(|code| LANGUAGES.iter().position(|known| known == code)).fold(0, |mask, at| mask | 1 << at)
}

/// What `lang` may be.
pub const LANG: &[&str] = &["fr", "nl", "en", "de", "fr-BE", "nl-BE", "de-BE", "*"];
/// What `fallback` may be.
pub const FALLBACK: &[&str] = &["declared", "none"];

/// What `lang` is for all languages at once.
pub const EVERY: &str = "*";

/// The declared order in which one language stands in for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain(Arc<[String]>);

impl Chain {
    /// Parses `fr,en,nl,de`. Languages that are left out stand at the end, in the order of [`LANGUAGES`], so that no record is ever unreadable.
    ///
    /// # Errors
    /// When a code is unknown or stands twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut codes: Vec<String> = Vec::new();
        for code in text.split(',').map(str::trim) {
            if !LANGUAGES.contains(&code) {
                return Err(format!("'{code}' is not a language of this API; there are: {}", LANGUAGES.join(", ")));
            }
            if codes.iter().any(|known| known == code) {
                return Err(format!("'{code}' stands twice"));
            }
            codes.push(code.to_owned());
        }
        for code in LANGUAGES {
            if !codes.iter().any(|known| known == code) {
                codes.push((*code).to_owned());
            }
        }
        Ok(Self(codes.into()))
    }

    /// The language of those who ask for nothing.
    pub fn first(&self) -> &str {
        &self.0[0]
    }

    /// All languages, in this order.
    pub fn languages(&self) -> &[String] {
        &self.0
    }
}

/// What was asked for, worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// The languages to try, in order.
    pub chain: Vec<String>,
    /// The language asked for first; `*` for all of them.
    pub requested: String,
    /// Every text as an object by language.
    pub all: bool,
}

impl Locale {
    /// Works out the languages of a request: `lang` wins, then `Accept-Language`, then the first of the chain.
    pub fn of(lang: Option<&str>, fallback: Option<&str>, request: &HttpRequest, declared: &Chain) -> Self {
        let falls_back = fallback != Some("none");
        match lang {
            Some(EVERY) => Self::named(EVERY, declared),
            Some(tag) => Self::preferring(vec![base(tag).to_owned()], falls_back, declared),
            None => Self::preferring(accepted(request), falls_back, declared),
        }
    }

    /// The languages of who names one, or all of them, and nothing else.
    pub fn named(lang: &str, declared: &Chain) -> Self {
        if lang == EVERY {
            return Self { chain: declared.0.to_vec(), requested: EVERY.into(), all: true };
        }
        Self::preferring(vec![base(lang).to_owned()], true, declared)
    }

    fn preferring(mut chain: Vec<String>, falls_back: bool, declared: &Chain) -> Self {
        if chain.is_empty() {
            chain.push(declared.first().to_owned());
        }
        let requested = chain[0].clone();
        if falls_back {
            for code in declared.0.iter() {
                if !chain.contains(code) {
                    chain.push(code.clone());
                }
            }
        }
        Self { chain, requested, all: false }
    }

    /// The part of a cache key or of a cursor's question that the language makes.
    pub fn canonical(&self) -> String {
        if self.all { "*".into() } else { self.chain.join(",") }
    }

    /// The first language of the chain that `texts` has.
    pub fn resolve<'t, T>(&self, texts: &'t BTreeMap<String, T>) -> Option<(&'t str, &'t T)> {
        self.chain.iter().find_map(|code| texts.get_key_value(code)).map(|(code, text)| (code.as_str(), text))
    }

    /// The same, trying `first` before the chain: for the parts of a record, which follow their record.
    pub fn resolve_after<'t, T>(&self, first: &str, texts: &'t BTreeMap<String, T>) -> Option<(&'t str, &'t T)> {
        texts.get_key_value(first).map(|(code, text)| (code.as_str(), text)).or_else(|| self.resolve(texts))
    }

    /// What a record says about its language.
    pub fn receipt<'k>(&self, served: &str, available: impl Iterator<Item = &'k String>) -> Language {
        Language {
            requested: self.requested.clone(),
            served: if self.all { "*".into() } else { served.to_owned() },
            fallback: !self.all && served != self.requested,
            available: available.cloned().collect(),
        }
    }

    /// A text of a record: in the language served, or in all.
    pub fn text<T>(&self, served: &str, texts: &BTreeMap<String, T>, of: impl Fn(&T) -> Option<&String>) -> Option<Text> {
        if !self.all {
            return texts.get(served).and_then(of).cloned().map(Text::Plain);
        }
        let by_language: BTreeMap<String, String> = texts.iter().filter_map(|(code, text)| Some((code.clone(), of(text)?.clone()))).collect();
        (!by_language.is_empty()).then_some(Text::ByLanguage(by_language))
    }
}

/// `fr-BE` → `fr`.
fn base(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// The languages of `Accept-Language` that the API speaks, best first. What it does not speak, or what cannot be parsed, is no error.
fn accepted(request: &HttpRequest) -> Vec<String> {
    if !request.headers().contains_key(ACCEPT_LANGUAGE) {
        return Vec::new();
    }
    let Ok(header) = AcceptLanguage::parse(request) else { return Vec::new() };
    let refused: BTreeSet<String> = header
        .iter()
        .filter(|item| item.quality == actix_web::http::header::Quality::ZERO)
        .map(|item| base(&item.item.to_string()).to_ascii_lowercase())
        .collect();
    let mut codes = Vec::new();
    for preference in header.ranked() {
        let tag = preference.to_string();
        let code = base(&tag).to_ascii_lowercase();
        if LANGUAGES.contains(&code.as_str()) && !refused.contains(&code) && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// In which language a record was served, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Language {
    /// The language asked for first, or `*`.
    #[schema(example = "nl")]
    pub requested: String,
    /// The language of this record's texts, or `*` when they are given in all.
    #[schema(example = "fr")]
    pub served: String,
    /// Whether another language stands in for the one asked for.
    pub fallback: bool,
    /// The languages this record can be had in.
    #[schema(required = false)]
    pub available: Vec<String>,
}

/// A text: plain, or with `lang=*` an object by language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Text {
    Plain(String),
    ByLanguage(BTreeMap<String, String>),
}

impl PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)))
            .item(Ref::from_schema_name("LocalizedString"))
            .description(Some(
                "A text in the language that the record's `language` names; with `lang=*` an object with the text in each language it exists in.",
            ))
            .into()
    }
}

impl ToSchema for Text {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let text = || ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        let object = LANGUAGES.iter().fold(ObjectBuilder::new(), |object, code| object.property(*code, text()));
        schemas.push(("LocalizedString".into(), object.description(Some("A text by language (BCP 47 code).")).into()));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn locale(lang: Option<&str>, fallback: Option<&str>, accept: &str) -> Locale {
        let request = TestRequest::default().insert_header((ACCEPT_LANGUAGE, accept)).to_http_request();
        Locale::of(lang, fallback, &request, &Chain::parse("fr,en,nl,de").unwrap())
    }

    #[test]
    fn who_asks_what_gets_what() {
        assert_eq!(locale(None, None, "").chain, ["fr", "en", "nl", "de"]);
        assert_eq!(locale(None, None, "nl-BE, en;q=0.5").chain, ["nl", "en", "fr", "de"]);
        assert_eq!(locale(None, None, "zh, *;q=0.1").requested, "fr");
        assert_eq!(locale(None, None, "en;q=0, de").requested, "de");
        assert_eq!(locale(Some("de"), None, "nl").chain, ["de", "fr", "en", "nl"]);
        assert_eq!(locale(Some("de-BE"), Some("none"), "nl").chain, ["de"]);
        assert!(locale(Some("*"), None, "nl").all);
        assert_eq!(Chain::parse("nl").unwrap().first(), "nl");
        assert!(Chain::parse("nl,nl").is_err());
        assert!(Chain::parse("xx").is_err());
    }
}
