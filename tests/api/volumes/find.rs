//! `GET /v1/volumes/{volumeId}`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, refuses, refers_to_what_is_tied_to_it);

fn finds(app: App) {
    let volume = app.get("/v1/volumes/strategy?lang=en").ok();
    for (name, value) in [
        ("href", json!(format!("{}/v1/volumes/strategy", app.base))),
        ("id", json!("strategy")),
        ("number", json!(1)),
        ("year", json!(2017)),
        ("status", json!("published")),
        ("title", json!("Your Smart City strategy in 15 key steps")),
        // Not more exact than it is known.
        ("publishedOn", json!("2017-09")),
        ("sourceLanguage", json!("fr")),
    ] {
        assert_eq!(volume[name], value, "{name}");
    }
    // What is only for editors.
    for absent in ["note", "sources", "version", "state", "texts", "embedded"] {
        assert_eq!(volume.get(absent), None, "{absent}");
    }
    // The English cover title does not exist; the French one does not stand in for a part of a text.
    assert_eq!(volume.get("fullTitle"), None);
    assert_eq!(app.get("/v1/volumes/strategy").ok()["fullTitle"], "Smart City: Le guide pratique");
    // Contents are a tree, in order.
    let parts = volume["contents"].as_array().unwrap();
    let kinds: Vec<&str> = parts.iter().map(|part| part["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["phase", "phase", "phase", "phase", "checklist"]);
    let steps: Vec<usize> = parts.iter().map(|part| part["contents"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(steps, [5, 4, 3, 3, 0]);
    let numbers: Vec<i64> =
        parts[..4].iter().flat_map(|phase| phase["contents"].as_array().unwrap()).map(|step| step["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=15).collect::<Vec<_>>());
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/volumes/no-such-volume").status(404).has(&["There is no 'no-such-volume' among the volumes."]),
            // Another noun's id.
            at("/v1/volumes/leadership").status(404),
            at("/v1/volumes/collection").status(404),
            at("/v1/volumes/4").status(404),
            at("/v1/volumes/Mobility").status(400).has(&[
                "schemaViolation",
                "\"in\":\"path\"",
                "\"name\":\"volumeId\"",
                "'Mobility' cannot be an id",
            ]),
            at("/v1/volumes/mobility?theme=mobility").status(400).has(&["Unknown parameter 'theme'"]),
            at("/v1/volumes/mobility?pageSize=1").status(400),
        ],
    );
}

fn refers_to_what_is_tied_to_it(app: App) {
    let volume = app.get("/v1/volumes/strategy").ok();
    let pairs = |name: &str| -> Vec<(String, String)> {
        volume[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].as_str().unwrap().to_owned(), one["href"].as_str().unwrap().to_owned()))
            .collect()
    };
    let wanted = |path: &str, ids: &[&str]| -> Vec<(String, String)> {
        ids.iter().map(|id| ((*id).to_owned(), format!("{}/v1/{path}/{id}", app.base))).collect()
    };
    assert_eq!(pairs("themes"), wanted("themes", &["strategy"]));
    // By number, those without one last.
    assert_eq!(pairs("complements"), wanted("complements", &["leadership", "ecosystem-dynamics", "multidisciplinary-team"]));
    // By day.
    assert_eq!(pairs("events"), wanted("events", &["strategy-presentation-2017", "strategy-video-capsules-2021"]));
    // In their order.
    assert_eq!(pairs("testimonies"), wanted("testimonies", &["filis-zumbultas", "benoit-muller", "thomas-charlier"]));
    assert_eq!(volume["events"][0]["startsOn"], "2017-09");
    assert_eq!(volume["complements"][0]["number"], 3);
    // Every link leads to what it names.
    for name in ["themes", "complements", "events", "testimonies"] {
        for (id, href) in pairs(name) {
            assert_eq!(app.get(&href).ok()["id"], id);
        }
    }
    // The tie is told from both sides.
    assert_eq!(app.get("/v1/complements/leadership").ok()["volumes"][0]["id"], "strategy");
}
