//! `GET /v1/collection`

use handbooks::catalogue::collection::CollectionDocument;
use handbooks::catalogue::supporter::SupporterDocument;
use serde_json::{Value, json};

use crate::support::{App, Database, at, both, run};

both!(finds, is_there_once, follows_its_supporters, selects, is_absent_from_an_empty_database);

fn finds(app: App) {
    let collection = app.get("/v1/collection?lang=en").ok();
    assert_eq!(collection["href"], format!("{}/v1/collection", app.base));
    assert_eq!(collection["title"], "Smart City Practical Handbooks");
    let counts: Vec<usize> =
        ["composition", "audiences", "offers", "principles", "supporters"].iter().map(|name| collection[*name].as_array().unwrap().len()).collect();
    assert_eq!(counts, [2, 3, 3, 4, 13]);
    // Whatever has a date says it at the precision it is known.
    for figure in collection["figures"].as_array().unwrap() {
        assert!(figure["measuredOn"].is_string(), "{figure}");
    }
    for absent in ["note", "sources", "id", "blocks"] {
        assert_eq!(collection.get(absent), None, "{absent}");
    }
}

fn is_there_once(app: App) {
    run(
        &app,
        [
            at("/v1/collection?pageSize=1").status(400).has(&["Unknown parameter 'pageSize'"]),
            at("/v1/collection?lang=xx").status(400),
            at("/v1/collection?embed=supporters").status(400),
        ],
    );
    let answer = app.call("GET", "/v1/collection/collection").undocumented().send();
    assert_eq!(answer.status, 404);
}

fn follows_its_supporters(app: App) {
    app.put::<SupporterDocument>("newcomer", "position = 0\nrole = \"partner\"\nfrom = \"2024-05\"\n[texts.fr]\ntitle = \"Nouvel arrivant\"\n[texts.nl]\ntitle = \"Nieuwkomer\"\nstate = \"draft\"\n");
    let first = |lang: &str| -> Value { app.get(&format!("/v1/collection?lang={lang}")).ok()["supporters"][0].clone() };
    assert_eq!(first("fr"), json!({"id": "newcomer", "role": "partner", "title": "Nouvel arrivant", "from": "2024-05"}));
    // Its Dutch is a draft; the language that stands in is told.
    assert_eq!(first("nl")["title"], "Nouvel arrivant");
    assert_eq!(first("nl")["language"], "fr");
    assert_eq!(first("*")["title"], json!({"fr": "Nouvel arrivant"}));
}

fn selects(app: App) {
    let collection = app.get("/v1/collection?select=(title,figures(value))").ok();
    let mut names: Vec<&String> = collection.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, ["figures", "href", "language", "title"]);
    run(&app, [at("/v1/collection?select=(intro)").status(400).has(&["There is no property 'intro' to select."])]);
}

fn is_absent_from_an_empty_database(database: Database) {
    let app = App::empty(database);
    run(&app, [at("/v1/collection").status(404)]);
    for path in ["volumes", "complements", "themes", "languages", "events", "testimonies"] {
        run(&app, [at(format!("/v1/{path}")).ids(&[]), at(format!("/v1/{path}/fr")).status(404)]);
    }
    // A collection of one's own, in one language.
    app.put::<CollectionDocument>("collection", "[texts.de]\ntitle = \"Sammlung\"\n");
    let collection = app.get("/v1/collection").ok();
    assert_eq!(collection["title"], "Sammlung");
    assert_eq!(collection["language"], json!({"requested": "fr", "served": "de", "fallback": true, "available": ["de"]}));
}
