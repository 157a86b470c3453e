//! `GET /v1/volumes/{volumeId}/editions` and `GET /v1/complements/{complementId}/editions`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(lists, agrees_with_its_work_and_with_each_edition, refuses);

fn lists(app: App) {
    let list = app.get("/v1/volumes/strategy/editions").ok();
    assert_eq!(list["self"], format!("{}/v1/volumes/strategy/editions", app.base));
    assert_eq!(list["total"], 2);
    let asked = app.get("/v1/volumes/strategy/editions?lang=en&at=1").ok();
    assert_eq!(asked["self"], format!("{}/v1/volumes/strategy/editions?lang=en&at=1", app.base));
    let languages: Vec<&str> = list["items"].as_array().unwrap().iter().map(|item| item["language"].as_str().unwrap()).collect();
    assert_eq!(languages, ["fr", "nl"]);
    assert_eq!(app.get("/v1/complements/leadership/editions").ok()["total"], 1);
    let none = app.get("/v1/complements/multidisciplinary-team/editions").ok();
    assert_eq!((&none["total"], &none["items"]), (&json!(0), &json!([])));
}

fn agrees_with_its_work_and_with_each_edition(app: App) {
    for (path, id) in [("volumes", "strategy"), ("volumes", "mobility"), ("complements", "open-data-reuse")] {
        for lang in ["fr", "en", "*"] {
            let work = app.get(&format!("/v1/{path}/{id}?lang={lang}")).ok();
            let list = app.get(&format!("/v1/{path}/{id}/editions?lang={lang}")).ok();
            let items = list["items"].as_array().unwrap();
            assert_eq!(items.len(), work["editions"].as_array().unwrap().len());
            for (item, within) in items.iter().zip(work["editions"].as_array().unwrap()) {
                let alone = app.get(&format!("{}?lang={lang}", item["href"].as_str().unwrap())).ok();
                assert_eq!(alone, *item);
                // Within its work an edition does not name the work again.
                let mut item = item.clone();
                let named = item.as_object_mut().unwrap().remove("work").unwrap();
                assert_eq!(item, *within);
                assert_eq!((&named["href"], &named["id"], named.get("number")), (&work["href"], &work["id"], work.get("number")));
                assert_eq!(named["title"], work["title"], "{path}/{id} in {lang}");
            }
        }
    }
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/volumes/no-such-volume/editions").status(404),
            at("/v1/complements/strategy/editions").status(404),
            at("/v1/volumes/Strategy/editions").status(400),
            at("/v1/volumes/strategy/editions?pageSize=1").status(400).has(&["Unknown parameter 'pageSize'"]),
            at("/v1/volumes/strategy/editions?language=fr").status(400).has(&["There are: lang, fallback, at, preview."]),
        ],
    );
}
