//! `GET /v1/themes`

use handbooks::catalogue::theme::ThemeDocument;

use crate::support::{App, at, both, run};

both!(lists_in_their_order, sorts, searches, selects, places_those_without_a_position_last);

const ALL: &[&str] =
    &["strategy", "citizen-participation", "data-governance", "mobility", "monitoring-and-evaluation", "public-private-partnerships"];

fn lists_in_their_order(app: App) {
    run(&app, [at("/v1/themes").ids(ALL).lacks(&["slug is ours", "\"position\""])]);
}

fn sorts(app: App) {
    let reversed: Vec<&str> = ALL.iter().rev().copied().collect();
    let by_id = ["citizen-participation", "data-governance", "mobility", "monitoring-and-evaluation", "public-private-partnerships", "strategy"];
    run(
        &app,
        [
            at("/v1/themes?sort=position").ids(ALL),
            at("/v1/themes?sort=-position").ids(&reversed),
            at("/v1/themes?sort=id").ids(&by_id),
            at("/v1/themes?sort=-id").ids(&by_id.iter().rev().copied().collect::<Vec<_>>()),
            // Gouvernance, Mobilité, Participation, Partenariats, Stratégie, Suivi.
            at("/v1/themes?sort=title&lang=fr").ids(&[
                "data-governance",
                "mobility",
                "public-private-partnerships",
                "citizen-participation",
                "strategy",
                "monitoring-and-evaluation",
            ]),
            at("/v1/themes?sort=-title&lang=en").ids(&[
                "strategy",
                "public-private-partnerships",
                "monitoring-and-evaluation",
                "mobility",
                "data-governance",
                "citizen-participation",
            ]),
            at("/v1/themes?sort=updatedAt&sort=-position").ids(&reversed),
        ],
    );
}

fn searches(app: App) {
    run(
        &app,
        [
            at("/v1/themes?q=donnees").ids(&["data-governance"]),
            at("/v1/themes?q=data&lang=en").ids(&["data-governance"]),
            at("/v1/themes?q=smart+city").ids(&["strategy"]),
            at("/v1/themes?q=gemeente&lang=nl").ids(&["strategy"]),
            at("/v1/themes?q=gemeente&lang=fr").ids(&[]),
        ],
    );
}

fn selects(app: App) {
    run(
        &app,
        [
            at("/v1/themes?select=(title)").ids(ALL).has(&["Mobilité"]).lacks(&["summary", "createdAt"]),
            at("/v1/themes?select=(titel)").status(400).has(&["There is no property 'titel' to select. Did you mean 'title'?"]),
            // A theme has nothing to embed: the parameter itself is unknown.
            at("/v1/themes?embed=volumes").status(400).has(&["Unknown parameter 'embed'"]),
        ],
    );
}

fn places_those_without_a_position_last(app: App) {
    app.put::<ThemeDocument>("adrift", "[texts.fr]\ntitle = \"Aaa\"\n");
    app.put::<ThemeDocument>("between", "position = 3\n[texts.fr]\ntitle = \"Bbb\"\n");
    run(
        &app,
        [at("/v1/themes").ids(&[
            "strategy",
            "citizen-participation",
            "data-governance",
            "between",
            "mobility",
            "monitoring-and-evaluation",
            "public-private-partnerships",
            "adrift",
        ])],
    );
}
