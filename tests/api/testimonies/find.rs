//! `GET /v1/testimonies/{testimonyId}`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, shows_no_summary_where_there_is_none, refuses);

fn finds(app: App) {
    let testimony = app.get("/v1/testimonies/benoit-muller?lang=nl").ok();
    assert_eq!((&testimony["person"], &testimony["organization"]), (&json!("Benoit Muller"), &json!("Idelux")));
    assert_eq!(testimony["role"], "Projectmanager");
    assert_eq!(testimony["volumes"][0]["title"], "Uw Smart City-strategie in 15 kernstappen");
    assert_eq!(testimony["language"], json!({"requested": "nl", "served": "nl", "fallback": false, "available": ["en", "fr", "nl"]}));
}

fn shows_no_summary_where_there_is_none(app: App) {
    assert_eq!(app.get("/v1/testimonies/thomas-charlier").ok().get("summary"), None);
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/testimonies/nobody").status(404).has(&["among the testimonies"]),
            at("/v1/testimonies/Beno%C3%AEt").status(400).has(&["\"name\":\"testimonyId\""]),
        ],
    );
}
