//! `GET /v1/themes/{themeId}`

use handbooks::catalogue::theme::ThemeDocument;
use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, shows_its_concept, refuses);

fn finds(app: App) {
    let theme = app.get("/v1/themes/mobility?lang=en").ok();
    assert_eq!(theme["href"], format!("{}/v1/themes/mobility", app.base));
    assert_eq!(theme["title"], "Mobility");
    assert_eq!(theme["language"], json!({"requested": "en", "served": "en", "fallback": false, "available": ["en", "fr"]}));
    for absent in ["conceptUri", "note", "position", "sources"] {
        assert_eq!(theme.get(absent), None, "{absent}");
    }
}

fn shows_its_concept(app: App) {
    app.change::<ThemeDocument>("mobility", |theme| theme.concept_uri = Some("https://data.example.org/concept/7".into()));
    assert_eq!(app.get("/v1/themes/mobility").ok()["conceptUri"], "https://data.example.org/concept/7");
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/themes/no-such-theme").status(404).has(&["among the themes"]),
            at("/v1/themes/mobility-").status(400).has(&["\"name\":\"themeId\""]),
            at("/v1/themes/mobility?embed=volumes").status(400),
        ],
    );
}
