//! `GET /v1/complements`

use handbooks::catalogue::complement::ComplementDocument;

use crate::support::{App, at, both, run};

both!(lists_by_number, filters, sorts, searches, embeds);

/// By number; those without one last, in the order they were made.
const ALL: &[&str] = &["open-data-reuse", "leadership", "ecosystem-dynamics", "multidisciplinary-team"];

fn lists_by_number(app: App) {
    run(&app, [at("/v1/complements").ids(ALL)]);
    let list = app.get("/v1/complements").ok();
    // A number that is not known is absent, not guessed: there is no complement 2.
    let numbers: Vec<Option<i64>> = list["items"].as_array().unwrap().iter().map(|item| item.get("number").map(|n| n.as_i64().unwrap())).collect();
    assert_eq!(numbers, [Some(1), Some(3), None, None]);
}

fn filters(app: App) {
    run(
        &app,
        [
            at("/v1/complements?volume=strategy").ids(&["leadership", "ecosystem-dynamics", "multidisciplinary-team"]),
            at("/v1/complements?volume=data-governance").ids(&["open-data-reuse"]).lacks(&["/complements/leadership\""]),
            at("/v1/complements?volume=strategy&volume=data-governance").ids(ALL),
            at("/v1/complements?volume=mobility").ids(&[]),
            at("/v1/complements?volume=no-such-volume").status(400).has(&["there is no volume"]),
            // A theme has the same id as the volume; a filter means what it says.
            at("/v1/complements?theme=data-governance").ids(&["open-data-reuse"]),
            at("/v1/complements?number=3").ids(&["leadership"]),
            at("/v1/complements?number=1&number=3").ids(&["open-data-reuse", "leadership"]),
            at("/v1/complements?number=2").ids(&[]),
            at("/v1/complements?year=2022").ids(&["open-data-reuse"]),
            at("/v1/complements?status=published").ids(ALL),
            at("/v1/complements?status=announced").ids(&[]),
            // No edition of the last one is known.
            at("/v1/complements?language=fr").ids(&["open-data-reuse", "leadership", "ecosystem-dynamics"]),
            at("/v1/complements?language=nl").ids(&[]),
            at("/v1/complements?volume=strategy&language=fr").ids(&["leadership", "ecosystem-dynamics"]),
            at("/v1/complements?volume=strategy&year=2022").ids(&[]),
        ],
    );
    // One that deepens two volumes is found by either, once.
    app.put::<ComplementDocument>(
        "double",
        "number = 9\nvolumes = [\"mobility\", \"strategy\"]\nthemes = [\"mobility\", \"strategy\"]\n[texts.fr]\ntitle = \"Double\"\n",
    );
    run(
        &app,
        [
            at("/v1/complements?volume=mobility").ids(&["double"]).has(&["/v1/volumes/mobility\"", "/v1/volumes/strategy\""]),
            at("/v1/complements?volume=mobility&volume=strategy").ids(&["leadership", "double", "ecosystem-dynamics", "multidisciplinary-team"]),
            at("/v1/complements?theme=mobility&theme=strategy&number=9").ids(&["double"]),
        ],
    );
}

fn sorts(app: App) {
    run(
        &app,
        [
            at("/v1/complements?sort=number").ids(ALL),
            // Without a number is after all numbers, and so before them when the order is turned round.
            at("/v1/complements?sort=-number").ids(&["multidisciplinary-team", "ecosystem-dynamics", "leadership", "open-data-reuse"]),
            at("/v1/complements?sort=id").ids(&["ecosystem-dynamics", "leadership", "multidisciplinary-team", "open-data-reuse"]),
            at("/v1/complements?sort=-id").ids(&["open-data-reuse", "multidisciplinary-team", "leadership", "ecosystem-dynamics"]),
            // "La dynamique…", "Le leadership…", "L'équipe…", "Open Data…": an apostrophe stands before letters.
            at("/v1/complements?sort=title&lang=fr").ids(&["multidisciplinary-team", "ecosystem-dynamics", "leadership", "open-data-reuse"]),
            at("/v1/complements?sort=title&lang=en").ids(&["ecosystem-dynamics", "open-data-reuse", "leadership", "multidisciplinary-team"]),
            at("/v1/complements?sort=-title&lang=en").ids(&["multidisciplinary-team", "leadership", "open-data-reuse", "ecosystem-dynamics"]),
            at("/v1/complements?sort=-updatedAt&sort=-id").ids(&["open-data-reuse", "multidisciplinary-team", "leadership", "ecosystem-dynamics"]),
            // A complement's year may be unknown, so there is no order by it.
            at("/v1/complements?sort=year").status(400).has(&["cannot sort by 'year'"]),
        ],
    );
}

fn searches(app: App) {
    run(
        &app,
        [
            at("/v1/complements?q=leadership").ids(&["leadership"]),
            at("/v1/complements?q=helice").ids(&["ecosystem-dynamics"]),
            at("/v1/complements?q=helix&lang=en").ids(&["ecosystem-dynamics"]),
            at("/v1/complements?q=helix").ids(&[]),
            at("/v1/complements?q=smart+city&volume=strategy").ids(&["leadership", "ecosystem-dynamics", "multidisciplinary-team"]),
        ],
    );
}

fn embeds(app: App) {
    let list = app.get("/v1/complements?embed=volumes&embed=themes&lang=en").ok();
    let mut found: Vec<&String> = list["embedded"].as_object().unwrap().keys().collect();
    found.sort_unstable();
    let mut wanted: Vec<String> = ["themes/data-governance", "themes/strategy", "volumes/data-governance", "volumes/strategy"]
        .iter()
        .map(|path| format!("{}/v1/{path}", app.base))
        .collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted.iter().collect::<Vec<_>>());
    for (address, record) in list["embedded"].as_object().unwrap() {
        assert_eq!(*record, app.get(&format!("{address}?lang=en")).ok());
    }
    run(&app, [at("/v1/complements?embed=complements").status(400).has(&["there is no 'complements'"])]);
}
