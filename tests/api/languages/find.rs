//! `GET /v1/languages/{languageCode}`

use crate::support::{App, at, both, run};

both!(finds, refuses);

fn finds(app: App) {
    let language = app.get("/v1/languages/nl?lang=en").ok();
    assert_eq!(language["href"], format!("{}/v1/languages/nl", app.base));
    assert_eq!((&language["title"], &language["nativeName"]), (&"Dutch".into(), &"Nederlands".into()));
}

fn refuses(app: App) {
    run(
        &app,
        [
            // Well formed, and no language of the collection.
            at("/v1/languages/xx").status(404),
            at("/v1/languages/nl-be").status(404),
            at("/v1/languages/NL").status(400).has(&["\"name\":\"languageCode\""]),
        ],
    );
}
