//! `GET /v1/languages`

use crate::support::{App, at, both, run};

both!(lists_in_their_order, names_each_in_each, sorts, searches);

fn lists_in_their_order(app: App) {
    run(&app, [at("/v1/languages").ids(&["fr", "nl", "en", "de"]).has(&["Deutsch", "English", "Nederlands", "français"])]);
}

fn names_each_in_each(app: App) {
    let titles = |lang: &str| -> Vec<String> {
        let list = app.get(&format!("/v1/languages?lang={lang}")).ok();
        list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("fr"), ["français", "néerlandais", "anglais", "allemand"]);
    assert_eq!(titles("nl"), ["Frans", "Nederlands", "Engels", "Duits"]);
    assert_eq!(titles("en"), ["French", "Dutch", "English", "German"]);
    assert_eq!(titles("de"), ["Französisch", "Niederländisch", "Englisch", "Deutsch"]);
}

fn sorts(app: App) {
    run(
        &app,
        [
            at("/v1/languages?sort=-position").ids(&["de", "en", "nl", "fr"]),
            at("/v1/languages?sort=id").ids(&["de", "en", "fr", "nl"]),
            at("/v1/languages?sort=-id").ids(&["nl", "fr", "en", "de"]),
            at("/v1/languages?sort=title&lang=de").ids(&["de", "en", "fr", "nl"]),
            at("/v1/languages?sort=title&lang=fr").ids(&["de", "en", "fr", "nl"]),
            at("/v1/languages?sort=title&lang=nl").ids(&["de", "en", "fr", "nl"]),
            at("/v1/languages?sort=-title&lang=en").ids(&["de", "fr", "en", "nl"]),
            at("/v1/languages?sort=updatedAt&sort=position").ids(&["fr", "nl", "en", "de"]),
        ],
    );
}

fn searches(app: App) {
    run(
        &app,
        [
            at("/v1/languages?q=francais").ids(&["fr"]),
            at("/v1/languages?q=franz%C3%B6sisch&lang=de").ids(&["fr"]),
            at("/v1/languages?q=franzosisch&lang=de").ids(&["fr"]),
            at("/v1/languages?q=francais&lang=de").ids(&[]),
        ],
    );
}
