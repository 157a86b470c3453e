//! `GET /v1/volumes/{volumeId}/editions/{languageCode}` and `GET /v1/complements/{complementId}/editions/{languageCode}`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, refuses);

fn finds(app: App) {
    let edition = app.get("/v1/volumes/strategy/editions/fr").ok();
    let href = |path: &str| format!("{}/v1/{path}", app.base);
    assert_eq!(
        edition,
        json!({
            "href": href("volumes/strategy/editions/fr"),
            "language": "fr",
            "title": "Smart City: Le guide pratique",
            "publishedOn": "2017-09",
            "pages": 70,
            "pagesSource": "unofficial",
            "access": "form",
            "obtain": {"form": href("downloadForm?volume=strategy"), "request": href("downloadRequests"), "available": false},
            "work": {"href": href("volumes/strategy"), "id": "strategy", "title": "Votre stratégie Smart City en 15 étapes clés", "number": 1}
        })
    );
    let edition = app.get("/v1/volumes/strategy/editions/nl?lang=nl").ok();
    assert_eq!(
        (&edition["title"], &edition["publishedOn"], edition.get("pages")),
        (&json!("Smart City: De praktische gids"), &json!("2018-09"), None)
    );
    // What is not known is absent.
    let edition = app.get("/v1/volumes/mobility/editions/fr").ok();
    for absent in ["title", "publishedOn", "pages", "pagesSource", "isbn", "doi", "handle", "file"] {
        assert_eq!(edition.get(absent), None, "{absent}");
    }
    assert!(
        app.get("/v1/complements/open-data-reuse/editions/fr").ok()["externalUrl"].as_str().unwrap().starts_with("https://www.digitalwallonia.be/")
    );
}

fn refuses(app: App) {
    run(
        &app,
        [
            // A language of the API in which there is no edition: 404, with those that exist.
            at("/v1/volumes/mobility/editions/nl").status(404).has(&["\"languages\":[\"fr\"]"]),
            at("/v1/volumes/strategy/editions/de").status(404).has(&["\"languages\":[\"fr\",\"nl\"]"]),
            // No language of the API: it cannot exist.
            at("/v1/volumes/strategy/editions/xx").status(400).has(&["\"in\":\"path\"", "\"name\":\"languageCode\""]),
            at("/v1/volumes/strategy/editions/FR").status(400),
            at("/v1/volumes/strategy/editions/fr-BE").status(400),
            at("/v1/volumes/no-such-volume/editions/fr").status(404),
            at("/v1/complements/leadership/editions/nl").status(404),
        ],
    );
}
