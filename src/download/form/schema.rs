//! The body of a download request as a JSON Schema with labels in one language, narrowed to what is on offer.

use serde_json::{Map, Value, json};

use super::labels::{self, say};
use super::texts::Current;
use crate::catalogue::locale::LANGUAGES;
use crate::download::offer::Offer;
use crate::download::request::rules::{MAX_CONSENTS, MAX_EDITIONS, REQUESTER, Rule};
use crate::error::Error;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What a form is made of.
pub struct Parts<'a> {
    /// The language of the labels.
    pub language: &'a str,
    pub offers: &'a [Offer],
    /// The text in force, when there is one.
    pub privacy_notice: Option<&'a Current>,
    pub consents: &'a [Current],
}

/// Writes the schema.
///
/// # Errors
/// Never in practice: the parts are plain JSON.
pub fn write(parts: &Parts<'_>) -> Result<Value, Error> {
    let Parts { language, offers, privacy_notice, consents } = parts;
    let mut requester = Map::new();
    for field in REQUESTER {
        let schema = match field.rule {
            // The names of countries are known to every platform, in every language.
            Rule::Code("CountryCode") => json!({"enum": field.rule.codes()}),
            Rule::Code(_) => options(field.rule.codes(), language),
            rule => serde_json::to_value(rule.schema().build()).map_err(Error::internal)?,
        };
        requester.insert(field.name.to_owned(), titled(field.name, language, schema));
    }
    let mut properties = Map::new();
    properties.insert("editions".into(), titled("editions", language, editions(offers)));
    let about = json!({"type": "object", "properties": requester, "additionalProperties": false});
    properties.insert("requester".into(), titled("requester", language, about));
    properties.insert("purpose".into(), titled("purpose", language, options(Rule::Code("DownloadPurpose").codes(), language)));
    if let Some(notice) = privacy_notice {
        properties.insert("privacyNotice".into(), titled("privacyNotice", language, json!({"const": notice.version})));
    }
    if !consents.is_empty() {
        properties.insert("consents".into(), titled("consents", language, choices(consents, language)));
    }
    let mut spoken = options(LANGUAGES, language);
    spoken["default"] = json!(language);
    properties.insert("language".into(), titled("language", language, spoken));
    Ok(json!({
        "$schema": DIALECT,
        "title": say(&labels::FORM, language),
        "description": say(&labels::FORM_HELP, language),
        "type": "object",
        "properties": properties,
        "required": ["editions", "privacyNotice"],
        "additionalProperties": false,
    }))
}

/// Puts the label and the help of a property before its schema.
fn titled(name: &str, language: &str, schema: Value) -> Value {
    let mut all = Map::new();
    all.insert("title".into(), say(labels::property(name), language).into());
    if let Some(help) = labels::help(name) {
        all.insert("description".into(), say(help, language).into());
    }
    if let Value::Object(schema) = schema {
        all.extend(schema);
    }
    Value::Object(all)
}

/// A choice of one code, each with its label.
fn options(codes: &[&str], language: &str) -> Value {
    let one = |code: &&str| match labels::code(code) {
        Some(label) => json!({"const": code, "title": say(label, language)}),
        None => json!({"const": code}),
    };
    json!({"type": "string", "oneOf": codes.iter().map(one).collect::<Vec<_>>()})
}

/// A choice of editions, by their titles.
fn editions(offers: &[Offer]) -> Value {
    let one = |offer: &Offer| {
        let title = format!("{} ({})", offer.title.as_deref().unwrap_or(&offer.id), offer.language);
        json!({"const": {offer.kind.name(): offer.id, "language": offer.language}, "title": title})
    };
    // `oneOf` may not be empty (JSON Schema Core section 10.2.1.3); nothing fits `false`.
    let items = if offers.is_empty() { json!(false) } else { json!({"oneOf": offers.iter().map(one).collect::<Vec<_>>()}) };
    json!({"type": "array", "items": items, "minItems": 1, "maxItems": MAX_EDITIONS, "uniqueItems": true})
}

/// One answer to each text.
fn choices(consents: &[Current], language: &str) -> Value {
    let versions: Vec<&str> = consents.iter().map(|text| text.version.as_str()).collect();
    let choice = json!({
        "type": "object",
        "properties": {
            "text": titled("text", language, json!({"enum": versions})),
            "given": titled("given", language, json!({"type": "boolean", "default": false})),
        },
        "required": ["text", "given"],
        "additionalProperties": false,
    });
    json!({"type": "array", "items": choice, "maxItems": consents.len().min(MAX_CONSENTS), "uniqueItems": true})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalogue::publication::file::Kind;
    use crate::download::request::rules;

    fn offer(kind: Kind, id: &str) -> Offer {
        Offer { edition_key: 1, kind, id: id.into(), language: "fr".into(), title: None, listed: true, available: true }
    }

    fn text(version: &str) -> Current {
        Current { version: version.into(), purpose: "news".into(), texts: BTreeMap::new() }
    }

    #[test]
    fn the_schema_takes_what_is_on_offer_and_nothing_else() {
        let (notice, consents) = (text("privacy-1"), [text("news-1")]);
        for language in LANGUAGES {
            let offers = [offer(Kind::Volume, "mobility"), offer(Kind::Complement, "leadership")];
            let schema = write(&Parts { language, offers: &offers, privacy_notice: Some(&notice), consents: &consents }).unwrap();
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
            assert!(validator.is_valid(&rules::example()));
            assert!(validator.is_valid(&json!({"editions": [{"complement": "leadership", "language": "fr"}], "privacyNotice": "privacy-1"})));
            for bad in [
                json!({"editions": [{"volume": "strategy", "language": "fr"}], "privacyNotice": "privacy-1"}),
                json!({"editions": [], "privacyNotice": "privacy-1"}),
                json!({"editions": [{"volume": "mobility", "language": "fr"}], "privacyNotice": "privacy-0"}),
                json!({"editions": [{"volume": "mobility", "language": "fr"}], "privacyNotice": "privacy-1", "requester": {"country": "XX"}}),
            ] {
                assert!(!validator.is_valid(&bad), "{bad}");
            }
        }
        let nothing = write(&Parts { language: "fr", offers: &[], privacy_notice: None, consents: &[] }).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&nothing));
    }
}
