//! `GET /v1/complements/{complementId}`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, refuses, keeps_its_doubts_to_itself);

fn finds(app: App) {
    let complement = app.get("/v1/complements/open-data-reuse?lang=en").ok();
    for (name, value) in [
        ("href", json!(format!("{}/v1/complements/open-data-reuse", app.base))),
        ("number", json!(1)),
        ("year", json!(2022)),
        ("publishedOn", json!("2022-12-07")),
        ("title", json!("How to make your open data more reusable ?")),
        ("fullTitle", json!("Open Data: How to promote the reuse of open data")),
    ] {
        assert_eq!(complement[name], value, "{name}");
    }
    assert_eq!(complement["volumes"][0]["href"], format!("{}/v1/volumes/data-governance", app.base));
    assert_eq!(complement["volumes"][0]["number"], 3);
    assert_eq!(complement["editions"][0]["obtain"]["form"], format!("{}/v1/downloadForm?complement=open-data-reuse", app.base));
    assert_eq!(complement["contributors"], json!([{"name": "Futurocité", "role": "partner"}, {"name": "Smart City Institute", "role": "publisher"}]));
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/complements/no-such-complement").status(404).has(&["among the complements"]),
            at("/v1/complements/strategy").status(404),
            at("/v1/complements/Leadership").status(400).has(&["\"name\":\"complementId\""]),
        ],
    );
}

fn keeps_its_doubts_to_itself(app: App) {
    // The number of these two is in conflict: it is absent, and the note about it is not public.
    for id in ["ecosystem-dynamics", "multidisciplinary-team"] {
        let complement = app.get(&format!("/v1/complements/{id}?lang=*")).ok();
        for absent in ["number", "year", "publishedOn", "note", "sources"] {
            assert_eq!(complement.get(absent), None, "{id}: {absent}");
        }
        assert!(!complement.to_string().contains("conflict"), "{complement}");
    }
    assert_eq!(app.get("/v1/complements/multidisciplinary-team").ok()["editions"], json!([]));
}
