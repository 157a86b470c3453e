//! From the body of a download request to the request: all faults at once, and nothing of a person quoted back.

use std::collections::BTreeMap;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::rules::{MAX_CONSENTS, MAX_EDITIONS, MAX_EMAIL, PURPOSES, REQUESTER, Rule};
use super::view::ConsentChoice;
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::publication::file::Kind;
use crate::error::{Issue, IssueKind};
use crate::http::fields::{Faults, Fields};
use crate::http::{SLUG_MAX, is_slug};

/// A download request, as it was made. What it refers to may not exist.
#[derive(Clone, Debug, Serialize)]
pub struct NewRequest {
    /// In the order of the body, each once.
    pub editions: Vec<EditionReference>,
    /// The JSON pointer of each of them: in a form with faults, some may be missing.
    #[serde(skip)]
    pub places: Vec<String>,
    pub requester: Requester,
    pub purpose: Option<&'static str>,
    pub privacy_notice: String,
    /// One for each text.
    pub consents: Vec<ConsentChoice>,
    pub language: Option<&'static str>,
}

/// An edition that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EditionReference {
    #[serde(serialize_with = "by_name")]
    pub kind: Kind,
    pub id: String,
    pub language: &'static str,
}

fn by_name<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

/// Who asks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Requester {
    pub identity: Identity,
    pub organization_type: Option<&'static str>,
    pub municipality: Option<String>,
    pub country: Option<&'static str>,
}

/// What may name a person; stored encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Identity {
    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads the body: one issue for each fault, and the request as far as it can be understood, so that what it refers to can be looked up all the same.
pub fn read(body: &Value) -> (Option<NewRequest>, Vec<Issue>) {
    let faults = Faults::default();
    let request = Fields::root(body, &faults).and_then(whole);
    (request, faults.into_issues())
}

fn whole(fields: Fields<'_>) -> Option<NewRequest> {
    fields.require(&["editions", "privacyNotice"]);
    // A wrong item has told its fault, so the form is refused; the others are still looked up, so that no fault is missed.
    let editions =
        fields.objects("editions", 1..=MAX_EDITIONS).map(|all| all.into_iter().map(|one| (one.place().to_owned(), edition(one))).collect::<Vec<_>>());
    let editions = editions.map(|all| all.into_iter().filter_map(|(place, one)| Some((place, one?))).collect::<Vec<_>>());
    let requester = fields.object("requester").map(|fields| requester(fields.personal())).unwrap_or_default();
    let purpose = fields.code("purpose", PURPOSES);
    let privacy_notice = fields.text("privacyNotice", slug).map(str::to_owned);
    let consents = fields.objects("consents", 0..=MAX_CONSENTS).map(consents);
    let language = fields.code("language", LANGUAGES);
    fields.finish();
    // What is absent here without a fault is none of the required ones.
    let (places, editions) = editions?.into_iter().unzip();
    Some(NewRequest { editions, places, requester, purpose, privacy_notice: privacy_notice?, consents: consents.unwrap_or_default(), language })
}

fn edition(fields: Fields<'_>) -> Option<EditionReference> {
    fields.require(&["language"]);
    let language = fields.code("language", LANGUAGES);
    let volume = fields.text("volume", slug).map(str::to_owned);
    let complement = fields.text("complement", slug).map(str::to_owned);
    match [fields.has("volume"), fields.has("complement")] {
        [true, true] => fields.fault_here("names a volume and a complement; leave one, and put the other in an item of its own."),
        [false, false] => fields.fault_here("must name a 'volume' or a 'complement'."),
        _ => {}
    }
    fields.finish();
    let (kind, id) = match (volume, complement) {
        (Some(id), None) => (Kind::Volume, id),
        (None, Some(id)) => (Kind::Complement, id),
        _ => return None,
    };
    Some(EditionReference { kind, id, language: language? })
}

fn requester(fields: Fields<'_>) -> Requester {
    let mut requester = Requester::default();
    for field in REQUESTER {
        let value = match field.rule {
            Rule::Words(max) => fields.text(field.name, |text| words(text, max)).map(composed),
            Rule::Email => fields.text(field.name, email).map(composed),
            Rule::Municipality => fields.text(field.name, refnis).map(str::to_owned),
            Rule::Code(_) => {
                let code = fields.code(field.name, field.rule.codes());
                match field.name {
                    "organizationType" => requester.organization_type = code,
                    "country" => requester.country = code,
                    _ => requester.identity.role = code.map(str::to_owned),
                }
                continue;
            }
        };
        match field.name {
            "name" => requester.identity.name = value,
            "email" => requester.identity.email = value,
            "organization" => requester.identity.organization = value,
            _ => requester.municipality = value,
        }
    }
    fields.finish();
    requester
}

fn consents(items: Vec<Fields<'_>>) -> Vec<ConsentChoice> {
    let mut told: BTreeMap<String, Option<bool>> = BTreeMap::new();
    items
        .into_iter()
        .filter_map(|fields| {
            fields.require(&["text", "given"]);
            let text = fields.text("text", slug).map(str::to_owned);
            let given = fields.flag("given");
            // The same answer twice is told by the list already.
            if let Some(text) = &text
                && told.insert(text.clone(), given).is_some_and(|before| before != given)
            {
                fields.fault(IssueKind::InvalidInput, "text", format!("'{text}' is answered twice, and not alike; leave one answer."));
            }
            fields.finish();
            Some(ConsentChoice { text: text?, given: given? })
        })
        .collect()
}

fn slug(text: &str) -> Result<(), String> {
    if is_slug(text) {
        Ok(())
    } else {
        Err(format!("an id: lower-case letters and digits in groups joined by single hyphens, at most {SLUG_MAX} characters"))
    }
}

fn words(text: &str, max: usize) -> Result<(), String> {
    let fits = text.chars().count() <= max && !text.trim().is_empty() && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(format!("1 to {max} characters, not all white space, without control characters")) }
}

fn refnis(text: &str) -> Result<(), String> {
    let fits = text.len() == 5 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(()) } else { Err("a REFNIS code: five digits, the first not 0".into()) }
}

/// The addresses of JSON Schema's `format: email` (RFC 5321: `Mailbox`) that a mail server on the network can have: no address literals.
fn email(text: &str) -> Result<(), String> {
    let options = Options::default().without_display_text().without_domain_literal();
    let plain = text.chars().count() <= MAX_EMAIL && text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control());
    let domain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    match EmailAddress::parse_with_options(text, options) {
        Ok(address) if plain && domain(address.domain()) => Ok(()),
        _ => Err(format!("an e-mail address (a name, an @ and a domain) of at most {MAX_EMAIL} characters")),
    }
}

/// As typed, with letters and their accents put together: one spelling for what looks the same.
fn composed(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rules::{WORDS_PATTERN, example};
    use super::*;

    fn names(body: &Value) -> Vec<String> {
        read(body).1.into_iter().map(|issue| issue.name).collect()
    }

    #[test]
    fn the_example_is_read() {
        let request = read(&example()).0.unwrap();
        assert_eq!(request.editions, [EditionReference { kind: Kind::Volume, id: "mobility".into(), language: "fr" }]);
        assert_eq!(request.requester.identity.role.as_deref(), Some("projectManager"));
        assert_eq!(request.requester.country, Some("BE"));
        assert_eq!(request.consents.len(), 1);
        let least = read(&json!({"editions": [{"complement": "leadership", "language": "nl"}], "privacyNotice": "privacy-1"})).0.unwrap();
        assert!(least.requester.identity.is_empty());
    }

    #[test]
    fn all_faults_at_once() {
        let body = json!({
            "editions": [{"volume": "mobility", "complement": "x", "language": "fr"}, {"language": "xx"}, {"volume": "A", "language": "fr"}, 1],
            "requester": {"name": " ", "email": "anna", "organization": "a\u{7}", "municipality": "04000", "country": "XX", "role": "boss", "phone": "0"},
            "purpose": "fun", "consents": [{"text": "news-1", "given": true}, {"text": "news-1", "given": false}, {"given": "yes"}],
            "language": null, "newsletter": true,
        });
        let issues = read(&body).1;
        let names: Vec<_> = issues.iter().map(|issue| issue.name.as_str()).collect();
        for name in [
            "/editions/0",
            "/editions/1",
            "/editions/1/language",
            "/editions/2/volume",
            "/editions/3",
            "/requester/name",
            "/requester/email",
            "/requester/organization",
            "/requester/municipality",
            "/requester/country",
            "/requester/role",
            "/requester/phone",
            "/purpose",
            "/consents/1/text",
            "/consents/2/text",
            "/consents/2/given",
            "/language",
            "/newsletter",
            "/privacyNotice",
        ] {
            assert_eq!(names.iter().filter(|found| **found == name).count(), 1, "{name} in {names:?}");
        }
        assert_eq!(names.len(), 19, "{names:?}");
        for issue in issues.iter().filter(|issue| issue.name.starts_with("/requester")) {
            assert!(issue.value.is_none() && !issue.detail.contains("anna") && !issue.detail.contains("boss"), "{issue:?}");
        }
    }

    #[test]
    fn the_shape_is_an_object_with_editions() {
        assert_eq!(names(&json!([])), [""]);
        assert_eq!(names(&json!({})), ["/editions", "/privacyNotice"]);
        assert_eq!(names(&json!({"editions": [], "privacyNotice": "p"})), ["/editions"]);
        let twice = json!({"volume": "mobility", "language": "fr"});
        assert_eq!(names(&json!({"editions": [twice, twice], "privacyNotice": "p"})), ["/editions/1"]);
        assert_eq!(names(&json!({"editions": [twice], "privacyNotice": "p", "requester": "Anna"})), ["/requester"]);
    }

    #[test]
    fn addresses() {
        let long_label = format!("a@{}.example", "x".repeat(63));
        let longest_local = format!("{}@example.org", "x".repeat(64));
        for good in [
            "anna@example.org",
            "^}-'mt@z2wjil7.example",
            "!#$%&'*+-/=?^_`{|}~@a.b",
            "a.b.c@x-y.z",
            "simon@localhost",
            &long_label,
            &longest_local,
            "\"a b\"@example.org",
        ] {
            assert!(email(good).is_ok(), "{good}");
        }
        let too_long = format!("a@{}", vec!["x".repeat(60); 5].join("."));
        for bad in [
            "",
            "anna",
            "@x.y",
            "a@",
            "a..b@x.y",
            ".a@x.y",
            "a@x..y",
            "a@-x.y",
            "Anna <a@x.y>",
            "a@[127.0.0.1]",
            "é@x.y",
            "a@é.be",
            "a@x_y.z",
            "a b@x.y",
            "a@x.y\n",
            "\"a\n\"@x.y",
            &too_long,
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_put_together_and_otherwise_kept() {
        assert_eq!(composed("  Zoe\u{308} 木村 "), "  Zoë 木村 ");
    }

    /// The pattern of the schema and the check are one rule.
    #[test]
    fn the_pattern_says_what_is_checked() {
        let schema = json!({"type": "string", "pattern": WORDS_PATTERN, "minLength": 1, "maxLength": 5});
        let validator = jsonschema::validator_for(&schema).unwrap();
        let samples = (0..0x3100).chain([0xfeff, 0x1f600]).filter_map(char::from_u32).map(String::from);
        for sample in samples.chain(["".into(), "  ".into(), " a ".into(), "abcdef".into(), "äöüßé".into(), "a\n".into()]) {
            assert_eq!(validator.is_valid(&json!(sample)), words(&sample, 5).is_ok(), "{sample:?}");
        }
    }
}
