//! `GET /v1/events/{eventId}`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(finds, is_no_more_exact_than_known, refuses);

fn finds(app: App) {
    let event = app.get("/v1/events/citizen-participation-workshop-2023?lang=en").ok();
    for (name, value) in [
        ("href", json!(format!("{}/v1/events/citizen-participation-workshop-2023", app.base))),
        ("kind", json!("workshop")),
        ("status", json!("scheduled")),
        ("title", json!("Workshop: citizen participation")),
        ("startsOn", json!("2023-03-13")),
        ("endsOn", json!("2023-03-14")),
        ("startTime", json!("09:00")),
        ("endTime", json!("17:00")),
        ("timeZone", json!("Europe/Brussels")),
        ("attendance", json!("inPerson")),
        ("venue", json!("HEC Liège")),
        ("postalCode", json!("4000")),
        ("city", json!("Liège")),
        ("country", json!("BE")),
        ("languages", json!(["fr"])),
        ("volumes", json!([])),
        ("complements", json!([])),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    let guests = app.get("/v1/events/monitoring-webinar-2021").ok()["participants"].clone();
    assert_eq!(guests[0], json!({"name": "Cassotti", "organization": "SPI", "role": "guest"}));
    assert_eq!(guests.as_array().unwrap().len(), 3);
}

fn is_no_more_exact_than_known(app: App) {
    let event = app.get("/v1/events/strategy-presentation-2017").ok();
    assert_eq!(event["startsOn"], "2017-09");
    for absent in ["endsOn", "startTime", "endTime", "timeZone", "venue", "city", "attendance", "firstDay", "lastDay", "note"] {
        assert_eq!(event.get(absent), None, "{absent}");
    }
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/v1/events/no-such-event").status(404).has(&["among the events"]),
            at("/v1/events/2017").status(404),
            at("/v1/events/x_y").status(400).has(&["\"name\":\"eventId\""]),
            at("/v1/events/monitoring-webinar-2021?upcoming=true").status(400),
        ],
    );
}
