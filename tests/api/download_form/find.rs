//! `GET /v1/downloadForm`

use std::collections::BTreeMap;

use handbooks::catalogue::pen::{self, Author};
use handbooks::catalogue::record::State;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::types::now;
use handbooks::download::form::texts::{self, ConsentTextDocument, Words};
use handbooks::operations::file::Kind;
use serde_json::{Value, json};

use crate::support::downloads::text;
use crate::support::keys::{bearer, make_key};
use crate::support::pdf::pdf;
use crate::support::{App, at, both, records, run};

both!(
    speaks,
    offers,
    narrows,
    outlives_a_rename,
    is_previewed_by_editors_alone,
    refuses,
    shows_the_texts_in_force,
    is_cached,
    tells_where_to_send_it
);

const FORM: &str = "/v1/downloadForm";

/// Language, title, label of the editions, of a code, of the flag of a consent, beginning of the notice's title.
const WORDS: [[&str; 6]; 4] = [
    ["fr", "Demander des guides", "Éditions", "Entreprise", "J'y consens", "Ce que deviennent"],
    ["nl", "Gidsen aanvragen", "Edities", "Onderneming", "Ik stem ermee in", "Wat er met uw gegevens"],
    ["en", "Ask for handbooks", "Editions", "Company", "I agree", "What happens to your details"],
    ["de", "Leitfäden anfordern", "Ausgaben", "Unternehmen", "Ich willige ein", "Was mit Ihren Angaben"],
];

fn speaks(app: App) {
    for words in WORDS {
        let [language, title, editions, company, consent, notice] = words;
        let others = WORDS.iter().filter(|other| other[0] != language);
        // Not a word of another language; the second is that of an edition's title in French at most.
        let lacks: Vec<&str> = others.flat_map(|other| [other[1], other[4], other[5]]).collect();
        run(&app, [at(format!("{FORM}?lang={language}")).has(&words).lacks(&lacks)]);
        let answer = app.get(&format!("{FORM}?lang={language}")).expect(200);
        assert_eq!(answer.header("content-language"), Some(language));
        let form = answer.json();
        assert_eq!(form["language"]["served"], language);
        assert_eq!(form["language"]["fallback"], false);
        assert_eq!(form["schema"]["title"], title);
        assert_eq!(form["schema"]["properties"]["editions"]["title"], editions);
        let types = form["schema"]["properties"]["requester"]["properties"]["organizationType"]["oneOf"].as_array().unwrap();
        assert!(types.contains(&json!({"const": "company", "title": company})), "{types:?}");
        assert_eq!(form["schema"]["properties"]["consents"]["items"]["properties"]["given"]["title"], consent);
        assert_eq!(form["schema"]["properties"]["language"]["default"], language);
        assert!(text(&form, "/privacyNotice/title").starts_with(notice));
        assert_eq!(form["privacyNotice"]["language"], language);
        assert_eq!(form["consents"][0]["language"], language);
    }
    let served = |accept: &str, target: &str| {
        let answer = app.call("GET", target).header("Accept-Language", accept).send().expect(200);
        (answer.json()["language"]["served"].as_str().unwrap().to_owned(), answer.json()["language"]["requested"].as_str().unwrap().to_owned())
    };
    for (accept, target, wanted) in [
        ("nl-BE", FORM, "nl"),
        ("de-BE, fr;q=0.5", FORM, "de"),
        ("zh, *", FORM, "fr"),
        ("nl", "/v1/downloadForm?lang=en", "en"),
        ("nl", "/v1/downloadForm?lang=de-BE", "de"),
    ] {
        assert_eq!(served(accept, target), (wanted.to_owned(), wanted.to_owned()), "{accept} {target}");
    }
}

/// The editions of a form, each as `volume/mobility/fr`, with a mark when its file is there.
fn editions(form: &Value) -> Vec<String> {
    let one = |edition: &Value| {
        let (kind, id) = ["volume", "complement"].into_iter().find_map(|kind| Some((kind, edition.get(kind)?.as_str()?))).expect("a work");
        let file = if edition["available"] == true { "+" } else { "" };
        format!("{kind}/{id}/{}{file}", edition["language"].as_str().unwrap())
    };
    form["editions"].as_array().unwrap().iter().map(one).collect()
}

fn offers(app: App) {
    let all = [
        "volume/strategy/fr",
        "volume/strategy/nl",
        "volume/citizen-participation/fr",
        "volume/data-governance/fr",
        "volume/mobility/fr",
        "volume/monitoring-and-evaluation/fr",
        "volume/public-private-partnerships/fr",
        "complement/open-data-reuse/fr",
        "complement/leadership/fr",
        "complement/ecosystem-dynamics/fr",
    ];
    let form = app.get(FORM).ok();
    assert_eq!(editions(&form), all);
    assert_eq!(form["editions"][0]["href"], format!("{}/v1/volumes/strategy/editions/fr", app.base));
    assert_eq!(form["editions"][7]["href"], format!("{}/v1/complements/open-data-reuse/editions/fr", app.base));
    // Every edition is where it says, and the schema names the very same ones.
    let choices = form["schema"]["properties"]["editions"]["items"]["oneOf"].as_array().unwrap();
    assert_eq!(choices.len(), all.len());
    for (edition, choice) in form["editions"].as_array().unwrap().iter().zip(choices) {
        let found = app.get(edition["href"].as_str().unwrap()).ok();
        assert_eq!(found["language"], edition["language"]);
        for name in ["volume", "complement", "language"] {
            assert_eq!(choice["const"].get(name), edition.get(name), "{choice}");
        }
    }
    // A title is in the edition's own language, whatever the form speaks.
    let english = app.get(&format!("{FORM}?lang=en&volume=strategy")).ok();
    let titles: Vec<&str> = english["editions"].as_array().unwrap().iter().map(|edition| edition["title"].as_str().unwrap()).collect();
    assert!(titles[1].contains("De praktische gids"), "{titles:?}");
    assert!(!titles[0].contains("in 15 key steps"), "{titles:?}");

    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0));
    app.put::<VolumeDocument>("draft", &records::volume(7, "draft", "Brouillon"));
    app.put::<VolumeDocument>("announced", &records::volume(8, "announced", "Annoncé"));
    app.change::<VolumeDocument>("data-governance", |document| document.0.state = State::Withdrawn);
    let after = editions(&app.get(FORM).ok());
    assert!(after.contains(&"volume/mobility/fr+".to_owned()) && after.contains(&"volume/announced/fr".to_owned()), "{after:?}");
    assert_eq!(after.iter().filter(|edition| edition.ends_with('+')).count(), 1, "{after:?}");
    run(&app, [at(FORM).lacks(&["data-governance", "\"draft\"", "Brouillon"])]);
}

fn narrows(app: App) {
    for (query, wanted) in [
        ("volume=mobility", &["volume/mobility/fr"][..]),
        ("volume=strategy", &["volume/strategy/fr", "volume/strategy/nl"]),
        ("complement=leadership", &["complement/leadership/fr"]),
        ("volume=mobility&complement=leadership", &["volume/mobility/fr", "complement/leadership/fr"]),
        ("complement=leadership&volume=mobility", &["volume/mobility/fr", "complement/leadership/fr"]),
        ("volume=mobility&volume=citizen-participation", &["volume/citizen-participation/fr", "volume/mobility/fr"]),
        // A complement of which no edition is known.
        ("complement=multidisciplinary-team", &[]),
    ] {
        let form = app.get(&format!("{FORM}?{query}")).ok();
        assert_eq!(editions(&form), wanted, "{query}");
        assert_eq!(form["href"], format!("{}{FORM}", app.base));
        assert_eq!(app.get(form["self"].as_str().unwrap()).ok(), form, "{query}");
    }
    run(&app, [at(format!("{FORM}?volume=mobility")).has(&["La mobilité de demain"]).lacks(&["strategy/editions", "leadership", "\"complement\""])]);
    // Every edition says where its form is.
    for edition in ["/v1/volumes/mobility/editions/fr", "/v1/complements/leadership/editions/fr"] {
        let found = app.get(edition).ok();
        assert_eq!(editions(&app.get(found["obtain"]["form"].as_str().unwrap()).ok()).len(), 1);
        assert_eq!(found["obtain"]["request"], format!("{}/v1/downloadRequests", app.base));
    }
}

fn outlives_a_rename(app: App) {
    let before = app.get(&format!("{FORM}?volume=mobility")).ok();
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.rename("volume", "mobility", "moving")).expect("a rename");
    let form = app.get(&format!("{FORM}?volume=mobility")).ok();
    assert_eq!(editions(&form), ["volume/moving/fr"]);
    assert_eq!(form["self"], before["self"]);
    assert_eq!(editions(&app.get(&format!("{FORM}?volume=mobility&volume=moving")).ok()), ["volume/moving/fr"]);
    // A form that was read before is sent all the same, and answered with what the volume is called now.
    let edition = |volume: &str| json!({"volume": volume, "language": "fr"});
    for asked in [json!([edition("mobility")]), json!([edition("mobility"), edition("moving")])] {
        let made = app.ask_for(&json!({"editions": asked, "privacyNotice": "privacy-1"})).expect(201).json();
        assert_eq!(made["editions"].as_array().unwrap().len(), 1, "{made}");
        assert_eq!(made["editions"][0]["volume"], "moving", "{made}");
    }
    // It leads to nothing that the public may not have.
    app.change::<VolumeDocument>("moving", |document| document.0.state = State::Draft);
    app.get(&format!("{FORM}?volume=mobility")).expect(404);
    app.ask_for(&json!({"editions": [edition("mobility")], "privacyNotice": "privacy-1"})).expect(400);
}

fn is_previewed_by_editors_alone(app: App) {
    app.pen("seven", &records::volume(7, "draft", "Sept"));
    let key = make_key(&app, &["catalogue:write"]);
    let previewed = |query: &str| app.call("GET", &format!("{FORM}?preview=true{query}")).header("Authorization", &bearer(&key)).send().expect(200);
    app.get(&format!("{FORM}?volume=seven")).expect(404);
    app.get(&format!("{FORM}?volume=seven&preview=true")).expect(401);
    let answer = previewed("&volume=seven&lang=nl");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (form, public) = (answer.json(), app.get(&format!("{FORM}?lang=nl")).ok());
    assert_eq!(editions(&form), ["volume/seven/fr"]);
    // All else is as the public has it.
    assert_eq!([&form["privacyNotice"], &form["consents"], &form["submit"]], [&public["privacyNotice"], &public["consents"], &public["submit"]]);
    assert!(editions(&previewed("").json()).len() > editions(&public).len());
    app.get(&format!("{FORM}?volume=seven")).expect(404);
}

fn refuses(app: App) {
    app.put::<VolumeDocument>("draft", &records::volume(7, "draft", "Brouillon"));
    app.put::<VolumeDocument>("gone", &records::volume(8, "withdrawn", "Retiré"));
    run(
        &app,
        [
            at(format!("{FORM}?volume=no-such-volume")).status(404).has(&["There is no 'no-such-volume' among the volumes."]),
            at(format!("{FORM}?volume=leadership")).status(404),
            at(format!("{FORM}?complement=mobility")).status(404),
            at(format!("{FORM}?volume=mobility&volume=no-such-volume")).status(404),
            at(format!("{FORM}?volume=draft")).status(404).lacks(&["Brouillon"]),
            at(format!("{FORM}?volume=gone")).status(410).has(&["tombstone"]).lacks(&["Retiré"]),
            at(format!("{FORM}?volume=Mobility")).status(400).has(&["schemaViolation", "\"name\":\"volume\""]),
            at(format!("{FORM}?volume=")).status(400),
            at(format!("{FORM}?volume=a%00b")).status(400),
            at(format!("{FORM}?volume=mobility&volume=mobility")).status(400).has(&["twice"]),
            at(format!("{FORM}?lang=*")).status(400).has(&["\"name\":\"lang\""]),
            at(format!("{FORM}?lang=xx")).status(400),
            at(format!("{FORM}?lang=fr&lang=nl")).status(400).has(&["more than once"]),
            at(format!("{FORM}?volme=mobility")).status(400).has(&["Unknown parameter 'volme'. Did you mean 'volume'?"]),
            at(format!("{FORM}?fallback=none")).status(400).has(&["Unknown parameter 'fallback'"]),
            // All at once.
            at(format!("{FORM}?volume=A&complement=B&lang=xx&z=1")).status(400).has(&["The request has 4 faults"]),
        ],
    );
    assert_eq!(app.call("GET", FORM).header("Accept", "text/html").send().status, 406);
    let refused = app.call("POST", FORM).json(&json!({})).send().expect(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
}

fn shows_the_texts_in_force(app: App) {
    let form = app.get(&format!("{FORM}?lang=en")).ok();
    assert_eq!(form["privacyNotice"]["version"], "privacy-1");
    assert_eq!(form["privacyNotice"]["purpose"], "privacyNotice");
    let consents = form["consents"].as_array().unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(consents[0]["text"], "news-1");
    assert_eq!(consents[0]["purpose"], "news");
    assert_eq!(consents[0]["required"], false);
    assert_eq!(form["schema"]["required"], json!(["editions", "privacyNotice"]));
    assert_eq!(form["schema"]["properties"]["consents"].get("minItems"), None);

    // A newer version takes over on its day, in the languages it has; one of the future does not show.
    let version = |purpose: &str, from: String, title: &str| {
        let texts = BTreeMap::from([("fr".to_owned(), Words { title: title.into(), body: "Corps".into() })]);
        ConsentTextDocument { purpose: purpose.into(), from, texts, note: None, sources: BTreeMap::new() }
    };
    let day = |days: i64| (now().date() + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let wanted = BTreeMap::from([
        ("privacy-2".to_owned(), version("privacyNotice", day(0), "Nouvel avis")),
        ("privacy-3".to_owned(), version("privacyNotice", day(2), "Avis futur")),
        ("news-2".to_owned(), version("news", day(2), "Actualités futures")),
    ]);
    app.write(|db| texts::write(db, &BTreeMap::new(), &wanted, now()));
    let answer = app.get(&format!("{FORM}?lang=nl")).expect(200);
    let form = answer.json();
    assert_eq!(form["privacyNotice"]["version"], "privacy-2");
    assert_eq!(form["privacyNotice"]["language"], "fr");
    assert_eq!(answer.header("content-language"), Some("nl, fr"));
    assert_eq!(form["schema"]["properties"]["privacyNotice"]["const"], "privacy-2");
    run(&app, [at(FORM).has(&["Nouvel avis", "news-1"]).lacks(&["privacy-1", "privacy-3", "news-2", "futur"])]);
}

fn is_cached(app: App) {
    let first = app.get(&format!("{FORM}?lang=fr")).expect(200);
    let etag = first.header("etag").expect("an ETag").to_owned();
    assert!(etag.starts_with('"'), "{etag} is not strong");
    assert_eq!(first.header("vary"), Some("Accept, Accept-Encoding, Accept-Language"));
    assert_eq!(first.header("cache-control"), Some("max-age=60, stale-while-revalidate=300"));
    let again = |target: &str, etag: &str| app.call("GET", target).header("If-None-Match", etag).send();
    let unchanged = again(&format!("{FORM}?lang=fr"), &etag).expect(304);
    assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
    assert_eq!(unchanged.header("vary"), first.header("vary"));
    assert_eq!(unchanged.header("cache-control"), first.header("cache-control"));
    assert_eq!(again(&format!("{FORM}?lang=nl"), &etag).status, 200);
    let head = app.call("HEAD", &format!("{FORM}?lang=fr")).send().expect(200);
    for name in ["etag", "content-length", "content-language", "vary", "cache-control", "content-type"] {
        assert_eq!(head.header(name), first.header(name), "{name}");
    }
    // A file that comes changes the form.
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0));
    let changed = again(&format!("{FORM}?lang=fr"), &etag).expect(200);
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
}

fn tells_where_to_send_it(app: App) {
    let form = app.get(&format!("{FORM}?volume=mobility")).ok();
    assert_eq!(form["submit"], json!({"method": "POST", "href": format!("{}/v1/downloadRequests", app.base), "mediaType": "application/json"}));
    let body = json!({"editions": [form["schema"]["properties"]["editions"]["items"]["oneOf"][0]["const"]], "privacyNotice": form["privacyNotice"]["version"],
        "consents": [{"text": form["consents"][0]["text"], "given": false}]});
    app.call(form["submit"]["method"].as_str().unwrap(), form["submit"]["href"].as_str().unwrap()).json(&body).send().expect(201);
}
