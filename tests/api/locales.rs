//! Languages: which one is asked for, which one is served, and the receipt that says so.

use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use serde_json::{Value, json};

use crate::support::database::Content;
use crate::support::{App, Database, Home, at, both, crawl, encode, ids, run};

both!(
    every_record_has_a_receipt,
    who_asks_how_gets_what,
    lang_wins,
    all_languages_at_once,
    no_fallback,
    the_answer_names_its_languages,
    orders_and_searches_act_on_what_is_served,
    parts_follow_their_record_and_tell_when_they_cannot,
    references_tell_their_language,
    texts_are_never_mixed,
    another_chain,
    an_unsupported_language_is_told,
);

/// Asks for a record; `lang` or `Accept-Language`, as it begins.
fn ask(app: &App, path: &str, how: &str) -> Value {
    match how.strip_prefix("Accept-Language: ") {
        Some(accept) => app.call("GET", path).header("Accept-Language", accept).send().ok(),
        None if how.is_empty() => app.get(path).ok(),
        None => app.get(&format!("{path}?{how}")).ok(),
    }
}

fn receipt(requested: &str, served: &str, available: &[&str]) -> Value {
    json!({"requested": requested, "served": served, "fallback": requested != served, "available": available})
}

fn every_record_has_a_receipt(app: App) {
    // In three languages, in two, in all four.
    let records: [(&str, &[&str]); 7] = [
        ("/v1/volumes/strategy", &["en", "fr", "nl"]),
        ("/v1/volumes/mobility", &["en", "fr"]),
        ("/v1/complements/leadership", &["en", "fr"]),
        ("/v1/themes/strategy", &["en", "fr", "nl"]),
        ("/v1/languages/de", &["de", "en", "fr", "nl"]),
        ("/v1/events/monitoring-webinar-2021", &["en", "fr"]),
        ("/v1/testimonies/benoit-muller", &["en", "fr", "nl"]),
    ];
    for (path, available) in records {
        for lang in ["fr", "nl", "en", "de"] {
            // The chain is fr, en, nl, de: what is asked for comes first.
            let served = if available.contains(&lang) { lang } else { "fr" };
            let record = app.get(&format!("{path}?lang={lang}")).ok();
            assert_eq!(record["language"], receipt(lang, served, available), "{path} in {lang}");
        }
        assert_eq!(app.get(path).ok()["language"], receipt("fr", "fr", available), "{path}");
    }
    for lang in ["fr", "nl", "en"] {
        assert_eq!(app.get(&format!("/v1/collection?lang={lang}")).ok()["language"], receipt(lang, lang, &["en", "fr", "nl"]));
    }
}

fn who_asks_how_gets_what(app: App) {
    let theme = "/v1/themes/strategy";
    for (how, requested, served) in [
        ("", "fr", "fr"),
        ("lang=nl", "nl", "nl"),
        ("lang=nl-BE", "nl", "nl"),
        ("lang=fr-BE", "fr", "fr"),
        ("lang=de-BE", "de", "fr"),
        ("lang=de", "de", "fr"),
        ("lang=de&fallback=declared", "de", "fr"),
        ("Accept-Language: nl", "nl", "nl"),
        ("Accept-Language: NL", "nl", "nl"),
        ("Accept-Language: nl-BE", "nl", "nl"),
        ("Accept-Language: fr-BE, nl;q=0.9", "fr", "fr"),
        ("Accept-Language: fr-FR", "fr", "fr"),
        ("Accept-Language: en-US,en;q=0.5", "en", "en"),
        // Weights, not places, decide.
        ("Accept-Language: en;q=0.2, nl;q=0.8", "nl", "nl"),
        ("Accept-Language: en;q=0.5, nl;q=0.5", "en", "en"),
        // The second wish comes before the declared chain.
        ("Accept-Language: de, nl;q=0.9", "de", "nl"),
        ("Accept-Language: de-BE, nl-BE;q=0.9, en;q=0.8", "de", "nl"),
        // What the API does not speak is no error, and no wish that could be told.
        ("Accept-Language: zh", "fr", "fr"),
        ("Accept-Language: zh, nl;q=0.1", "nl", "nl"),
        ("Accept-Language: zh-Hant-TW, sr-Latn", "fr", "fr"),
        ("Accept-Language: *", "fr", "fr"),
        ("Accept-Language: *;q=0.5, en", "en", "en"),
        ("Accept-Language: nl, *;q=0.1", "nl", "nl"),
        // Refused.
        ("Accept-Language: nl;q=0, en;q=0.1", "en", "en"),
        // Garbage is as good as nothing.
        ("Accept-Language: ;;;,,,", "fr", "fr"),
        ("Accept-Language: nl;q=abc", "fr", "fr"),
        ("Accept-Language: 1234567890", "fr", "fr"),
        ("Accept-Language: _", "fr", "fr"),
    ] {
        let record = ask(&app, theme, how);
        assert_eq!(record["language"], receipt(requested, served, &["en", "fr", "nl"]), "{how}");
        let title = match served {
            "en" => "Smart City strategy",
            "nl" => "Smart City-strategie",
            _ => "Stratégie Smart City",
        };
        assert_eq!(record["title"], title, "{how}");
    }
}

fn lang_wins(app: App) {
    for (lang, accept, served) in [("nl", "en", "nl"), ("en", "nl;q=1, fr;q=1", "en"), ("fr", "nl, *;q=0", "fr")] {
        let record = app.call("GET", &format!("/v1/themes/strategy?lang={lang}")).header("Accept-Language", accept).send().ok();
        assert_eq!((&record["language"]["requested"], &record["language"]["served"]), (&json!(lang), &json!(served)));
        // Behind it stands the declared chain, not the header.
        let record = app.call("GET", "/v1/themes/mobility?lang=nl").header("Accept-Language", "en").send().ok();
        assert_eq!(record["language"]["served"], "fr");
    }
}

fn all_languages_at_once(app: App) {
    let theme = app.get("/v1/themes/strategy?lang=*").ok();
    assert_eq!(theme["language"], json!({"requested": "*", "served": "*", "fallback": false, "available": ["en", "fr", "nl"]}));
    assert_eq!(theme["title"], json!({"en": "Smart City strategy", "fr": "Stratégie Smart City", "nl": "Smart City-strategie"}));
    // Each language is what it is by itself.
    for lang in ["fr", "nl", "en"] {
        let alone = app.get(&format!("/v1/volumes/strategy?lang={lang}")).ok();
        let all = app.get("/v1/volumes/strategy?lang=*").ok();
        for name in ["title", "fullTitle", "subtitle", "summary", "announcement"] {
            assert_eq!(all[name].get(lang), alone.get(name), "{name} in {lang}");
        }
        assert_eq!(all["contents"][0]["title"][lang], alone["contents"][0]["title"]);
        assert_eq!(all["contents"][0]["contents"][1]["title"][lang], alone["contents"][0]["contents"][1]["title"]);
        assert_eq!(all["themes"][0]["title"][lang], alone["themes"][0]["title"]);
    }
    // Everything in a list as well, parts and references included: no text is plain, none tells a language of its own.
    let list = app.get("/v1/volumes?lang=*&pageSize=100").ok();
    for item in list["items"].as_array().unwrap() {
        for reference in ["themes", "events", "complements", "testimonies"].iter().flat_map(|name| item[*name].as_array().unwrap()) {
            assert_eq!(reference.get("language"), None, "{reference}");
            assert!(reference.get("title").is_none_or(Value::is_object), "{reference}");
        }
        for part in item["contents"].as_array().unwrap() {
            assert!(part["title"].is_object() && part.get("language").is_none(), "{part}");
        }
    }
    let collection = app.get("/v1/collection?lang=*").ok();
    assert_eq!(collection["offers"][0]["title"], json!({"en": "Theory", "fr": "Théorie", "nl": "Theorie"}));
    // `*` in the header is no wish for all of them.
    assert!(app.call("GET", "/v1/themes/strategy").header("Accept-Language", "*").send().ok()["title"].is_string());
}

fn no_fallback(app: App) {
    run(
        &app,
        [
            at("/v1/volumes?lang=nl&fallback=none").ids(&["strategy"]).lacks(&["La mobilité"]),
            at("/v1/volumes?lang=de&fallback=none").ids(&[]),
            at("/v1/volumes?lang=en&fallback=none").ids(super::volumes::ALL),
            at("/v1/themes?lang=nl&fallback=none").ids(&["strategy"]),
            at("/v1/languages?lang=de&fallback=none").ids(&["fr", "nl", "en", "de"]),
            at("/v1/events?lang=nl&fallback=none").ids(&[]),
            at("/v1/testimonies?lang=nl&fallback=none").ids(&["filis-zumbultas", "benoit-muller", "thomas-charlier"]),
            at("/v1/complements?lang=nl&fallback=none").ids(&[]),
            at("/v1/complements?lang=*&fallback=none").ids(&["open-data-reuse", "leadership", "ecosystem-dynamics", "multidisciplinary-team"]),
            // With the header all of its wishes count, and nothing else.
            at("/v1/volumes?fallback=none").speaking("nl").ids(&["strategy"]),
            at("/v1/volumes?fallback=none")
                .speaking("nl, en;q=0.5")
                .ids(super::volumes::ALL)
                .has(&["Uw Smart City-strategie", "Tomorrow's mobility"]),
            at("/v1/volumes?fallback=none").speaking("zh").ids(super::volumes::ALL).has(&["La mobilité de demain"]),
        ],
    );
    // Items: 404 with the languages there are.
    for (path, lang, there) in [
        ("volumes/mobility", "nl", json!(["en", "fr"])),
        ("volumes/strategy", "de", json!(["en", "fr", "nl"])),
        ("themes/mobility", "de-BE", json!(["en", "fr"])),
        ("complements/leadership", "nl", json!(["en", "fr"])),
        ("events/monitoring-webinar-2021", "nl", json!(["en", "fr"])),
        ("testimonies/benoit-muller", "de", json!(["en", "fr", "nl"])),
        ("collection", "de", json!(["en", "fr", "nl"])),
    ] {
        let answer = app.get(&format!("/v1/{path}?lang={lang}&fallback=none")).expect(404);
        assert_eq!((answer.problem().as_str(), &answer.json()["languages"]), ("resourceNotFound", &there), "{path}");
        let name = path.rsplit('/').next().unwrap();
        assert!(
            answer.json()["detail"].as_str().unwrap().starts_with(&format!("'{name}' has no text in the language asked for")),
            "{}",
            answer.text()
        );
    }
    assert_eq!(app.get("/v1/volumes/strategy?lang=nl&fallback=none").ok()["language"], receipt("nl", "nl", &["en", "fr", "nl"]));
    // What is not there at all does not tell of languages.
    assert_eq!(app.get("/v1/volumes/nothing?lang=nl&fallback=none").expect(404).json().get("languages"), None);
    // What is embedded obeys as well.
    let list = app.get("/v1/volumes?lang=nl&fallback=none&embed=themes&embed=complements&embed=events").ok();
    assert_eq!(list["embedded"].as_object().unwrap().keys().collect::<Vec<_>>(), [&format!("{}/v1/themes/strategy", app.base)]);
    // And so do pages.
    assert_eq!(crawl(&app, "/v1/testimonies?lang=nl&fallback=none&pageSize=1").iter().flat_map(ids).count(), 3);
}

fn the_answer_names_its_languages(app: App) {
    for (target, wanted) in [
        ("/v1/volumes/strategy?lang=nl", "nl"),
        ("/v1/volumes/mobility?lang=nl", "fr"),
        ("/v1/volumes/strategy?lang=*", "en, fr, nl"),
        // In a list each language that serves an item, as they come.
        ("/v1/volumes?lang=nl", "nl, fr"),
        ("/v1/volumes?lang=en", "en"),
        ("/v1/volumes?lang=nl&number=4", "fr"),
        ("/v1/volumes?lang=*", "en, fr, nl"),
        ("/v1/volumes?lang=nl&number=999", "nl"),
        ("/v1/languages?lang=de", "de"),
        ("/v1/collection?lang=de", "fr"),
        // What is picked does not change what was served.
        ("/v1/volumes/mobility?lang=nl&select=(year)", "fr"),
        ("/v1/volumes?lang=nl&select=(year,language(requested))", "nl, fr"),
        ("/v1/volumes/strategy/editions/nl", "nl"),
        ("/v1/volumes/strategy/editions", "fr, nl"),
    ] {
        let answer = app.get(target).expect(200);
        assert_eq!(answer.header("content-language"), Some(wanted), "{target}");
        assert!(answer.header("vary").is_some_and(|vary| vary.split(", ").any(|name| name == "Accept-Language")), "{target}");
    }
    // Problems are told in English, whatever was asked for.
    assert_eq!(app.get("/v1/volumes/nothing?lang=nl").expect(404).header("content-language"), Some("en"));
}

fn orders_and_searches_act_on_what_is_served(app: App) {
    app.put::<VolumeDocument>(
        "both",
        "number = 7\nyear = 2024\n[texts.fr]\ntitle = \"Abeille\"\nsummary = \"seulement en français\"\n[texts.nl]\ntitle = \"Zebra\"\nsummary = \"alleen in het Nederlands\"\n",
    );
    let first_and_last = |target: &str| {
        let all = ids(&app.get(target).ok());
        (all.first().unwrap().clone(), all.last().unwrap().clone())
    };
    assert_eq!(first_and_last("/v1/volumes?sort=title&lang=fr").0, "both");
    assert_eq!(first_and_last("/v1/volumes?sort=title&lang=nl").1, "both");
    // English is asked for, French is served.
    assert_eq!(first_and_last("/v1/volumes?sort=title&lang=en").0, "both");
    let q = |text: &str, lang: &str| format!("/v1/volumes?q={}&lang={lang}", encode(text));
    run(
        &app,
        [
            at(q("abeille", "fr")).ids(&["both"]),
            at(q("abeille", "nl")).ids(&[]),
            at(q("zebra", "nl")).ids(&["both"]),
            at(q("zebra", "fr")).ids(&[]),
            at(q("abeille", "en")).ids(&["both"]),
            at(q("abeille", "en") + "&fallback=none").ids(&[]),
            at(q("alleen", "nl")).ids(&["both"]),
            // All of them: the order and the search follow the declared chain.
            at(q("abeille", "*")).ids(&["both"]),
            at(q("zebra", "*")).ids(&[]),
        ],
    );
}

fn parts_follow_their_record_and_tell_when_they_cannot(app: App) {
    app.put::<VolumeDocument>(
        "parts",
        r#"
number = 7
year = 2024
[texts.fr]
title = "Volume"
[texts.nl]
title = "Deel"
[[contents]]
kind = "part"
texts.fr = { title = "Première partie" }
texts.nl = { title = "Eerste deel", summary = "Kort" }
[[contents]]
kind = "part"
texts.fr = { title = "Deuxième partie" }
[[contents]]
kind = "part"
texts.en = { title = "Third part" }
[[figures]]
key = "sold"
value = "3"
unit = "copies"
texts.en = { title = "Sold" }
"#,
    );
    let volume = app.get("/v1/volumes/parts?lang=nl").ok();
    assert_eq!(volume["language"]["served"], "nl");
    assert_eq!(
        volume["contents"],
        json!([
            {"kind": "part", "title": "Eerste deel", "summary": "Kort"},
            {"kind": "part", "title": "Deuxième partie", "language": "fr"},
            {"kind": "part", "title": "Third part", "language": "en"}
        ])
    );
    assert_eq!(volume["figures"], json!([{"id": "sold", "value": "3", "unit": "copies", "title": "Sold", "language": "en"}]));
    // A title in one language and its summary in another would be a mixture: the part's own language serves all of it.
    let volume = app.get("/v1/volumes/parts?lang=fr").ok();
    assert_eq!(volume["contents"][0], json!({"kind": "part", "title": "Première partie"}));
    // A part follows its record, not the reader: the record is served in French although the third part has English.
    let volume = app.get("/v1/volumes/parts?lang=en").ok();
    assert_eq!(volume["language"]["served"], "fr");
    assert_eq!(volume["contents"][0]["title"], "Première partie");
}

fn references_tell_their_language(app: App) {
    // The volume is served in Dutch, its complement has none.
    let volume = app.get("/v1/volumes/strategy?lang=nl").ok();
    assert_eq!(volume["themes"][0]["title"], "Smart City-strategie");
    assert_eq!(volume["themes"][0].get("language"), None);
    assert_eq!(volume["complements"][0]["language"], "fr");
    assert_eq!(volume["complements"][0]["title"], "Le leadership : une condition essentielle de vos démarches Smart City");
    // The complement is served in French although Dutch was asked for, and its references follow it.
    let complement = app.get("/v1/complements/leadership?lang=nl").ok();
    assert_eq!(complement["language"], receipt("nl", "fr", &["en", "fr"]));
    assert_eq!(complement["volumes"][0]["title"], "Votre stratégie Smart City en 15 étapes clés");
    assert_eq!(complement["volumes"][0].get("language"), None);
}

fn texts_are_never_mixed(app: App) {
    // The Dutch text has a title and no summary: the French summary does not stand in.
    app.put::<ThemeDocument>("mixed", "[texts.fr]\ntitle = \"Titre\"\nsummary = \"Résumé\"\n[texts.nl]\ntitle = \"Titel\"\n");
    let theme = app.get("/v1/themes/mixed?lang=nl").ok();
    assert_eq!((&theme["title"], theme.get("summary")), (&json!("Titel"), None));
}

fn another_chain(database: Database) {
    let mut app = App::with(Home::new(database, Content::Seeded), &["--fallback-languages=nl,en"]);
    // Who asks for nothing gets its first language; what is not named stands at the end, so that no record is unreadable.
    for (path, how, requested, served) in [
        ("themes/strategy", "", "nl", "nl"),
        ("themes/mobility", "", "nl", "en"),
        ("themes/mobility", "lang=de", "de", "en"),
        ("themes/strategy", "lang=de", "de", "nl"),
        ("themes/mobility", "lang=fr", "fr", "fr"),
        ("themes/mobility", "Accept-Language: zh", "nl", "en"),
    ] {
        let record = ask(&app, &format!("/v1/{path}"), how);
        assert_eq!((&record["language"]["requested"], &record["language"]["served"]), (&json!(requested), &json!(served)), "{path} {how}");
    }
    app.put::<ThemeDocument>("only-french", "[texts.fr]\ntitle = \"Seulement\"\n");
    assert_eq!(app.get("/v1/themes/only-french").ok()["language"], receipt("nl", "fr", &["fr"]));
    assert_eq!(app.get("/v1/volumes?sort=title").ok()["items"][0]["title"], "Citizens participation");
    app.restart_with(&["--fallback-languages=de,fr,nl,en"]);
    assert_eq!(app.get("/v1/themes/strategy").ok()["language"], receipt("de", "fr", &["en", "fr", "nl"]));
    assert_eq!(app.get("/v1/languages/fr").ok()["title"], "Französisch");
}

fn an_unsupported_language_is_told(app: App) {
    let list = "/v1/volumes";
    for target in
        [list, "/v1/volumes/mobility", "/v1/collection", "/v1/volumes/strategy/editions", "/v1/volumes/strategy/editions/fr", "/v1/themes/strategy"]
    {
        run(
            &app,
            [
                at(format!("{target}?lang=xx")).status(400).has(&["\"name\":\"lang\"", "schemaViolation", "there is no 'xx'"]),
                at(format!("{target}?lang=")).status(400),
                at(format!("{target}?lang=FR")).status(400).has(&["Did you mean 'fr'?"]),
                at(format!("{target}?lang=en-US")).status(400),
                at(format!("{target}?lang=fr,nl")).status(400),
                at(format!("{target}?lang=fr&lang=nl")).status(400).has(&["'lang' stands more than once"]),
                at(format!("{target}?fallback=no")).status(400).has(&["Did you mean 'none'?"]),
                at(format!("{target}?langs=nl")).status(400).has(&["Did you mean 'lang'?"]),
            ],
        );
    }
}
